/* books: what was sent, what was acknowledged, what arrived, and whether that is what MQTT promises.
 * Prefix: book_ / books_ / stream_
 *
 * A stream is the messages that one publisher sends to one topic at one QoS, numbered 1, 2, 3, ... A book
 * is what one subscriber (or one group of shared subscribers) is owed and has got. Nothing here knows how
 * a broker works. */
#ifndef ETALON_CRASH_BOOKS_H
#define ETALON_CRASH_BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

enum { STREAMS = 64, BOOKS = 16, NAME_SIZE = 32 };

enum check {
    CHECK_STARTS,
    CHECK_STOPS,
    CHECK_ANSWERS,
    CHECK_LOST_1,
    CHECK_LOST_2,
    CHECK_TWICE,
    CHECK_ORDER,
    CHECK_INTACT,
    CHECK_SESSION,
    CHECK_FRESH,
    CHECK_SUBSCRIBED,
    CHECK_UNSUBSCRIBED,
    CHECK_RETAINED,
    CHECK_CLEARED,
    CHECK_WILL,
    CHECK_WILL_OFF,
    CHECK_KEPT,
    CHECK_EXPIRED,
    CHECK_RESENT,
    CHECK_FLOW,
    CHECK_EXERCISED,
    CHECKS
};

/* The check's name and what it states. */
const char *check_name(enum check check);
const char *check_statement(enum check check);

enum stream_kind {
    STREAM_DATA,
    STREAM_RETAINED, /* the value grows */
    STREAM_CLEARED,  /* odd numbers set the retained message, even ones delete it */
    STREAM_WILL,     /* the number is the client's connection */
    STREAM_IN,       /* sent while subscribed */
    STREAM_OUT,      /* sent when unsubscribed: must not come */
    STREAM_END,      /* a barrier: sent after the others */
};

enum status {
    STATUS_NONE,
    STATUS_SENT,
    STATUS_OWED, /* acknowledged; of a Will: the connection has ended without DISCONNECT */
    STATUS_OFF   /* of a Will: discharged, it must not be published */
};

struct stream {
    enum stream_kind kind;
    char topic[NAME_SIZE]; /* STREAM_IN and STREAM_OUT append the number modulo CYCLE */
    uint8_t qos;
    bool v5; /* its messages carry User Properties */
    uint32_t sent;
    uint32_t completed; /* the highest with PUBACK or PUBCOMP: from then on its effect can be seen */
    uint8_t *status;    /* by number */
    uint16_t *run;      /* by number: the broker's run in which it was acknowledged */
    uint32_t capacity;
};

enum { CYCLE = 3 };

struct tally {
    bool wanted;
    uint8_t qos;       /* at which it must arrive */
    uint32_t highest;  /* number that has come */
    uint32_t distinct; /* numbers that have come */
    uint8_t *count;    /* by number */
    uint32_t capacity;
};

struct book {
    char name[NAME_SIZE];
    bool ordered;
    uint64_t expected; /* messages sent to it */
    uint64_t distinct; /* that have come */
    struct tally tallies[STREAMS];
};

struct books {
    struct stream streams[STREAMS];
    unsigned stream_count;
    struct book *books[BOOKS]; /* owned */
    unsigned book_count;
    uint64_t judged[CHECKS];
    uint64_t failed[CHECKS];
    uint64_t duplicates; /* legal ones: QoS 1 */
    uint64_t acknowledged;
    uint64_t delivered;
    unsigned run;
    bool silent; /* failures are counted, not shown */
};

void books_free(struct books *books);

/* One judgement. The first failures of each check are shown at once, with what `format` says. */
void books_judge(struct books *books, enum check check, bool good, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

unsigned stream_create(struct books *books, enum stream_kind kind, uint8_t qos, bool v5, const char *topic);

/* The topic of message `number`. */
void stream_topic(const struct stream *stream, uint32_t number, char topic[NAME_SIZE]);

/* The next number of the stream, which counts as sent. */
uint32_t stream_send(struct books *books, unsigned stream);

/* PUBACK or PUBREC has come: from now on it's owed. */
void stream_acknowledged(struct books *books, unsigned stream, uint32_t number);

/* PUBACK or PUBCOMP has come. With PUBREC alone a broker may still keep the message to itself, section
 * 4.3.3. */
void stream_completed(struct books *books, unsigned stream, uint32_t number);

/* A Will's fate is known. */
void stream_settle(struct books *books, unsigned stream, uint32_t number, enum status status);

/* Appends the payload of message `number`. */
void stream_payload(const struct books *books, unsigned stream, uint32_t number, struct buffer *payload);

/* Which message this is; false (and judged) when it's none that was sent, or not as it was sent. */
bool stream_recognise(struct books *books, const char *who, bool v5, const struct publish *publish,
                      unsigned *stream, uint32_t *number);

struct book *book_create(struct books *books, const char *name, bool ordered);

/* The stream is owed to the book, at `qos` at most. */
void book_want(struct books *books, struct book *book, unsigned stream, uint8_t qos);

/* All streams whose topics match are owed to the book from now on. Nothing may have been sent yet. */
void book_subscribe(struct books *books, struct book *book, const char *filter, uint8_t qos);

/* The message has come to the application. */
void book_receive(struct books *books, struct book *book, unsigned stream, uint32_t number);

/* Messages that are still to come, Wills included. */
uint64_t book_missing(const struct books *books, const struct book *book);

/* Everything ought to have come: looks for what has not. */
void books_close(struct books *books);

#endif
