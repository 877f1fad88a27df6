# Whether the suite's verdicts are stable; not part of `make test`, because it takes minutes.

RUNS ?= 20

.PHONY: conformance-soak
conformance-soak: $(BUILD)/etalon $(BUILD)/etalon-conformance $(BUILD)/etalon-mutant ## run the suite RUNS times and compare the verdicts; SOAK_OPTIONS="--load --through-proxy --broker mosquitto"
	@conformance/soak --build $(BUILD) --runs $(RUNS) $(SOAK_OPTIONS)
