# Hostile clients, and a well-behaved one beside them. Sanitizers need more memory than the bounds allow.
ABUSE := tests/abuse/run --program $(BUILD)/etalon --certificates $(BUILD)/certs $(if $(SAN),--no-memory)

TEST_STEPS += abuse
TEST_COMMAND_abuse = $(ABUSE)

.PHONY: abuse
abuse: $(BUILD)/etalon $(BUILD)/certs/made ## hostile clients for longer: some minutes; is a well-behaved one served all the time?
	@$(ABUSE) --long
