#include "store_dump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "../mqtt/2_2_2_properties.h"
#include "../mqtt/4_01_1_records.h"
#include "../mqtt/4_03_qos_flows.h"

/* JSON. Every member but the first of an object begins with a comma. */

static void put_hex(FILE *file, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.length; i++) {
        putc_unlocked(digits[bytes.data[i] >> 4], file);
        putc_unlocked(digits[bytes.data[i] & 15], file);
    }
}

/* Well-formed UTF-8, in quotes. U+007F to U+009F are escaped too: the text may be read on a terminal. */
static void put_text(FILE *file, struct bytes text)
{
    putc_unlocked('"', file);
    for (size_t i = 0; i < text.length; i++) {
        const uint8_t byte = text.data[i];
        const bool c1 = byte == 0xC2 && i + 1 < text.length && text.data[i + 1] < 0xA0;
        if (byte == '"' || byte == '\\')
            fprintf(file, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7F)
            fprintf(file, "\\u%04x", byte);
        else if (c1)
            fprintf(file, "\\u%04x", text.data[++i]);
        else
            putc_unlocked(byte, file);
    }
    putc_unlocked('"', file);
}

static void member(FILE *file, const char *name)
{
    fprintf(file, ",\"%s\":", name);
}

static void put_number(FILE *file, const char *name, uint64_t number)
{
    member(file, name);
    fprintf(file, "%" PRIu64, number);
}

static void put_null(FILE *file, const char *name)
{
    member(file, name);
    fputs("null", file);
}

/* A number of which one value means that there is none. */
static void put_optional(FILE *file, const char *name, uint64_t number, uint64_t none)
{
    if (number == none)
        put_null(file, name);
    else
        put_number(file, name, number);
}

static void put_flag(FILE *file, const char *name, bool value)
{
    member(file, name);
    fputs(value ? "true" : "false", file);
}

static void put_string(FILE *file, const char *name, struct bytes text)
{
    member(file, name);
    put_text(file, text);
}

static void put_binary(FILE *file, const char *name, struct bytes bytes)
{
    member(file, name);
    putc_unlocked('"', file);
    put_hex(file, bytes);
    putc_unlocked('"', file);
}

/* Milliseconds, and the same moment for people in a member of its own; null: never. Years of more than four
 * digits have no such form. */
static void put_moment(FILE *file, const char *name, uint64_t moment)
{
    const uint64_t year_10000 = UINT64_C(253402300800000);
    const time_t seconds = (time_t)(moment / 1000);
    struct tm parts;
    char text[32];
    put_optional(file, name, moment, MOMENT_NEVER);
    fprintf(file, ",\"%s_utc\":", name);
    if (moment >= year_10000 || !gmtime_r(&seconds, &parts)) {
        fputs("null", file);
        return;
    }
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    fprintf(file, "\"%s.%03uZ\"", text, (unsigned)(moment % 1000));
}

/* Properties: those of a PUBLISH that travel on */

/* The names that occur, in the spelling of the other members. */
static const struct {
    enum property_ordinal ordinal;
    const char *name;
} property_names[] = {
    {ORDINAL_PAYLOAD_FORMAT_INDICATOR, "payload_format_indicator"},
    {ORDINAL_CONTENT_TYPE, "content_type"},
    {ORDINAL_RESPONSE_TOPIC, "response_topic"},
    {ORDINAL_CORRELATION_DATA, "correlation_data_hex"},
};

static void put_property(FILE *file, const struct properties *properties, size_t index)
{
    const enum property_ordinal ordinal = property_names[index].ordinal;
    const char *name = property_names[index].name;
    const union property_value *value = &properties->value[ordinal];
    switch (property_describe(ordinal)->type) {
    case PROPERTY_TYPE_UTF8_STRING:
        put_string(file, name, value->bytes);
        break;
    case PROPERTY_TYPE_BINARY_DATA:
        put_binary(file, name, value->bytes);
        break;
    default:
        put_number(file, name, value->number);
        break;
    }
}

static void put_user_properties(FILE *file, struct bytes repeated)
{
    struct string_pair pair;
    const char *separator = "";
    member(file, "user_properties");
    putc_unlocked('[', file);
    while (properties_next_user_property(&repeated, &pair)) {
        fprintf(file, "%s[", separator);
        put_text(file, pair.name);
        putc_unlocked(',', file);
        put_text(file, pair.value);
        putc_unlocked(']', file);
        separator = ",";
    }
    putc_unlocked(']', file);
}

/* `wire` was checked when the record was read; what the decoder wants in front is its length. */
static void put_properties(FILE *file, struct bytes wire)
{
    if (wire.length == 0)
        return;
    const size_t size = variable_byte_integer_size((uint32_t)wire.length) + wire.length;
    uint8_t *block = malloc(size);
    if (!block) {
        put_binary(file, "properties_hex", wire);
        return;
    }
    struct writer writer = writer_into(block, size);
    write_variable_byte_integer(&writer, (uint32_t)wire.length);
    write_raw(&writer, wire.data, wire.length);
    struct decoder decoder = {.start = block,
                              .at = block,
                              .end = block + size,
                              .version = PROTOCOL_5_0,
                              .sender = SENDER_CLIENT,
                              .type = PACKET_PUBLISH};
    struct properties properties;
    const struct verdict verdict = properties_decode(&decoder, CONTEXT_PUBLISH, &properties);
    assert(!verdict.refused);
    for (size_t i = 0; i < sizeof property_names / sizeof *property_names; i++) {
        if (properties_has(&properties, property_names[i].ordinal))
            put_property(file, &properties, i);
    }
    if (properties_has(&properties, ORDINAL_USER_PROPERTY))
        put_user_properties(file, properties.repeated);
    free(block);
}

/* A text as a text, cut between two characters; all else in hexadecimal. */
static void put_payload(const struct dump_options *options, struct bytes payload)
{
    size_t bad;
    size_t length = payload.length < options->payload_limit ? payload.length : options->payload_limit;
    const bool is_text = utf8_check(payload, &bad) == UTF8_WELL_FORMED;
    while (is_text && length < payload.length && (payload.data[length] & 0xC0) == 0x80)
        length--;
    put_number(options->file, "payload_length", payload.length);
    if (is_text)
        put_string(options->file, "payload", bytes_of(payload.data, length));
    else
        put_binary(options->file, "payload_hex", bytes_of(payload.data, length));
    if (length < payload.length)
        put_flag(options->file, "payload_cut_off", true);
}

/* One function for each table */

static void put_meta(const struct dump_options *options, const struct record *record)
{
    const bool alive = record->meta.meta == META_ALIVE;
    put_string(options->file, "name", bytes_of_text(alive ? "alive" : "format"));
    if (alive)
        put_moment(options->file, "moment", record->meta.number);
    else
        put_number(options->file, "number", record->meta.number);
}

static void put_session(const struct dump_options *options, const struct record *record)
{
    const struct record_session *session = &record->session;
    put_number(options->file, "session", session->session);
    put_string(options->file, "client_identifier", session->client_identifier);
    if (session->has_user_name)
        put_string(options->file, "user_name", session->user_name);
    else
        put_null(options->file, "user_name");
    put_flag(options->file, "connected", session->connected);
    put_optional(options->file, "expiry_interval", session->expiry_interval, UINT32_MAX);
    put_moment(options->file, "expires_at", session->expires_at);
}

static void put_subscription(const struct dump_options *options, const struct record *record)
{
    const struct record_subscription *subscription = &record->subscription;
    put_number(options->file, "session", subscription->session);
    put_string(options->file, "topic_filter", subscription->topic_filter);
    put_number(options->file, "qos", subscription->qos);
    put_flag(options->file, "no_local", subscription->no_local);
    put_flag(options->file, "retain_as_published", subscription->retain_as_published);
    put_number(options->file, "retain_handling", subscription->retain_handling);
    put_optional(options->file, "subscription_identifier", subscription->identifier, 0);
    put_optional(options->file, "share_group", subscription->group, 0);
}

static void put_message(const struct dump_options *options, const struct record *record)
{
    const struct record_message *message = &record->message;
    put_number(options->file, "message", message->message);
    put_string(options->file, "topic", message->topic);
    put_number(options->file, "qos", message->qos);
    put_flag(options->file, "retained", message->retained);
    put_moment(options->file, "expires_at", message->expires_at);
    put_properties(options->file, message->properties);
    put_payload(options, message->payload);
}

static void put_identifiers(FILE *file, const struct record_delivery *delivery)
{
    member(file, "subscription_identifiers");
    putc_unlocked('[', file);
    for (unsigned i = 0; i < delivery->identifier_count; i++)
        fprintf(file, "%s%" PRIu32, i == 0 ? "" : ",", record_identifier(delivery, (uint16_t)i));
    putc_unlocked(']', file);
}

static void put_delivery(const struct dump_options *options, const struct record *record)
{
    static const char *const states[SENDER_STATE_COUNT] = {[SENDER_QUEUED] = "queued",
                                                           [SENDER_AWAIT_PUBACK] = "await PUBACK",
                                                           [SENDER_AWAIT_PUBREC] = "await PUBREC",
                                                           [SENDER_AWAIT_PUBCOMP] = "await PUBCOMP"};
    const struct record_delivery *delivery = &record->delivery;
    put_number(options->file, "delivery", delivery->delivery);
    put_number(options->file, "session", delivery->session);
    put_optional(options->file, "message", delivery->message, 0);
    put_string(options->file, "state", bytes_of_text(states[delivery->state]));
    put_optional(options->file, "packet_identifier", delivery->packet_identifier, 0);
    put_number(options->file, "qos", delivery->qos);
    put_flag(options->file, "retain", delivery->retain);
    put_flag(options->file, "sent", delivery->sent);
    put_optional(options->file, "share_group", delivery->group, 0);
    put_identifiers(options->file, delivery);
}

static void put_received(const struct dump_options *options, const struct record *record)
{
    put_number(options->file, "session", record->received.session);
    put_number(options->file, "packet_identifier", record->received.packet_identifier);
}

static void put_will(const struct dump_options *options, const struct record *record)
{
    const struct record_will *will = &record->will;
    put_number(options->file, "session", will->session);
    put_number(options->file, "message", will->message);
    put_moment(options->file, "due", will->due);
    put_number(options->file, "delay", will->delay);
    put_optional(options->file, "expiry_interval", will->expiry_interval, UINT32_MAX);
    put_number(options->file, "qos", will->qos);
    put_flag(options->file, "retain", will->retain);
}

static void (*const put[TABLE_COUNT])(const struct dump_options *options, const struct record *record) = {
    [TABLE_META] = put_meta,
    [TABLE_SESSIONS] = put_session,
    [TABLE_SUBSCRIPTIONS] = put_subscription,
    [TABLE_MESSAGES] = put_message,
    [TABLE_DELIVERIES] = put_delivery,
    [TABLE_RECEIVED] = put_received,
    [TABLE_WILLS] = put_will,
};

bool dump_record(const struct dump_options *options, uint8_t table, struct bytes key, struct bytes value)
{
    struct record record;
    const char *wrong = record_read((enum record_table)table, key, value, &record);
    const char *name = table < TABLE_COUNT ? record_table_name((enum record_table)table) : "?";
    fprintf(options->file, "{\"table\":\"%s\"", name);
    if (!wrong) {
        put[table](options, &record);
    } else {
        put_binary(options->file, "key_hex", key);
        put_binary(options->file, "value_hex", value);
        put_string(options->file, "wrong", bytes_of_text(wrong));
    }
    fputs("}\n", options->file);
    return !wrong;
}
