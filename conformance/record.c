#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum record_type {
    RECORD_EXCHANGE = 1,
    RECORD_NOTE,
    RECORD_EXTENSION,
    RECORD_CAPABILITIES,
    RECORD_VERDICT,
    RECORD_LEFTOVER,
    RECORD_TIDIED,
    RECORD_READY
};

#define RECORD_HEAD 5U /* type and length */
#define HELD_LIMIT 8192U

/* A record being built. Numbers and texts are put one behind the other; texts carry their length. */
struct builder {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
};

static void put(struct builder *builder, const void *data, size_t count)
{
    if (builder->length + count > builder->capacity) {
        builder->capacity = (builder->length + count) * 2;
        builder->bytes = grow(builder->bytes, builder->capacity, 1);
    }
    if (count > 0)
        memcpy(builder->bytes + builder->length, data, count);
    builder->length += count;
}

static void put_number(struct builder *builder, uint64_t number)
{
    put(builder, &number, sizeof number);
}

static void put_run(struct builder *builder, const void *data, size_t length)
{
    put_number(builder, length);
    put(builder, data, length);
}

static void put_text(struct builder *builder, const char *text)
{
    put_run(builder, text, strlen(text));
}

static struct builder begin_record(enum record_type type)
{
    struct builder builder = {NULL, 0, 0};
    uint8_t head[RECORD_HEAD] = {(uint8_t)type};
    put(&builder, head, sizeof head);
    return builder;
}

static void send_all(const struct test *t, const uint8_t *bytes, size_t length)
{
    size_t sent = 0;
    while (sent < length) {
        ssize_t written = write(t->records, bytes + sent, length - sent);
        if (written < 0 && errno != EINTR)
            _exit(2); /* the runner is gone: nobody to report to */
        sent += written > 0 ? (size_t)written : 0;
    }
}

void record_flush(struct test *t)
{
    send_all(t, t->held, t->held_length);
    t->held_length = 0;
}

static void finish_record(struct builder *builder)
{
    uint32_t payload = (uint32_t)(builder->length - RECORD_HEAD);
    memcpy(builder->bytes + 1, &payload, sizeof payload);
}

static void send_record_always(struct test *t, struct builder *builder)
{
    finish_record(builder);
    record_flush(t);
    send_all(t, builder->bytes, builder->length);
    free(builder->bytes);
}

static void hold_record(struct test *t, struct builder *builder)
{
    finish_record(builder);
    if (t->held == NULL)
        t->held = allocate(HELD_LIMIT, 1);
    if (t->held_length + builder->length > HELD_LIMIT)
        record_flush(t);
    if (builder->length > HELD_LIMIT) {
        send_all(t, builder->bytes, builder->length);
    } else {
        memcpy(t->held + t->held_length, builder->bytes, builder->length);
        t->held_length += builder->length;
    }
    free(builder->bytes);
}

static void send_record(struct test *t, struct builder *builder)
{
    if (t->finished)
        free(builder->bytes);
    else
        send_record_always(t, builder);
}

void record_exchange(struct test *t, double time, enum direction direction, enum protocol_version version,
                     const char *client, const char *text, struct bytes bytes)
{
    size_t room = RECORD_TEST_LIMIT - t->recorded;
    size_t limit = t->abridged > 0 ? t->abridged : RECORD_PACKET_LIMIT;
    size_t kept = bytes.length < limit ? bytes.length : limit;
    kept = kept < room ? kept : room;
    t->recorded += kept;
    struct builder builder = begin_record(RECORD_EXCHANGE);
    put(&builder, &time, sizeof time);
    put_number(&builder, direction);
    put_number(&builder, version);
    put_text(&builder, client);
    put_text(&builder, text);
    put_number(&builder, bytes.length);
    put_run(&builder, bytes.data, kept);
    if (t->finished)
        free(builder.bytes);
    else
        hold_record(t, &builder);
}

void record_note(struct test *t, const char *text)
{
    struct builder builder = begin_record(RECORD_NOTE);
    put_text(&builder, text);
    send_record(t, &builder);
}

void record_extension(struct test *t, double seconds)
{
    struct builder builder = begin_record(RECORD_EXTENSION);
    put(&builder, &seconds, sizeof seconds);
    send_record(t, &builder);
}

void record_capabilities(struct test *t, const struct capabilities *capabilities)
{
    struct builder builder = begin_record(RECORD_CAPABILITIES);
    put(&builder, capabilities, sizeof *capabilities);
    send_record(t, &builder);
}

void record_leftover(struct test *t, const char *text, bool session)
{
    struct builder builder = begin_record(RECORD_LEFTOVER);
    put_number(&builder, session);
    put_text(&builder, text);
    send_record(t, &builder);
}

void record_tidied(struct test *t)
{
    struct builder builder = begin_record(RECORD_TIDIED);
    send_record_always(t, &builder);
}

void record_ready(struct test *t)
{
    struct builder builder = begin_record(RECORD_READY);
    send_record_always(t, &builder);
}

void record_verdict(struct test *t, enum verdict_kind verdict, enum statement cited, const char *reason,
                    const char *expected, const char *observed)
{
    struct builder builder = begin_record(RECORD_VERDICT);
    put_number(&builder, verdict);
    put_number(&builder, cited);
    put_text(&builder, reason);
    put_text(&builder, expected);
    put_text(&builder, observed);
    send_record(t, &builder);
}

/* ---- Receiving ---- */

/* Payload being taken apart; `good` turns false when it is too short for what is asked of it. */
struct taker {
    const uint8_t *at;
    size_t left;
    bool good;
};

static void take(struct taker *taker, void *to, size_t count)
{
    if (taker->left < count) {
        taker->good = false;
        memset(to, 0, count);
        return;
    }
    memcpy(to, taker->at, count);
    taker->at += count;
    taker->left -= count;
}

static uint64_t take_number(struct taker *taker)
{
    uint64_t number;
    take(taker, &number, sizeof number);
    return number;
}

/* A copy with a NUL behind it, the caller's to free. */
static char *take_run(struct taker *taker, size_t *length)
{
    uint64_t count = take_number(taker);
    if (!taker->good || count > taker->left) {
        taker->good = false;
        count = 0;
    }
    char *copy = copy_text((const char *)taker->at, (size_t)count);
    taker->at += count;
    taker->left -= (size_t)count;
    if (length != NULL)
        *length = (size_t)count;
    return copy;
}

static void replace_text(char **text, struct taker *taker)
{
    free(*text);
    *text = take_run(taker, NULL);
}

static void apply_exchange(struct taker *taker, const struct record_sink *sink)
{
    struct result *result = sink->result;
    if ((result->exchange_count & (result->exchange_count - 1)) == 0) /* room doubles at powers of two */
        result->exchanges =
            grow(result->exchanges, (result->exchange_count + 1) * 2, sizeof *result->exchanges);
    struct exchange *exchange = &result->exchanges[result->exchange_count++];
    take(taker, &exchange->time, sizeof exchange->time);
    exchange->direction = (enum direction)take_number(taker);
    exchange->version = (enum protocol_version)take_number(taker);
    exchange->client = take_run(taker, NULL);
    exchange->text = take_run(taker, NULL);
    exchange->size = (size_t)take_number(taker);
    exchange->bytes = (uint8_t *)take_run(taker, &exchange->length);
}

static void apply_note(struct taker *taker, const struct record_sink *sink)
{
    struct result *result = sink->result;
    result->notes = grow(result->notes, result->note_count + 1, sizeof *result->notes);
    result->notes[result->note_count++] = take_run(taker, NULL);
}

static void apply_extension(struct taker *taker, const struct record_sink *sink)
{
    double seconds;
    take(taker, &seconds, sizeof seconds);
    if (sink->deadline != NULL)
        *sink->deadline += seconds;
}

static void apply_capabilities(struct taker *taker, const struct record_sink *sink)
{
    struct capabilities capabilities;
    take(taker, &capabilities, sizeof capabilities);
    if (sink->capabilities != NULL && taker->good)
        *sink->capabilities = capabilities;
}

static void apply_verdict(struct taker *taker, const struct record_sink *sink)
{
    struct result *result = sink->result;
    uint64_t verdict = take_number(taker);
    uint64_t cited = take_number(taker);
    taker->good = taker->good && verdict < VERDICT_COUNT && cited < STATEMENT_COUNT;
    replace_text(&result->reason, taker);
    replace_text(&result->expected, taker);
    replace_text(&result->observed, taker);
    if (!taker->good)
        return;
    result->verdict = (enum verdict_kind)verdict;
    result->cited = (enum statement)cited;
    result->finished = true;
}

static void apply_leftover(struct taker *taker, const struct record_sink *sink)
{
    size_t length;
    bool session = take_number(taker) != 0;
    char *text = take_run(taker, &length);
    if (sink->left != NULL && taker->good)
        left_behind_append(sink->left, text, length, session);
    free(text);
}

static void apply_tidied(struct taker *taker, const struct record_sink *sink)
{
    (void)taker;
    if (sink->left != NULL)
        left_behind_clear(sink->left);
}

static void apply_ready(struct taker *taker, const struct record_sink *sink)
{
    taker->good = sink->ready != NULL;
    if (taker->good)
        *sink->ready = true;
}

static bool apply(uint8_t type, struct taker *taker, const struct record_sink *sink)
{
    static void (*const appliers[])(struct taker *, const struct record_sink *) = {
        [RECORD_EXCHANGE] = apply_exchange,   [RECORD_NOTE] = apply_note,
        [RECORD_EXTENSION] = apply_extension, [RECORD_CAPABILITIES] = apply_capabilities,
        [RECORD_VERDICT] = apply_verdict,     [RECORD_LEFTOVER] = apply_leftover,
        [RECORD_TIDIED] = apply_tidied,       [RECORD_READY] = apply_ready,
    };
    if (type == 0 || type >= sizeof appliers / sizeof appliers[0])
        return false;
    appliers[type](taker, sink);
    return taker->good && taker->left == 0;
}

bool record_feed(struct record_reader *reader, const void *bytes, size_t count,
                 const struct record_sink *sink)
{
    if (reader->length + count > reader->capacity) {
        reader->capacity = (reader->length + count) * 2;
        reader->buffer = grow(reader->buffer, reader->capacity, 1);
    }
    memcpy(reader->buffer + reader->length, bytes, count);
    reader->length += count;
    size_t at = 0;
    bool good = true;
    while (good && reader->length - at >= RECORD_HEAD) {
        uint32_t payload;
        memcpy(&payload, reader->buffer + at + 1, sizeof payload);
        if (reader->length - at - RECORD_HEAD < payload)
            break;
        struct taker taker = {reader->buffer + at + RECORD_HEAD, payload, true};
        good = apply(reader->buffer[at], &taker, sink);
        at += RECORD_HEAD + payload;
    }
    memmove(reader->buffer, reader->buffer + at, reader->length - at);
    reader->length -= at;
    return good;
}

void record_reader_clear(struct record_reader *reader)
{
    free(reader->buffer);
    *reader = (struct record_reader){NULL, 0, 0};
}
