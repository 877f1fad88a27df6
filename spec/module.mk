# The C tables made from the catalogue. One run of spec/generate writes them all; a file whose content stays
# the same keeps its time, so it is the stamp that records when they were last compared with the catalogue.
GENERATED_NAMES := statement property_table reason_code
GENERATED_SOURCES := $(GENERATED_NAMES:%=$(BUILD)/generated/%.c)
GENERATED_HEADERS := $(GENERATED_NAMES:%=$(BUILD)/generated/%.h)
SPEC_TABLES := spec/mqtt-5.0.tsv spec/mqtt-3.1.1.tsv spec/properties.tsv spec/reason-codes.tsv

$(BUILD)/generated/.stamp: spec/generate $(SPEC_TABLES)
	spec/generate $(BUILD)/generated
	@touch $@

# The stamp may outlive a file that somebody removed by hand.
$(GENERATED_SOURCES) $(GENERATED_HEADERS): $(BUILD)/generated/.stamp
	@test -f $@ || spec/generate $(@D)

.PHONY: trace
trace: ## write the matrix of requirements, code, tests and mutants: docs/traceability.md and HTML in build/
	spec/trace --markdown docs/traceability.md --html $(BUILD)/traceability.html

TEST_STEPS += trace
TEST_COMMAND_trace := spec/trace --totals --html $(BUILD)/traceability.html
