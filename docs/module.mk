# Manual pages, the unit of systemd, and `make install`.

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR := $(PREFIX)/bin
MANDIR := $(PREFIX)/share/man
SHAREDIR := $(PREFIX)/share/etalon
UNITDIR := $(PREFIX)/lib/systemd/system
SYSUSERSDIR := $(PREFIX)/lib/sysusers.d

BASHDIR := $(PREFIX)/share/bash-completion/completions
ZSHDIR := $(PREFIX)/share/zsh/site-functions
DOCDIR := $(PREFIX)/share/doc/etalon

INSTALLED_PROGRAMS := etalon etalon-conformance etalon-dissect etalon-store
# How to start brokers, for the tests of restarts and configurations.
INSTALLED_BROKERS := $(patsubst conformance/brokers/%/profile,%,$(wildcard conformance/brokers/*/profile))
INSTALLED_BROKER_FILES := $(filter-out %.mk,$(wildcard $(addprefix conformance/brokers/,$(addsuffix /*,$(INSTALLED_BROKERS)) *)))
INSTALLED_SCHEMAS := docs/REPORT-SCHEMA.md conformance/report.schema.json
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
	install -d $(addprefix $(DESTDIR)$(SHAREDIR)/brokers/,$(INSTALLED_BROKERS))
	for file in $(INSTALLED_BROKER_FILES); do \
	    [ -f $$file ] || continue; \
	    if [ -x $$file ]; then mode=755; else mode=644; fi; \
	    install -m $$mode $$file $(DESTDIR)$(SHAREDIR)/$${file#conformance/} || exit 1; done
	install -d $(addprefix $(DESTDIR),$(BASHDIR) $(ZSHDIR) $(DOCDIR))
	$(BUILD)/etalon-conformance --completion bash > $(DESTDIR)$(BASHDIR)/etalon-conformance
	$(BUILD)/etalon-conformance --completion zsh > $(DESTDIR)$(ZSHDIR)/_etalon-conformance
	chmod 644 $(DESTDIR)$(BASHDIR)/etalon-conformance $(DESTDIR)$(ZSHDIR)/_etalon-conformance
	install -m 644 conformance/ci/github.yml conformance/ci/gitlab.yml $(INSTALLED_SCHEMAS) $(DESTDIR)$(DOCDIR)
	sed 's|@BIN@|$(BINDIR)|' docs/systemd/etalon.service.in > $(DESTDIR)$(UNITDIR)/etalon.service
	chmod 644 $(DESTDIR)$(UNITDIR)/etalon.service
	install -m 644 docs/systemd/etalon.sysusers $(DESTDIR)$(SYSUSERSDIR)/etalon.conf

uninstall: ## remove what `make install` with the same PREFIX and DESTDIR has installed
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,$(INSTALLED_PROGRAMS))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(filter %.1,$(MANUAL_PAGES))))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(filter %.5,$(MANUAL_PAGES))))
	rm -f $(DESTDIR)$(UNITDIR)/etalon.service $(DESTDIR)$(SYSUSERSDIR)/etalon.conf
	rm -f $(DESTDIR)$(BASHDIR)/etalon-conformance $(DESTDIR)$(ZSHDIR)/_etalon-conformance
	rm -rf $(DESTDIR)$(SHAREDIR) $(DESTDIR)$(DOCDIR)
