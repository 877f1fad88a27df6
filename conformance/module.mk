# The conformance suite. Every conformance/tests/*.c is part of it: adding a file is enough.

CONFORMANCE_MAIN := conformance/main.c
CONFORMANCE_SELFTEST := conformance/selftest.c conformance/stub.c
CONFORMANCE_FRAMEWORK := $(filter-out $(CONFORMANCE_MAIN) $(CONFORMANCE_SELFTEST),$(wildcard conformance/*.c)) \
    src/host/nearest.c
CONFORMANCE_TESTS := $(sort $(wildcard conformance/tests/*.c))
CONFORMANCE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(CONFORMANCE_MAIN) $(CONFORMANCE_FRAMEWORK) $(CONFORMANCE_TESTS))
SELFTEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(CONFORMANCE_SELFTEST) $(CONFORMANCE_FRAMEWORK))

# The parts of the HTML report, within the program.
REPORT_ASSETS := $(addprefix conformance/report/,embed page.html style.css script.js)
CONFORMANCE_OBJECTS += $(BUILD)/generated/report_assets.o
SELFTEST_OBJECTS += $(BUILD)/generated/report_assets.o

$(BUILD)/generated/report_assets.c: $(REPORT_ASSETS) spec/sections.tsv
	@mkdir -p $(@D)
	$(SAY) EMBED $@
	$(QUIET)conformance/report/embed $@

$(BUILD)/generated/report_assets.o $(BUILD)/generated/explain_data.o: ALL_CFLAGS += -Iconformance

# What --explain tells of mutants and tests; and how it finds what somebody may have meant.
CONFORMANCE_OBJECTS += $(BUILD)/generated/explain_data.o $(BUILD)/src/host/nearest.o
SELFTEST_OBJECTS += $(BUILD)/generated/explain_data.o $(BUILD)/src/host/nearest.o

$(BUILD)/generated/explain_data.c: conformance/explain-data $(wildcard conformance/mutants/*.c conformance/tests/*.c)
	@mkdir -p $(@D)
	$(SAY) EMBED $@
	$(QUIET)conformance/explain-data $@

# Options of the suite's language have defaults that are then overridden: that is their point.
$(CONFORMANCE_OBJECTS) $(SELFTEST_OBJECTS): MODULE_CFLAGS = -Wno-override-init

# Symbols are found once, and not anew in the process of each test.
CONFORMANCE_LIBS := -lssl -lcrypto -ljansson -lm -Wl,-z,now

PROGRAMS += $(BUILD)/etalon-conformance
TEST_PROGRAMS += $(BUILD)/conformance-selftest
TEST_STEPS += conformance-selftest
TEST_COMMAND_conformance-selftest := $(BUILD)/conformance-selftest

$(BUILD)/etalon-conformance: $(CONFORMANCE_OBJECTS) $(CODEC_LIBRARY)
	$(SAY) LINK $@
	$(QUIET)$(CC) $^ $(ALL_LDFLAGS) $(CONFORMANCE_LIBS) -o $@

# The selftest can refuse the runner a process.
$(BUILD)/conformance-selftest: SELFTEST_LIBS := -Wl,--wrap=nursery_birth
$(BUILD)/conformance-selftest: $(SELFTEST_OBJECTS) $(CODEC_LIBRARY)
	$(SAY) LINK $@
	$(QUIET)$(CC) $^ $(ALL_LDFLAGS) $(CONFORMANCE_LIBS) $(SELFTEST_LIBS) -o $@

.PHONY: conformance-list
conformance-list: $(BUILD)/etalon-conformance ## list the conformance tests
	@$(BUILD)/etalon-conformance --list

.PHONY: conformance
conformance: deps-build ## run the conformance suite against the reference broker, and name the reports
	@$(MAKE) --no-print-directory conformance-run

.PHONY: conformance-all
conformance-all: deps-build ## the same with every test over every transport
	@$(MAKE) --no-print-directory conformance-run CONFORMANCE_OPTIONS=--everything

.PHONY: conformance-run
conformance-run: $(BUILD)/etalon $(BUILD)/etalon-conformance $(BUILD)/certs/made
	@conformance/measure-etalon $(BUILD) $(CONFORMANCE_OPTIONS)

# What the suite makes of servers that behave oddly below MQTT.
TEST_STEPS += conformance-transports
TEST_COMMAND_conformance-transports := conformance/transports-test --build $(BUILD)

# Every form of report, read back; without a browser what needs one is skipped.
TEST_STEPS += conformance-reports
TEST_COMMAND_conformance-reports := conformance/reports-test --build $(BUILD)

# The groups: their table, and how they are asked for.
TEST_STEPS += conformance-groups
TEST_COMMAND_conformance-groups := conformance/groups-test --build $(BUILD)

# In `make test` the reports are what counts: their summary becomes the step's closing line.
TEST_STEPS += conformance
# Sanitizers make handshakes so slow that fewer fit into the broker's connect_timeout.
TEST_COMMAND_conformance = $(if $(SAN),JOBS=24 )conformance/measure-etalon $(BUILD) && \
    conformance/closing-line $(BUILD)/report/etalon.json $(BUILD)/report/etalon-*.json

include conformance/brokers/module.mk conformance/mutants/module.mk conformance/soak.mk
