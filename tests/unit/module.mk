# The unit tests. Every tests/unit/test_NAME.c defines `Suite *suite_NAME(void)`; all of them are collected here.
#   make unit-tests-run    build and run
#   make coverage          run on an instrumented build; fails below the thresholds

UNIT_TESTS := $(sort $(wildcard tests/unit/test_*.c))
UNIT_NAMES := $(UNIT_TESTS:tests/unit/test_%.c=%)
UNIT_SUPPORT := $(filter-out tests/unit/test_%,$(sort $(wildcard tests/unit/*.c)))
UNIT_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(UNIT_TESTS) $(UNIT_SUPPORT))
# What of the host needs no socket.
UNIT_HOST := src/host/address_limits.c src/host/configuration.c src/host/configuration_keywords.c src/host/nearest.c src/host/store_dump.c \
    src/host/store_verify.c src/host/system_topics.c src/host/http_upgrade.c src/host/websocket.c src/host/websocket_output.c \
    $(SCRAM_SOURCES) $(addprefix src/host/,acl.c authenticator.c login_throttle.c password_file.c)
UNIT_REGISTRY := $(BUILD)/generated/unit_registry.h

TEST_PROGRAMS += $(BUILD)/unit-tests
TEST_STEPS += unit
# With sanitizers all in one process: LeakSanitizer at the end of a process per test takes ten times as long as the tests.
TEST_COMMAND_unit := $(if $(SAN),CK_FORK=no )$(BUILD)/unit-tests

# Written anew only when the list of files has changed.
.PHONY: unit-registry
unit-registry:
	@mkdir -p $(BUILD)/generated
	@{ echo '/* Made by tests/unit/module.mk from the names of the files. */'; \
	   for name in $(UNIT_NAMES); do echo "Suite *suite_$$name(void);"; done; \
	   echo 'static const struct unit_suite {'; echo '    const char *name;'; \
	   echo '    Suite *(*create)(void);'; echo '} unit_suites[] = {'; \
	   for name in $(UNIT_NAMES); do echo "    {\"$$name\", suite_$$name},"; done; \
	   echo '};'; } > $(UNIT_REGISTRY).new
	@cmp -s $(UNIT_REGISTRY).new $(UNIT_REGISTRY) || mv $(UNIT_REGISTRY).new $(UNIT_REGISTRY)
	@rm -f $(UNIT_REGISTRY).new
$(UNIT_REGISTRY): unit-registry ;

$(BUILD)/tests/unit/main.o: $(UNIT_REGISTRY)
$(UNIT_OBJECTS): MODULE_CFLAGS = $(shell pkg-config --cflags check)

$(BUILD)/unit-tests: $(UNIT_OBJECTS) $(call objects,$(UNIT_HOST)) $(MQTT_LIBRARY)
	$(SAY) LD $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $^ $(CHECK_LIBS) $(WEBSOCKET_LIBS) $(SCRAM_LIBS) $(TLS_LIBS) $(UV_LIBS) -lm -o $@

.PHONY: unit-tests-run
unit-tests-run: $(BUILD)/unit-tests ## build and run the unit tests alone
	$(BUILD)/unit-tests

# Coverage. The codec is small and its input comes from strangers: every line, and nearly every branch, has a test
# (what is missing are the far sides of assertions).
COVERAGE_BUILD := build/coverage
COVERAGE_CODEC := src/mqtt/(1_5_data_representation|2_1_fixed_header|2_2_1_packet_identifier|2_2_2_properties|$\
2_4_reason_code|3_packet|3_01_connect|3_02_connack|3_03_publish|3_04_puback|3_05_pubrec|3_06_pubrel|3_07_pubcomp|$\
3_08_subscribe|3_09_suback|3_10_unsubscribe|3_11_unsuback|3_12_pingreq|3_13_pingresp|3_14_disconnect|3_15_auth|$\
4_01_1_records|4_07_topics)\.c
GCOVR := gcovr --root . --object-directory $(COVERAGE_BUILD)

.PHONY: coverage
coverage: ## unit tests with line and branch coverage: 100 % of lines and 95 % of branches of the codec
	$(MAKE) --no-print-directory COVERAGE=1 BUILD=$(COVERAGE_BUILD) $(COVERAGE_BUILD)/unit-tests
	find $(COVERAGE_BUILD) -name '*.gcda' -delete
	$(COVERAGE_BUILD)/unit-tests
	@echo 'src/base and src/mqtt, lines:'
	$(GCOVR) --filter 'src/(base|mqtt)/' $(COVERAGE_BUILD)
	@echo 'The codec, lines and branches (thresholds 100 % and 95 %):'
	$(GCOVR) --filter '$(COVERAGE_CODEC)' --branches $(COVERAGE_BUILD)
	@# The table was shown already. gcovr deletes its output file before writing it; as root even the device /dev/null.
	$(GCOVR) --filter '$(COVERAGE_CODEC)' --fail-under-line 100 --fail-under-branch 95 --print-summary \
	    -o $(COVERAGE_BUILD)/codec.txt $(COVERAGE_BUILD)
