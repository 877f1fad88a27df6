# The libraries and the broker. libetalon-codec.a is what the suite, the fuzzers and the tools link without the broker.

BASE_SOURCES := $(wildcard src/base/*.c)
CODEC_SOURCES := $(BASE_SOURCES) \
    $(wildcard src/mqtt/1_*.c src/mqtt/2_*.c src/mqtt/3_packet.c src/mqtt/3_??_[a-z]*.c) \
    $(wildcard src/mqtt/4_01_1_records.c src/mqtt/4_07_topics.c src/mqtt/dissect*.c)
CORE_SOURCES := $(filter-out $(CODEC_SOURCES),$(wildcard src/mqtt/*.c))
STORE_TOOL := $(addprefix src/host/,etalon_store.c store_copy.c store_dump.c store_salvage.c \
    store_verify.c)
HOST_TOOLS := src/host/etalon_dissect.c $(STORE_TOOL)
# The store on Berkeley DB and its threads; also for the tests and tools that need it without the broker.
STORE_SOURCES := $(addprefix src/host/store_,bdb.c directory.c load.c tables.c thread.c)
STORE_LIBS := -ldb -lpthread
# TLS of the listeners.
TLS_LIBS := -lssl -lcrypto
# SCRAM, an Authentication Method.
SCRAM_SOURCES := $(addprefix src/host/,scram.c scram_file.c text_file.c)
SCRAM_LIBS := -lgsasl -lcrypto
# WebSocket: frames, and the hash that its handshake wants.
WEBSOCKET_LIBS := -lwslay -lcrypto
HOST_SOURCES := $(filter-out $(HOST_TOOLS),$(wildcard src/host/*.c))

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
GENERATED_OBJECTS := $(GENERATED_SOURCES:.c=.o)

CODEC_LIBRARY := $(BUILD)/libetalon-codec.a
MQTT_LIBRARY := $(BUILD)/libetalon-mqtt.a

$(CODEC_LIBRARY): $(call objects,$(CODEC_SOURCES)) $(GENERATED_OBJECTS)
	@rm -f $@
	$(SAY) AR $@
	$(QUIET)$(AR) rcs $@ $^

$(MQTT_LIBRARY): $(call objects,$(CODEC_SOURCES) $(CORE_SOURCES)) $(GENERATED_OBJECTS)
	@rm -f $@
	$(SAY) AR $@
	$(QUIET)$(AR) rcs $@ $^

PROGRAMS += $(BUILD)/etalon $(BUILD)/etalon-dissect $(BUILD)/etalon-store

$(call objects,$(HOST_SOURCES)): MODULE_CFLAGS = $(UV_CFLAGS)

$(BUILD)/etalon: $(call objects,$(HOST_SOURCES)) $(MQTT_LIBRARY)
	$(SAY) LINK $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $^ $(UV_LIBS) $(WEBSOCKET_LIBS) $(STORE_LIBS) $(TLS_LIBS) $(SCRAM_LIBS) -lm -o $@

$(BUILD)/etalon-dissect: $(call objects,src/host/etalon_dissect.c) $(CODEC_LIBRARY)
	$(SAY) LINK $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $^ -o $@

$(BUILD)/etalon-store: $(call objects,$(STORE_TOOL) $(STORE_SOURCES)) $(CODEC_LIBRARY)
	$(SAY) LINK $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $^ $(STORE_LIBS) -o $@
