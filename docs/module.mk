# Manual pages, the unit of systemd, and `make install`.

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR := $(PREFIX)/bin
MANDIR := $(PREFIX)/share/man
SHAREDIR := $(PREFIX)/share/etalon
UNITDIR := $(PREFIX)/lib/systemd/system
SYSUSERSDIR := $(PREFIX)/lib/sysusers.d

INSTALLED_PROGRAMS := etalon etalon-conformance etalon-dissect etalon-store
# How to start brokers, for the tests of restarts and configurations. aedes is no program that could be started from there.
INSTALLED_BROKERS := etalon mosquitto
MANUAL_PAGES := $(patsubst docs/man/%.in,$(BUILD)/man/%,$(wildcard docs/man/*.in))

.PHONY: manual install uninstall

manual: $(MANUAL_PAGES) ## make the manual pages below build/man

$(BUILD)/man/%: docs/man/%.in
	@mkdir -p $(@D)
	$(QUIET)sed 's|@VERSION@|$(VERSION)|; s|@SHARE@|$(SHAREDIR)|' $< > $@

# The keywords come from the program, so that the page says what the program takes.
$(BUILD)/man/etalon.conf.5: docs/man/etalon.conf.5.in docs/man/keywords.awk $(BUILD)/etalon
	@mkdir -p $(@D)
	$(QUIET)$(BUILD)/etalon --help-configuration > $@.keywords
	$(QUIET)awk -f docs/man/keywords.awk $@.keywords $< | sed 's|@VERSION@|$(VERSION)|' > $@
	@rm $@.keywords

install: all manual ## install below PREFIX (default /usr/local) of DESTDIR (default: none)
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(MANDIR)/man1 $(MANDIR)/man5 $(UNITDIR) $(SYSUSERSDIR))
	install -m 755 $(addprefix $(BUILD)/,$(INSTALLED_PROGRAMS)) $(DESTDIR)$(BINDIR)
	install -m 644 $(filter %.1,$(MANUAL_PAGES)) $(DESTDIR)$(MANDIR)/man1
	install -m 644 $(filter %.5,$(MANUAL_PAGES)) $(DESTDIR)$(MANDIR)/man5
	for broker in $(INSTALLED_BROKERS); do \
	    install -d $(DESTDIR)$(SHAREDIR)/brokers/$$broker && \
	    install -m 755 conformance/brokers/$$broker/start $(DESTDIR)$(SHAREDIR)/brokers/$$broker && \
	    install -m 644 conformance/brokers/$$broker/profile $(DESTDIR)$(SHAREDIR)/brokers/$$broker || exit 1; done
	sed 's|@BIN@|$(BINDIR)|' docs/systemd/etalon.service.in > $(DESTDIR)$(UNITDIR)/etalon.service
	chmod 644 $(DESTDIR)$(UNITDIR)/etalon.service
	install -m 644 docs/systemd/etalon.sysusers $(DESTDIR)$(SYSUSERSDIR)/etalon.conf

uninstall: ## remove what `make install` with the same PREFIX and DESTDIR has installed
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,$(INSTALLED_PROGRAMS))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(filter %.1,$(MANUAL_PAGES))))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(filter %.5,$(MANUAL_PAGES))))
	rm -f $(DESTDIR)$(UNITDIR)/etalon.service $(DESTDIR)$(SYSUSERSDIR)/etalon.conf
	rm -rf $(DESTDIR)$(SHAREDIR)
