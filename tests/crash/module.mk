# The broker is killed at random instants under load; what it has acknowledged must be there. See tests/crash/README.md.
#   make crash [KILLS=n] [SEED=n] [BROKER=mosquitto|memory] [DURABILITY=async]
CRASH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/crash/*.c)))
CRASH_SEED = $(if $(SEED),--seed $(SEED))
KILLS ?= 200
BROKER ?= etalon

TEST_PROGRAMS += $(BUILD)/crash-tests
TEST_STEPS += crash
TEST_COMMAND_crash = $(BUILD)/crash-tests --program $(BUILD)/etalon --kills 25 $(CRASH_SEED)
TEST_STEPS += crash-self-test
TEST_COMMAND_crash-self-test = $(BUILD)/crash-tests --program $(BUILD)/etalon --self-test $(CRASH_SEED)
TEST_STEPS += synced
TEST_COMMAND_synced = tests/crash/synced --program $(BUILD)/etalon

$(BUILD)/crash-tests: $(CRASH_OBJECTS)
	$(SAY) LD $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $^ -lm -o $@

.PHONY: crash
crash: $(BUILD)/crash-tests $(BUILD)/etalon ## kill the broker under load (KILLS=200), see what it lost (BROKER=mosquitto: another one)
	@$(BUILD)/crash-tests $(if $(filter mosquitto,$(BROKER)),,--program $(BUILD)/etalon) --broker $(BROKER) \
	    --kills $(KILLS) $(CRASH_SEED) $(if $(DURABILITY),--durability $(DURABILITY))
