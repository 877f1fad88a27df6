# The store on Berkeley DB: what it keeps, what it refuses, kills at any instant, disks that fail.
#   store-bench FOLDER       measures it (no part of the tests)
STORE_TEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/bench.c,$(sort $(wildcard tests/store/*.c))))

TEST_PROGRAMS += $(BUILD)/store-tests
LONG_TEST_STEPS += store
# With sanitizers it is not about how many kills there are.
TEST_COMMAND_store := $(if $(SAN),STORE_KILLS=15 )$(BUILD)/store-tests

$(STORE_TEST_OBJECTS) $(BUILD)/tests/store/bench.o: MODULE_CFLAGS = $(shell pkg-config --cflags check)

# The store's own calls are replaced by the linker, Berkeley DB's by its own means (faults.c).
$(BUILD)/store-tests: $(STORE_TEST_OBJECTS) $(call objects,$(STORE_SOURCES)) $(CODEC_LIBRARY)
	$(SAY) LD $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $(foreach name,fdatasync fsync pwrite,-Wl$(comma)--wrap=$(name)) $^ \
	    $(CHECK_LIBS) $(STORE_LIBS) -o $@

$(BUILD)/store-bench: $(BUILD)/tests/store/bench.o $(BUILD)/tests/store/shelf.o $(call objects,$(STORE_SOURCES)) $(CODEC_LIBRARY)
	$(SAY) LD $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $^ $(CHECK_LIBS) $(STORE_LIBS) -o $@
