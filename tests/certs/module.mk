# Certificates that tests need: a throw-away CA and what it has signed. Made once for each build; nothing of it is
# committed.
CERTIFICATES := $(BUILD)/certs/made

$(CERTIFICATES): tests/certs/make
	$(SAY) CERTS $(@D)
	$(QUIET)rm -rf $(@D)
	$(QUIET)tests/certs/make $(@D)

TEST_PROGRAMS += $(CERTIFICATES)

.PHONY: certs
certs: $(CERTIFICATES) ## make the certificates for tests below build/certs
