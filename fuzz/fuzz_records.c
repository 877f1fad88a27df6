/* fuzz_records: bytes from a disk that may be damaged, or somebody else's.
 *
 * Byte 0 is the table, byte 1 the length of the key; then the key and, as the rest, the value. */
#include "fuzz.h"
#include "mqtt/4_01_1_records.h"
#include "mqtt/4_03_qos_flows.h"
#include "naive_topics.h"

/* What was read borrows from where it was read. */
static void require_inside(struct bytes part, struct bytes whole)
{
    if (part.length > 0)
        REQUIRE(part.data >= whole.data && part.data + part.length <= whole.data + whole.length);
}

static void check_borrowed(const struct record *record, struct bytes key, struct bytes value)
{
    switch (record->table) {
    case TABLE_SESSIONS:
        require_inside(record->session.client_identifier, value);
        break;
    case TABLE_SUBSCRIPTIONS:
        require_inside(record->subscription.topic_filter, key);
        break;
    case TABLE_MESSAGES:
        require_inside(record->message.topic, value);
        require_inside(record->message.properties, value);
        require_inside(record->message.payload, value);
        break;
    case TABLE_DELIVERIES:
        require_inside(record->delivery.identifiers, value);
        REQUIRE(record->delivery.native_identifiers == NULL);
        for (unsigned i = 0; i < record->delivery.identifier_count; i++)
            REQUIRE(record_identifier(&record->delivery, (uint16_t)i) != 0);
        break;
    default:
        break;
    }
}

/* What no broker may be given to start with, by an opinion of its own. */

static void check_message(const struct record_message *message)
{
    REQUIRE(message->message != 0 && message->qos <= 2);
    REQUIRE(naive_is_topic_name(message->topic));
    REQUIRE(!message->retained || message->payload.length > 0);
}

static void check_delivery(const struct record_delivery *delivery)
{
    REQUIRE(delivery->delivery != 0 && delivery->session != 0);
    REQUIRE((delivery->packet_identifier == 0) == (delivery->state == SENDER_QUEUED));
    switch (delivery->state) {
    case SENDER_QUEUED:
        REQUIRE((delivery->qos == 1 || delivery->qos == 2) && delivery->message != 0);
        break;
    case SENDER_AWAIT_PUBACK:
        REQUIRE(delivery->qos == 1 && delivery->message != 0);
        break;
    case SENDER_AWAIT_PUBREC:
        REQUIRE(delivery->qos == 2 && delivery->message != 0);
        break;
    default:
        REQUIRE(delivery->qos == 2 && delivery->state == SENDER_AWAIT_PUBCOMP);
    }
}

static void check_sense(const struct record *record)
{
    switch (record->table) {
    case TABLE_SESSIONS:
        REQUIRE(record->session.session != 0 && record->session.client_identifier.length > 0);
        REQUIRE(!record->session.connected || record->session.expires_at == MOMENT_NEVER);
        break;
    case TABLE_SUBSCRIPTIONS:
        REQUIRE(record->subscription.session != 0 && record->subscription.qos <= 2);
        REQUIRE(record->subscription.retain_handling <= 2);
        REQUIRE(naive_is_topic_filter(record->subscription.topic_filter, record->subscription.group != 0));
        break;
    case TABLE_MESSAGES:
        check_message(&record->message);
        break;
    case TABLE_DELIVERIES:
        check_delivery(&record->delivery);
        break;
    case TABLE_RECEIVED:
        REQUIRE(record->received.session != 0 && record->received.packet_identifier != 0);
        break;
    case TABLE_WILLS:
        REQUIRE(record->will.session != 0 && record->will.message != 0 && record->will.qos <= 2);
        break;
    default:
        break;
    }
}

static struct change only_change(const struct changes *changes)
{
    struct bytes rest = changes_all(changes);
    struct change change;
    REQUIRE(changes->count == 1);
    REQUIRE(changes_next(&rest, &change));
    REQUIRE(rest.length == 0);
    return change;
}

/* There is one form of everything: what was accepted is written as it was read. */
static void check_round_trip(const struct record *record, struct bytes key, struct bytes value)
{
    struct changes changes = {0};
    REQUIRE(record_put(&changes, record));
    const struct change put = only_change(&changes);
    REQUIRE(put.kind == CHANGE_PUT && put.table == record->table);
    REQUIRE(bytes_equal(put.key, key));
    REQUIRE(bytes_equal(put.value, value));
    changes_clear(&changes);
    REQUIRE(record_delete(&changes, record));
    const struct change gone = only_change(&changes);
    REQUIRE(gone.kind == CHANGE_DELETE && gone.table == record->table);
    REQUIRE(bytes_equal(gone.key, key));
    changes_free(&changes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    const unsigned table = input_byte(&input);
    const struct bytes key = fuzz_exact_copy(input_run(&input, input_byte(&input)));
    const struct bytes value = fuzz_exact_copy(input_rest(&input));
    struct record record;
    const char *wrong = record_read((enum record_table)table, key, value, &record);
    REQUIRE(wrong == NULL || wrong[0] != '\0');
    if (wrong == NULL) {
        REQUIRE(table < TABLE_COUNT && record.table == (enum record_table)table);
        check_borrowed(&record, key, value);
        check_sense(&record);
        check_round_trip(&record, key, value);
    }
    fuzz_free(key);
    fuzz_free(value);
    return 0;
}
