# Whether the suite's verdicts are stable; not part of `make test`, because it takes minutes.
# SOAK_OPTIONS: --load, --through-proxy, --broker NAME

RUNS ?= 20

.PHONY: conformance-soak
conformance-soak: $(PROGRAMS) ## run the suite RUNS times and compare; SOAK_OPTIONS=--load
	@conformance/soak --build $(BUILD) --runs $(RUNS) $(SOAK_OPTIONS)
