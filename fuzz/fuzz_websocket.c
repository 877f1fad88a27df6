/* fuzz_websocket: what comes to a listener for WebSocket: a request and frames, in one piece and in
 * pieces. However the network cuts them, the same comes of them; and of frames what a reader that looks at
 * whole ones makes of them.
 *
 * Byte 0: bit 0: a good request goes in front of the rest, which is frames then; bit 1: paths and origins
 * are limited; bit 2: messages are limited; bits 3 and 4: packets are sent, and the broker ends. Bytes 1 and
 * 2: seed of the cuts. */
#include <stdlib.h>
#include <strings.h>

#include "fuzz.h"
#include "host/websocket.h"

#define REQUEST                                                                                              \
    "GET /mqtt HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                         \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"                           \
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n"
#define ANSWER                                                                                               \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                      \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"

enum {
    MESSAGE_LIMIT = 200,
    RULED_SIZE = 400,
    WITH_REQUEST = 1,
    WITH_RULES = 2,
    WITH_LIMIT = 4,
    SENDS = 8,
    GOES_AWAY = 16
};

struct record {
    enum filter_outcome outcome;
    struct buffer up;
    struct buffer down;
    size_t answered; /* `down` without the farewell and what was sent */
    char complaint[160];
};

static void append(struct buffer *buffer, struct bytes bytes)
{
    if (!buffer_append(buffer, bytes))
        exit(2);
}

static void record_free(struct record *record)
{
    buffer_free(&record->up);
    buffer_free(&record->down);
}

/* Pieces of 1 to 32 bytes, more often short ones; without a seed all are of one byte. */
static size_t next_cut(uint32_t *state)
{
    if (*state == 0)
        return 1;
    *state = *state * 1664525U + 1013904223U;
    return 1 + (*state >> 16) % (*state >> 31 ? 32 : 4);
}

static void append_sent(struct bytes packet, struct buffer *stream, struct buffer *frames)
{
    const uint8_t header[] = {0x82, 126, (uint8_t)(packet.length >> 8), (uint8_t)packet.length};
    const uint8_t shorter[] = {0x82, (uint8_t)packet.length};
    append(stream, packet);
    append(frames, packet.length < 126 ? bytes_of(shorter, 2) : bytes_of(header, 4));
    append(frames, packet);
}

/* A PINGRESP, a PUBLISH and again a PINGRESP, cut as well: each in a frame of its own. */
static void send_packets(struct filter *filter, struct record *record, uint32_t seed)
{
    uint8_t publish[400] = {0x30};
    const size_t payload = seed % 390;
    const size_t head = payload < 128 ? 2 : 3;
    publish[1] = (uint8_t)(payload < 128 ? payload : payload % 128 + 128);
    if (head == 3)
        publish[2] = (uint8_t)(payload / 128);
    struct buffer stream = {0}, frames = {0};
    const struct bytes packets[] = {bytes_of("\xD0", 2), bytes_of(publish, head + payload),
                                    bytes_of("\xD0", 2)};
    for (size_t i = 0; i < 3; i++)
        append_sent(packets[i], &stream, &frames);
    for (struct bytes rest = buffer_all(&stream); rest.length > 0;) {
        const size_t cut = next_cut(&seed);
        const struct bytes piece =
            fuzz_exact_copy(bytes_of(rest.data, cut < rest.length ? cut : rest.length));
        REQUIRE(filter->class->send(filter, piece, &record->down) == FILTER_GOES_ON);
        rest = bytes_after(rest, piece.length);
        fuzz_free(piece);
    }
    const struct bytes sent = bytes_after(buffer_all(&record->down), record->answered);
    REQUIRE(bytes_equal(sent, buffer_all(&frames)));
    buffer_free(&stream);
    buffer_free(&frames);
}

/* Something is sent when it may be, and then it's over. Once a Close frame or a page has gone, nothing
 * follows. */
static void finish(struct filter *filter, struct record *record, uint8_t options, uint32_t seed,
                   bool upgraded)
{
    record->answered = buffer_all(&record->down).length;
    if (upgraded && (options & SENDS) && record->outcome == FILTER_GOES_ON)
        send_packets(filter, record, seed);
    const size_t before = buffer_all(&record->down).length;
    filter->class->close(filter, &record->down);
    const size_t farewell = buffer_all(&record->down).length - before;
    if (record->outcome != FILTER_GOES_ON)
        REQUIRE(farewell == 0);
    else if (upgraded)
        REQUIRE(farewell == 4);
}

static struct record run(struct bytes stream, uint8_t options, bool cut, uint32_t seed)
{
    const uint32_t sent_seed = (uint32_t)stream.length; /* the same however the stream is cut */
    static const char *const paths[] = {"/mqtt"}, *const origins[] = {"https://a"};
    struct websocket_options settings = {.maximum_message = options & WITH_LIMIT ? MESSAGE_LIMIT : 0,
                                         .going_away = (options & GOES_AWAY) != 0};
    if (options & WITH_RULES)
        settings.upgrade = (struct http_upgrade_rules){paths, 1, origins, 1, RULED_SIZE};
    struct filter *filter = websocket_filter_create(&settings);
    struct record record = {.outcome = FILTER_GOES_ON};
    if (!filter)
        exit(2);
    while (stream.length > 0 && record.outcome == FILTER_GOES_ON) {
        size_t length = cut ? next_cut(&seed) : stream.length;
        length = length < stream.length ? length : stream.length;
        const struct bytes piece = fuzz_exact_copy(bytes_of(stream.data, length));
        record.outcome = filter->class->receive(filter, piece, &record.up, &record.down);
        fuzz_free(piece);
        stream = bytes_after(stream, length);
    }
    const char *complaint = filter->class->complaint(filter);
    REQUIRE((complaint != NULL) == (record.outcome == FILTER_FAILED));
    if (complaint)
        memcpy(record.complaint, complaint, strlen(complaint) + 1);
    const struct bytes down = buffer_all(&record.down);
    finish(filter, &record, options, sent_seed,
           down.length > 12 && memcmp(down.data, "HTTP/1.1 101", 12) == 0);
    filter->class->destroy(filter);
    return record;
}

/* The other reader. It sees a frame only when some of its payload is there, as far as it has any. */
struct reader {
    struct bytes rest;
    uint64_t message;
    uint64_t limit;
    bool open; /* a message is to be continued */
    struct record *record;
};

static void reader_closes(struct reader *reader, uint16_t code)
{
    const uint8_t frame[] = {0x88, 2, (uint8_t)(code >> 8), (uint8_t)code};
    append(&reader->record->down, bytes_of(frame, sizeof frame));
    reader->record->outcome = FILTER_FAILED;
}

/* A naive decoder of UTF-8, by code points; U+0000 is none. */
static bool is_utf8(const uint8_t *at, size_t length)
{
    while (length > 0) {
        const size_t size = *at < 0x80                  ? 1
                            : *at >= 0xC2 && *at < 0xE0 ? 2
                            : *at >= 0xE0 && *at < 0xF0 ? 3
                                                        : 4;
        uint32_t point = size == 1 ? *at : *at & (0x7FU >> size);
        if (size > length || *at > 0xF4 || (*at >= 0x80 && *at < 0xC2))
            return false;
        for (size_t i = 1; i < size; i++) {
            if (at[i] >> 6 != 2)
                return false;
            point = point << 6 | (at[i] & 0x3FU);
        }
        if (point == 0 || (point >= 0xD800 && point < 0xE000) || point > 0x10FFFF ||
            (size == 3 && point < 0x800) || (size == 4 && point < 0x10000))
            return false;
        at += size;
        length -= size;
    }
    return true;
}

static void reader_sees_close(struct reader *reader, const uint8_t *payload, size_t length)
{
    const unsigned code = length < 2 ? 0 : payload[0] * 256U + payload[1];
    const bool registered = (code > 999 && code < 1015 && code != 1004 && code != 1005 && code != 1006) ||
                            (code > 2999 && code < 5000);
    const uint8_t frame[] = {0x88, length ? 2 : 0, (uint8_t)(code >> 8), (uint8_t)code};
    if (length > 0 && !registered) {
        reader_closes(reader, 1002);
    } else if (length > 2 && !is_utf8(payload + 2, length - 2)) {
        reader_closes(reader, 1007);
    } else {
        append(&reader->record->down, bytes_of(frame, length ? 4 : 2));
        reader->record->outcome = FILTER_ENDED;
    }
}

struct frame {
    bool final;
    uint8_t reserved, opcode;
    bool masked;
    uint64_t length;
    size_t header;
    const uint8_t *mask;
};

/* False: the header is not all there, or wrong. */
static bool reader_header(struct reader *reader, struct frame *frame)
{
    const uint8_t *at = reader->rest.data;
    if (reader->rest.length < 2)
        return false;
    *frame = (struct frame){at[0] >> 7, at[0] >> 4 & 7, at[0] & 15, at[1] >> 7, at[1] & 127, 2, NULL};
    if (frame->opcode >= 8 && (!frame->final || frame->length > 125)) {
        reader_closes(reader, 1002);
        return false;
    }
    const size_t more = frame->length == 126 ? 2 : frame->length == 127 ? 8 : 0;
    if (reader->rest.length < 2 + more)
        return false;
    if (more > 0)
        frame->length = 0;
    for (size_t i = 0; i < more; i++)
        frame->length = frame->length << 8 | at[2 + i];
    if ((more == 2 && frame->length < 126) || (more == 8 && (frame->length < 65536 || frame->length >> 63))) {
        reader_closes(reader, 1002);
        return false;
    }
    frame->mask = at + 2 + more;
    frame->header = 2 + more + (frame->masked ? 4 : 0);
    return reader->rest.length >= frame->header + (frame->length > 0 ? 1 : 0);
}

/* The code to close with; 0: nothing is wrong. */
static uint16_t reader_judges(struct reader *reader, const struct frame *frame)
{
    const bool control = frame->opcode >= 8;
    if (!frame->masked || frame->reserved || (frame->opcode > 2 && !control) || frame->opcode > 10)
        return 1002;
    if (control)
        return 0;
    if ((frame->opcode == 0) != reader->open)
        return 1002;
    if (frame->opcode == 1)
        return 1003;
    reader->open = !frame->final;
    reader->message = frame->length + (frame->opcode == 0 ? reader->message : 0);
    return reader->limit && reader->message > reader->limit ? 1009 : 0;
}

static void reader_payload(struct reader *reader, const struct frame *frame, size_t length)
{
    const uint8_t *from = reader->rest.data + frame->header;
    const bool control = frame->opcode >= 8;
    uint8_t payload[125];
    for (size_t i = 0; i < length; i++) {
        const uint8_t byte = from[i] ^ frame->mask[i % 4];
        if (control)
            payload[i] = byte;
        else
            append(&reader->record->up, bytes_of(&byte, 1));
    }
    if (frame->opcode == 8 && length == frame->length)
        reader_sees_close(reader, payload, length);
    if (frame->opcode == 9 && length == frame->length) {
        const uint8_t header[] = {0x8A, (uint8_t)length};
        append(&reader->record->down, bytes_of(header, 2));
        append(&reader->record->down, bytes_of(payload, length));
    }
}

static void read_frames(struct reader *reader)
{
    struct frame frame;
    while (reader->record->outcome == FILTER_GOES_ON && reader_header(reader, &frame)) {
        const uint16_t wrong = reader_judges(reader, &frame);
        if (wrong != 0) {
            reader_closes(reader, wrong);
            return;
        }
        const size_t there = reader->rest.length - frame.header;
        const size_t length = frame.length < there ? (size_t)frame.length : there;
        reader_payload(reader, &frame, length);
        reader->rest = bytes_after(reader->rest, frame.header + length);
        if (length < frame.length)
            return;
    }
}

static void compare_with_reader(const struct record *record, struct bytes frames, uint8_t options)
{
    struct record expected = {.outcome = FILTER_GOES_ON};
    struct reader reader = {
        .rest = frames, .limit = options & WITH_LIMIT ? MESSAGE_LIMIT : 0, .record = &expected};
    append(&expected.down, bytes_of_text(ANSWER));
    read_frames(&reader);
    REQUIRE(expected.outcome == record->outcome);
    REQUIRE(bytes_equal(buffer_all(&expected.up), buffer_all(&record->up)));
    REQUIRE(
        bytes_equal(buffer_all(&expected.down), bytes_of(buffer_all(&record->down).data, record->answered)));
    record_free(&expected);
}

/* The only one that the rules allow, with blanks around it. */
static void check_origin(struct bytes value)
{
    const struct bytes origin = bytes_of_text("https://a");
    const char *at = memmem(value.data, value.length, "://", 3);
    REQUIRE(at != NULL && at - 5 >= (const char *)value.data);
    at -= 5;
    REQUIRE(strncasecmp(at, "https://a", origin.length) == 0);
    for (const char *c = (const char *)value.data; c < (const char *)value.data + value.length; c++)
        REQUIRE((c >= at && c < at + origin.length) || *c == ' ' || *c == '\t');
}

/* A request that was accepted: every line ends as it must and has no other control character, and what may
 * come once has not come twice. */
static void check_lines(struct bytes request, uint8_t options)
{
    static const char *const single[] = {"host:", "sec-websocket-key:", "sec-websocket-version:", "origin:"};
    size_t counts[4] = {0};
    REQUIRE(request.length <= (options & WITH_RULES ? RULED_SIZE : HTTP_UPGRADE_SIZE));
    while (request.length > 0) {
        const char *line = (const char *)request.data;
        const uint8_t *end = memchr(request.data, '\n', request.length);
        REQUIRE(end > request.data && end[-1] == '\r');
        const size_t length = (size_t)(end - request.data) - 1;
        for (size_t i = 0; i < length; i++)
            REQUIRE((uint8_t)line[i] == '\t' || ((uint8_t)line[i] >= ' ' && line[i] != 0x7F));
        for (size_t i = 0; i < 4; i++)
            counts[i] += length >= strlen(single[i]) && strncasecmp(line, single[i], strlen(single[i])) == 0;
        if ((options & WITH_RULES) && length > 7 && strncasecmp(line, "origin:", 7) == 0)
            check_origin(bytes_of(line + 7, length - 7));
        request = bytes_after(request, length + 2);
    }
    REQUIRE(counts[0] == 1 && counts[1] == 1 && counts[2] == 1 && counts[3] <= 1);
}

/* What must be true of any request and its answer. */
static void check_answer(const struct record *record, struct bytes stream, uint8_t options)
{
    const struct bytes down = buffer_all(&record->down);
    const bool http = stream.length > 0 && stream.data[0] >= 'A' && stream.data[0] <= 'Z';
    REQUIRE(http || (down.length == 0 && buffer_all(&record->up).length == 0));
    if (down.length == 0)
        return;
    REQUIRE(down.length > 13 && memcmp(down.data, "HTTP/1.1 ", 9) == 0);
    const uint8_t *body = memmem(down.data, down.length, "\r\n\r\n", 4);
    REQUIRE(body != NULL);
    if (memcmp(down.data + 9, "101", 3) != 0) {
        REQUIRE(record->outcome != FILTER_ENDED && buffer_all(&record->up).length == 0);
        return;
    }
    const uint8_t *end = memmem(stream.data, stream.length, "\r\n\r\n", 4);
    REQUIRE(end != NULL && memcmp(stream.data, "GET ", 4) == 0);
    const size_t size = (size_t)(end - stream.data);
    REQUIRE(size + 4 <= HTTP_UPGRADE_SIZE && memmem(stream.data, size, " HTTP/1.1\r\n", 11) != NULL);
    REQUIRE(memmem(stream.data, size, "==", 2) != NULL && memmem(stream.data, size, "13", 2) != NULL);
    REQUIRE(memmem(stream.data, size, "mqtt", 4) != NULL);
    check_lines(bytes_of(stream.data, size + 4), options);
}

static void compare_records(const struct record *a, const struct record *b)
{
    REQUIRE(a->outcome == b->outcome && strcmp(a->complaint, b->complaint) == 0);
    REQUIRE(bytes_equal(buffer_all(&a->up), buffer_all(&b->up)));
    REQUIRE(bytes_equal(buffer_all(&a->down), buffer_all(&b->down)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.at = data, .end = data + size};
    const uint8_t options = input_byte(&input);
    const uint32_t seed = input_two_bytes(&input);
    const struct bytes rest = input_rest(&input);
    struct buffer stream = {0};
    if (options & WITH_REQUEST)
        append(&stream, bytes_of_text(REQUEST));
    append(&stream, rest);

    struct record whole = run(buffer_all(&stream), options, false, 0);
    struct record parts = run(buffer_all(&stream), options, true, seed);
    struct record single = run(buffer_all(&stream), options, true, 0);
    compare_records(&whole, &parts);
    compare_records(&whole, &single);
    check_answer(&whole, buffer_all(&stream), options);
    if (options & WITH_REQUEST)
        compare_with_reader(&whole, rest, options);
    record_free(&whole);
    record_free(&parts);
    record_free(&single);
    buffer_free(&stream);
    return 0;
}
