/* host/websocket: the filter, as bytes from below and from above; chapter 6, RFC 6455 section 5. */
#include <stdio.h>

#include "host/websocket.h"
#include "support.h"

#define REQUEST                                                                                              \
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                             \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"                           \
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n"

/* What comes up and goes down while bytes arrive, and how it ends. */
struct result {
    enum filter_outcome outcome;
    struct buffer up;
    struct buffer down;
    char complaint[200];
};

static void result_free(struct result *result)
{
    buffer_free(&result->up);
    buffer_free(&result->down);
}

/* Passes `bytes` in pieces of `cut`, each in a block of its own size; none any more when it has ended. */
static void feed(struct filter *filter, struct bytes bytes, size_t cut, struct result *result)
{
    while (bytes.length > 0 && result->outcome == FILTER_GOES_ON) {
        const size_t length = bytes.length < cut ? bytes.length : cut;
        uint8_t *block = octets_room(length);
        memcpy(block, bytes.data, length);
        result->outcome = filter->class->receive(filter, bytes_of(block, length), &result->up, &result->down);
        free(block);
        bytes = bytes_after(bytes, length);
    }
}

static struct filter *open_filter(const struct websocket_options *options, size_t cut)
{
    struct filter *filter = websocket_filter_create(options);
    struct result result = {.outcome = FILTER_GOES_ON};
    ck_assert_ptr_nonnull(filter);
    feed(filter, bytes_of_text(REQUEST), cut, &result);
    ck_assert_int_eq(result.outcome, FILTER_GOES_ON);
    ck_assert_uint_eq(buffer_all(&result.up).length, 0);
    ck_assert_int_eq(memcmp(buffer_all(&result.down).data, "HTTP/1.1 101 ", 13), 0);
    result_free(&result);
    return filter;
}

static struct result receive_cut(const struct websocket_options *options, struct bytes frames, size_t cut)
{
    struct filter *filter = open_filter(options, cut);
    struct result result = {.outcome = FILTER_GOES_ON};
    feed(filter, frames, cut, &result);
    const char *complaint = filter->class->complaint(filter);
    ck_assert((complaint != NULL) == (result.outcome == FILTER_FAILED));
    snprintf(result.complaint, sizeof result.complaint, "%s", complaint ? complaint : "");
    filter->class->destroy(filter);
    return result;
}

/* However the frames are cut, the same comes of them. */
static struct result receive(const struct websocket_options *options, struct bytes frames)
{
    static const size_t cuts[] = {1, 2, 3, 5, 13};
    struct result whole = receive_cut(options, frames, SIZE_MAX);
    for (int i = 0; i < COUNT(cuts); i++) {
        struct result cut = receive_cut(options, frames, cuts[i]);
        ck_assert_int_eq(cut.outcome, whole.outcome);
        ck_assert_str_eq(cut.complaint, whole.complaint);
        ck_assert(bytes_equal(buffer_all(&cut.up), buffer_all(&whole.up)));
        ck_assert(bytes_equal(buffer_all(&cut.down), buffer_all(&whole.down)));
        result_free(&cut);
    }
    return whole;
}

static const struct websocket_options any, small = {.maximum_message = 10};

struct row {
    const char *frames; /* of the client */
    enum filter_outcome outcome;
    const char *up;
    const char *down;
};

static void check_bytes(const char *what, const char *frames, struct bytes actual, const char *expected)
{
    const struct bytes wanted = octets(expected);
    ck_assert_msg(bytes_equal(actual, wanted), "%s: what went %s is not %s but %zu bytes", frames, what,
                  expected, actual.length);
    octets_free(wanted);
}

static void check_row(const struct websocket_options *options, const struct row *row)
{
    const struct bytes frames = octets(row->frames);
    struct result result = receive(options, frames);
    ck_assert_msg(result.outcome == row->outcome, "%s: %d %s", row->frames, result.outcome, result.complaint);
    check_bytes("up", row->frames, buffer_all(&result.up), row->up);
    check_bytes("down", row->frames, buffer_all(&result.down), row->down);
    result_free(&result);
    octets_free(frames);
}

static void check_rows(const struct websocket_options *options, const struct row *rows, int count)
{
    for (int i = 0; i < count; i++)
        check_row(options, &rows[i]);
}

/* [MQTT-6.0.0-1] [MQTT-6.0.0-2]. A mask of zeros leaves the payload legible; the first row has that of RFC
 * 6455 section 5.7. */
START_TEST(data_goes_up_as_it_comes)
{
    static const struct row rows[] = {
        {"82 85 37FA213D 7F9F4D5158", FILTER_GOES_ON, "'Hello'", ""},
        {"82 82 00000000 C000", FILTER_GOES_ON, "C000", ""},
        /* Two packets in a frame, a packet in two frames, a part that is not even a frame yet */
        {"82 84 00000000 C000C000", FILTER_GOES_ON, "C000C000", ""},
        {"82 81 00000000 C0 82 81 00000000 00", FILTER_GOES_ON, "C000", ""},
        {"82 84 00000000 C000", FILTER_GOES_ON, "C000", ""},
        /* Frames and fragments without payload */
        {"82 80 00000000 82 80 01020304 82 81 00000000 'a'", FILTER_GOES_ON, "'a'", ""},
        {"02 80 00000000 00 80 00000000 80 80 00000000 82 81 00000000 'a'", FILTER_GOES_ON, "'a'", ""},
        /* A message in fragments, and control frames between them */
        {"02 81 00000000 'a' 00 81 00000000 'b' 80 81 00000000 'c'", FILTER_GOES_ON, "'abc'", ""},
        {"02 81 00000000 'a' 89 81 00000000 'p' 80 81 00000000 'b'", FILTER_GOES_ON, "'ab'", "8A 01 'p'"},
        {"02 81 00000000 'a' 8A 81 00000000 'p' 80 81 00000000 'b'", FILTER_GOES_ON, "'ab'", ""},
        /* Lengths of two and of eight bytes */
        {"82 FE 007E 00000000 61*126", FILTER_GOES_ON, "61*126", ""},
        {"82 FE FFFF 00000000 61*65535", FILTER_GOES_ON, "61*65535", ""},
        {"82 FF 0000000000010000 00000000 61*65536", FILTER_GOES_ON, "61*65536", ""},
        /* A frame that claims to be huge costs nothing but what comes of it */
        {"82 FF 7FFFFFFFFFFFFFFF 00000000 'abc'", FILTER_GOES_ON, "'abc'", ""},
    };
    check_rows(&any, rows, COUNT(rows));
}
END_TEST

START_TEST(the_mask_goes_on_beyond_a_buffer)
{
    enum { SIZE = 65536, HEADER = 14 };
    static const uint8_t header[HEADER] = {0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4};
    uint8_t *block = octets_room(HEADER + SIZE);
    memset(block, 0, HEADER + SIZE);
    memcpy(block, header, HEADER);
    struct result result = receive(&any, bytes_of(block, HEADER + SIZE));
    const struct bytes up = buffer_all(&result.up);
    ck_assert_uint_eq(up.length, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        if (up.data[i] != i % 4 + 1)
            ck_abort_msg("at %zu: %u", i, up.data[i]);
    result_free(&result);
    free(block);
}
END_TEST

START_TEST(pings_are_answered)
{
    static const struct row rows[] = {
        {"89 80 00000000", FILTER_GOES_ON, "", "8A 00"},
        {"89 85 37FA213D 7F9F4D5158", FILTER_GOES_ON, "", "8A 05 'Hello'"},
        {"89 81 00000000 'a' 89 81 00000000 'b'", FILTER_GOES_ON, "", "8A 01 'a' 8A 01 'b'"},
        {"8A 80 00000000 8A 81 00000000 'x'", FILTER_GOES_ON, "", ""},
        {"89 FD 00000000 61*125", FILTER_GOES_ON, "", "8A 7D 61*125"},
    };
    check_rows(&any, rows, COUNT(rows));
}
END_TEST

/* Thousands at once cost neither a queue nor more bytes down than came up. */
START_TEST(many_pings)
{
    enum { PINGS = 40000 };
    static const uint8_t ping[] = {0x89, 0x80, 0, 0, 0, 0};
    struct buffer frames = {0};
    for (int i = 0; i < PINGS; i++)
        ck_assert(buffer_append(&frames, bytes_of(ping, sizeof ping)));
    struct result result = receive_cut(&any, buffer_all(&frames), SIZE_MAX);
    ck_assert_int_eq(result.outcome, FILTER_GOES_ON);
    ck_assert_uint_eq(buffer_all(&result.down).length, 2 * PINGS);
    result_free(&result);
    buffer_free(&frames);
}
END_TEST

/* What came before the Close frame still counts. */
START_TEST(the_client_closes)
{
    static const struct row rows[] = {
        {"88 80 00000000", FILTER_ENDED, "", "88 00"},
        {"88 82 00000000 03E8", FILTER_ENDED, "", "88 02 03E8"},
        {"82 82 00000000 E000 88 82 00000000 03E9", FILTER_ENDED, "E000", "88 02 03E9"},
        {"88 85 00000000 03E8 'bye'", FILTER_ENDED, "", "88 02 03E8"},
        {"88 84 00000000 03E8 C3A9", FILTER_ENDED, "", "88 02 03E8"},
        {"88 82 00000000 0FA0", FILTER_ENDED, "", "88 02 0FA0"},
        {"02 81 00000000 'a' 88 82 00000000 03E8", FILTER_ENDED, "'a'", "88 02 03E8"},
        /* Nothing behind it is looked at. */
        {"88 82 00000000 03E8 82 81 00000000 'a' FFFF", FILTER_ENDED, "", "88 02 03E8"},
        /* Codes that nobody may send, one byte, a reason that is not UTF-8 */
        {"88 82 00000000 03E7", FILTER_FAILED, "", "88 02 03EA"},
        {"88 82 00000000 03ED", FILTER_FAILED, "", "88 02 03EA"},
        {"88 82 00000000 03F7", FILTER_FAILED, "", "88 02 03EA"},
        {"88 81 00000000 03", FILTER_FAILED, "", "88 02 03EA"},
        {"88 83 00000000 03E8 FF", FILTER_FAILED, "", "88 02 03EF"},
    };
    check_rows(&any, rows, COUNT(rows));
}
END_TEST

START_TEST(what_ends_the_connection)
{
    static const struct row rows[] = {
        /* Text [MQTT-6.0.0-1], also in fragments and when it is not UTF-8 */
        {"81 82 00000000 C000", FILTER_FAILED, "", "88 02 03EB"},
        {"01 82 00000000 C000", FILTER_FAILED, "", "88 02 03EB"},
        {"81 81 00000000 FF", FILTER_FAILED, "", "88 02 03EB"},
        {"81 80 00000000", FILTER_FAILED, "", "88 02 03EB"},
        {"82 81 00000000 'a' 81 81 00000000 'b' 82 81 00000000 'c'", FILTER_FAILED, "'a'", "88 02 03EB"},
        /* No mask */
        {"82 01 'a'", FILTER_FAILED, "", "88 02 03EA"},
        {"82 00", FILTER_FAILED, "", "88 02 03EA"},
        {"89 00", FILTER_FAILED, "", "88 02 03EA"},
        {"88 00", FILTER_FAILED, "", "88 02 03EA"},
        /* Reserved bits: no extension was agreed on */
        {"C2 81 00000000 'a'", FILTER_FAILED, "", "88 02 03EA"},
        {"A2 81 00000000 'a'", FILTER_FAILED, "", "88 02 03EA"},
        {"92 81 00000000 'a'", FILTER_FAILED, "", "88 02 03EA"},
        {"C9 80 00000000", FILTER_FAILED, "", "88 02 03EA"},
        /* Reserved types */
        {"83 81 00000000 'a'", FILTER_FAILED, "", "88 02 03EA"},
        {"87 80 00000000", FILTER_FAILED, "", "88 02 03EA"},
        {"8B 80 00000000", FILTER_FAILED, "", "88 02 03EA"},
        {"8F 80 00000000", FILTER_FAILED, "", "88 02 03EA"},
        {"02 81 00000000 'a' 8B 80 00000000", FILTER_FAILED, "'a'", "88 02 03EA"},
        /* Fragments out of order */
        {"80 81 00000000 'a'", FILTER_FAILED, "", "88 02 03EA"},
        {"02 81 00000000 'a' 82 81 00000000 'b'", FILTER_FAILED, "'a'", "88 02 03EA"},
        {"82 81 00000000 'a' 80 81 00000000 'b'", FILTER_FAILED, "'a'", "88 02 03EA"},
        /* Control frames in fragments, or too long */
        {"09 80 00000000", FILTER_FAILED, "", "88 02 03EA"},
        {"89 FE 007E 00000000 61*126", FILTER_FAILED, "", "88 02 03EA"},
        {"88 FE 007E 00000000 61*126", FILTER_FAILED, "", "88 02 03EA"},
        /* A length in more bytes than it needs, or of more than 63 bits */
        {"82 FE 0001 00000000 'a'", FILTER_FAILED, "", "88 02 03EA"},
        {"82 FF 000000000000FFFF 00000000 61*9", FILTER_FAILED, "", "88 02 03EA"},
        {"82 FF 8000000000000000 00000000 61*9", FILTER_FAILED, "", "88 02 03EA"},
        /* An answer that is due is given before */
        {"89 81 00000000 'p' 82 FE 0001 00000000 'a'", FILTER_FAILED, "", "8A 01 'p' 88 02 03EA"},
        {"89 81 00000000 'p' 82 01 'a'", FILTER_FAILED, "", "8A 01 'p' 88 02 03EA"},
    };
    check_rows(&any, rows, COUNT(rows));
}
END_TEST

/* Of the maximum's size, one more; in one frame, in fragments. A ping does not count. */
START_TEST(the_size_of_a_message_is_limited)
{
    static const struct row rows[] = {
        {"82 8A 00000000 61*10 82 8A 00000000 61*10", FILTER_GOES_ON, "61*20", ""},
        {"82 8B 00000000 61*11", FILTER_FAILED, "", "88 02 03F1"},
        {"02 85 00000000 61*5 89 82 00000000 'pp' 80 85 00000000 61*5", FILTER_GOES_ON, "61*10",
         "8A 02 'pp'"},
        {"02 85 00000000 61*5 00 85 00000000 61*5 80 81 00000000 61", FILTER_FAILED, "61*10", "88 02 03F1"},
        {"82 FF 7FFFFFFFFFFFFFFF 00000000 'a'", FILTER_FAILED, "", "88 02 03F1"},
    };
    check_rows(&small, rows, COUNT(rows));
}
END_TEST

/* What is sent: [MQTT-6.0.0-1]. Each packet is in a frame of its own. */
struct output_row {
    const char *packets;
    const char *down;
};
static const struct output_row output_rows[] = {
    {"D000", "82 02 D000"},
    {"D000 D000 4002 0001 D000", "82 02 D000 82 02 D000 82 04 4002 0001 82 02 D000"},
    /* The longest frames with a length of one byte and of two, and the shortest of two and of eight */
    {"30 7B 61*123", "82 7D 30 7B 61*123"},
    {"30 7C 61*124 D000", "82 7E 007E 30 7C 61*124 82 02 D000"},
    {"30 FBFF03 61*65531 D000", "82 7E FFFF 30 FBFF03 61*65531 82 02 D000"},
    {"30 FCFF03 61*65532 D000", "82 7F 0000000000010000 30 FCFF03 61*65532 82 02 D000"},
    /* Remaining Lengths of two, three and four bytes */
    {"30 8001 61*128 D000", "82 7E 0083 30 8001 61*128 82 02 D000"},
    {"30 808001 61*16384", "82 7E 4004 30 808001 61*16384"},
    {"30 80808001 61*2097152 D000", "82 7F 0000000000200005 30 80808001 61*2097152 82 02 D000"},
};

/* The first `first` bytes by themselves, then pieces of `cut`. */
static void check_output(const struct output_row *row, size_t first, size_t cut)
{
    struct filter *filter = open_filter(&any, SIZE_MAX);
    struct buffer down = {0};
    const struct bytes all = octets(row->packets);
    struct bytes rest = all;
    for (size_t size = first; rest.length > 0; size = cut) {
        const size_t length = size < rest.length ? size : rest.length;
        uint8_t *block = octets_room(length);
        memcpy(block, rest.data, length);
        ck_assert_int_eq(filter->class->send(filter, bytes_of(block, length), &down), FILTER_GOES_ON);
        free(block);
        rest = bytes_after(rest, length);
    }
    check_bytes("down", row->packets, buffer_all(&down), row->down);
    filter->class->destroy(filter);
    octets_free(all);
    buffer_free(&down);
}

START_TEST(output_is_framed)
{
    for (int i = 0; i < COUNT(output_rows); i++) {
        check_output(&output_rows[i], SIZE_MAX, SIZE_MAX);
        check_output(&output_rows[i], 4, 65536);
    }
    for (int i = 0; i < COUNT(output_rows) - 1; i++)
        for (size_t first = 1; first < 12; first++)
            check_output(&output_rows[i], first, SIZE_MAX);
    for (size_t cut = 1; cut < 9; cut++)
        check_output(&output_rows[1], cut, cut);
}
END_TEST

/* Between the parts of a packet only the rest of it may be sent: a Ping is answered behind it, the last of several is
 * enough (RFC 6455, section 5.5.3); and a Close frame can't be sent any more. */
static struct filter *begin_output(const char *packets, struct buffer *down)
{
    struct filter *filter = open_filter(&any, SIZE_MAX);
    const struct bytes begun = octets(packets);
    ck_assert_int_eq(filter->class->send(filter, begun, down), FILTER_GOES_ON);
    octets_free(begun);
    return filter;
}

static enum filter_outcome receive_amidst(struct filter *filter, const char *frames, struct buffer *down)
{
    struct buffer up = {0};
    const struct bytes bytes = octets(frames);
    const enum filter_outcome outcome = filter->class->receive(filter, bytes, &up, down);
    ck_assert_uint_eq(buffer_all(&up).length, 0);
    octets_free(bytes);
    buffer_free(&up);
    return outcome;
}

START_TEST(pongs_wait_for_the_end_of_a_frame)
{
    static const struct {
        const char *begun, *pings, *rest, *down;
    } rows[] = {
        {"40", "89 81 00000000 'p'", "02 0001 D000", "82 04 4002 0001 8A 01 'p' 82 02 D000"},
        {"4002 00", "89 81 00000000 'p'", "01 D000", "82 04 4002 0001 8A 01 'p' 82 02 D000"},
        {"D000 30 FF", "89 80 00000000", "01 61*255 D000",
         "82 02 D000 82 7E 0102 30 FF01 61*255 8A 00 82 02 D000"},
        {"4002 00", "89 81 00000000 'a' 89 81 00000000 'b'", "01", "82 04 4002 0001 8A 01 'b'"},
        {"4002 00", "89 FD 00000000 61*125 8A 80 00000000", "01", "82 04 4002 0001 8A 7D 61*125"},
        {"4002 0001", "89 81 00000000 'p'", "D000", "82 04 4002 0001 8A 01 'p' 82 02 D000"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct buffer down = {0};
        struct filter *filter = begin_output(rows[i].begun, &down);
        ck_assert_int_eq(receive_amidst(filter, rows[i].pings, &down), FILTER_GOES_ON);
        const struct bytes rest = octets(rows[i].rest);
        ck_assert_int_eq(filter->class->send(filter, rest, &down), FILTER_GOES_ON);
        check_bytes("down", rows[i].begun, buffer_all(&down), rows[i].down);
        filter->class->destroy(filter);
        octets_free(rest);
        buffer_free(&down);
    }
}
END_TEST

START_TEST(no_close_within_a_frame)
{
    static const struct {
        const char *frames;
        enum filter_outcome outcome;
    } rows[] = {
        {"88 82 00000000 03E8", FILTER_ENDED},
        {"89 81 00000000 'p' 88 82 00000000 03E8", FILTER_ENDED},
        {"81 80 00000000", FILTER_FAILED},
        {"8A 80 00000000", FILTER_GOES_ON}, /* and then the host closes */
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct buffer down = {0};
        struct filter *filter = begin_output("4002 00", &down);
        ck_assert_int_eq(receive_amidst(filter, rows[i].frames, &down), rows[i].outcome);
        filter->class->close(filter, &down);
        check_bytes("down", rows[i].frames, buffer_all(&down), "82 04 4002 00");
        filter->class->destroy(filter);
        buffer_free(&down);
    }
}
END_TEST

static void check_farewell(struct filter *filter, const char *expected)
{
    struct buffer down = {0};
    filter->class->close(filter, &down);
    check_bytes("down", "close", buffer_all(&down), expected);
    buffer_free(&down);
}

START_TEST(farewells)
{
    struct websocket_options options = {0};
    struct filter *filter = open_filter(&options, SIZE_MAX);
    struct buffer down = {0};
    check_farewell(filter, "88 02 03E8");
    check_farewell(filter, ""); /* once is enough, and nothing may follow */
    ck_assert_int_eq(filter->class->send(filter, bytes_of("x", 1), &down), FILTER_FAILED);
    ck_assert_uint_eq(buffer_all(&down).length, 0);
    filter->class->destroy(filter);

    filter = open_filter(&options, SIZE_MAX);
    options.going_away = true;
    check_farewell(filter, "88 02 03E9");
    filter->class->destroy(filter);
}
END_TEST

/* A Close frame was sent already: as an answer, or as a refusal. */
START_TEST(no_farewell_after_a_close)
{
    static const char *const frames[] = {"88 82 00000000 03E8", "81 80 00000000", "82 00",
                                         "82 FE 0001 00000000 'a'"};
    for (int i = 0; i < COUNT(frames); i++) {
        struct filter *filter = open_filter(&any, SIZE_MAX);
        struct result result = {.outcome = FILTER_GOES_ON};
        const struct bytes bytes = octets(frames[i]);
        feed(filter, bytes, SIZE_MAX, &result);
        ck_assert_int_ne(result.outcome, FILTER_GOES_ON);
        check_farewell(filter, "");
        filter->class->destroy(filter);
        result_free(&result);
        octets_free(bytes);
    }
}
END_TEST

static void check_request(const struct websocket_options *options, const char *request,
                          enum filter_outcome outcome, const char *first_line, const char *farewell)
{
    struct filter *filter = websocket_filter_create(options);
    struct result result = {.outcome = FILTER_GOES_ON};
    feed(filter, bytes_of_text(request), 1, &result);
    ck_assert_int_eq(result.outcome, outcome);
    ck_assert_int_eq(
        memcmp(buffer_all(&result.down).length ? (const char *)buffer_all(&result.down).data : "", first_line,
               strlen(first_line)),
        0);
    buffer_clear(&result.down);
    filter->class->close(filter, &result.down);
    ck_assert_uint_eq(buffer_all(&result.down).length > 0, farewell != NULL);
    if (farewell)
        ck_assert_int_eq(memcmp(buffer_all(&result.down).data, farewell, strlen(farewell)), 0);
    filter->class->destroy(filter);
    result_free(&result);
}

START_TEST(requests_that_come_to_nothing)
{
    const struct websocket_options ending = {.going_away = true};
    check_request(&any, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", FILTER_FAILED, "HTTP/1.1 426 ", NULL);
    check_request(&any, "\x10\x0D", FILTER_FAILED, "", NULL);
    check_request(&any, "GET / HT", FILTER_GOES_ON, "", "HTTP/1.1 408 ");
    check_request(&ending, "GET / HT", FILTER_GOES_ON, "", "HTTP/1.1 503 ");
    check_request(&any, "", FILTER_GOES_ON, "", NULL);
}
END_TEST

/* Request and first frame in one piece. */
START_TEST(frames_right_behind_the_request)
{
    static const uint8_t frame[] = {0x82, 0x82, 0, 0, 0, 0, 0xC0, 0};
    struct filter *filter = websocket_filter_create(&any);
    struct result result = {.outcome = FILTER_GOES_ON};
    struct buffer all = {0};
    ck_assert(buffer_append(&all, bytes_of_text(REQUEST)) &&
              buffer_append(&all, bytes_of(frame, sizeof frame)));
    feed(filter, buffer_all(&all), SIZE_MAX, &result);
    ck_assert_int_eq(result.outcome, FILTER_GOES_ON);
    check_bytes("up", "request and frame", buffer_all(&result.up), "C000");
    filter->class->destroy(filter);
    result_free(&result);
    buffer_free(&all);
}
END_TEST

Suite *suite_host_websocket(void);

Suite *suite_host_websocket(void)
{
    Suite *suite = suite_create("host/websocket");
    TCase *tcase = tcase_create("frames");
    tcase_add_test(tcase, data_goes_up_as_it_comes);
    tcase_add_test(tcase, the_mask_goes_on_beyond_a_buffer);
    tcase_add_test(tcase, pings_are_answered);
    tcase_add_test(tcase, many_pings);
    tcase_add_test(tcase, the_client_closes);
    tcase_add_test(tcase, what_ends_the_connection);
    tcase_add_test(tcase, the_size_of_a_message_is_limited);
    tcase_add_test(tcase, output_is_framed);
    tcase_add_test(tcase, pongs_wait_for_the_end_of_a_frame);
    tcase_add_test(tcase, no_close_within_a_frame);
    tcase_add_test(tcase, farewells);
    tcase_add_test(tcase, no_farewell_after_a_close);
    tcase_add_test(tcase, requests_that_come_to_nothing);
    tcase_add_test(tcase, frames_right_behind_the_request);
    suite_add_tcase(suite, tcase);
    return suite;
}
