/* fuzz_packet: one Control Packet, framed, decoded, encoded and decoded again.
 *
 * Byte 0 of the input selects version and sender (fuzz_connection_of), the rest is the packet. What the codec
 * accepts must survive a round trip; what it refuses must be refused with a reason; and looking on must
 * change nothing. */
#include <stdlib.h>

#include "fuzz.h"
#include "packet_compare.h"

/* Prefixes of a packet that are tried: all of a short one, of a long one those at either end. */
#define PREFIXES_TRIED 64U

struct subject {
    struct bytes bytes;
    enum protocol_version version; /* for framing and decoding */
    enum sender sender;
};

static bool is_connect(struct bytes bytes)
{
    return bytes.length > 0 && bytes.data[0] >> 4 == PACKET_CONNECT;
}

static bool same_verdict(struct verdict first, struct verdict second)
{
    return first.refused == second.refused && first.offset == second.offset &&
           first.statement == second.statement && first.reason_code == second.reason_code &&
           first.what == second.what;
}

/* What an observer is told */

struct witness {
    struct bytes input;
    size_t end; /* of the bytes told so far */
};

static void on_field(void *context, const struct decoded_field *field)
{
    struct witness *witness = context;
    const bool is_number = field->kind == FIELD_INTEGER || field->kind == FIELD_FLAGS;
    REQUIRE(field->name != NULL && field->section != NULL);
    REQUIRE(field->offset <= witness->input.length && field->length <= witness->input.length - field->offset);
    if (!is_number && field->bytes.length > 0) {
        REQUIRE(field->bytes.data >= witness->input.data + field->offset);
        REQUIRE(field->bytes.data + field->bytes.length <=
                witness->input.data + field->offset + field->length);
    }
    if (is_number && field->length == 0) { /* some bits of a byte told before */
        REQUIRE(field->offset < witness->end);
        return;
    }
    REQUIRE(field->offset == witness->end); /* in order, without gap or overlap */
    witness->end = field->offset + field->length;
}

static void check_observer(const struct subject *subject, struct verdict expected)
{
    struct witness witness = {.input = subject->bytes};
    const struct decode_observer observer = {.field = on_field, .context = &witness};
    struct packet packet;
    const struct verdict verdict =
        packet_decode(&packet, subject->version, subject->sender, subject->bytes, &observer);
    REQUIRE(same_verdict(verdict, expected));
    if (!verdict.refused)
        REQUIRE(witness.end == subject->bytes.length);
}

/* Refusals */

/* The requirements of 3.1 are those of 3.1.1. */
static bool is_of_three(const struct verdict *verdict)
{
    return strcmp(statement_describe((enum statement)verdict->statement)->version, "3.1.1") == 0;
}

static void check_refusal(const struct packet *packet, const struct verdict *verdict, struct bytes input)
{
    REQUIRE(verdict->what != NULL && verdict->what[0] != '\0');
    REQUIRE(verdict->statement != STATEMENT_NONE);
    REQUIRE(verdict->reason_code >= 0x80);
    REQUIRE(verdict->offset <= input.length);
    if (packet->version != PROTOCOL_UNKNOWN)
        REQUIRE(is_of_three(verdict) == (packet->version != PROTOCOL_5_0));
}

/* Framing */

static void check_prefix(const struct subject *subject, size_t length, size_t header_size)
{
    const struct bytes prefix = fuzz_exact_copy(bytes_of(subject->bytes.data, length));
    struct verdict verdict;
    struct packet packet;
    size_t size = 1;
    REQUIRE(packet_frame(prefix, subject->version, 0, &size, &verdict) == FRAMING_INCOMPLETE);
    REQUIRE(size == (length < header_size ? 0 : subject->bytes.length));
    REQUIRE(packet_decode(&packet, subject->version, subject->sender, prefix, NULL).refused);
    fuzz_free(prefix);
}

static void check_prefixes(const struct subject *subject, uint32_t remaining_length)
{
    const size_t whole = subject->bytes.length;
    for (size_t length = 0; length < whole; length++) {
        if (length < PREFIXES_TRIED || whole - length < PREFIXES_TRIED)
            check_prefix(subject, length, whole - remaining_length);
    }
}

/* The size of an accepted packet, for framing with and without a limit. */
static void check_framing(const struct subject *subject)
{
    const uint32_t length = (uint32_t)subject->bytes.length;
    size_t size;
    struct verdict verdict;
    REQUIRE(packet_frame(subject->bytes, subject->version, 0, &size, &verdict) == FRAMING_COMPLETE);
    REQUIRE(size == length);
    REQUIRE(packet_frame(subject->bytes, subject->version, length, &size, &verdict) == FRAMING_COMPLETE);
    REQUIRE(packet_frame(subject->bytes, subject->version, length - 1, &size, &verdict) == FRAMING_REFUSED);
    REQUIRE(verdict.refused && verdict.reason_code == REASON_PACKET_TOO_LARGE);
    REQUIRE(verdict.statement != STATEMENT_NONE && verdict.offset < length);
}

/* Framing must not say more than decoding of the same bytes. */
static void check_framing_agrees(const struct subject *subject, struct verdict decoded)
{
    size_t size;
    struct verdict framed;
    switch (packet_frame(subject->bytes, subject->version, 0, &size, &framed)) {
    case FRAMING_COMPLETE:
        REQUIRE(!framed.refused && size >= 2 && size <= subject->bytes.length);
        REQUIRE(decoded.refused || size == subject->bytes.length);
        return;
    case FRAMING_INCOMPLETE:
        REQUIRE(!framed.refused && (size == 0 || size > subject->bytes.length));
        REQUIRE(decoded.refused);
        return;
    case FRAMING_REFUSED:
        REQUIRE(framed.refused && same_verdict(framed, decoded));
        return;
    }
}

/* The round trip */

/* Encodes into a block of exactly the size announced. */
static struct bytes encode(const struct packet *packet)
{
    const size_t size = packet_encoded_size(packet);
    uint8_t *block = malloc(size);
    REQUIRE(size >= 2 && block != NULL);
    struct writer writer = writer_into(block, size);
    REQUIRE(packet_encode(packet, &writer) == size);
    REQUIRE(!writer.overflow && writer_size(&writer) == size);
    struct writer tight = writer_into(block, size - 1);
    REQUIRE(packet_encode(packet, &tight) == 0 && writer_size(&tight) == 0);
    return bytes_of(block, size);
}

/* Whether there is only one way to write this packet: where values and lengths leave no choice, encoding must
 * restore the input byte by byte. */
static bool has_one_form(const struct packet *packet, size_t encoded_size)
{
    if (packet->version == PROTOCOL_5_0) /* short forms apart, only the order of properties is free */
        return packet->size == encoded_size && compare_property_count(packet) < 2;
    return packet->version == PROTOCOL_3_1_1 || packet->type == PACKET_PUBLISH ||
           packet->type == PACKET_SUBSCRIBE;
}

static void check_round_trip(const struct subject *subject, const struct packet *packet)
{
    const struct bytes once = encode(packet);
    struct packet again;
    REQUIRE(once.length <= subject->bytes.length);
    if (has_one_form(packet, once.length))
        REQUIRE(bytes_equal(once, subject->bytes));
    REQUIRE(!packet_decode(&again, subject->version, subject->sender, once, NULL).refused);
    compare_with_input(&again, once);
    compare_packets(packet, &again);

    const struct bytes twice = encode(&again);
    REQUIRE(bytes_equal(once, twice));
    fuzz_free(once);
    fuzz_free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.at = data, .end = data + size};
    const struct fuzz_connection connection = fuzz_connection_of(input_byte(&input));
    struct subject subject = {.version = connection.version, .sender = connection.sender};
    subject.bytes = fuzz_exact_copy(input_rest(&input));
    if (is_connect(subject.bytes))
        subject.version = PROTOCOL_UNKNOWN; /* as on a connection: nothing is known before it */

    struct packet packet;
    const struct verdict verdict =
        packet_decode(&packet, subject.version, subject.sender, subject.bytes, NULL);
    check_framing_agrees(&subject, verdict);
    check_observer(&subject, verdict);
    if (verdict.refused) {
        check_refusal(&packet, &verdict, subject.bytes);
    } else {
        REQUIRE(same_verdict(verdict, accept()));
        compare_with_input(&packet, subject.bytes);
        check_framing(&subject);
        check_prefixes(&subject, packet.remaining_length);
        check_round_trip(&subject, &packet);
    }
    fuzz_free(subject.bytes);
    return 0;
}
