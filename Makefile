# Etalon: the reference MQTT broker and its conformance suite. `make help` lists what can be made.
#
# Non-recursive: every folder adds its rules in its own module.mk. All output goes below build/; a variant (SAN=, COVERAGE=,
# CC=clang) has a folder of its own there, so that switching costs no rebuild.

VERSION := 0.1.0

comma := ,
empty :=
space := $(empty) $(empty)

SAN ?=
COVERAGE ?=
VARIANT := $(strip $(if $(SAN),san-$(subst $(comma),-,$(SAN))) $(if $(COVERAGE),coverage) \
             $(if $(filter clang%,$(notdir $(CC))),clang))
BUILD ?= build$(if $(VARIANT),/$(subst $(space),-,$(VARIANT)))

CSTD := -std=c17 -D_GNU_SOURCE
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wconversion
OPTIMISE ?= -O2
CFLAGS ?= $(OPTIMISE) -g -fno-omit-frame-pointer
ALL_CFLAGS = $(CSTD) $(WARNINGS) $(CFLAGS) $(VARIANT_FLAGS) -Isrc -I$(BUILD)/generated \
             -DETALON_VERSION='"$(VERSION)"' -MMD -MP
VARIANT_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all) $(if $(COVERAGE),--coverage -O0)
ALL_LDFLAGS = $(LDFLAGS) $(VARIANT_FLAGS)

# Deferred, because `make deps` may have to install pkg-config first.
UV_CFLAGS = $(shell pkg-config --cflags libuv)
UV_LIBS = $(shell pkg-config --libs libuv)
CHECK_LIBS = $(shell pkg-config --libs check)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

# Modules append to these.
PROGRAMS :=
TEST_PROGRAMS :=
TEST_STEPS :=
LONG_TEST_STEPS := # begun first
SOURCES :=

include spec/module.mk
include src/module.mk
include $(sort $(wildcard conformance/module.mk fuzz/module.mk interop/module.mk tests/*/module.mk docs/module.mk))

.PHONY: all deps deps-build deps-peers test test-steps clean help run format install

all: $(PROGRAMS) ## build the programs: etalon, etalon-conformance, etalon-dissect, etalon-store

deps-build: ## install the Debian packages that building needs, when missing
	@tests/deps build

deps: ## install every Debian package that building and testing need, when missing
	@tests/deps build test

deps-peers: ## install the brokers of Debian that Etalon is compared with; their services start, on port 1883
	@tests/deps peers

test: deps ## every test; closes with one line "N passed, N failed, N skipped"
	@$(MAKE) --no-print-directory test-steps

test-steps: all $(TEST_PROGRAMS)
	@tests/run $(foreach step,$(LONG_TEST_STEPS) $(TEST_STEPS),'$(step)' '$(TEST_COMMAND_$(step))')

run: $(BUILD)/etalon ## start the broker on port 1883 of the loopback address
	$(BUILD)/etalon -v

clean: ## remove everything that was built
	rm -rf build

format: ## format the C sources as .clang-format says
	clang-format -i $$(git ls-files '*.c' '*.h')

help: ## this list
	@echo 'make TARGET [V=1] [CC=clang] [SAN=address,undefined|thread] [COVERAGE=1] [BUILD=folder]'
	@cat $(filter Makefile %.mk,$(MAKEFILE_LIST)) | sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' | sort -u | expand -t 22

# One line per step; V=1 shows the commands.
QUIET = $(if $(V),,@)
SAY = $(if $(V),@:,@printf '  %-5s %s\n')

# How objects are made. Headers made from the catalogue must exist before the first compilation; afterwards the
# compiler's dependency files know better.
$(BUILD)/%.o: %.c | $(GENERATED_HEADERS)
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(QUIET)$(CC) $(ALL_CFLAGS) $(MODULE_CFLAGS) -c $< -o $@

$(BUILD)/generated/%.o: $(BUILD)/generated/%.c | $(GENERATED_HEADERS)
	$(SAY) CC $<
	$(QUIET)$(CC) $(ALL_CFLAGS) -c $< -o $@

# Only this variant's: the others are folders of $(BUILD) too.
OBJECT_FOLDERS := $(wildcard $(addprefix $(BUILD)/,src conformance fuzz generated interop tests))
-include $(if $(OBJECT_FOLDERS),$(shell find $(OBJECT_FOLDERS) -name '*.d'))
