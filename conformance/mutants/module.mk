# The mutants of the conformance suite. Every file named by a section holds mutants: adding one is enough.

MUTANT_SOURCES := $(sort $(wildcard conformance/mutants/*.c))
MUTANT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(MUTANT_SOURCES))

PROGRAMS += $(BUILD)/etalon-mutant

$(BUILD)/etalon-mutant: $(MUTANT_OBJECTS) $(CODEC_LIBRARY)
	$(SAY) LINK $@
	$(QUIET)$(CC) $^ $(ALL_LDFLAGS) -lm -o $@

.PHONY: mutants
mutants: $(BUILD)/etalon $(BUILD)/etalon-conformance $(BUILD)/etalon-mutant ## prove the conformance tests on brokers with one fault each
	@conformance/mutants/run --build $(BUILD)

LONG_TEST_STEPS += mutants
# What kills a mutant is not the sanitizers' business: with them a part shows that the programs behave.
TEST_COMMAND_mutants := conformance/mutants/run --build $(BUILD)$(if $(SAN), --every 20)
