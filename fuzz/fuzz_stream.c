/* fuzz_stream: a stream of packets, in one piece and in pieces. However the network cuts it, the same packets
 * come out, and the same refusal at the same place.
 *
 * Byte 0: bit 2 selects the sender; byte 1: limit of the packet size in units of 4 bytes (0: none); bytes 2
 * and 3: seed of the cuts; the rest is the stream, of which CONNECT should be the first packet. */
#include <stdlib.h>

#include "fuzz.h"
#include "mqtt/dissect.h"

#define PACKETS_NOTED 128U /* then the connection ends */

/* What a connection has seen. */
struct record {
    size_t ends[PACKETS_NOTED]; /* of the packets accepted, in bytes from the start of the stream */
    size_t count;
    size_t announced; /* size of the packet that is incomplete at the end, as far as known */
    bool refused;
    struct verdict verdict;
};

struct connection {
    enum protocol_version version;
    enum sender sender;
    uint32_t limit;
    size_t consumed; /* bytes of the packets accepted */
    struct record record;
};

static bool note(struct connection *connection, size_t size)
{
    struct record *record = &connection->record;
    connection->consumed += size;
    record->ends[record->count++] = connection->consumed;
    return record->count < PACKETS_NOTED;
}

static bool stop(struct connection *connection, struct verdict verdict)
{
    REQUIRE(verdict.refused);
    connection->record.refused = true;
    connection->record.verdict = verdict;
    return false;
}

/* One packet from the front of `pending`; false: more is needed, or the connection has ended. */
static bool take_packet(struct connection *connection, struct bytes pending, size_t *size)
{
    struct verdict verdict;
    struct packet packet;
    const enum framing framing =
        packet_frame(pending, connection->version, connection->limit, size, &verdict);
    if (framing == FRAMING_REFUSED)
        return stop(connection, verdict);
    if (framing == FRAMING_INCOMPLETE) {
        REQUIRE(*size == 0 || *size > pending.length);
        REQUIRE(connection->limit == 0 ||
                *size <= connection->limit); /* refused at the header, not at the end */
        connection->record.announced = *size;
        return false;
    }
    REQUIRE(*size >= 2 && *size <= pending.length);
    const struct bytes whole = fuzz_exact_copy(bytes_of(pending.data, *size));
    verdict = packet_decode(&packet, connection->version, connection->sender, whole, NULL);
    fuzz_free(whole);
    if (verdict.refused)
        return stop(connection, verdict);
    connection->version = packet.version;
    return note(connection, *size);
}

static bool ended(const struct connection *connection)
{
    return connection->record.refused || connection->record.count == PACKETS_NOTED;
}

/* The stream has arrived up to `arrived`; what is not consumed lies in a block of its own. */
static void receive(struct connection *connection, struct bytes stream, size_t arrived)
{
    size_t size;
    const size_t begin = connection->consumed;
    const struct bytes pending = fuzz_exact_copy(bytes_of(stream.data + begin, arrived - begin));
    while (!ended(connection)) {
        const size_t done = connection->consumed - begin;
        if (!take_packet(connection, bytes_of(pending.data + done, pending.length - done), &size))
            break;
    }
    fuzz_free(pending);
}

/* Cuts of 1 to 32 bytes, mostly short; all of 1 when the seed is 0. */
static size_t next_cut(uint32_t *state)
{
    if (*state == 0)
        return 1;
    *state = *state * 1664525U + 1013904223U;
    const uint32_t random = *state >> 16;
    return random & 1 ? 1 + (random >> 1 & 31) : 1 + (random >> 1 & 3);
}

static void compare_records(const struct record *whole, const struct record *parts)
{
    REQUIRE(whole->count == parts->count);
    for (size_t i = 0; i < whole->count; i++)
        REQUIRE(whole->ends[i] == parts->ends[i]);
    REQUIRE(whole->refused == parts->refused);
    if (!whole->refused) {
        REQUIRE(whole->announced == parts->announced);
        return;
    }
    REQUIRE(whole->verdict.statement == parts->verdict.statement &&
            whole->verdict.offset == parts->verdict.offset);
    REQUIRE(whole->verdict.reason_code == parts->verdict.reason_code &&
            whole->verdict.what == parts->verdict.what);
}

static void run_in_parts(const struct connection *fresh, struct bytes stream, uint32_t seed,
                         const struct record *whole)
{
    struct connection connection = *fresh;
    uint32_t state = seed;
    for (size_t arrived = 0; arrived < stream.length && !ended(&connection);) {
        const size_t cut = next_cut(&state);
        arrived = cut < stream.length - arrived ? arrived + cut : stream.length;
        connection.record.announced = 0;
        receive(&connection, stream, arrived);
    }
    compare_records(whole, &connection.record);
}

/* The dissector takes packets from a stream, too: where all is well, the same ones. */
static void run_dissector(struct bytes stream, const struct record *whole)
{
    enum protocol_version version = PROTOCOL_UNKNOWN;
    struct bytes rest = stream;
    size_t end = 0;
    for (size_t i = 0; i < whole->count; i++) {
        end += dissect_next(&rest, &version).length;
        REQUIRE(end == whole->ends[i]);
    }
    while (end < stream.length) { /* and it comes to an end */
        const size_t taken = dissect_next(&rest, &version).length;
        REQUIRE(taken > 0 && taken <= stream.length - end);
        end += taken;
    }
    REQUIRE(rest.length == 0 && dissect_next(&rest, &version).length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.at = data, .end = data + size};
    struct connection fresh = {.version = PROTOCOL_UNKNOWN};
    fresh.sender = fuzz_connection_of(input_byte(&input)).sender;
    fresh.limit = 4U * input_byte(&input);
    const uint32_t seed = input_two_bytes(&input);
    const struct bytes stream = input_rest(&input);
    if (stream.length == 0)
        return 0;

    struct connection connection = fresh;
    receive(&connection, stream, stream.length);
    run_in_parts(&fresh, stream, seed, &connection.record);
    run_in_parts(&fresh, stream, 0, &connection.record);
    run_dissector(stream, &connection.record);
    return 0;
}
