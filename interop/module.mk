# Interoperability with real clients: see interop/README.md.
# The 3cs and 3as flavours of Paho are those with TLS, so that one binary reaches every kind of URL.

INTEROP_COMMON := $(addprefix $(BUILD)/interop/,cases.o cases_5.o cases_security.o inbox.o pacemaker.o program.o scene.o)
INTEROP_PROGRAMS := $(BUILD)/interop-paho-sync $(BUILD)/interop-paho-async
INTEROP_FLAGS ?=
# Where tests/deps installs MQTT.js: the same whatever BUILD is.
MQTTJS := build/mqttjs

TEST_PROGRAMS += $(INTEROP_PROGRAMS)
LONG_TEST_STEPS += interop
TEST_COMMAND_interop := interop/run --build $(BUILD) --mqttjs $(MQTTJS)

.PHONY: deps-browser
deps-browser: ## install the browser that the tests over WebSocket use (100 MB and more)
	@tests/deps browser

$(INTEROP_COMMON) $(BUILD)/interop/paho_sync.o $(BUILD)/interop/paho_async.o: MODULE_CFLAGS = -pthread

$(BUILD)/interop-paho-sync: $(BUILD)/interop/paho_sync.o $(INTEROP_COMMON)
	$(CC) $(ALL_CFLAGS) -pthread -o $@ $^ $(ALL_LDFLAGS) -lpaho-mqtt3cs

$(BUILD)/interop-paho-async: $(BUILD)/interop/paho_async.o $(INTEROP_COMMON)
	$(CC) $(ALL_CFLAGS) -pthread -o $@ $^ $(ALL_LDFLAGS) -lpaho-mqtt3as

.PHONY: interop
interop: $(BUILD)/etalon $(INTEROP_PROGRAMS) $(BUILD)/certs/made ## try real clients (INTEROP_FLAGS='--broker mosquitto': another broker)
	interop/run --build $(BUILD) --mqttjs $(MQTTJS) $(INTEROP_FLAGS)
