# Brokers to be measured: README.md. What is not a Debian package goes below build/brokers, whatever BUILD is.
INSTALLABLE_BROKERS := $(patsubst conformance/brokers/%/install,%,$(wildcard conformance/brokers/*/install))

.PHONY: $(addprefix broker-,$(INSTALLABLE_BROKERS))
$(addprefix broker-,$(INSTALLABLE_BROKERS)): broker-%:
	@conformance/brokers/$*/install

.PHONY: brokers
brokers: ## list the brokers that the suite can measure; `make broker-NAME` installs one
	@conformance/matrix --build $(BUILD) --list

# MATRIX_OPTIONS: --brokers a,b, --runs N, and options of the suite behind --
.PHONY: matrix
matrix: $(BUILD)/etalon $(BUILD)/etalon-conformance $(BUILD)/certs/made ## run the suite over all installed brokers, and compare them
	@conformance/matrix --build $(BUILD) $(MATRIX_OPTIONS)

TEST_STEPS += matrix
TEST_COMMAND_matrix := conformance/matrix-test --build $(BUILD)
