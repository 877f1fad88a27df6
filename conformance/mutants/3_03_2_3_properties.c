/* 3.3.2.3 PUBLISH Properties: what a server passes on, and what it refuses */
#include "mutant.h"

/* ---- Passing on ---------------------------------------------------------------------------------- */

static enum fate strip(struct passage *passage, enum property_ordinal ordinal)
{
    if (!is_type(passage, PACKET_PUBLISH) || !properties_has(&passage->packet.publish.properties, ordinal))
        return PASS;
    remove_property(&passage->packet.publish.properties, ordinal);
    return ENCODE;
}

static enum fate strip_payload_format(struct passage *passage)
{
    return strip(passage, ORDINAL_PAYLOAD_FORMAT_INDICATOR);
}

MUTANT(payload_format_is_lost, V5, "The Payload Format Indicator is not passed on",
       "payload_format_indicator_is_passed_on all_properties_are_passed_on_together", MQTT_3_3_2_4) = {
    .from_server = strip_payload_format,
};

static enum fate call_everything_text(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    properties_set_number(&passage->packet.publish.properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 1);
    return ENCODE;
}

MUTANT(payload_format_is_invented, V5, "Every message is passed on as text",
       "payload_format_indicator_0_stays", MQTT_3_3_2_4) = {
    .from_server = call_everything_text,
};

static enum fate strip_response_topic(struct passage *passage)
{
    return strip(passage, ORDINAL_RESPONSE_TOPIC);
}

MUTANT(response_topic_is_lost, V5, "The Response Topic is not passed on",
       "response_topic_is_passed_on all_properties_are_passed_on_together", MQTT_3_3_2_15) = {
    .from_server = strip_response_topic,
};

static enum fate strip_correlation_data(struct passage *passage)
{
    return strip(passage, ORDINAL_CORRELATION_DATA);
}

MUTANT(
    correlation_data_is_lost, V5, "Correlation Data is not passed on",
    "correlation_data_is_passed_on empty_correlation_data_is_passed_on all_properties_are_passed_on_together "
    "user_properties_between_others_keep_their_order",
    MQTT_3_3_2_16) = {
    .from_server = strip_correlation_data,
};

static enum fate end_correlation_data_at_nul(struct passage *passage)
{
    struct properties *properties = &passage->packet.publish.properties;
    if (!is_type(passage, PACKET_PUBLISH) || !properties_has(properties, ORDINAL_CORRELATION_DATA))
        return PASS;
    struct bytes *data = &properties->value[ORDINAL_CORRELATION_DATA].bytes;
    const uint8_t *nul = data->length == 0 ? NULL : memchr(data->data, 0, data->length);
    if (nul != NULL)
        data->length = (size_t)(nul - data->data);
    return ENCODE;
}

MUTANT(correlation_data_is_text, V5, "Correlation Data ends at its first zero byte",
       "correlation_data_is_passed_on all_properties_are_passed_on_together", MQTT_3_3_2_16) = {
    .from_server = end_correlation_data_at_nul,
};

static enum fate strip_empty(struct passage *passage)
{
    struct properties *properties = &passage->packet.publish.properties;
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    if (properties_bytes(properties, ORDINAL_CORRELATION_DATA).length == 0)
        remove_property(properties, ORDINAL_CORRELATION_DATA);
    if (properties_bytes(properties, ORDINAL_CONTENT_TYPE).length == 0)
        remove_property(properties, ORDINAL_CONTENT_TYPE);
    return ENCODE;
}

MUTANT(empty_properties_are_lost, V5,
       "Correlation Data and Content Type are not passed on when they are empty",
       "empty_correlation_data_is_passed_on content_type_is_passed_on", MQTT_3_3_2_16, MQTT_3_3_2_20) = {
    .from_server = strip_empty,
};

static enum fate strip_content_type(struct passage *passage)
{
    return strip(passage, ORDINAL_CONTENT_TYPE);
}

MUTANT(content_type_is_lost, V5, "The Content Type is not passed on",
       "content_type_is_passed_on all_properties_are_passed_on_together", MQTT_3_3_2_20) = {
    .from_server = strip_content_type,
};

#define MOST_PAIRS 32

/* The User Properties of a PUBLISH; how many there are. */
static size_t read_pairs(struct passage *passage, struct string_pair pairs[MOST_PAIRS])
{
    struct properties *properties = &passage->packet.publish.properties;
    struct bytes rest = properties->repeated;
    size_t count = 0;
    if (!is_type(passage, PACKET_PUBLISH) || !properties_has(properties, ORDINAL_USER_PROPERTY))
        return 0;
    while (count < MOST_PAIRS && properties_next_user_property(&rest, &pairs[count]))
        count++;
    return count;
}

static enum fate write_pairs(struct passage *passage, const struct string_pair *pairs, size_t count)
{
    struct writer writer = writer_into(scratch(passage, passage->size), passage->size);
    for (size_t i = 0; i < count; i++)
        properties_write_user_property(&writer, pairs[i]);
    passage->packet.publish.properties.repeated = bytes_of(writer.start, writer_size(&writer));
    return ENCODE;
}

static enum fate strip_user_properties(struct passage *passage)
{
    struct string_pair pairs[MOST_PAIRS];
    if (read_pairs(passage, pairs) == 0)
        return PASS;
    remove_property(&passage->packet.publish.properties, ORDINAL_USER_PROPERTY);
    return write_pairs(passage, pairs, 0);
}

MUTANT(user_properties_are_lost, V5, "User Properties are not passed on",
       "user_properties_are_passed_on user_properties_keep_their_order all_properties_are_passed_on_together",
       MQTT_3_3_2_17, D_3_3_2_3_7_1) = {
    .from_server = strip_user_properties,
};

static enum fate reverse_user_properties(struct passage *passage)
{
    struct string_pair pairs[MOST_PAIRS];
    const size_t count = read_pairs(passage, pairs);
    for (size_t i = 0; i < count / 2; i++) {
        const struct string_pair kept = pairs[i];
        pairs[i] = pairs[count - 1 - i];
        pairs[count - 1 - i] = kept;
    }
    return count < 2 ? PASS : write_pairs(passage, pairs, count);
}

MUTANT(user_properties_are_reversed, V5, "User Properties are passed on in reverse order",
       "user_properties_keep_their_order user_properties_between_others_keep_their_order "
       "all_properties_are_passed_on_together will_user_properties_keep_their_order",
       MQTT_3_3_2_18, MQTT_3_1_3_10, D_3_1_3_2_8_1) = {
    .from_server = reverse_user_properties,
};

/* A map instead of a list: of several with one name, the last survives, in the place of the first. */
static enum fate fold_user_properties(struct passage *passage)
{
    struct string_pair pairs[MOST_PAIRS];
    const size_t count = read_pairs(passage, pairs);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < kept && !bytes_equal(pairs[at].name, pairs[i].name))
            at++;
        pairs[at] = pairs[i];
        kept += at == kept ? 1 : 0;
    }
    return count < 2 ? PASS : write_pairs(passage, pairs, kept);
}

MUTANT(user_properties_are_a_map, V5, "Of several User Properties with one name only the last is passed on",
       "user_properties_keep_their_order user_properties_between_others_keep_their_order", MQTT_3_3_2_17,
       MQTT_3_3_2_18) = {
    .from_server = fold_user_properties,
};

static enum fate keep_content_type(struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct properties *properties = &passage->packet.publish.properties;
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    if (properties_has(properties, ORDINAL_CONTENT_TYPE)) {
        remember(connection->proxy, "type", connection->client_identifier,
                 properties_bytes(properties, ORDINAL_CONTENT_TYPE));
        return PASS;
    }
    const struct bytes kept = recall(connection->proxy, "type", connection->client_identifier);
    if (kept.data == NULL)
        return PASS;
    properties_set_bytes(properties, ORDINAL_CONTENT_TYPE, kept);
    return ENCODE;
}

MUTANT(content_type_sticks, V5, "A message without Content Type gets that of the message before it",
       "properties_of_one_message_do_not_stick", MQTT_3_3_2_20) = {
    .from_server = keep_content_type,
};

/* ---- What is refused ----------------------------------------------------------------------------- */

MUTANT(second_response_topic_is_accepted, V5, "A PUBLISH with two Response Topics is accepted",
       "second_response_topic_is_refused", P_3_3_2_3_5_1) = {
    .tolerate = {P_3_3_2_3_5_1},
};

MUTANT(second_correlation_data_is_accepted, V5, "A PUBLISH with Correlation Data twice is accepted",
       "second_correlation_data_is_refused", P_3_3_2_3_6_1) = {
    .tolerate = {P_3_3_2_3_6_1},
};

MUTANT(second_content_type_is_accepted, V5, "A PUBLISH with two Content Types is accepted",
       "second_content_type_is_refused", P_3_3_2_3_9_1) = {
    .tolerate = {P_3_3_2_3_9_1},
};

MUTANT(ill_formed_strings_are_accepted, V_ALL, "Strings are not checked for well-formed UTF-8",
       "ill_formed_topic_name_is_refused ill_formed_response_topic_is_refused "
       "ill_formed_content_type_is_refused ill_formed_client_identifier_is_refused "
       "ill_formed_will_topic_is_refused ill_formed_user_name_is_refused",
       MQTT_3_3_2_1, MQTT3_3_3_2_1, MQTT_3_3_2_13, MQTT_3_3_2_19, MQTT_1_5_4_1, MQTT3_1_5_3_1, MQTT_3_1_3_4,
       MQTT3_3_1_3_4, MQTT_3_1_3_11, MQTT3_3_1_3_10, MQTT_3_1_3_12, MQTT3_3_1_3_11) = {
    .tolerate = {MQTT_1_5_4_1, MQTT3_1_5_3_1},
};

MUTANT(subscription_identifier_in_publish, V5, "A PUBLISH of a client may have a Subscription Identifier",
       "subscription_identifier_from_client_is_refused", MQTT_3_3_4_6, P_3_3_4_1, P_3_3_2_3_8_1) = {
    .tolerate = {MQTT_3_3_4_6, P_3_3_4_1, P_3_3_2_3_8_1},
};

/* The broker would refuse the PUBLISH. Its subscribers get it in front of the next message of that topic. */
static enum fate keep_wildcard_response(struct passage *passage)
{
    if (!is_refused_by(passage, MQTT_3_3_2_14))
        return PASS;
    remember(passage->connection->proxy, "smuggled", raw_topic(passage),
             bytes_of(passage->bytes, passage->size));
    return pretend(passage);
}

static enum fate smuggle(struct passage *passage)
{
    struct proxy *proxy = passage->connection->proxy;
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    const struct bytes smuggled = recall(proxy, "smuggled", passage->packet.publish.topic);
    send_bytes_to_client(passage->connection, smuggled.data, smuggled.length);
    forget(proxy, "smuggled", passage->packet.publish.topic);
    return PASS;
}

MUTANT(response_topic_with_wildcard_is_passed_on, V5, "A Response Topic with a wildcard is passed on",
       "wildcard_in_response_topic_is_not_passed_on", MQTT_3_3_2_14) = {
    .from_client = keep_wildcard_response,
    .from_server = smuggle,
};

static enum fate swallow_false_text(struct passage *passage)
{
    const struct publish *publish = &passage->packet.publish;
    size_t bad;
    if (!is_type(passage, PACKET_PUBLISH) ||
        properties_number(&publish->properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 0)
        return PASS;
    return utf8_check(publish->payload, &bad) == UTF8_WELL_FORMED ? PASS : DROP;
}

MUTANT(payload_that_is_not_text_is_swallowed, V5,
       "A payload that is not the text it claims to be vanishes in silence",
       "payload_that_is_not_text_is_delivered_or_refused", U_3_3_2_3_2_1, R_3_3_2_3_2_1) = {
    .from_client = swallow_false_text,
};
