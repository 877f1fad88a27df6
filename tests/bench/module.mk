# The benchmark: load generator, null relay, and the script that compares brokers.
#   make bench                       everything (about a quarter of an hour)
#   make bench BENCH_FLAGS=--quick   a smoke run; see tests/bench/README.md

BENCH_LOAD_SOURCES := $(sort $(wildcard tests/bench/load*.c))
BENCH_FLAGS ?=

$(BUILD)/bench-load: $(BENCH_LOAD_SOURCES) tests/bench/load.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(BENCH_LOAD_SOURCES)

$(BUILD)/bench-relay: tests/bench/relay.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ tests/bench/relay.c

.PHONY: bench
bench: $(BUILD)/bench-load $(BUILD)/bench-relay $(BUILD)/etalon
	tests/bench/run --build $(BUILD) $(BENCH_FLAGS)
