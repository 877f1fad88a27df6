/* support: the checks behind the tables of the codec's tests. See support.h. Prefix: check_
 *
 * Of every accepted packet: framing asks for more after each byte before the last, and says how much; the
 * limit on the packet size is exact; decoding consumes the whole and fills in type, version, flags and
 * sizes; the observer is told of every byte once, in order; encoding gives the expected bytes, decodes and
 * encodes again to the same, and refuses every room that is too small; and no proper prefix decodes.
 *
 * Of every refused packet: statement, Reason Code and offset, with and without an observer, and the
 * accepted relative. */
#include <stdio.h>

#include "support.h"

const enum protocol_version unit_versions[3] = {PROTOCOL_3_1, PROTOCOL_3_1_1, PROTOCOL_5_0};

const char *version_name(enum protocol_version version)
{
    return version == PROTOCOL_5_0     ? "5.0"
           : version == PROTOCOL_3_1_1 ? "3.1.1"
           : version == PROTOCOL_3_1   ? "3.1"
                                       : "?";
}

/* Where a check stands, for its messages. */
struct scene {
    const char *what;
    const char *notation;
    enum protocol_version version;
    enum sender sender;
    struct bytes packet;
};

static void name_scene(const struct scene *scene, char *text, size_t size)
{
    snprintf(text, size, "%s (%s, from the %s: %.200s)", scene->what, version_name(scene->version),
             scene->sender == SENDER_CLIENT ? "Client" : "Server", scene->notation);
}

#define FAIL_UNLESS(scene, condition, ...)                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            char scene_text_[400];                                                                           \
            char detail_[400];                                                                               \
            name_scene((scene), scene_text_, sizeof scene_text_);                                            \
            snprintf(detail_, sizeof detail_, __VA_ARGS__);                                                  \
            ck_abort_msg("%s: %s", scene_text_, detail_);                                                    \
        }                                                                                                    \
    } while (0)

/* Calls `check` for every version and sender of a row. */
static void for_each(const char *what, const char *notation, int versions, int senders,
                     void (*check)(const struct scene *scene, const void *row), const void *row)
{
    for (int v = 0; v < 3; v++) {
        for (int s = 0; s < 2; s++) {
            if ((versions >> v & 1) == 0 || (senders >> s & 1) == 0)
                continue;
            struct scene scene = {
                what, notation, unit_versions[v], s == 0 ? SENDER_CLIENT : SENDER_SERVER, {NULL, 0}};
            scene.packet = octets(notation);
            check(&scene, row);
            octets_free(scene.packet);
        }
    }
}

static bool is_connect(struct bytes packet)
{
    return packet.length > 0 && packet.data[0] >> 4 == PACKET_CONNECT;
}

/* What the connection knows when the packet arrives: nothing before CONNECT. */
static enum protocol_version known_version(const struct scene *scene)
{
    return is_connect(scene->packet) ? PROTOCOL_UNKNOWN : scene->version;
}

/* The observer: every byte is told once and in order. */

struct watch {
    const struct scene *scene;
    size_t told; /* bytes told so far */
};

static void watch_field(void *context, const struct decoded_field *field)
{
    struct watch *watch = context;
    FAIL_UNLESS(watch->scene, field->name != NULL && field->name[0] != '\0', "a field without a name");
    FAIL_UNLESS(watch->scene, field->section != NULL && field->section[0] != '\0', "%s: no section",
                field->name);
    FAIL_UNLESS(watch->scene, field->offset + field->length <= watch->scene->packet.length,
                "%s at %zu+%zu: outside", field->name, field->offset, field->length);
    if (field->length == 0) {
        const bool is_part = field->kind == FIELD_INTEGER || field->kind == FIELD_FLAGS;
        FAIL_UNLESS(watch->scene, !is_part || field->offset < watch->told,
                    "%s at %zu: bits of a byte that was not told", field->name, field->offset);
        return;
    }
    FAIL_UNLESS(watch->scene, field->offset == watch->told, "%s at %zu: %zu bytes were told before",
                field->name, field->offset, watch->told);
    watch->told += field->length;
}

/* Decoding with and without an observer: one verdict. */
static struct verdict decode_watched(const struct scene *scene, struct packet *packet, size_t *told)
{
    struct watch watch = {.scene = scene};
    const struct decode_observer observer = {.field = watch_field, .context = &watch};
    struct packet unwatched;
    const enum protocol_version version = known_version(scene);
    const struct verdict verdict = packet_decode(packet, version, scene->sender, scene->packet, &observer);
    const struct verdict same = packet_decode(&unwatched, version, scene->sender, scene->packet, NULL);
    *told = watch.told;
    FAIL_UNLESS(scene,
                verdict.refused == same.refused && verdict.statement == same.statement &&
                    verdict.reason_code == same.reason_code && verdict.offset == same.offset,
                "the verdict depends on the observer");
    return verdict;
}

/* The host's way: framing, then decoding. */
static struct verdict receive(const struct scene *scene, struct packet *packet)
{
    size_t size = 0;
    size_t told;
    struct verdict verdict;
    const enum framing framing = packet_frame(scene->packet, known_version(scene), 0, &size, &verdict);
    if (framing == FRAMING_REFUSED) {
        FAIL_UNLESS(scene, decode_watched(scene, packet, &told).refused,
                    "framing refuses what decoding accepts");
        return verdict;
    }
    FAIL_UNLESS(scene, framing == FRAMING_COMPLETE, "framing finds the packet incomplete (%zu bytes of %zu)",
                scene->packet.length, size);
    FAIL_UNLESS(scene, size == scene->packet.length, "framing finds %zu bytes, there are %zu", size,
                scene->packet.length);
    return decode_watched(scene, packet, &told);
}

/* Refusals */

static void check_is_complete_refusal(const struct scene *scene, struct verdict verdict, bool three)
{
    const char *id = statement_describe(verdict.statement)->id;
    FAIL_UNLESS(scene, verdict.what != NULL && verdict.what[0] != '\0', "a refusal without a text");
    FAIL_UNLESS(scene, verdict.statement != NONE, "a refusal without a statement: %s", verdict.what);
    FAIL_UNLESS(scene, verdict.reason_code >= 0x80, "refused with Reason Code 0x%02X", verdict.reason_code);
    FAIL_UNLESS(scene, verdict.offset <= scene->packet.length, "refused at byte %u of %zu", verdict.offset,
                scene->packet.length);
    FAIL_UNLESS(scene,
                strcmp(statement_describe(verdict.statement)->version, "3.1.1") == 0
                    ? three || is_connect(scene->packet)
                    : !three,
                "%s cited for version %s", id, version_name(scene->version));
}

static bool is_expected_reason(int expected, uint8_t actual)
{
    if (expected == EITHER)
        return actual == REASON_MALFORMED_PACKET || actual == REASON_PROTOCOL_ERROR;
    return actual == expected;
}

static void refuse_one(const struct scene *scene, const void *context)
{
    const struct refused *row = context;
    struct packet packet;
    const struct verdict verdict = receive(scene, &packet);
    FAIL_UNLESS(scene, verdict.refused, "accepted");

    const bool three = scene->version != PROTOCOL_5_0 && row->three[0] != NONE;
    const enum statement expected = three ? row->three[0] : row->five[0];
    const enum statement other = three ? row->three[1] : row->five[1];
    FAIL_UNLESS(scene, verdict.statement == expected || (other != NONE && verdict.statement == other),
                "cites %s instead of %s: %s", statement_describe(verdict.statement)->id,
                statement_describe(expected)->id, verdict.what);
    FAIL_UNLESS(scene, is_expected_reason(row->reason, verdict.reason_code),
                "0x%02X instead of 0x%02X [%s] %s", verdict.reason_code, (unsigned)row->reason,
                statement_describe(expected)->id, verdict.what);
    FAIL_UNLESS(scene, verdict.offset == row->offset, "at byte %u instead of %zu: %s", verdict.offset,
                row->offset, verdict.what);
    check_is_complete_refusal(scene, verdict, three);
}

static void accept_one_quietly(const struct scene *scene, const void *context)
{
    struct packet packet;
    (void)context;
    const struct verdict verdict = receive(scene, &packet);
    FAIL_UNLESS(scene, !verdict.refused, "the control is refused: %s [%s] at %u", verdict.what,
                statement_describe(verdict.statement)->id, verdict.offset);
}

void check_refused(const struct refused *row)
{
    ck_assert_msg(row->good != NULL, "%s: a refusal needs a control", row->what);
    ck_assert_msg(strcmp(row->bad, row->good) != 0, "%s: the control is the packet itself", row->what);
    for_each(row->what, row->good, row->versions, row->senders, accept_one_quietly, NULL);
    for_each(row->what, row->bad, row->versions, row->senders, refuse_one, row);
}

/* Acceptance */

/* Framing of every prefix: incomplete, with the size as soon as the fixed header is there. */
static void check_framing(const struct scene *scene)
{
    const enum protocol_version version = known_version(scene);
    const struct bytes all = scene->packet;
    size_t header = 2;
    while ((all.data[header - 1] & 0x80) != 0)
        header++;
    for (size_t length = 0; length < all.length; length++) {
        size_t size = SIZE_MAX;
        struct verdict verdict;
        const enum framing framing = packet_frame(bytes_of(all.data, length), version, 0, &size, &verdict);
        FAIL_UNLESS(scene, framing == FRAMING_INCOMPLETE, "framing of %zu bytes: %d", length, (int)framing);
        FAIL_UNLESS(scene, size == (length < header ? 0 : all.length), "framing of %zu bytes: size %zu",
                    length, size);
        FAIL_UNLESS(scene, !verdict.refused, "framing of %zu bytes: a refusal", length);
    }
}

/* Maximum Packet Size is the largest size that passes; a larger packet is refused by its fixed header
 * alone. */
static void check_limit(const struct scene *scene)
{
    const struct bytes all = scene->packet;
    const enum protocol_version version = known_version(scene);
    const uint32_t exact = (uint32_t)all.length;
    size_t size;
    struct verdict verdict;
    FAIL_UNLESS(scene, packet_frame(all, version, exact, &size, &verdict) == FRAMING_COMPLETE,
                "does not pass a Maximum Packet Size of its own size");
    for (size_t length = all.length; length >= 2 && (all.data[length - 1] < 0x80 || length > 5); length--) {
        const enum framing framing =
            packet_frame(bytes_of(all.data, length), version, exact - 1, &size, &verdict);
        FAIL_UNLESS(scene, framing == FRAMING_REFUSED && verdict.reason_code == REASON_PACKET_TOO_LARGE,
                    "one byte above the Maximum Packet Size, %zu bytes at hand: not refused with 0x95",
                    length);
        if (length > 16)
            length = 16; /* the rest of a long packet says nothing new */
    }
}

/* No proper prefix is a packet for the decoder. */
static void check_prefixes(const struct scene *scene)
{
    for (size_t length = 0; length < scene->packet.length; length++) {
        uint8_t *copy = octets_room(length);
        if (length > 0)
            memcpy(copy, scene->packet.data, length);
        struct scene prefix = *scene;
        prefix.packet = bytes_of(copy, length);
        struct packet packet;
        size_t told;
        const struct verdict verdict = decode_watched(&prefix, &packet, &told);
        FAIL_UNLESS(&prefix, verdict.refused, "its first %zu bytes are accepted", length);
        free(copy);
        if (length > 600 && length + 600 < scene->packet.length)
            length = scene->packet.length - 600;
    }
}

static void check_header_fields(const struct scene *scene, const struct packet *packet)
{
    FAIL_UNLESS(scene, packet->type == scene->packet.data[0] >> 4, "type %d", (int)packet->type);
    FAIL_UNLESS(scene, packet->flags == (scene->packet.data[0] & 0x0F), "flags %u", packet->flags);
    FAIL_UNLESS(scene, packet->version == scene->version, "version %d", (int)packet->version);
    FAIL_UNLESS(scene, packet->size == scene->packet.length, "size %zu", packet->size);
    const size_t remaining = packet->remaining_length;
    const size_t header = 2U + (remaining > 127) + (remaining > 16383) + (remaining > 2097151);
    FAIL_UNLESS(scene, header + remaining == packet->size, "Remaining Length %zu", remaining);
}

/* Encodes into exactly the room that is needed; the caller frees `data`. */
static struct bytes encode(const struct scene *scene, const struct packet *packet)
{
    const size_t size = packet_encoded_size(packet);
    FAIL_UNLESS(scene, size >= 2, "encoded size %zu", size);
    uint8_t *room = octets_room(size);
    struct writer writer = writer_into(room, size);
    FAIL_UNLESS(scene, packet_encode(packet, &writer) == size,
                "packet_encode does not write packet_encoded_size");
    FAIL_UNLESS(scene, writer_size(&writer) == size && !writer.overflow,
                "the writer disagrees with packet_encode");
    return bytes_of(room, size);
}

/* Every room that is too small is refused, and not overstepped. */
static void check_small_rooms(const struct scene *scene, const struct packet *packet)
{
    const size_t size = packet_encoded_size(packet);
    for (size_t room = size < 300 ? 0 : size - 2; room < size; room++) {
        uint8_t *block = octets_room(room);
        struct writer writer = writer_into(block, room);
        FAIL_UNLESS(scene, packet_encode(packet, &writer) == 0, "encoded into %zu bytes of %zu", room, size);
        free(block);
    }
}

/* decode, encode, decode, encode: the two encodings are the same; the first is handed out. */
static struct bytes check_round_trip(const struct scene *scene, const struct packet *packet)
{
    const struct bytes first = encode(scene, packet);
    struct scene again = *scene;
    again.packet = first;
    struct packet decoded;
    const struct verdict verdict = receive(&again, &decoded);
    FAIL_UNLESS(scene, !verdict.refused, "its own encoding is refused: %s at %u", verdict.what,
                verdict.offset);
    const struct bytes second = encode(&again, &decoded);
    FAIL_UNLESS(scene, bytes_equal(first, second), "the second encoding differs from the first");
    octets_free(second);
    return first;
}

static void accept_one(const struct scene *scene, const void *context)
{
    const struct accepted *row = context;
    struct packet packet;
    size_t told;
    struct verdict verdict = receive(scene, &packet);
    FAIL_UNLESS(scene, !verdict.refused, "refused: %s [%s] at %u", verdict.what,
                statement_describe(verdict.statement)->id, verdict.offset);
    verdict = decode_watched(scene, &packet, &told);
    FAIL_UNLESS(scene, told == scene->packet.length, "the observer was told of %zu bytes of %zu", told,
                scene->packet.length);
    check_header_fields(scene, &packet);
    check_framing(scene);
    check_limit(scene);
    check_prefixes(scene);

    const struct bytes encoded = check_round_trip(scene, &packet);
    const struct bytes expected = octets(row->encoded == NULL ? row->packet : row->encoded);
    FAIL_UNLESS(scene, bytes_equal(encoded, expected), "encoded otherwise than expected (%zu bytes, not %zu)",
                encoded.length, expected.length);
    octets_free(expected);
    octets_free(encoded);
    check_small_rooms(scene, &packet);
}

void check_accepted(const struct accepted *row)
{
    for_each(row->what, row->packet, row->versions, row->senders, accept_one, row);
}

/* Mutations: no expectation but that what is said holds together. */

static void check_any(const struct scene *scene)
{
    struct packet packet;
    size_t told;
    size_t size = 0;
    struct verdict framed;
    const enum framing framing = packet_frame(scene->packet, known_version(scene), 0, &size, &framed);
    const struct verdict verdict = decode_watched(scene, &packet, &told);
    const bool three = scene->version != PROTOCOL_5_0 && !is_connect(scene->packet);
    if (verdict.refused) {
        check_is_complete_refusal(scene, verdict, three);
        return;
    }
    FAIL_UNLESS(scene, framing == FRAMING_COMPLETE && size == scene->packet.length,
                "decoded, but not framed");
    FAIL_UNLESS(scene, told == scene->packet.length, "the observer was told of %zu bytes of %zu", told,
                scene->packet.length);
    struct scene of_version = *scene;
    of_version.version = packet.version;
    octets_free(check_round_trip(&of_version, &packet));
}

static void mutate_one(const struct scene *scene, const void *context)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};
    uint8_t *bytes = (uint8_t *)(uintptr_t)scene->packet.data;
    (void)context;
    if (scene->packet.length > 300)
        return; /* nothing in a long one that a short one has not, and dear */
    for (size_t at = 0; at < scene->packet.length; at++) {
        const uint8_t original = bytes[at];
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] = (uint8_t)(original ^ 1U << bit);
            check_any(scene);
        }
        for (size_t i = 0; i < sizeof values; i++) {
            bytes[at] = values[i];
            check_any(scene);
        }
        bytes[at] = original;
    }
}

void check_mutations(const struct accepted *row)
{
    for_each(row->what, row->packet, row->versions, row->senders, mutate_one, row);
}

/* Cuts */

static bool is_listed(const char *list, size_t number)
{
    char *end;
    for (;;) {
        const unsigned long listed = strtoul(list, &end, 10);
        if (end == list)
            return false;
        if (listed == number)
            return true;
        list = end;
    }
}

/* Bodies of less than 128 bytes only: their Remaining Length is one byte. */
static void cut_one(const struct scene *scene, const void *context)
{
    const struct cut *row = context;
    ck_assert_uint_lt(scene->packet.length, 130);
    for (size_t body = 0; body < scene->packet.length - 2; body++) {
        uint8_t *copy = octets_room(2 + body);
        memcpy(copy, scene->packet.data, 2 + body);
        copy[1] = (uint8_t)body;
        struct scene shorter = *scene;
        shorter.packet = bytes_of(copy, 2 + body);
        struct packet packet;
        const struct verdict verdict = receive(&shorter, &packet);
        FAIL_UNLESS(&shorter, verdict.refused == !is_listed(row->legal, body),
                    "cut to a Remaining Length of %zu: %s", body,
                    verdict.refused ? verdict.what : "accepted");
        if (verdict.refused)
            check_is_complete_refusal(&shorter, verdict,
                                      scene->version != PROTOCOL_5_0 && !is_connect(shorter.packet));
        free(copy);
    }
}

void check_cuts(const struct cut *row)
{
    for_each("cut", row->packet, row->versions, row->senders, cut_one, row);
}

/* Reason Codes */

static bool is_code_listed(const char *list, unsigned code)
{
    char text[4];
    snprintf(text, sizeof text, "%02X", code);
    return strstr(list, text) != NULL;
}

static void check_code(const struct codes *codes, enum sender sender, const char *allowed, unsigned code)
{
    char notation[NOTATION_SIZE];
    octets_print(notation, codes->packet, code);
    struct scene scene = {"Reason Code", notation, codes->version, sender, octets(notation)};
    struct packet packet;
    const struct verdict verdict = receive(&scene, &packet);
    FAIL_UNLESS(&scene, verdict.refused == !is_code_listed(allowed, code), "%s",
                verdict.refused ? "refused" : "accepted");
    if (verdict.refused) {
        FAIL_UNLESS(&scene, verdict.statement == codes->statement, "cites %s",
                    statement_describe(verdict.statement)->id);
        FAIL_UNLESS(&scene, verdict.offset == codes->offset, "at byte %u", verdict.offset);
        FAIL_UNLESS(&scene, is_expected_reason(EITHER, verdict.reason_code), "0x%02X", verdict.reason_code);
    }
    octets_free(scene.packet);
}

void check_codes(const struct codes *codes)
{
    for (unsigned code = 0; code < 256; code++) {
        if (is_code_listed(codes->open, code))
            continue;
        if (codes->client != NULL)
            check_code(codes, SENDER_CLIENT, codes->client, code);
        if (codes->server != NULL)
            check_code(codes, SENDER_SERVER, codes->server, code);
    }
}

/* Single packets */

void check_decodes(struct packet *packet, enum protocol_version version, enum sender sender,
                   struct bytes octets)
{
    const struct verdict verdict = packet_decode(packet, version, sender, octets, NULL);
    ck_assert_msg(!verdict.refused, "refused: %s at %u", verdict.what, verdict.offset);
}

void check_encodes(const struct packet *packet, const char *notation)
{
    const struct scene scene = {.what = "encoding", .notation = notation, .version = packet->version};
    const struct bytes expected = octets(notation);
    const struct bytes actual = encode(&scene, packet);
    FAIL_UNLESS(&scene, bytes_equal(actual, expected), "%zu bytes, expected %zu", actual.length,
                expected.length);
    octets_free(actual);
    octets_free(expected);
}

void check_text(struct bytes actual, const char *expected)
{
    ck_assert_msg(bytes_equal(actual, bytes_of_text(expected)), "\"%.*s\" instead of \"%s\"",
                  (int)actual.length, (const char *)actual.data, expected);
}
