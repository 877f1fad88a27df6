# The filters between socket and core, in memory: TLS against a client of OpenSSL.
TRANSPORT_TEST_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/transport/*.c)))
TRANSPORT_SOURCES := $(addprefix src/host/,transport.c first_bytes.c tls_context.c tls_filter.c)

TEST_PROGRAMS += $(BUILD)/transport-tests
TEST_STEPS += transport
TEST_COMMAND_transport = $(BUILD)/transport-tests --certificates $(BUILD)/certs

$(TRANSPORT_TEST_OBJECTS): MODULE_CFLAGS = $(shell pkg-config --cflags check)

$(BUILD)/transport-tests: $(TRANSPORT_TEST_OBJECTS) $(call objects,$(TRANSPORT_SOURCES)) $(CODEC_LIBRARY) | $(CERTIFICATES)
	$(SAY) LD $@
	$(QUIET)$(CC) $(ALL_LDFLAGS) $^ $(CHECK_LIBS) $(TLS_LIBS) -o $@
