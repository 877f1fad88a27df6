/* 4.1.1 Storing Session State: the form of the records. What is on somebody's disk must be read for ever, so
 * the bytes are written out here. */
#include "support.h"

#include "mqtt/4_01_1_records.h"
#include "mqtt/4_03_qos_flows.h"

#define TEXT(text)                                                                                           \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }
#define N1 "0000000000000001"
#define N2 "0102030405060708"
#define MOST "FFFFFFFFFFFFFFFF"

/* A record and its bytes. Cut off before `shortest_key` or `shortest_value` it has to be refused. */
struct sample {
    struct record record;
    const char *key;
    const char *value;
    size_t shortest_key;
    size_t shortest_value;
};

static const struct sample samples[] = {
    {{.table = TABLE_META, .meta = {META_FORMAT, RECORD_FORMAT}}, "'format'", N1, 6, 8},
    {{.table = TABLE_META, .meta = {META_ALIVE, 0x0102030405060708}}, "'alive'", N2, 5, 8},
    {{.table = TABLE_META, .meta = {META_ALIVE, 0}}, "'alive'", "00*8", 5, 8},

    {{.table = TABLE_SESSIONS,
      .session = {.session = 0x0102030405060708,
                  .expires_at = 0x1112131415161718,
                  .expiry_interval = 0x21222324,
                  .client_identifier = TEXT("kitchen")}},
     N2,
     "00 1112131415161718 21222324 'kitchen'",
     8,
     14},
    {{.table = TABLE_SESSIONS,
      .session = {.session = 1,
                  .expires_at = MOMENT_NEVER,
                  .expiry_interval = 60,
                  .connected = true,
                  .client_identifier = TEXT("c")}},
     N1,
     "01" MOST "0000003C 'c'",
     8,
     14},
    {{.table = TABLE_SESSIONS,
      .session = {.session = UINT64_MAX,
                  .expires_at = MOMENT_NEVER,
                  .expiry_interval = UINT32_MAX,
                  .client_identifier = TEXT("\xC3\xA9")}},
     MOST,
     "00" MOST "FFFFFFFF C3A9",
     8,
     15},
    {{.table = TABLE_SESSIONS,
      .session = {.session = 1,
                  .expires_at = MOMENT_NEVER,
                  .expiry_interval = UINT32_MAX,
                  .connected = true,
                  .client_identifier = TEXT("c")}},
     N1,
     "01" MOST "FFFFFFFF 'c'",
     8,
     14},

    {{.table = TABLE_SESSIONS,
      .session = {.session = 1,
                  .expires_at = 0,
                  .expiry_interval = 0,
                  .has_user_name = true,
                  .user_name = TEXT("j\xC3\xB6"),
                  .client_identifier = TEXT("c")}},
     N1,
     "02 0000000000000000 00000000 <'j' C3B6> 'c'",
     8,
     19},
    {{.table = TABLE_SESSIONS,
      .session = {.session = 1,
                  .expires_at = MOMENT_NEVER,
                  .expiry_interval = 0,
                  .connected = true,
                  .has_user_name = true,
                  .client_identifier = TEXT("c")}},
     N1,
     "03" MOST "00000000 <> 'c'",
     8,
     16},

    {{.table = TABLE_SUBSCRIPTIONS,
      .subscription = {.session = 0x0102030405060708, .topic_filter = TEXT("a/#")}},
     N2 "'a/#'",
     "00 00000000 0000000000000000",
     9,
     13},
    {{.table = TABLE_SUBSCRIPTIONS,
      .subscription = {.session = 1,
                       .identifier = 268435455,
                       .qos = 2,
                       .retain_handling = 2,
                       .no_local = true,
                       .retain_as_published = true,
                       .topic_filter = TEXT("+")}},
     N1 "'+'",
     "2E 0FFFFFFF 0000000000000000",
     9,
     13},
    {{.table = TABLE_SUBSCRIPTIONS,
      .subscription = {.session = 1,
                       .group = UINT64_MAX,
                       .qos = 1,
                       .retain_handling = 1,
                       .topic_filter = TEXT("$share/g/a")}},
     N1 "'$share/g/a'",
     "11 00000000" MOST,
     18,
     13},
    /* of a client of 3.1.1, to which this is a filter like others */
    {{.table = TABLE_SUBSCRIPTIONS, .subscription = {.session = 1, .topic_filter = TEXT("$share//")}},
     N1 "'$share//'",
     "00 00000000 0000000000000000",
     9,
     13},

    {{.table = TABLE_MESSAGES,
      .message = {.message = 0x0102030405060708,
                  .expires_at = 0x1112131415161718,
                  .qos = 1,
                  .retained = true,
                  .topic = TEXT("a/b"),
                  .properties = TEXT("\x01\x01\x26\x00\x01k\x00\x01v\x26\x00\x01k\x00\x01w"),
                  .payload = TEXT("on")}},
     N2,
     "05 1112131415161718 <'a/b'> [01 01 26<'k'><'v'> 26<'k'><'w'>] 'on'",
     8,
     32},
    {{.table = TABLE_MESSAGES, .message = {.message = 1, .expires_at = MOMENT_NEVER, .topic = TEXT("t")}},
     N1,
     "00" MOST "<'t'> 00",
     8,
     13},
    {{.table = TABLE_MESSAGES,
      .message = {.message = 1, .expires_at = 0, .qos = 2, .topic = TEXT("$x"), .payload = TEXT("\0\xFF")}},
     N1,
     "02 0000000000000000 <'$x'> 00 00FF",
     8,
     14},

    {{.table = TABLE_DELIVERIES,
      .delivery = {.delivery = 0x0102030405060708,
                   .session = 0x1112131415161718,
                   .message = 0x2122232425262728,
                   .group = 0x3132333435363738,
                   .qos = 1}},
     N2,
     "01 00 1112131415161718 2122232425262728 3132333435363738 0000",
     8,
     28},
    {{.table = TABLE_DELIVERIES,
      .delivery = {.delivery = 1,
                   .session = 2,
                   .message = 3,
                   .packet_identifier = 0x1234,
                   .qos = 1,
                   .state = SENDER_AWAIT_PUBACK,
                   .retain = true}},
     N1,
     "05 01 0000000000000002 0000000000000003 0000000000000000 1234",
     8,
     28},
    {{.table = TABLE_DELIVERIES,
      .delivery = {.delivery = 1,
                   .session = 2,
                   .message = 3,
                   .packet_identifier = 65535,
                   .qos = 2,
                   .state = SENDER_AWAIT_PUBREC,
                   .sent = true}},
     N1,
     "0A 02 0000000000000002 0000000000000003 0000000000000000 FFFF",
     8,
     28},
    {{.table = TABLE_DELIVERIES,
      .delivery = {.delivery = UINT64_MAX,
                   .session = UINT64_MAX,
                   .group = UINT64_MAX,
                   .packet_identifier = 1,
                   .qos = 2,
                   .state = SENDER_AWAIT_PUBCOMP,
                   .retain = true,
                   .sent = true,
                   .identifier_count = 2,
                   .identifiers = TEXT("\x00\x00\x00\x01\x0F\xFF\xFF\xFF")}},
     MOST,
     "0E 03" MOST "0000000000000000" MOST "0001 00000001 0FFFFFFF",
     8,
     28},
    {{.table = TABLE_DELIVERIES,
      .delivery = {.delivery = 1,
                   .session = 1,
                   .message = UINT64_MAX,
                   .packet_identifier = 1,
                   .qos = 2,
                   .state = SENDER_AWAIT_PUBCOMP}},
     N1,
     "02 03 0000000000000001" MOST "0000000000000000 0001",
     8,
     28},

    {{.table = TABLE_RECEIVED, .received = {0x0102030405060708, 0x1234}}, N2 "1234", "", 10, 0},
    {{.table = TABLE_RECEIVED, .received = {UINT64_MAX, 65535}}, MOST "FFFF", "", 10, 0},

    {{.table = TABLE_WILLS,
      .will = {.session = 0x0102030405060708,
               .message = 0x1112131415161718,
               .due = 0x2122232425262728,
               .delay = 0x31323334,
               .expiry_interval = 0x41424344,
               .qos = 1,
               .retain = true}},
     N2,
     "05 1112131415161718 2122232425262728 31323334 41424344",
     8,
     25},
    {{.table = TABLE_WILLS,
      .will = {.session = 1,
               .message = 1,
               .due = MOMENT_NEVER,
               .delay = UINT32_MAX,
               .expiry_interval = UINT32_MAX,
               .qos = 2}},
     N1,
     "02" N1 MOST "FFFFFFFF FFFFFFFF",
     8,
     25},
    {{.table = TABLE_WILLS, .will = {.session = 1, .message = 1}},
     N1,
     "00" N1 "0000000000000000 00000000 00000000",
     8,
     25},
};

/* The only change that there is. */
static struct change only_change(const struct changes *changes)
{
    struct bytes rest = changes_all(changes);
    struct change change;
    ck_assert(changes_next(&rest, &change));
    ck_assert_uint_eq(changes->count, 1);
    ck_assert_uint_eq(rest.length, 0);
    return change;
}

static void expect_bytes(struct bytes actual, struct bytes expected, const char *what)
{
    ck_assert_msg(bytes_equal(actual, expected), "%s: %zu bytes, expected %zu", what, actual.length,
                  expected.length);
}

/* What record_put makes of a record that was read has to be what it was read from. */
static void expect_round_trip(enum record_table table, struct bytes key, struct bytes value, const char *what)
{
    struct record record;
    struct changes changes = {0};
    const char *wrong = record_read(table, key, value, &record);
    ck_assert_msg(wrong == NULL, "%s: %s", what, wrong);
    ck_assert_int_eq(record.table, table);
    ck_assert(record_put(&changes, &record));
    expect_bytes(only_change(&changes).key, key, what);
    expect_bytes(only_change(&changes).value, value, what);
    changes_free(&changes);
}

START_TEST(records_have_these_bytes)
{
    const struct sample *sample = &samples[_i];
    const struct bytes key = octets(sample->key);
    const struct bytes value = octets(sample->value);
    struct changes changes = {0};
    ck_assert(record_put(&changes, &sample->record));
    const struct change change = only_change(&changes);
    ck_assert_int_eq(change.kind, CHANGE_PUT);
    ck_assert_uint_eq(change.table, sample->record.table);
    expect_bytes(change.key, key, sample->key);
    expect_bytes(change.value, value, sample->value);
    expect_round_trip(sample->record.table, key, value, sample->value);
    changes_free(&changes);
    octets_free(key);
    octets_free(value);
}
END_TEST

/* In a block of its own size, so that a sanitizer sees a step beyond the end. */
static const char *read_copy(enum record_table table, struct bytes key, struct bytes value)
{
    struct record record;
    uint8_t *key_room = octets_room(key.length);
    uint8_t *value_room = octets_room(value.length);
    memcpy(key_room, key.data, key.length);
    memcpy(value_room, value.data, value.length);
    const char *wrong =
        record_read(table, bytes_of(key_room, key.length), bytes_of(value_room, value.length), &record);
    free(key_room);
    free(value_room);
    return wrong;
}

START_TEST(records_cut_off_are_refused)
{
    const struct sample *sample = &samples[_i];
    const enum record_table table = sample->record.table;
    const struct bytes key = octets(sample->key);
    const struct bytes value = octets(sample->value);
    ck_assert_ptr_null(read_copy(table, key, value));
    for (size_t length = 0; length < sample->shortest_key; length++)
        ck_assert_msg(read_copy(table, bytes_of(key.data, length), value) != NULL, "key of %zu", length);
    for (size_t length = 0; length < sample->shortest_value; length++)
        ck_assert_msg(read_copy(table, key, bytes_of(value.data, length)) != NULL, "value of %zu", length);
    octets_free(key);
    octets_free(value);
}
END_TEST

/* Bytes may only follow where a text, the payload or a list ends the record. */
START_TEST(records_with_bytes_left_over_are_refused)
{
    const struct sample *sample = &samples[_i];
    const enum record_table table = sample->record.table;
    const bool open_key = table == TABLE_SUBSCRIPTIONS;
    const bool open_value = table == TABLE_SESSIONS || table == TABLE_MESSAGES;
    char longer[NOTATION_SIZE];
    const struct bytes key = octets(sample->key);
    const struct bytes value = octets(sample->value);
    octets_print(longer, "%s 'x'", sample->key);
    const struct bytes long_key = octets(longer);
    octets_print(longer, "%s 'x'", sample->value);
    const struct bytes long_value = octets(longer);
    ck_assert(open_key || read_copy(table, long_key, value) != NULL);
    ck_assert((read_copy(table, key, long_value) == NULL) == open_value);
    octets_free(key);
    octets_free(value);
    octets_free(long_key);
    octets_free(long_value);
}
END_TEST

struct wrong {
    enum record_table table;
    const char *key;
    const char *value;
    const char *what;
};

#define DELIVERY(flags, state, identifier) flags state N1 N1 N1 identifier
#define MESSAGE(flags, topic, properties, payload) flags N1 topic properties payload
static const struct wrong wrongs[] = {
    {TABLE_COUNT, N1, "", "unknown table"},
    {TABLE_META, "", N1, "nothing of this name is known"},
    {TABLE_META, "'formatt'", N1, "nothing of this name is known"},
    {TABLE_META, "'format'", "00*8", "there is no format 0"},
    {TABLE_META, "'format'", "00*7 02",
     "the store was written by a newer version, whose format this one does not know"},
    {TABLE_META, "'format'", "00*7", "the value is too short"},
    {TABLE_META, "'alive'", "00*9", "the value is too long"},
    {TABLE_META, "'alive'", MOST, "\"alive\" is no moment"},

    {TABLE_SESSIONS, "00*8", "01" MOST "0000003C 'c'", "the number in the key is 0"},
    {TABLE_SESSIONS, "00*7", "01" MOST "0000003C 'c'", "the key is too short"},
    {TABLE_SESSIONS, N1 "00", "01" MOST "0000003C 'c'", "the key is too long"},
    {TABLE_SESSIONS, N1, "01" MOST "00003C", "the value is too short"},
    {TABLE_SESSIONS, N1, "03" MOST "0000003C 0003 'ab'", "the value is too short"},
    {TABLE_SESSIONS, N1, "03" MOST "0000003C 0002 C328 'c'", "a text is not well-formed UTF-8"},
    {TABLE_SESSIONS, N1, "03" MOST "0000003C 0002 'ab'", "the Client Identifier is empty"},
    {TABLE_SESSIONS, N1, "04" MOST "0000003C 'c'", "unknown flags"},
    {TABLE_SESSIONS, N1, "81" MOST "0000003C 'c'", "unknown flags"},
    {TABLE_SESSIONS, N1, "01" N1 "0000003C 'c'",
     "a session that does not expire has a moment at which it does"},
    {TABLE_SESSIONS, N1, "00" N1 "FFFFFFFF 'c'",
     "a session that does not expire has a moment at which it does"},
    {TABLE_SESSIONS, N1, "00" MOST "0000003C 'c'", "a session that expires has no moment at which it does"},
    {TABLE_SESSIONS, N1, "01" MOST "0000003C", "the Client Identifier is empty"},
    {TABLE_SESSIONS, N1, "01" MOST "0000003C 61*65536", "the Client Identifier is longer than 65,535 bytes"},
    {TABLE_SESSIONS, N1, "01" MOST "0000003C 'c' FF", "a text is not well-formed UTF-8"},
    {TABLE_SESSIONS, N1, "01" MOST "0000003C 'c' 00", "a text contains U+0000"},

    {TABLE_SUBSCRIPTIONS, "00*8 'a'", "00*13", "the number in the key is 0"},
    {TABLE_SUBSCRIPTIONS, N1 "'a'", "00*12", "the value is too short"},
    {TABLE_SUBSCRIPTIONS, N1 "'a'", "00*14", "the value is too long"},
    {TABLE_SUBSCRIPTIONS, N1 "'a'", "40 00*12", "unknown flags"},
    {TABLE_SUBSCRIPTIONS, N1 "'a'", "80 00*12", "unknown flags"},
    {TABLE_SUBSCRIPTIONS, N1 "'a'", "03 00*12", "the QoS is 3"},
    {TABLE_SUBSCRIPTIONS, N1 "'a'", "30 00*12", "Retain Handling is 3"},
    {TABLE_SUBSCRIPTIONS, N1 "'a'", "00 10000000 00*8", "the Subscription Identifier is too large"},
    {TABLE_SUBSCRIPTIONS, N1 "61*65536", "00*13", "the Topic Filter is longer than 65,535 bytes"},
    {TABLE_SUBSCRIPTIONS, N1 "'a'", "00*5 " N1,
     "a subscription in a share group has a Topic Filter that is not shared"},
    {TABLE_SUBSCRIPTIONS, N1 "'$share/g/a'", "04 00*4 " N1, "a Shared Subscription has No Local"},
    {TABLE_SUBSCRIPTIONS, N1 "'$share/g/a#'", "00*5 " N1,
     "'#' in a Topic Filter is not alone in the last level"},
    {TABLE_SUBSCRIPTIONS, N1 "'a' C3", "00*13", "a text is not well-formed UTF-8"},
    {TABLE_SUBSCRIPTIONS, N1 "'a' 00", "00*13", "a text contains U+0000"},
    {TABLE_SUBSCRIPTIONS, N1, "00*13", "Topic Filter is empty"},
    {TABLE_SUBSCRIPTIONS, N1 "'#/a'", "00*13", "'#' in a Topic Filter is not alone in the last level"},

    {TABLE_MESSAGES, "00*8", MESSAGE("00", "<'t'>", "00", ""), "the number in the key is 0"},
    {TABLE_MESSAGES, N1 "00", MESSAGE("00", "<'t'>", "00", ""), "the key is too long"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "0002", "'t'", ""), "the value is too short"},
    {TABLE_MESSAGES, N1, MESSAGE("08", "<'t'>", "00", ""), "unknown flags"},
    {TABLE_MESSAGES, N1, MESSAGE("03", "<'t'>", "00", ""), "the QoS is 3"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<>", "00", ""), "Topic Name is empty"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'a/+'>", "00", ""),
     "Topic Name contains the wildcard character '+'"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'a' 00>", "00", ""), "a text contains U+0000"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'a' 80>", "00", ""), "a text is not well-formed UTF-8"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'t'>", "", ""), "Property Length is missing"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'t'>", "8000", ""),
     "Variable Byte Integer is longer than its value needs"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'t'>", "02 01", ""),
     "Property Length reaches beyond the end of the packet"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'t'>", "[01 02]", ""), "property has a value other than 0 or 1"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'t'>", "[01 01 01 01]", ""), "property occurs more than once"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'t'>", "[02 0000003C]", ""),
     "Message Expiry Interval among the properties"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'t'>", "[23 0001]", ""), "Topic Alias among the properties"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'t'>", "[0B 01]", ""), "property is not for this side to send"},
    {TABLE_MESSAGES, N1, MESSAGE("00", "<'t'>", "[18 0000003C]", ""),
     "property is not defined for this packet"},
    {TABLE_MESSAGES, N1, MESSAGE("04", "<'t'>", "00", ""), "a retained message without payload"},

    {TABLE_DELIVERIES, "00*8", DELIVERY("01", "00", "0000"), "the number in the key is 0"},
    {TABLE_DELIVERIES, N1 "00", DELIVERY("01", "00", "0000"), "the key is too long"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "00", "00"), "the value is too short"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "00", "0000 000000"),
     "the Subscription Identifiers have an odd length"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "00", "0000 01*262144"),
     "the Subscription Identifiers have an odd length"},
    {TABLE_DELIVERIES, N1, DELIVERY("11", "00", "0000"), "unknown flags"},
    {TABLE_DELIVERIES, N1, "01 00 0000000000000000" N1 N1 "0000", "session 0 does not exist"},
    {TABLE_DELIVERIES, N1, DELIVERY("00", "00", "0000"), "the QoS is neither 1 nor 2"},
    {TABLE_DELIVERIES, N1, DELIVERY("03", "00", "0000"), "the QoS is neither 1 nor 2"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "04", "0001"), "unknown state"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "02", "0001"), "the state belongs to the other QoS"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "03", "0001"), "the state belongs to the other QoS"},
    {TABLE_DELIVERIES, N1, DELIVERY("02", "01", "0001"), "the state belongs to the other QoS"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "00", "0001"), "a queued message has a Packet Identifier"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "01", "0000"), "a message in flight has no Packet Identifier"},
    {TABLE_DELIVERIES, N1, DELIVERY("02", "02", "0000"), "a message in flight has no Packet Identifier"},
    {TABLE_DELIVERIES, N1, DELIVERY("02", "03", "0000"), "a message in flight has no Packet Identifier"},
    {TABLE_DELIVERIES, N1, "01 00" N1 "0000000000000000" N1 "0000", "the message is missing"},
    {TABLE_DELIVERIES, N1, "02 02" N1 "0000000000000000" N1 "0001", "the message is missing"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "00", "0000 00000001 00000000"),
     "a Subscription Identifier is 0 or too large"},
    {TABLE_DELIVERIES, N1, DELIVERY("01", "00", "0000 10000000"),
     "a Subscription Identifier is 0 or too large"},

    {TABLE_RECEIVED, "00*8 0001", "", "the number in the key is 0"},
    {TABLE_RECEIVED, N1 "00", "", "the key is too short"},
    {TABLE_RECEIVED, N1 "0000", "", "Packet Identifier 0 does not exist"},
    {TABLE_RECEIVED, N1 "0001 00", "", "the key is too long"},
    {TABLE_RECEIVED, N1 "0001", "00", "the value is too long"},

    {TABLE_WILLS, "00*8", "00" N1 N1 N1, "the number in the key is 0"},
    {TABLE_WILLS, N1 "00", "00" N1 N1 N1, "the key is too long"},
    {TABLE_WILLS, N1, "00" N1 N1 "00*7", "the value is too short"},
    {TABLE_WILLS, N1, "00" N1 N1 "00*9", "the value is too long"},
    {TABLE_WILLS, N1, "08" N1 N1 N1, "unknown flags"},
    {TABLE_WILLS, N1, "03" N1 N1 N1, "the QoS is 3"},
    {TABLE_WILLS, N1, "00 00*8 " N1 N1, "the message is missing"},
};

START_TEST(damaged_records_are_refused)
{
    const struct wrong *row = &wrongs[_i];
    const struct bytes key = octets(row->key);
    const struct bytes value = octets(row->value);
    const char *what = read_copy(row->table, key, value);
    ck_assert_msg(what != NULL, "accepted: %s | %s", row->key, row->value);
    ck_assert_str_eq(what, row->what);
    octets_free(key);
    octets_free(value);
}
END_TEST

/* The longest texts and lists that there are. */
START_TEST(the_longest_records_come_back)
{
    static const struct wrong longest[] = {
        {TABLE_SESSIONS, N1, "01" MOST "0000003C 61*65535", NULL},
        {TABLE_SUBSCRIPTIONS, N1 "61*65535", "00*13", NULL},
        {TABLE_MESSAGES, N1, MESSAGE("01", "<61*65535>", "[26<61*65535><62*65535>]", "63*70000"), NULL},
        {TABLE_DELIVERIES, N1, DELIVERY("01", "00", "0000 01*262140"), NULL},
    };
    const struct wrong *row = &longest[_i];
    const struct bytes key = octets(row->key);
    struct bytes value = octets(row->value);
    if (row->table == TABLE_DELIVERIES) { /* identifiers have 28 bits, 01010101 is small enough */
        struct record record;
        ck_assert_ptr_null(record_read(row->table, key, value, &record));
        ck_assert_uint_eq(record.delivery.identifier_count, 65535);
        ck_assert_uint_eq(record_identifier(&record.delivery, 65534), 0x01010101);
    }
    expect_round_trip(row->table, key, value, row->value);
    octets_free(key);
    octets_free(value);
}
END_TEST

START_TEST(identifiers_come_in_order)
{
    const struct bytes value = octets(DELIVERY("01", "00", "0000 00000001 00020304 0FFFFFFF"));
    const struct bytes key = octets(N1);
    struct record record;
    ck_assert_ptr_null(record_read(TABLE_DELIVERIES, key, value, &record));
    ck_assert_uint_eq(record.delivery.identifier_count, 3);
    ck_assert_uint_eq(record_identifier(&record.delivery, 0), 1);
    ck_assert_uint_eq(record_identifier(&record.delivery, 1), 0x20304);
    ck_assert_uint_eq(record_identifier(&record.delivery, 2), 0x0FFFFFFF);
    octets_free(key);
    octets_free(value);
}
END_TEST

/* From the broker's memory they come as numbers of the machine. */
START_TEST(native_identifiers_are_put_in_the_same_form)
{
    static const uint32_t identifiers[] = {1, 0x20304, 0x0FFFFFFF};
    const struct record record = {.table = TABLE_DELIVERIES,
                                  .delivery = {.delivery = 1,
                                               .session = 1,
                                               .message = 1,
                                               .group = 1,
                                               .qos = 1,
                                               .identifier_count = 3,
                                               .native_identifiers = identifiers}};
    const struct bytes value = octets(DELIVERY("01", "00", "0000 00000001 00020304 0FFFFFFF"));
    struct changes changes = {0};
    struct record again;
    ck_assert(record_put(&changes, &record));
    const struct change change = only_change(&changes);
    expect_bytes(change.value, value, "identifiers");
    memset(&again, 0xFF, sizeof again);
    ck_assert_ptr_null(record_read(TABLE_DELIVERIES, change.key, change.value, &again));
    ck_assert_ptr_null(again.delivery.native_identifiers);
    changes_free(&changes);
    octets_free(value);
}
END_TEST

START_TEST(deletes_have_the_same_key)
{
    const struct sample *sample = &samples[_i];
    const struct bytes key = octets(sample->key);
    struct changes changes = {0};
    ck_assert(record_delete(&changes, &sample->record));
    const struct change change = only_change(&changes);
    ck_assert_int_eq(change.kind, CHANGE_DELETE);
    ck_assert_uint_eq(change.table, sample->record.table);
    ck_assert_uint_eq(change.value.length, 0);
    expect_bytes(change.key, key, sample->key);
    changes_free(&changes);
    octets_free(key);
}
END_TEST

START_TEST(all_of_a_session_go_by_their_prefix)
{
    static const enum record_table tables[] = {TABLE_SESSIONS, TABLE_SUBSCRIPTIONS, TABLE_RECEIVED,
                                               TABLE_WILLS};
    const struct bytes key = octets(N2);
    struct changes changes = {0};
    ck_assert(record_delete_all(&changes, tables[_i], 0x0102030405060708));
    const struct change change = only_change(&changes);
    ck_assert_int_eq(change.kind, CHANGE_DELETE_PREFIX);
    ck_assert_uint_eq(change.table, tables[_i]);
    expect_bytes(change.key, key, "prefix");
    changes_free(&changes);
    octets_free(key);
}
END_TEST

START_TEST(changes_stand_one_behind_the_other)
{
    struct changes changes = {0};
    for (int i = 0; i < COUNT(samples); i++) {
        ck_assert(record_put(&changes, &samples[i].record));
        ck_assert(record_delete(&changes, &samples[i].record));
    }
    ck_assert_uint_eq(changes.count, 2 * COUNT(samples));
    struct bytes rest = changes_all(&changes);
    struct change change;
    for (int i = 0; i < COUNT(samples); i++) {
        const struct bytes key = octets(samples[i].key);
        ck_assert(changes_next(&rest, &change));
        ck_assert_int_eq(change.kind, CHANGE_PUT);
        expect_bytes(change.key, key, samples[i].key);
        ck_assert(changes_next(&rest, &change));
        ck_assert_int_eq(change.kind, CHANGE_DELETE);
        octets_free(key);
    }
    ck_assert(!changes_next(&rest, &change));
    changes_free(&changes);
}
END_TEST

/* A block that is said to be so large that it cannot grow. */
START_TEST(without_memory_nothing_changes)
{
    const size_t half = SIZE_MAX / 2 + 1;
    struct changes changes = {.length = half, .capacity = half, .count = 7};
    ck_assert(!record_put(&changes, &samples[_i].record));
    ck_assert(!record_delete(&changes, &samples[_i].record));
    ck_assert(!record_delete_all(&changes, TABLE_SESSIONS, 1));
    ck_assert(!changes_add(&changes, &(struct change){.kind = CHANGE_DELETE, .key = TEXT("k")}));
    ck_assert_uint_eq(changes.length, half);
    ck_assert_uint_eq(changes.count, 7);
}
END_TEST

/* Names of files come from them. */
START_TEST(tables_have_names)
{
    static const char *const names[] = {"meta",       "sessions", "subscriptions", "messages",
                                        "deliveries", "received", "wills"};
    ck_assert_int_eq(COUNT(names), TABLE_COUNT);
    for (int i = 0; i < TABLE_COUNT; i++)
        ck_assert_str_eq(record_table_name((enum record_table)i), names[i]);
}
END_TEST

Suite *suite_4_01_1_records(void);
Suite *suite_4_01_1_records(void)
{
    Suite *suite = suite_create("4.1.1 records");
    TCase *tcase = tcase_create("records");
    tcase_add_loop_test(tcase, records_have_these_bytes, 0, COUNT(samples));
    tcase_add_loop_test(tcase, records_cut_off_are_refused, 0, COUNT(samples));
    tcase_add_loop_test(tcase, records_with_bytes_left_over_are_refused, 0, COUNT(samples));
    tcase_add_loop_test(tcase, damaged_records_are_refused, 0, COUNT(wrongs));
    tcase_add_loop_test(tcase, the_longest_records_come_back, 0, 4);
    tcase_add_test(tcase, identifiers_come_in_order);
    tcase_add_test(tcase, native_identifiers_are_put_in_the_same_form);
    tcase_add_loop_test(tcase, deletes_have_the_same_key, 0, COUNT(samples));
    tcase_add_loop_test(tcase, all_of_a_session_go_by_their_prefix, 0, 4);
    tcase_add_test(tcase, changes_stand_one_behind_the_other);
    tcase_add_loop_test(tcase, without_memory_nothing_changes, 0, COUNT(samples));
    tcase_add_test(tcase, tables_have_names);
    suite_add_tcase(suite, tcase);
    return suite;
}
