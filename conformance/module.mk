# The conformance suite. Every conformance/tests/*.c is part of it: adding a file is enough.

CONFORMANCE_MAIN := conformance/main.c
CONFORMANCE_SELFTEST := conformance/selftest.c conformance/stub.c
CONFORMANCE_FRAMEWORK := $(filter-out $(CONFORMANCE_MAIN) $(CONFORMANCE_SELFTEST),$(wildcard conformance/*.c))
CONFORMANCE_TESTS := $(sort $(wildcard conformance/tests/*.c))
CONFORMANCE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(CONFORMANCE_MAIN) $(CONFORMANCE_FRAMEWORK) $(CONFORMANCE_TESTS))
SELFTEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(CONFORMANCE_SELFTEST) $(CONFORMANCE_FRAMEWORK))

# Options of the suite's language have defaults that are then overridden: that is their point.
$(CONFORMANCE_OBJECTS) $(SELFTEST_OBJECTS): MODULE_CFLAGS = -Wno-override-init

PROGRAMS += $(BUILD)/etalon-conformance
TEST_PROGRAMS += $(BUILD)/conformance-selftest
TEST_STEPS += conformance-selftest
TEST_COMMAND_conformance-selftest := $(BUILD)/conformance-selftest

$(BUILD)/etalon-conformance: $(CONFORMANCE_OBJECTS) $(CODEC_LIBRARY)
	$(CC) $^ $(ALL_LDFLAGS) -lm -o $@

$(BUILD)/conformance-selftest: $(SELFTEST_OBJECTS) $(CODEC_LIBRARY)
	$(CC) $^ $(ALL_LDFLAGS) -lm -o $@

.PHONY: conformance-list
conformance-list: $(BUILD)/etalon-conformance ## list the conformance tests
	@$(BUILD)/etalon-conformance --list
