#include "store_verify.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/reader.h"

enum { TEXT_SIZE = 200, SMALLEST = 64 };

/* Things that may be there once, or that others refer to: one of each `number` and `text`. */
struct entry {
    uint64_t number;
    struct bytes text; /* owned */
    uint64_t owner;    /* the number in the key of its record */
    bool referred;
};

struct ledger {
    struct entry *entries; /* by owner, until it is sorted by number and text */
    size_t count;
    size_t capacity;
};

struct verification {
    struct verify_sink sink;
    struct verify_summary summary;
    struct ledger sessions;  /* number, text: the session */
    struct ledger messages;  /* number: the message */
    struct ledger clients;   /* text: the Client Identifier */
    struct ledger topics;    /* text: the topic of a retained message */
    struct ledger in_flight; /* number: the session; text: the Packet Identifier */
    struct ledger groups;    /* text: the Topic Filter; number: the share group */
};

/* Ledgers */

static bool ledger_add(struct ledger *ledger, uint64_t number, struct bytes text, uint64_t owner,
                       bool referred)
{
    if (ledger->count == ledger->capacity) {
        const size_t capacity = ledger->capacity ? 2 * ledger->capacity : SMALLEST;
        struct entry *entries = realloc(ledger->entries, capacity * sizeof *entries);
        if (!entries)
            return false;
        ledger->entries = entries;
        ledger->capacity = capacity;
    }
    uint8_t *copy = NULL;
    if (text.length > 0) {
        copy = malloc(text.length);
        if (!copy)
            return false;
        memcpy(copy, text.data, text.length);
    }
    ledger->entries[ledger->count++] = (struct entry){
        .number = number, .text = bytes_of(copy, text.length), .owner = owner, .referred = referred};
    return true;
}

static void ledger_free(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++)
        free((void *)(uintptr_t)ledger->entries[i].text.data);
    free(ledger->entries);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_texts(struct bytes a, struct bytes b)
{
    const size_t length = a.length < b.length ? a.length : b.length;
    const int order = length > 0 ? memcmp(a.data, b.data, length) : 0;
    return order != 0 ? order : compare_numbers(a.length, b.length);
}

static int compare_entries(const void *first, const void *second)
{
    const struct entry *a = first;
    const struct entry *b = second;
    int order = compare_numbers(a->number, b->number);
    if (order == 0)
        order = compare_texts(a->text, b->text);
    return order != 0 ? order : compare_numbers(a->owner, b->owner);
}

static int compare_owner(const void *key, const void *item)
{
    return compare_numbers(*(const uint64_t *)key, ((const struct entry *)item)->owner);
}

/* Of a ledger whose records came in the order of their keys. */
static struct entry *ledger_find(const struct ledger *ledger, uint64_t owner)
{
    return ledger->count == 0
               ? NULL
               : bsearch(&owner, ledger->entries, ledger->count, sizeof *ledger->entries, compare_owner);
}

/* Findings */

static void find_at(struct verification *verification, enum finding_kind kind, uint8_t table,
                    struct bytes key, const char *text)
{
    const struct finding finding = {.kind = kind, .table = table, .key = key, .text = text};
    if (kind == FINDING_ERROR)
        verification->summary.errors++;
    else
        verification->summary.notes++;
    verification->sink.finding(verification->sink.context, &finding);
}

/* About the record whose key is this number. */
static void find(struct verification *verification, enum finding_kind kind, enum record_table table,
                 uint64_t number, const char *text)
{
    uint8_t key[8];
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(number >> (56 - 8 * i));
    find_at(verification, kind, (uint8_t)table, bytes_of(key, sizeof key), text);
}

/* Reports every entry that is like the one before it. `text` has a place for the number of that one. */
static void find_repeated(struct verification *verification, struct ledger *ledger, enum record_table table,
                          const char *what)
{
    char text[TEXT_SIZE];
    if (ledger->count == 0)
        return;
    qsort(ledger->entries, ledger->count, sizeof *ledger->entries, compare_entries);
    for (size_t i = 1; i < ledger->count; i++) {
        const struct entry *before = &ledger->entries[i - 1];
        const struct entry *entry = &ledger->entries[i];
        if (before->number != entry->number || !bytes_equal(before->text, entry->text))
            continue;
        snprintf(text, sizeof text, "%s as %s %" PRIu64, what, record_table_name(table), before->owner);
        find(verification, FINDING_ERROR, table, entry->owner, text);
    }
}

/* A record on its own and what it refers to */

struct seen {
    struct bytes key;
    const struct record *record;
};

static void expect_session(struct verification *verification, const struct seen *seen, uint64_t session)
{
    char text[TEXT_SIZE];
    if (ledger_find(&verification->sessions, session))
        return;
    snprintf(text, sizeof text, "its session %" PRIu64 " is not there", session);
    find_at(verification, FINDING_ERROR, (uint8_t)seen->record->table, seen->key, text);
}

static void expect_message(struct verification *verification, const struct seen *seen, uint64_t message)
{
    char text[TEXT_SIZE];
    struct entry *entry = ledger_find(&verification->messages, message);
    if (entry) {
        entry->referred = true;
        return;
    }
    snprintf(text, sizeof text, "its message %" PRIu64 " is not there", message);
    find_at(verification, FINDING_ERROR, (uint8_t)seen->record->table, seen->key, text);
}

static bool take_meta(struct verification *verification, const struct seen *seen)
{
    (void)verification, (void)seen;
    return true;
}

static bool take_session(struct verification *verification, const struct seen *seen)
{
    const struct record_session *session = &seen->record->session;
    const struct bytes none = {NULL, 0};
    return ledger_add(&verification->sessions, session->session, none, session->session, false) &&
           ledger_add(&verification->clients, 0, session->client_identifier, session->session, false);
}

static bool take_subscription(struct verification *verification, const struct seen *seen)
{
    const struct record_subscription *subscription = &seen->record->subscription;
    expect_session(verification, seen, subscription->session);
    return subscription->group == 0 || ledger_add(&verification->groups, subscription->group,
                                                  subscription->topic_filter, subscription->session, false);
}

static bool take_message(struct verification *verification, const struct seen *seen)
{
    const struct record_message *message = &seen->record->message;
    const struct bytes none = {NULL, 0};
    verification->summary.retained += message->retained;
    return ledger_add(&verification->messages, message->message, none, message->message, message->retained) &&
           (!message->retained ||
            ledger_add(&verification->topics, 0, message->topic, message->message, true));
}

static bool take_delivery(struct verification *verification, const struct seen *seen)
{
    const struct record_delivery *delivery = &seen->record->delivery;
    const uint8_t identifier[2] = {(uint8_t)(delivery->packet_identifier >> 8),
                                   (uint8_t)delivery->packet_identifier};
    expect_session(verification, seen, delivery->session);
    if (delivery->message != 0)
        expect_message(verification, seen, delivery->message);
    return delivery->packet_identifier == 0 || ledger_add(&verification->in_flight, delivery->session,
                                                          bytes_of(identifier, 2), delivery->delivery, false);
}

static bool take_received(struct verification *verification, const struct seen *seen)
{
    expect_session(verification, seen, seen->record->received.session);
    return true;
}

/* Its session may be gone: the Will of one that ended with its connection is all that is left of it. */
static bool take_will(struct verification *verification, const struct seen *seen)
{
    expect_message(verification, seen, seen->record->will.message);
    return true;
}

static bool (*const take[TABLE_COUNT])(struct verification *verification, const struct seen *seen) = {
    [TABLE_META] = take_meta,
    [TABLE_SESSIONS] = take_session,
    [TABLE_SUBSCRIPTIONS] = take_subscription,
    [TABLE_MESSAGES] = take_message,
    [TABLE_DELIVERIES] = take_delivery,
    [TABLE_RECEIVED] = take_received,
    [TABLE_WILLS] = take_will,
};

bool verify_record(struct verification *verification, uint8_t table, struct bytes key, struct bytes value)
{
    struct record record;
    const char *wrong = record_read((enum record_table)table, key, value, &record);
    if (table < TABLE_COUNT)
        verification->summary.records[table]++;
    if (wrong) {
        find_at(verification, FINDING_ERROR, table, key, wrong);
        return true;
    }
    const struct seen seen = {.key = key, .record = &record};
    return take[table](verification, &seen);
}

/* What can be seen only when all are there */

static void find_orphans(struct verification *verification)
{
    const struct ledger *messages = &verification->messages;
    for (size_t i = 0; i < messages->count; i++) {
        if (!messages->entries[i].referred)
            find(
                verification, FINDING_NOTE, TABLE_MESSAGES, messages->entries[i].owner,
                "nobody waits for it, it is nobody's Will and it is not retained: it takes room for nothing");
    }
}

/* A share group has one Topic Filter, and a Topic Filter one group. The ledger holds every member. */
static void find_mixed_groups(struct verification *verification)
{
    char text[TEXT_SIZE];
    struct ledger *groups = &verification->groups;
    if (groups->count == 0)
        return;
    qsort(groups->entries, groups->count, sizeof *groups->entries, compare_entries);
    for (size_t i = 1; i < groups->count; i++) {
        const struct entry *before = &groups->entries[i - 1];
        const struct entry *entry = &groups->entries[i];
        if (before->number != entry->number || bytes_equal(before->text, entry->text))
            continue;
        snprintf(text, sizeof text,
                 "share group %" PRIu64 " has another Topic Filter, too (session %" PRIu64 ")", entry->number,
                 before->owner);
        find(verification, FINDING_ERROR, TABLE_SUBSCRIPTIONS, entry->owner, text);
    }
}

void verify_finish(struct verification *verification, bool complete, struct verify_summary *summary)
{
    if (complete)
        find_orphans(verification);
    find_mixed_groups(verification);
    find_repeated(verification, &verification->clients, TABLE_SESSIONS, "the same Client Identifier");
    find_repeated(verification, &verification->topics, TABLE_MESSAGES, "retained, and the same topic");
    find_repeated(verification, &verification->in_flight, TABLE_DELIVERIES,
                  "the same session and Packet Identifier");
    *summary = verification->summary;
}

struct verification *verify_begin(const struct verify_sink *sink)
{
    struct verification *verification = calloc(1, sizeof *verification);
    if (verification)
        verification->sink = *sink;
    return verification;
}

void verify_end(struct verification *verification)
{
    if (!verification)
        return;
    ledger_free(&verification->sessions);
    ledger_free(&verification->messages);
    ledger_free(&verification->clients);
    ledger_free(&verification->topics);
    ledger_free(&verification->in_flight);
    ledger_free(&verification->groups);
    free(verification);
}

/* Keys as text */

/* Whatever is in it, one line for a terminal: other bytes as \xNN, cut off where the room ends. */
static void print_stranger(struct bytes bytes, char *text, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < bytes.length && at + 5 < size; i++) {
        const bool plain = bytes.data[i] >= 0x20 && bytes.data[i] < 0x7F && bytes.data[i] != '\\';
        at += (size_t)snprintf(text + at, size - at, plain ? "%c" : "\\x%02x", bytes.data[i]);
    }
    text[at] = '\0';
}

void verify_describe_key(uint8_t table, struct bytes key, char *text, size_t size)
{
    struct reader reader = reader_of(key);
    assert(size >= 64);
    if (table == TABLE_META) {
        print_stranger(key, text, size);
        return;
    }
    const uint64_t number = reader_integer(&reader, 8);
    const struct bytes rest = reader_rest(&reader);
    int length = 0;
    if (reader.short_of)
        length = snprintf(text, size, "with the key ");
    else if (rest.length == 0)
        snprintf(text, size, "%" PRIu64, number);
    else if (table == TABLE_RECEIVED && rest.length == 2)
        snprintf(text, size, "%" PRIu64 ", Packet Identifier %u", number,
                 (unsigned)(rest.data[0] << 8 | rest.data[1]));
    else
        length = snprintf(text, size, "%" PRIu64 ", ", number);
    if (length > 0)
        print_stranger(reader.short_of ? key : rest, text + length, size - (size_t)length);
}
