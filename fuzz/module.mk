# Fuzzing: see fuzz/README.md.
#   make fuzz FUZZ_SECONDS=60 FUZZ_NAMES=packet    search with libFuzzer (clang)
#   make fuzz-minimise                             keep what adds coverage in fuzz/corpus
# `make test` runs the corpus through the same harnesses, built by whatever CC and SAN say.

FUZZ_ALL := acl base broker configuration dissect packet password_file records scram stream topics websocket
FUZZ_NAMES ?= $(FUZZ_ALL)
FUZZ_SECONDS ?= 60
FUZZ_CLANG ?= clang
FUZZ_FOLDER := $(BUILD)/fuzz

# What the harnesses need beyond the codec; the trees do not need the rest of the broker.
FUZZ_TREES := src/mqtt/4_07_topic_tree.c src/mqtt/4_08_subscriptions.c src/mqtt/3_03_1_3_retain.c
FUZZ_SUPPORT := fuzz/fuzz.c fuzz/packet_compare.c fuzz/naive_topics.c
# The whole broker, and the model that it is compared with.
FUZZ_BROKER := $(wildcard fuzz/broker_*.c) $(filter-out $(FUZZ_TREES),$(CORE_SOURCES))
# The parser of the host; its defaults are the broker's.
FUZZ_CONFIGURATION := $(wildcard src/host/configuration.c src/host/configuration_keywords.c src/host/nearest.c) \
                      $(filter-out $(FUZZ_TREES),$(CORE_SOURCES))
# The filter of WebSocket connections.
FUZZ_WEBSOCKET := $(wildcard src/host/http_upgrade.c src/host/websocket.c src/host/websocket_output.c)
# The server's side of SCRAM.
FUZZ_SCRAM := $(SCRAM_SOURCES)
# The files that say who gets in and who may do what.
FUZZ_ACL := $(wildcard src/host/acl.c src/host/text_file.c)
FUZZ_PASSWORDS := $(wildcard src/host/password_file.c src/host/text_file.c)
FUZZ_REPLAYS := $(FUZZ_ALL:%=$(BUILD)/fuzz-replay-%)

# The replay of the corpus
TEST_PROGRAMS += $(FUZZ_REPLAYS)
TEST_STEPS += fuzz-replay
TEST_COMMAND_fuzz-replay := fuzz/replay-all $(BUILD)

FUZZ_REPLAY_OBJECTS := $(call objects,fuzz/replay.c $(FUZZ_SUPPORT) $(FUZZ_TREES))

$(FUZZ_REPLAYS): $(BUILD)/fuzz-replay-%: $(BUILD)/fuzz/fuzz_%.o $(FUZZ_REPLAY_OBJECTS) $(CODEC_LIBRARY)
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(ALL_LDFLAGS) $(FUZZ_LIBS)

$(BUILD)/fuzz-replay-broker: $(call objects,$(FUZZ_BROKER))
$(BUILD)/fuzz-replay-configuration: $(call objects,$(FUZZ_CONFIGURATION))
$(BUILD)/fuzz-replay-scram: $(call objects,$(FUZZ_SCRAM))
$(BUILD)/fuzz-replay-scram: FUZZ_LIBS = $(SCRAM_LIBS)
$(BUILD)/fuzz-replay-websocket: $(call objects,$(FUZZ_WEBSOCKET))
$(BUILD)/fuzz-replay-acl: $(call objects,$(FUZZ_ACL))
$(BUILD)/fuzz-replay-password_file: $(call objects,$(FUZZ_PASSWORDS))
$(BUILD)/fuzz-replay-password_file: FUZZ_LIBS = -lcrypto
$(BUILD)/fuzz-replay-websocket: FUZZ_LIBS = $(WEBSOCKET_LIBS)

# The search: everything compiled once more, with clang's instrumentation, below $(FUZZ_FOLDER)/clang.
FUZZ_CFLAGS := $(CSTD) $(WARNINGS) -O1 -g -fno-omit-frame-pointer -Isrc -I$(BUILD)/generated -MMD -MP \
               -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_SOURCES := $(CODEC_SOURCES) $(FUZZ_TREES) $(FUZZ_SUPPORT)
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ_FOLDER)/clang/%.o,$(FUZZ_SOURCES) $(GENERATED_NAMES:%=generated/%.c))
FUZZ_PROGRAMS := $(FUZZ_ALL:%=$(FUZZ_FOLDER)/fuzz_%)

$(FUZZ_FOLDER)/clang/generated/%.o: $(BUILD)/generated/%.c | $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	$(FUZZ_CLANG) $(FUZZ_CFLAGS) -c $< -o $@

$(FUZZ_FOLDER)/clang/%.o: %.c | $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	$(FUZZ_CLANG) $(FUZZ_CFLAGS) -c $< -o $@

$(FUZZ_FOLDER)/clang/fuzz/mutate_dissect.o: fuzz/mutate_packet.c
	@mkdir -p $(@D)
	$(FUZZ_CLANG) $(FUZZ_CFLAGS) -DSELECTOR_BYTES=2U -c $< -o $@

$(FUZZ_FOLDER)/fuzz_broker: $(FUZZ_BROKER:%.c=$(FUZZ_FOLDER)/clang/%.o)
$(FUZZ_FOLDER)/fuzz_configuration: $(FUZZ_CONFIGURATION:%.c=$(FUZZ_FOLDER)/clang/%.o)
$(FUZZ_FOLDER)/fuzz_scram: $(FUZZ_SCRAM:%.c=$(FUZZ_FOLDER)/clang/%.o)
$(FUZZ_FOLDER)/fuzz_scram: FUZZ_LIBS = $(SCRAM_LIBS)
$(FUZZ_FOLDER)/fuzz_websocket: $(FUZZ_WEBSOCKET:%.c=$(FUZZ_FOLDER)/clang/%.o)
$(FUZZ_FOLDER)/fuzz_acl: $(FUZZ_ACL:%.c=$(FUZZ_FOLDER)/clang/%.o)
$(FUZZ_FOLDER)/fuzz_password_file: $(FUZZ_PASSWORDS:%.c=$(FUZZ_FOLDER)/clang/%.o)
$(FUZZ_FOLDER)/fuzz_password_file: FUZZ_LIBS = -lcrypto
$(FUZZ_FOLDER)/fuzz_websocket: FUZZ_LIBS = $(WEBSOCKET_LIBS)
$(FUZZ_FOLDER)/fuzz_packet: $(FUZZ_FOLDER)/clang/fuzz/mutate_packet.o
$(FUZZ_FOLDER)/fuzz_dissect: $(FUZZ_FOLDER)/clang/fuzz/mutate_dissect.o

$(FUZZ_PROGRAMS): $(FUZZ_FOLDER)/%: $(FUZZ_FOLDER)/clang/fuzz/%.o $(FUZZ_OBJECTS)
	$(FUZZ_CLANG) -fsanitize=fuzzer,address,undefined $^ $(FUZZ_LIBS) -o $@

.PHONY: fuzz fuzz-minimise
fuzz: $(FUZZ_NAMES:%=$(FUZZ_FOLDER)/fuzz_%) ## search with libFuzzer (FUZZ_SECONDS=60 for each harness)
	fuzz/run --seconds $(FUZZ_SECONDS) $(FUZZ_FOLDER) $(FUZZ_NAMES)

fuzz-minimise: $(FUZZ_NAMES:%=$(FUZZ_FOLDER)/fuzz_%) ## merge what `make fuzz` found into fuzz/corpus
	fuzz/run --minimise $(FUZZ_FOLDER) $(FUZZ_NAMES)

-include $(wildcard $(FUZZ_FOLDER)/clang/*/*.d $(FUZZ_FOLDER)/clang/*/*/*.d)
