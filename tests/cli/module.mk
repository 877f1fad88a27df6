# Tests of the programs from outside, at their command lines and sockets.
TEST_STEPS += broker
TEST_COMMAND_broker = tests/cli/broker --program $(BUILD)/etalon

TEST_STEPS += configuration
TEST_COMMAND_configuration = tests/cli/configuration --program $(BUILD)/etalon

TEST_STEPS += passwords
TEST_COMMAND_passwords = tests/cli/passwords --program $(BUILD)/etalon

TEST_STEPS += scram
TEST_COMMAND_scram = tests/cli/scram --program $(BUILD)/etalon

TEST_STEPS += tls
TEST_COMMAND_tls = tests/cli/tls --program $(BUILD)/etalon --certificates $(BUILD)/certs

TEST_STEPS += websocket
TEST_COMMAND_websocket = tests/cli/websocket --program $(BUILD)/etalon --certificates $(BUILD)/certs

TEST_STEPS += persistence
TEST_COMMAND_persistence = tests/cli/persistence --program $(BUILD)/etalon

TEST_STEPS += dissect
TEST_COMMAND_dissect = tests/cli/dissect --build $(BUILD)

TEST_STEPS += store-tool
TEST_COMMAND_store-tool = tests/cli/store --build $(BUILD)

TEST_STEPS += privileges
TEST_COMMAND_privileges = tests/cli/privileges --program $(BUILD)/etalon --certificates $(BUILD)/certs

# The programs of this build, its manual pages and an installation below a folder of the test's own.
TEST_PROGRAMS += manual
TEST_STEPS += manual
TEST_COMMAND_manual = tests/cli/manual --build $(BUILD)

# The conformance suite as a program: what it says, what it leaves behind.
LONG_TEST_STEPS += suite
TEST_COMMAND_suite = tests/cli/suite --build $(BUILD)
