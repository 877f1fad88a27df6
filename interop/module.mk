# Interoperability with real clients: see interop/README.md.
# The 3cs and 3as flavours of Paho are those with TLS, so that one binary reaches every kind of URL.

INTEROP_COMMON := interop/cases.c interop/cases_5.c interop/inbox.c interop/pacemaker.c interop/program.c interop/scene.c
INTEROP_HEADERS := interop/cases.h interop/client.h interop/inbox.h interop/pacemaker.h interop/scene.h
INTEROP_RUN_FLAGS ?=

$(BUILD)/interop-paho-sync: interop/paho_sync.c $(INTEROP_COMMON) $(INTEROP_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pthread -Iinterop -o $@ $(filter %.c,$^) $(LDFLAGS) -lpaho-mqtt3cs

$(BUILD)/interop-paho-async: interop/paho_async.c $(INTEROP_COMMON) $(INTEROP_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pthread -Iinterop -o $@ $(filter %.c,$^) $(LDFLAGS) -lpaho-mqtt3as

.PHONY: interop
interop: $(BUILD)/etalon $(BUILD)/interop-paho-sync $(BUILD)/interop-paho-async
	interop/run --build $(BUILD) $(INTEROP_RUN_FLAGS)
