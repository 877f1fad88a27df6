# Deterministic simulation of broker, clients, network, store and clock. See tests/simulation/README.md.
#   make simulate SEEDS=10000     so many seeds, with marks and figures
#   make simulate SEED=17         one seed again, with every packet
#   make simulate FAULTS=1        the planted faults
SIMULATION_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/simulation/*.c)))

TEST_PROGRAMS += $(BUILD)/simulate
TEST_STEPS += simulation
TEST_COMMAND_simulation := $(BUILD)/simulate --short

$(BUILD)/simulate: $(SIMULATION_OBJECTS) $(MQTT_LIBRARY)
	$(SAY) LINK $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $(foreach name,malloc calloc realloc free,-Wl$(comma)--wrap=$(name)) $^ -o $@

SEEDS ?= 2000
SEED ?=
FAULTS ?=

.PHONY: simulate
simulate: $(BUILD)/simulate ## broker, clients, network, disk and clock from seeds (SEEDS=2000, SEED=n, FAULTS=1)
	@$(BUILD)/simulate $(if $(SEED),--seed $(SEED),$(if $(FAULTS),--faults,--seeds $(SEEDS)))
