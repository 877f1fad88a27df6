# Brokers to be measured that are no Debian packages. They are the same whatever BUILD is.
AEDES := build/brokers/aedes

.PHONY: broker-aedes
broker-aedes: $(AEDES)/node_modules/aedes/package.json ## install the broker aedes, to be measured

# npm writes into the folder of the package.json that it finds: a copy keeps the source tree clean.
$(AEDES)/node_modules/aedes/package.json: conformance/brokers/aedes/package.json
	$(QUIET)mkdir -p $(AEDES) && cp $< $(AEDES)/package.json
	$(QUIET)npm install --prefix $(AEDES) --no-save --no-package-lock --no-audit --no-fund --ignore-scripts
	$(QUIET)touch $@
