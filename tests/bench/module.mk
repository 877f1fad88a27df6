# The benchmark: load generator, null relay, and the script that compares brokers. See tests/bench/README.md.

BENCH_LOAD_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/bench/load*.c)))
BENCH_PROGRAMS := $(BUILD)/bench-load $(BUILD)/bench-relay
BENCH_FLAGS ?=

$(BUILD)/bench-load: $(BENCH_LOAD_OBJECTS)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lssl -lcrypto

$(BUILD)/bench-relay: $(BUILD)/tests/bench/relay.o
	$(CC) $(ALL_LDFLAGS) -o $@ $^

.PHONY: bench
bench: $(BENCH_PROGRAMS) $(BUILD)/etalon $(BUILD)/certs/made ## compare brokers (BENCH_FLAGS=--quick: briefly)
	tests/bench/run --build $(BUILD) $(BENCH_FLAGS)

.PHONY: bench-durable
bench-durable: $(BENCH_PROGRAMS) $(BUILD)/etalon ## what durable messages cost (BENCH_FLAGS=--quick: briefly)
	tests/bench/run-durable --build $(BUILD) $(BENCH_FLAGS)
