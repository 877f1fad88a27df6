# Whether the suite's verdicts are stable; not part of `make test`, because it takes minutes.
# SOAK_OPTIONS: --load, --through-proxy, --broker NAME

RUNS ?= 20

.PHONY: conformance-soak
conformance-soak: $(PROGRAMS) ## run the suite RUNS times and compare; SOAK_OPTIONS=--load
	@conformance/soak --build $(BUILD) --runs $(RUNS) $(SOAK_OPTIONS)

# Seconds become minutes: tests of many round trips take their time.
.PHONY: conformance-distant
conformance-distant: RUNS := 3
conformance-distant: $(PROGRAMS) ## run the suite against a broker 100 ms away, with jitter: no test may accuse it
	@conformance/soak --build $(BUILD) --runs $(RUNS) --latency 100 --jitter 5:300 $(SOAK_OPTIONS)
