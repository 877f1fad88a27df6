# Every allocation of the broker fails once. The program counts what is allocated and freed by itself, so that a leak is
# found without a sanitizer; with one (SAN=address,undefined) it finds more.
MEMORY_OBJECTS := $(BUILD)/tests/memory/main.o $(BUILD)/tests/memory/scenario.o $(BUILD)/tests/unit/broker_harness.o \
    $(BUILD)/tests/unit/broker_harness_store.o \
    $(BUILD)/tests/unit/octets.o

TEST_PROGRAMS += $(BUILD)/memory-tests
TEST_STEPS += memory
TEST_COMMAND_memory := $(BUILD)/memory-tests

$(BUILD)/tests/memory/main.o $(BUILD)/tests/memory/scenario.o: MODULE_CFLAGS = $(shell pkg-config --cflags check) -Itests/unit

$(BUILD)/memory-tests: $(MEMORY_OBJECTS) $(MQTT_LIBRARY)
	$(SAY) LD $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $(foreach name,malloc calloc realloc free,-Wl$(comma)--wrap=$(name)) $^ $(CHECK_LIBS) -o $@
