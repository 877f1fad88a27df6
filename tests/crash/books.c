/* books: see books.h */
#include "books.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 5, FIRST_CAPACITY = 1024, SMALLEST = 8, HEADER_SIZE = 48 };

static const struct {
    const char *name;
    const char *statement;
} checks[CHECKS] = {
    [CHECK_STARTS] = {"starts", "the broker starts again after every end, and never ends by itself"},
    [CHECK_STOPS] = {"stops", "SIGTERM ends it in time, with exit status 0"},
    [CHECK_ANSWERS] = {"answers", "everything that was asked for is answered in the end"},
    [CHECK_LOST_1] = {"lost-1", "no acknowledged message is lost on its way at QoS 1"},
    [CHECK_LOST_2] = {"lost-2", "no acknowledged message is lost on its way at QoS 2"},
    [CHECK_TWICE] = {"twice", "nothing arrives twice at QoS 2"},
    [CHECK_ORDER] = {"order", "messages of one publisher to one topic arrive in order"},
    [CHECK_INTACT] = {"intact", "what arrives is what was sent, to the byte"},
    [CHECK_SESSION] = {"session", "a session that was confirmed is present"},
    [CHECK_FRESH] = {"fresh", "a session that has ended, or begins clean, is not"},
    [CHECK_SUBSCRIBED] = {"subscribed", "a subscription that SUBACK confirmed delivers"},
    [CHECK_UNSUBSCRIBED] = {"unsubscribed", "one that UNSUBACK ended delivers nothing"},
    [CHECK_RETAINED] = {"retained", "the retained message is at least the last acknowledged one"},
    [CHECK_CLEARED] = {"cleared", "a retained message that was deleted stays deleted"},
    [CHECK_WILL] = {"will", "the Will of a connection that ended without DISCONNECT is published"},
    [CHECK_WILL_OFF] = {"will-off", "a Will that was discharged, or is delayed, is not"},
    [CHECK_KEPT] = {"kept", "a session is kept until its Session Expiry Interval has passed"},
    [CHECK_EXPIRED] = {"expired", "and gone afterwards, though the broker was killed meanwhile"},
    [CHECK_RESENT] = {"resent", "what is sent again is the same message, marked DUP"},
    [CHECK_FLOW] = {"flow", "acknowledgements fit what they acknowledge; no limit is exceeded"},
    [CHECK_EXERCISED] = {"exercised", "the kills came when much was under way"},
};

const char *check_name(enum check check)
{
    return checks[check].name;
}

const char *check_statement(enum check check)
{
    return checks[check].statement;
}

static void *enlarge(void *memory, size_t from, size_t to, size_t size)
{
    char *bytes = realloc(memory, to * size);
    if (!bytes) {
        fputs("crash: no memory\n", stderr);
        exit(2);
    }
    memset(bytes + from * size, 0, (to - from) * size);
    return bytes;
}

static uint32_t capacity_for(uint32_t capacity, uint32_t number)
{
    if (capacity == 0)
        capacity = FIRST_CAPACITY;
    while (capacity <= number)
        capacity *= 2;
    return capacity;
}

void books_free(struct books *books)
{
    for (unsigned i = 0; i < books->stream_count; i++) {
        free(books->streams[i].status);
        free(books->streams[i].run);
    }
    for (unsigned i = 0; i < books->book_count; i++) {
        for (unsigned j = 0; j < STREAMS; j++)
            free(books->books[i]->tallies[j].count);
        free(books->books[i]);
    }
}

void books_judge(struct books *books, enum check check, bool good, const char *format, ...)
{
    books->judged[check]++;
    if (good)
        return;
    if (++books->failed[check] > SHOWN || books->silent)
        return;
    printf("run %u, %s: ", books->run, checks[check].name);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    puts("");
    fflush(stdout);
}

/* Streams */

unsigned stream_create(struct books *books, enum stream_kind kind, uint8_t qos, bool v5, const char *topic)
{
    if (books->stream_count == STREAMS)
        abort();
    struct stream *stream = &books->streams[books->stream_count];
    *stream = (struct stream){.kind = kind, .qos = qos, .v5 = v5};
    snprintf(stream->topic, sizeof stream->topic, "%s", topic);
    return books->stream_count++;
}

void stream_topic(const struct stream *stream, uint32_t number, char topic[NAME_SIZE])
{
    size_t length = strlen(stream->topic);
    memcpy(topic, stream->topic, length + 1);
    if (stream->kind == STREAM_IN || stream->kind == STREAM_OUT)
        snprintf(topic + length, NAME_SIZE - length, "/%u", number % CYCLE);
}

uint32_t stream_send(struct books *books, unsigned index)
{
    struct stream *stream = &books->streams[index];
    uint32_t number = ++stream->sent;
    if (number >= stream->capacity) {
        uint32_t capacity = capacity_for(stream->capacity, number);
        stream->status = enlarge(stream->status, stream->capacity, capacity, sizeof *stream->status);
        stream->run = enlarge(stream->run, stream->capacity, capacity, sizeof *stream->run);
        stream->capacity = capacity;
    }
    stream->status[number] = STATUS_SENT;
    if (stream->kind == STREAM_WILL)
        return number;
    for (unsigned i = 0; i < books->book_count; i++) {
        if (books->books[i]->tallies[index].wanted)
            books->books[i]->expected++;
    }
    return number;
}

void stream_settle(struct books *books, unsigned index, uint32_t number, enum status status)
{
    struct stream *stream = &books->streams[index];
    stream->status[number] = (uint8_t)status;
    stream->run[number] = (uint16_t)books->run;
}

void stream_acknowledged(struct books *books, unsigned index, uint32_t number)
{
    stream_settle(books, index, number, STATUS_OWED);
    books->acknowledged++;
}

void stream_completed(struct books *books, unsigned index, uint32_t number)
{
    struct stream *stream = &books->streams[index];
    if (number > stream->completed)
        stream->completed = number;
}

/* Sizes that make the store work: mostly small, some beyond a page, a few beyond several. */
static size_t payload_size(const struct stream *stream, unsigned index, uint32_t number)
{
    uint32_t mixed = (number * 2654435761U) ^ (index * 40503U);
    if (stream->kind == STREAM_WILL)
        return SMALLEST;
    if (mixed >> 8 & 127)
        return SMALLEST + (mixed >> 16) % 150;
    return mixed >> 15 & 7 ? 2000 + (mixed >> 18) % 4000 : 20000 + (mixed >> 18);
}

void stream_payload(const struct books *books, unsigned index, uint32_t number, struct buffer *payload)
{
    const struct stream *stream = &books->streams[index];
    if (stream->kind == STREAM_CLEARED && number % 2 == 0)
        return;
    size_t size = payload_size(stream, index, number);
    char header[HEADER_SIZE];
    int length = snprintf(header, sizeof header, "%u %u %zu\n", index, number, size);
    buffer_add(payload, header, (size_t)length);
    uint8_t *bytes = buffer_room(payload, size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(number + index + i * 31);
    payload->length += size;
}

static bool same_payload(const struct books *books, unsigned stream, uint32_t number, struct reader payload)
{
    struct buffer wanted = {0};
    stream_payload(books, stream, number, &wanted);
    bool same = wanted.length == payload.left && memcmp(wanted.bytes, payload.at, payload.left) == 0;
    buffer_free(&wanted);
    return same;
}

static bool same_property(const struct stream *stream, uint32_t number, bool v5,
                          const struct properties *properties)
{
    if (!v5 || !stream->v5 || number % 4 != 0)
        return properties->users == 0;
    char wanted[16];
    int length = snprintf(wanted, sizeof wanted, "%u", number);
    return properties->users == 1 && properties->user_value.left == (size_t)length &&
           memcmp(properties->user_value.at, wanted, (size_t)length) == 0;
}

static bool read_header(struct reader payload, unsigned *stream, uint32_t *number)
{
    char header[HEADER_SIZE] = "";
    size_t length = payload.left < sizeof header - 1 ? payload.left : sizeof header - 1;
    memcpy(header, payload.at, length);
    return sscanf(header, "%u %u", stream, number) == 2;
}

bool stream_recognise(struct books *books, const char *who, bool v5, const struct publish *publish,
                      unsigned *stream, uint32_t *number)
{
    int shown = (int)publish->topic.left;
    const char *topic_shown = (const char *)publish->topic.at;
    if (!read_header(publish->payload, stream, number) || *stream >= books->stream_count || *number == 0 ||
        *number > books->streams[*stream].sent) {
        books_judge(books, CHECK_INTACT, false, "%s got something at %.*s that nobody sent", who, shown,
                    topic_shown);
        return false;
    }
    const struct stream *from = &books->streams[*stream];
    char topic[NAME_SIZE];
    stream_topic(from, *number, topic);
    bool good = strlen(topic) == publish->topic.left &&
                memcmp(topic, topic_shown, publish->topic.left) == 0 &&
                same_payload(books, *stream, *number, publish->payload) &&
                same_property(from, *number, v5, &publish->properties);
    books_judge(books, CHECK_INTACT, good, "%s got number %u of %s altered, at %.*s", who, *number, topic,
                shown, topic_shown);
    return good;
}

/* Books */

struct book *book_create(struct books *books, const char *name, bool ordered)
{
    if (books->book_count == BOOKS)
        abort();
    struct book *book = enlarge(NULL, 0, 1, sizeof *book);
    snprintf(book->name, sizeof book->name, "%s", name);
    book->ordered = ordered;
    books->books[books->book_count++] = book;
    return book;
}

/* Section 4.7, as far as the filters here need it: "#" only at the end, no topic begins with "$". */
static bool filter_matches(const char *filter, const char *topic)
{
    while (*filter != '\0' && *filter != '#') {
        if (*filter == '+') {
            topic += strcspn(topic, "/");
            filter++;
        } else if (*filter++ != *topic++) {
            return false;
        }
    }
    return *filter == '#' || *topic == '\0';
}

void book_want(struct books *books, struct book *book, unsigned index, uint8_t qos)
{
    const struct stream *stream = &books->streams[index];
    book->tallies[index].wanted = true;
    book->tallies[index].qos = qos < stream->qos ? qos : stream->qos;
}

void book_subscribe(struct books *books, struct book *book, const char *filter, uint8_t qos)
{
    for (unsigned i = 0; i < books->stream_count; i++) {
        if (filter_matches(filter, books->streams[i].topic))
            book_want(books, book, i, qos);
    }
}

static uint8_t *count_of(struct tally *tally, uint32_t number)
{
    if (number >= tally->capacity) {
        uint32_t capacity = capacity_for(tally->capacity, number);
        tally->count = enlarge(tally->count, tally->capacity, capacity, sizeof *tally->count);
        tally->capacity = capacity;
    }
    return &tally->count[number];
}

static void receive_again(struct books *books, const struct book *book, const struct tally *tally,
                          const char *topic, uint32_t number)
{
    if (tally->qos == 2)
        books_judge(books, CHECK_TWICE, false, "%s got number %u of %s once more", book->name, number, topic);
    else
        books->duplicates++;
}

void book_receive(struct books *books, struct book *book, unsigned index, uint32_t number)
{
    const struct stream *stream = &books->streams[index];
    struct tally *tally = &book->tallies[index];
    char topic[NAME_SIZE];
    stream_topic(stream, number, topic);
    books->delivered++;
    if (!tally->wanted) {
        books_judge(books, CHECK_UNSUBSCRIBED, false, "%s got number %u of %s without a subscription",
                    book->name, number, topic);
        return;
    }
    uint8_t *count = count_of(tally, number);
    if (*count < UINT8_MAX)
        ++*count;
    if (*count > 1) {
        receive_again(books, book, tally, topic, number);
        return;
    }
    books_judge(books, CHECK_TWICE, true, "-");
    tally->distinct++;
    if (stream->kind != STREAM_WILL) {
        book->distinct++;
        if (book->ordered)
            books_judge(books, CHECK_ORDER, number > tally->highest, "%s got number %u of %s after %u",
                        book->name, number, topic, tally->highest);
    }
    if (number > tally->highest)
        tally->highest = number;
}

static uint64_t wills_missing(const struct stream *stream, const struct tally *tally)
{
    uint64_t missing = 0;
    for (uint32_t number = 1; number <= stream->sent; number++) {
        if (stream->status[number] == STATUS_OWED && (number >= tally->capacity || tally->count[number] == 0))
            missing++;
    }
    return missing;
}

uint64_t book_missing(const struct books *books, const struct book *book)
{
    uint64_t missing = book->expected - book->distinct;
    for (unsigned i = 0; i < books->stream_count; i++) {
        if (books->streams[i].kind == STREAM_WILL && book->tallies[i].wanted)
            missing += wills_missing(&books->streams[i], &book->tallies[i]);
    }
    return missing;
}

static enum check check_of(const struct stream *stream, const struct tally *tally)
{
    if (stream->kind == STREAM_WILL)
        return CHECK_WILL;
    if (stream->kind == STREAM_IN)
        return CHECK_SUBSCRIBED;
    return tally->qos == 2 ? CHECK_LOST_2 : CHECK_LOST_1;
}

static void close_tally(struct books *books, const struct book *book, const struct stream *stream,
                        const struct tally *tally)
{
    enum check check = check_of(stream, tally);
    for (uint32_t number = 1; number <= stream->sent; number++) {
        unsigned count = number < tally->capacity ? tally->count[number] : 0;
        char topic[NAME_SIZE];
        stream_topic(stream, number, topic);
        if (stream->status[number] == STATUS_OWED)
            books_judge(books, check, count > 0, "%s never got number %u of %s, %s in run %u", book->name,
                        number, topic, check == CHECK_WILL ? "due" : "acknowledged", stream->run[number]);
        if (stream->status[number] == STATUS_OFF)
            books_judge(books, CHECK_WILL_OFF, count == 0, "%s got number %u of %s, discharged in run %u",
                        book->name, number, topic, stream->run[number]);
    }
}

void books_close(struct books *books)
{
    for (unsigned i = 0; i < books->book_count; i++) {
        for (unsigned j = 0; j < books->stream_count; j++) {
            if (books->books[i]->tallies[j].wanted)
                close_tally(books, books->books[i], &books->streams[j], &books->books[i]->tallies[j]);
        }
    }
}
