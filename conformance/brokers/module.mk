# Brokers to be measured that are no Debian packages.

.PHONY: broker-aedes
broker-aedes: build/brokers/aedes/node_modules/aedes/package.json ## install the broker aedes below build, to be measured

# npm writes into the folder of the package.json that it finds: a copy keeps the source tree clean.
build/brokers/aedes/node_modules/aedes/package.json: conformance/brokers/aedes/package.json
	$(QUIET)mkdir -p build/brokers/aedes && cp $< build/brokers/aedes/package.json
	$(QUIET)npm install --prefix build/brokers/aedes --no-save --no-package-lock --no-audit --no-fund --ignore-scripts
	$(QUIET)touch $@
