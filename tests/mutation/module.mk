# The broker's source with faults put in, one at a time: which tests notice? Takes many minutes, so no step of `make test`.
#   make mutation [MUTATION_OPTIONS='-k "will_*"']

.PHONY: mutation
mutation: $(BUILD)/etalon $(BUILD)/etalon-conformance $(BUILD)/unit-tests ## break the broker's source and see which tests notice
	@tests/mutation/run --suite $(BUILD)/etalon-conformance --compiler '$(CC) $(ALL_CFLAGS)' \
	    --linker '$(CC) $(ALL_LDFLAGS)' \
	    --broker '$(call objects,$(HOST_SOURCES)) $(MQTT_LIBRARY) $(UV_LIBS) $(WEBSOCKET_LIBS) $(STORE_LIBS) $(TLS_LIBS) $(SCRAM_LIBS) -lm' \
	    --units '$(UNIT_OBJECTS) $(call objects,$(UNIT_HOST)) $(MQTT_LIBRARY) $(CHECK_LIBS) $(WEBSOCKET_LIBS) $(SCRAM_LIBS) $(TLS_LIBS) $(UV_LIBS) -lm' $(MUTATION_OPTIONS)
