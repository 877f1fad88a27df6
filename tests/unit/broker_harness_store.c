/* broker_harness_store: the store in memory of the harness, see broker_harness.h. Prefix: stored_
 * No ck_assert here, for the reason given in octets.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker_harness.h"
#include "mqtt/broker_state.h"

/* A clock that starts anew with each broker: nothing may depend on what it said before. */
enum { START_OF_NEXT = 500000, LINE = 400 };

struct stored_record {
    uint8_t table;
    struct bytes key; /* both owned */
    struct bytes value;
};

/* Records in the order of tables and keys. */
struct stored_map {
    struct stored_record *records;
    size_t count;
    size_t capacity;
    struct changes way; /* the batch on its way */
    bool on_way;
    bool loaded_once;
    enum storage storage;
    uint64_t wall;
};

static void *must(void *memory)
{
    if (!memory)
        harness_fail("out of memory");
    return memory;
}

static void enter(const struct harness *harness)
{
    if (harness->enter)
        harness->enter();
}

static void leave(const struct harness *harness)
{
    if (harness->leave)
        harness->leave();
}

/* The time of day */

uint64_t stored_wall_clock(void *context)
{
    return ((const struct harness *)context)->stored->wall;
}

void stored_wall(struct harness *harness, uint64_t ms)
{
    if (harness->stored)
        harness->stored->wall += ms;
}

/* The map */

static struct bytes copy_of(struct bytes bytes)
{
    uint8_t *copy = must(malloc(bytes.length + 1)); /* NULL is no value */
    if (bytes.length > 0)
        memcpy(copy, bytes.data, bytes.length);
    return bytes_of(copy, bytes.length);
}

static int compare(const struct stored_record *record, uint8_t table, struct bytes key)
{
    if (record->table != table)
        return record->table < table ? -1 : 1;
    const size_t shorter = record->key.length < key.length ? record->key.length : key.length;
    const int order = memcmp(record->key.data, key.data, shorter);
    if (order != 0 || record->key.length == key.length)
        return order;
    return record->key.length < key.length ? -1 : 1;
}

/* The place of the first record that is not before this key. */
static size_t place_of(const struct stored_map *map, uint8_t table, struct bytes key)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (compare(&map->records[middle], table, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void take_out(struct stored_map *map, size_t place)
{
    free((void *)(uintptr_t)map->records[place].key.data);
    free((void *)(uintptr_t)map->records[place].value.data);
    map->count--;
    memmove(&map->records[place], &map->records[place + 1], (map->count - place) * sizeof map->records[0]);
}

static bool is_at(const struct stored_map *map, size_t place, uint8_t table, struct bytes key)
{
    return place < map->count && compare(&map->records[place], table, key) == 0;
}

static bool begins_with(const struct stored_map *map, size_t place, uint8_t table, struct bytes prefix)
{
    return place < map->count && map->records[place].table == table &&
           map->records[place].key.length >= prefix.length &&
           memcmp(map->records[place].key.data, prefix.data, prefix.length) == 0;
}

static void put(struct stored_map *map, const struct change *change)
{
    const size_t place = place_of(map, change->table, change->key);
    if (is_at(map, place, change->table, change->key))
        take_out(map, place);
    if (map->count == map->capacity) {
        map->capacity = map->capacity * 2 + 64;
        map->records = must(realloc(map->records, map->capacity * sizeof map->records[0]));
    }
    memmove(&map->records[place + 1], &map->records[place], (map->count - place) * sizeof map->records[0]);
    map->records[place] = (struct stored_record){
        .table = change->table, .key = copy_of(change->key), .value = copy_of(change->value)};
    map->count++;
}

static void apply_one(struct stored_map *map, const struct change *change)
{
    size_t place = place_of(map, change->table, change->key);
    switch (change->kind) {
    case CHANGE_PUT:
        put(map, change);
        break;
    case CHANGE_DELETE:
        if (is_at(map, place, change->table, change->key))
            take_out(map, place);
        break;
    case CHANGE_DELETE_PREFIX:
        while (begins_with(map, place, change->table, change->key))
            take_out(map, place);
        break;
    }
}

static void apply(struct stored_map *map, const struct changes *changes)
{
    struct bytes rest = changes_all(changes);
    struct change change;
    while (changes_next(&rest, &change))
        apply_one(map, &change);
}

void stored_put(struct harness *harness, const struct record *record)
{
    struct changes changes = {0};
    if (!record_put(&changes, record))
        harness_fail("out of memory");
    apply(harness->stored, &changes);
    changes_free(&changes);
}

void stored_delete(struct harness *harness, const struct record *record)
{
    struct changes changes = {0};
    if (!record_delete(&changes, record))
        harness_fail("out of memory");
    apply(harness->stored, &changes);
    changes_free(&changes);
}

size_t stored_count(const struct harness *harness, enum record_table table)
{
    size_t count = 0;
    for (size_t i = 0; i < harness->stored->count; i++)
        count += harness->stored->records[i].table == (uint8_t)table;
    return count;
}

void stored_begin(struct harness *harness, enum storage storage)
{
    harness->stored = must(calloc(1, sizeof *harness->stored));
    harness->stored->storage = storage;
    harness->stored->wall = WALL_START;
}

enum storage stored_mode(const struct harness *harness)
{
    return harness->stored ? harness->stored->storage : STORAGE_NONE;
}

void stored_free(struct harness *harness)
{
    struct stored_map *map = harness->stored;
    if (!map)
        return;
    while (map->count > 0)
        take_out(map, map->count - 1);
    free(map->records);
    changes_free(&map->way);
    free(map);
    harness->stored = NULL;
}

/* Batches */

enum collected stored_collect(struct harness *harness)
{
    struct stored_map *map = harness->stored;
    if (map->on_way)
        harness_fail("a batch is on its way already");
    const bool wants = broker_wants_collect(harness->broker);
    changes_clear(&map->way);
    enter(harness);
    const enum collected collected = broker_collect(harness->broker, harness->now, &map->way);
    leave(harness);
    map->on_way = collected == COLLECTED_CHANGES;
    if (map->on_way != (map->way.count > 0))
        harness_fail("what was collected is not as broker_collect says");
    if (map->on_way && !wants)
        harness_fail("broker_wants_collect did not want what was collected");
    if (collected != COLLECTED_LATER && broker_wants_collect(harness->broker))
        harness_fail("broker_wants_collect still wants");
    harness_settle(harness);
    return collected;
}

bool stored_on_way(const struct harness *harness)
{
    return harness->stored->on_way;
}

static void must_be_on_way(const struct stored_map *map)
{
    if (!map->on_way)
        harness_fail("no batch is on its way");
}

void stored_done(struct harness *harness)
{
    must_be_on_way(harness->stored);
    harness->stored->on_way = false;
    apply(harness->stored, &harness->stored->way);
    harness_step(harness, (struct step){.kind = STEP_STORED});
}

void stored_trouble(struct harness *harness)
{
    must_be_on_way(harness->stored);
    harness_step(harness, (struct step){.kind = STEP_STORE_TROUBLE, .text = "the disk is full"});
}

void stored_all(struct harness *harness)
{
    if (stored_collect(harness) == COLLECTED_CHANGES)
        stored_done(harness);
}

struct client *stored_connect(struct harness *harness, const char *connect, const char *connack)
{
    struct client *client = client_open(harness);
    if (!client)
        harness_fail("the broker did not take the connection");
    client->five = strstr(connect, "<'MQTT'> 05") != NULL;
    client_send(client, connect);
    stored_all(harness);
    client_expect(client, connack);
    return client;
}

struct client *stored_resume(struct harness *harness, enum protocol_version version,
                             const char *client_identifier, bool present)
{
    char connect[NOTATION_SIZE];
    const bool five = version == PROTOCOL_5_0;
    octets_print(connect,
                 five ? "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'%s'>]" : "10 [<'MQTT'> 04 00 0000 <'%s'>]",
                 client_identifier);
    if (five)
        return stored_connect(harness, connect, present ? "20 [01 00 [22 000A]]" : "20 [00 00 [22 000A]]");
    return stored_connect(harness, connect, present ? "20 02 01 00" : "20 02 00 00");
}

void stored_subscribe(struct client *client, const char *filter, unsigned qos)
{
    char notation[NOTATION_SIZE];
    octets_print(notation, "82 [0001 %s <'%s'> %02X]", client->five ? "[]" : "", filter, qos);
    client_send(client, notation);
    stored_all(client->harness);
    octets_print(notation, client->five ? "90 04 0001 00 %02X" : "90 03 0001 %02X", qos);
    client_expect(client, notation);
}

/* Crashes */

void stored_die(struct harness *harness, bool arrives)
{
    struct stored_map *map = harness->stored;
    harness_disconnect_all(harness);
    broker_destroy(harness->broker);
    harness->broker = NULL;
    if (map->on_way && arrives)
        apply(map, &map->way);
    map->on_way = false;
    changes_clear(&map->way);
}

static const char *load_into(const struct harness *harness, struct broker *broker, uint64_t now)
{
    const struct stored_map *map = harness->stored;
    const char *wrong = NULL;
    enter(harness);
    for (size_t i = 0; i < map->count && !wrong; i++)
        wrong = broker_restore(broker, map->records[i].table, map->records[i].key, map->records[i].value);
    if (!wrong)
        wrong = broker_restored(broker, now);
    leave(harness);
    return wrong;
}

const char *stored_load(struct harness *harness)
{
    if (harness->stored->loaded_once)
        harness->now = START_OF_NEXT;
    harness->stored->loaded_once = true;
    enter(harness);
    harness->broker = harness_broker(harness);
    leave(harness);
    if (!harness->broker)
        return "no broker";
    const char *wrong = load_into(harness, harness->broker, harness->now);
    if (wrong) {
        broker_destroy(harness->broker);
        harness->broker = NULL;
        return wrong;
    }
    harness_advance(harness, 0);
    return NULL;
}

void stored_crash(struct harness *harness, bool arrives, uint64_t ms)
{
    stored_die(harness, arrives);
    stored_wall(harness, ms);
    const char *wrong = stored_load(harness);
    if (wrong)
        harness_fail("what was stored cannot be read: %s", wrong);
}

/* Changes as text */

struct text {
    char *at;
    size_t room;
};

static void say(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text->at, text->room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= text->room)
        harness_fail("a change does not fit into a line");
    text->at += length;
    text->room -= (size_t)length;
}

static void say_bytes(struct text *text, struct bytes bytes)
{
    enum { SHOWN = 100 };
    const size_t shown = bytes.length < SHOWN ? bytes.length : SHOWN;
    say(text, " '%.*s'", (int)shown, bytes.length > 0 ? (const char *)bytes.data : "");
    if (shown < bytes.length)
        say(text, "...%zu", bytes.length);
}

static void say_moment(struct text *text, const char *what, uint64_t moment)
{
    if (moment == MOMENT_NEVER)
        say(text, " %s never", what);
    else
        say(text, " %s %+lld", what, (long long)(moment - WALL_START));
}

static void say_number(struct text *text, const char *what, uint64_t number)
{
    if (number != 0)
        say(text, " %s %llu", what, (unsigned long long)number);
}

static void say_flag(struct text *text, const char *what, bool flag)
{
    if (flag)
        say(text, " %s", what);
}

static void say_session(struct text *text, const struct record_session *session)
{
    say_bytes(text, session->client_identifier);
    if (session->has_user_name)
        say_bytes(text, session->user_name);
    say_flag(text, "connected", session->connected);
    if (session->expiry_interval == UINT32_MAX)
        say(text, " expiry never");
    else
        say(text, " expiry %u", session->expiry_interval);
    if (!session->connected)
        say_moment(text, "until", session->expires_at);
}

static void say_subscription(struct text *text, const struct record_subscription *subscription)
{
    say(text, " qos %u", subscription->qos);
    say_number(text, "id", subscription->identifier);
    say_flag(text, "no-local", subscription->no_local);
    say_flag(text, "as-published", subscription->retain_as_published);
    say_number(text, "retain-handling", subscription->retain_handling);
    say_number(text, "group", subscription->group);
}

static void say_message(struct text *text, const struct record_message *message)
{
    say_bytes(text, message->topic);
    say(text, " qos %u", message->qos);
    say_flag(text, "retained", message->retained);
    if (message->expires_at != MOMENT_NEVER)
        say_moment(text, "until", message->expires_at);
    if (message->properties.length > 0)
        say(text, " properties %zu", message->properties.length);
    say_bytes(text, message->payload);
}

static void say_delivery(struct text *text, const struct record_delivery *delivery)
{
    static const char *const states[] = {"queued", "publish", "publish", "pubrel"};
    say(text, " S%llu M%llu qos %u", (unsigned long long)delivery->session,
        (unsigned long long)delivery->message, delivery->qos);
    say_number(text, "pid", delivery->packet_identifier);
    say(text, " %s", states[delivery->state]);
    say_flag(text, "sent", delivery->sent);
    say_flag(text, "retain", delivery->retain);
    say_number(text, "group", delivery->group);
    for (uint16_t i = 0; i < delivery->identifier_count; i++)
        say(text, " id %u", record_identifier(delivery, i));
}

static void say_will(struct text *text, const struct record_will *will)
{
    say(text, " M%llu qos %u", (unsigned long long)will->message, will->qos);
    say_number(text, "delay", will->delay);
    if (will->expiry_interval != UINT32_MAX)
        say(text, " expiry %u", will->expiry_interval);
    say_flag(text, "retain", will->retain);
    say_moment(text, "due", will->due);
}

static void say_value(struct text *text, const struct record *record)
{
    switch (record->table) {
    case TABLE_META:
        say(text, " %+lld", (long long)(record->meta.number - WALL_START));
        break;
    case TABLE_SESSIONS:
        say_session(text, &record->session);
        break;
    case TABLE_SUBSCRIPTIONS:
        say_subscription(text, &record->subscription);
        break;
    case TABLE_MESSAGES:
        say_message(text, &record->message);
        break;
    case TABLE_DELIVERIES:
        say_delivery(text, &record->delivery);
        break;
    case TABLE_WILLS:
        say_will(text, &record->will);
        break;
    case TABLE_RECEIVED:
    case TABLE_COUNT:
        break;
    }
}

static uint64_t number_in(struct bytes key)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 8 && i < key.length; i++)
        number = number << 8 | key.data[i];
    return number;
}

static const char letters[TABLE_COUNT + 1] = "?SUMDRW";

static void say_key(struct text *text, uint8_t table, struct bytes key)
{
    if (table == TABLE_META) {
        say(text, "%.*s", (int)key.length, (const char *)key.data);
        return;
    }
    say(text, "%c%llu", letters[table], (unsigned long long)number_in(key));
    if (table == TABLE_SUBSCRIPTIONS && key.length > 8)
        say_bytes(text, bytes_after(key, 8));
    if (table == TABLE_RECEIVED && key.length > 8)
        say(text, " #%02X%02X", key.data[8], key.data[9]);
}

static void describe(char line[LINE], const struct change *change)
{
    struct text text = {.at = line, .room = LINE};
    struct record record;
    if (change->table >= TABLE_COUNT)
        harness_fail("a change of table %u", change->table);
    say(&text, change->kind == CHANGE_PUT ? "+" : "-");
    say_key(&text, change->table, change->key);
    if (change->kind == CHANGE_DELETE_PREFIX)
        say(&text, "*");
    if (change->kind != CHANGE_PUT)
        return;
    const char *wrong = record_read((enum record_table)change->table, change->key, change->value, &record);
    if (wrong)
        harness_fail("a record that cannot be read: %s: %s", line, wrong);
    say_value(&text, &record);
}

/* Each line once among the actual ones, and no other. */
static void compare_lines(char (*actual)[LINE], size_t actual_count, const char *const *expected,
                          size_t count)
{
    char all[4000] = "";
    for (size_t i = 0; i < actual_count; i++)
        if (strlen(all) + LINE < sizeof all)
            strcat(strcat(all, "\n  "), actual[i]);
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < actual_count && strcmp(actual[at], expected[i]) != 0)
            at++;
        if (at == actual_count)
            harness_fail("expected %s among %zu lines:%s", expected[i], actual_count, all);
        actual[at][0] = '\0'; /* no line is expected twice */
    }
    if (actual_count != count)
        harness_fail("expected %zu lines, got %zu:%s", count, actual_count, all);
}

void stored_expect(struct harness *harness, const char *const *lines, size_t count)
{
    if (stored_collect(harness) != COLLECTED_CHANGES)
        harness_fail("nothing was collected, but expected %s", lines[0]);
    char(*actual)[LINE] = must(calloc(harness->stored->way.count, LINE));
    struct bytes rest = changes_all(&harness->stored->way);
    struct change change;
    size_t actual_count = 0;
    while (changes_next(&rest, &change))
        describe(actual[actual_count++], &change);
    compare_lines(actual, actual_count, lines, count);
    free(actual);
    stored_done(harness);
}

void stored_expect_nothing(struct harness *harness)
{
    if (stored_collect(harness) != COLLECTED_NOTHING) {
        struct bytes rest = changes_all(&harness->stored->way);
        struct change change;
        char line[LINE] = "";
        if (changes_next(&rest, &change))
            describe(line, &change);
        harness_fail("expected nothing to store, got %llu changes, first %s",
                     (unsigned long long)harness->stored->way.count, line);
    }
}

void stored_expect_all(struct harness *harness, const char *const *lines, size_t count)
{
    const struct stored_map *map = harness->stored;
    char(*actual)[LINE] = must(calloc(map->count + 1, LINE));
    for (size_t i = 0; i < map->count; i++) {
        const struct change change = {.kind = CHANGE_PUT,
                                      .table = map->records[i].table,
                                      .key = map->records[i].key,
                                      .value = map->records[i].value};
        describe(actual[i], &change);
    }
    compare_lines(actual, map->count, lines, count);
    free(actual);
}

void stored_expect_empty(const struct harness *harness)
{
    for (size_t i = 0; i < harness->stored->count; i++) {
        const struct stored_record *left = &harness->stored->records[i];
        char line[LINE];
        const struct change change = {
            .kind = CHANGE_PUT, .table = left->table, .key = left->key, .value = left->value};
        describe(line, &change);
        if (left->table != TABLE_META)
            harness_fail("the store is not empty: %s", line);
    }
}

/* What always holds */

static void must_have(const struct harness *harness, enum record_table table, uint64_t number,
                      const char *whose)
{
    uint8_t key[8];
    for (size_t i = 0; i < 8; i++)
        key[i] = (uint8_t)(number >> (56 - 8 * i));
    const struct bytes bytes = bytes_of(key, sizeof key);
    if (!is_at(harness->stored, place_of(harness->stored, (uint8_t)table, bytes), (uint8_t)table, bytes))
        harness_fail("%s refers to %s %llu, which is not stored", whose, record_table_name(table),
                     (unsigned long long)number);
}

/* Stored deliveries, Wills and retained topics that need this message. */
static size_t holders_of(const struct stored_map *map, uint64_t message)
{
    size_t holders = 0;
    for (size_t i = 0; i < map->count; i++) {
        struct record record;
        const struct stored_record *stored = &map->records[i];
        if (record_read((enum record_table)stored->table, stored->key, stored->value, &record))
            harness_fail("a record that cannot be read");
        holders += record.table == TABLE_DELIVERIES && record.delivery.message == message;
        holders += record.table == TABLE_WILLS && record.will.message == message;
        holders +=
            record.table == TABLE_MESSAGES && record.message.message == message && record.message.retained;
    }
    return holders;
}

static void check_record(const struct harness *harness, const struct record *record)
{
    switch (record->table) {
    case TABLE_SUBSCRIPTIONS:
        must_have(harness, TABLE_SESSIONS, record->subscription.session, "a subscription");
        break;
    case TABLE_DELIVERIES:
        must_have(harness, TABLE_SESSIONS, record->delivery.session, "a delivery");
        if (record->delivery.message)
            must_have(harness, TABLE_MESSAGES, record->delivery.message, "a delivery");
        break;
    case TABLE_RECEIVED:
        must_have(harness, TABLE_SESSIONS, record->received.session, "an identifier received");
        break;
    case TABLE_WILLS:
        must_have(harness, TABLE_MESSAGES, record->will.message, "a Will");
        break;
    case TABLE_MESSAGES:
        if (harness->stored->count < 500 && holders_of(harness->stored, record->message.message) == 0)
            harness_fail("message %llu is stored for nobody", (unsigned long long)record->message.message);
        break;
    case TABLE_META:
    case TABLE_SESSIONS:
    case TABLE_COUNT:
        break;
    }
}

static void check_references(const struct harness *harness)
{
    for (size_t i = 0; i < harness->stored->count; i++) {
        struct record record;
        const struct stored_record *stored = &harness->stored->records[i];
        const char *wrong =
            record_read((enum record_table)stored->table, stored->key, stored->value, &record);
        if (wrong)
            harness_fail("a record that cannot be read: %s", wrong);
        check_record(harness, &record);
    }
}

struct comparison {
    const struct broker *live;
    struct broker *copy;
    size_t durable;
    bool orphans;
};

static void count_subscription(void *context, struct bytes filter, const struct subscription_options *options)
{
    (void)filter;
    *(uint64_t *)context += 1000000 + options->identifier * 16 + options->qos * 4 + options->retain_handling;
}

static uint64_t subscriptions_of(const struct broker *broker, const struct session *session)
{
    uint64_t sum = 0;
    subscriptions_each(broker->subscriptions, &session->subscriber, count_subscription, &sum);
    return sum;
}

static void same(uint64_t live, uint64_t copy, const char *what, const struct session *session)
{
    if (live != copy)
        harness_fail("session '%.*s': %s is %llu, but from the store %llu", session->client_identifier_length,
                     (const char *)session->client_identifier, what, (unsigned long long)live,
                     (unsigned long long)copy);
}

static void same_flows(const struct session *session, const struct session *twin)
{
    const struct flows *live = session_flows(session);
    const struct flows *copy = session_flows(twin);
    same(live->queued - live->queued_qos_0, copy->queued, "number of messages queued", session);
    same(live->inflight.count, copy->inflight.count, "number of messages in flight", session);
    same(live->received.count, copy->received.count, "number of identifiers received", session);
    struct list_node *other = copy->inflight_order.first;
    for (struct list_node *node = live->inflight_order.first; node; node = node->next, other = other->next) {
        const struct delivery *a = LIST_OWNER(node, struct delivery, node);
        const struct delivery *b = LIST_OWNER(other, struct delivery, node);
        same(a->packet_identifier, b->packet_identifier, "a Packet Identifier", session);
        same(a->state, b->state, "a state", session);
        same(a->sent, b->sent, "whether a message was sent", session);
        same(a->message != NULL, b->message != NULL, "whether a message is needed", session);
        same(a->group, b->group, "a share group", session);
    }
}

/* Wills of sessions that are not stored: a broker publishes them at once, and they may queue up. */
static bool has_orphans(const struct stored_map *map)
{
    bool orphans = false;
    for (size_t i = 0; i < map->count; i++) {
        const struct stored_record *will = &map->records[i];
        if (will->table == TABLE_WILLS &&
            !is_at(map, place_of(map, TABLE_SESSIONS, will->key), TABLE_SESSIONS, will->key))
            orphans = true;
    }
    return orphans;
}

static bool compare_session(void *context, void *item)
{
    struct comparison *comparison = context;
    const struct session *session = item;
    if (!session->durable)
        return true;
    comparison->durable++;
    const struct session *twin = session_find(comparison->copy, session_client_identifier(session));
    if (!twin)
        harness_fail("session '%.*s' is not stored", session->client_identifier_length,
                     (const char *)session->client_identifier);
    same(session->stored.number, twin->stored.number, "number", session);
    same(session->expiry_interval, twin->expiry_interval, "Session Expiry Interval", session);
    same(session->will != NULL, twin->will != NULL, "whether there is a Will", session);
    if (!comparison->orphans)
        same_flows(session, twin);
    if (!session->connection)
        same(session->expires_at == EXPIRES_NEVER ? 0 : session->expires_at,
             twin->expires_at == EXPIRES_NEVER ? 0 : twin->expires_at, "deadline", session);
    same(subscriptions_of(comparison->live, session), subscriptions_of(comparison->copy, twin),
         "sum of the subscriptions", session);
    return true;
}

static bool count_own(void *context, struct message *message)
{
    (void)message;
    ++*(uint64_t *)context;
    return true;
}

static uint64_t retained_of_clients(struct broker *broker)
{
    uint64_t count = 0; /* `#` passes over $-topics */
    retained_match(broker->retained, bytes_of_text("#"), count_own, &count);
    return count;
}

void stored_check(struct harness *harness)
{
    stored_all(harness);
    stored_all(harness);
    if (broker_wants_collect(harness->broker))
        harness_fail("there is always more to collect");
    check_references(harness);
    struct broker *copy = must(harness_broker(harness));
    const char *wrong = load_into(harness, copy, harness->now);
    if (wrong)
        harness_fail("what was stored cannot be read: %s", wrong);
    struct comparison comparison = {
        .live = harness->broker, .copy = copy, .orphans = has_orphans(harness->stored)};
    hash_map_each(&harness->broker->sessions, compare_session, &comparison);
    if (comparison.durable != broker_statistics(copy).sessions)
        harness_fail("%zu durable sessions, but %llu from the store", comparison.durable,
                     (unsigned long long)broker_statistics(copy).sessions);
    if (stored_count(harness, TABLE_WILLS) == 0 && /* Wills that are published at start may be retained */
        retained_of_clients(harness->broker) != retained_of_clients(copy))
        harness_fail("%llu retained messages, but %llu from the store",
                     (unsigned long long)retained_of_clients(harness->broker),
                     (unsigned long long)retained_of_clients(copy));
    broker_destroy(copy);
}

void stored_finish(struct harness *harness)
{
    stored_check(harness);
    harness_destroy(harness);
}
