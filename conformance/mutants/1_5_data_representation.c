/* 1.5 Data representation */
#include "mutant.h"

static bool holds(const struct passage *passage, const char *bytes, size_t size)
{
    for (size_t i = 0; i + size <= passage->size; i++)
        if (memcmp(passage->bytes + i, bytes, size) == 0)
            return true;
    return false;
}

static bool is_ill_formed(const struct passage *passage)
{
    return is_refused_by(passage, MQTT_1_5_4_1) || is_refused_by(passage, MQTT3_1_5_3_1);
}

MUTANT(ill_formed_utf8_is_accepted, V311 | V5, "Nobody looks whether strings are well-formed UTF-8",
       "ill_formed_string_in_connect_is_refused ill_formed_string_in_publish_is_refused "
       "ill_formed_string_in_topic_filter_is_refused",
       MQTT_1_5_4_1, MQTT3_1_5_3_1, P_1_5_4_1) = {
    .tolerate = {MQTT_1_5_4_1, MQTT3_1_5_3_1},
};

static enum fate accept_surrogates(struct passage *passage)
{
    return is_ill_formed(passage) && holds(passage, "\xed\xa0", 2) ? pretend(passage) : PASS;
}

MUTANT(surrogates_are_accepted, V311 | V5, "Strings are checked, but surrogates pass",
       "ill_formed_string_in_connect_is_refused ill_formed_string_in_publish_is_refused "
       "ill_formed_string_in_topic_filter_is_refused",
       MQTT_1_5_4_1, MQTT3_1_5_3_1) = {
    .from_client = accept_surrogates,
};

static enum fate accept_overlong_forms(struct passage *passage)
{
    return is_ill_formed(passage) && holds(passage, "\xe0\x80\xaf", 3) ? pretend(passage) : PASS;
}

MUTANT(overlong_forms_are_accepted, V311 | V5,
       "Strings are checked, but characters of three bytes may be longer than "
       "need be",
       "ill_formed_string_in_connect_is_refused ill_formed_string_in_publish_is_refused "
       "ill_formed_string_in_topic_filter_is_refused",
       MQTT_1_5_4_1, MQTT3_1_5_3_1) = {
    .from_client = accept_overlong_forms,
};

static enum fate accept_beyond_unicode(struct passage *passage)
{
    return is_ill_formed(passage) && holds(passage, "\xf4\x90\x80\x80", 4) ? pretend(passage) : PASS;
}

MUTANT(code_points_beyond_unicode_are_accepted, V311 | V5, "Strings are checked, but U+110000 passes",
       "ill_formed_string_in_connect_is_refused ill_formed_string_in_publish_is_refused "
       "ill_formed_string_in_topic_filter_is_refused",
       MQTT_1_5_4_1, MQTT3_1_5_3_1) = {
    .from_client = accept_beyond_unicode,
};

static enum fate accept_in_acknowledgements(struct passage *passage)
{
    const unsigned type = passage->bytes[0] >> 4;
    return type >= PACKET_PUBACK && type <= PACKET_PUBCOMP && passage->verdict.refused ? DROP : PASS;
}

MUTANT(reason_strings_are_not_checked, V5, "Nobody looks at the strings of acknowledgements",
       "ill_formed_string_in_acknowledgement_is_refused null_character_in_acknowledgement_is_refused",
       MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_4_1, P_1_5_4_2) = {
    .from_client = accept_in_acknowledgements,
};

/* Takes a DISCONNECT for a good one, whatever stands in it. */
static enum fate mend_disconnect(struct passage *passage)
{
    const struct packet disconnect = {.type = PACKET_DISCONNECT};
    if (passage->bytes[0] >> 4 != PACKET_DISCONNECT || !passage->verdict.refused)
        return PASS;
    send_to_server(passage->connection, &disconnect);
    return DROP;
}

MUTANT(strings_of_disconnect_are_not_checked, V5, "A DISCONNECT is good whatever stands in it",
       "ill_formed_string_in_disconnect_is_an_error", MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_4_1, P_1_5_4_2) = {
    .from_client = mend_disconnect,
};

MUTANT(null_characters_are_accepted, V311 | V5, "U+0000 is a character like any other",
       "null_character_in_connect_is_refused null_character_in_publish_is_refused "
       "null_character_in_topic_filter_is_refused",
       MQTT_1_5_4_2, MQTT3_1_5_3_2, P_1_5_4_2) = {
    .tolerate = {MQTT_1_5_4_2, MQTT3_1_5_3_2},
};

MUTANT(user_properties_are_not_checked, V5, "Nobody looks at the strings of User Properties",
       "ill_formed_user_property_is_refused", MQTT_1_5_7_1, P_1_5_7_1) = {
    .tolerate = {MQTT_1_5_7_1},
};

/* A library that takes control characters out of what it forwards. */
static enum fate drop_control_character(struct passage *passage)
{
    struct bytes *topic = &passage->packet.publish.topic;
    if (!is_type(passage, PACKET_PUBLISH) || !ends_with(*topic, "\x1f"))
        return PASS;
    topic->length--;
    return ENCODE;
}

MUTANT(control_characters_are_stripped, V311 | V5,
       "A control character at the end of a Topic Name is dropped",
       "discouraged_characters_pass_unaltered_or_are_refused", P_1_5_4_3, S_1_5_4_1, S3_1_5_3_1,
       D3_1_5_3_2) = {
    .from_server = drop_control_character,
};

static bool begins_with_mark(struct bytes text)
{
    return text.length >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0;
}

static enum fate strip_mark(struct passage *passage)
{
    struct bytes *topic = &passage->packet.publish.topic;
    if (!is_type(passage, PACKET_PUBLISH) || !begins_with_mark(*topic))
        return PASS;
    *topic = bytes_after(*topic, 3);
    return ENCODE;
}

MUTANT(byte_order_mark_is_stripped, V_ALL, "U+FEFF at the beginning of a Topic Name is dropped",
       "byte_order_mark_is_kept_in_topics", MQTT_1_5_4_3, MQTT3_1_5_3_3) = {
    .from_server = strip_mark,
};

static enum fate strip_mark_from_property(struct passage *passage)
{
    struct properties *properties = &passage->packet.publish.properties;
    if (!is_type(passage, PACKET_PUBLISH) ||
        !begins_with_mark(properties_bytes(properties, ORDINAL_CONTENT_TYPE)))
        return PASS;
    properties_set_bytes(properties, ORDINAL_CONTENT_TYPE,
                         bytes_after(properties_bytes(properties, ORDINAL_CONTENT_TYPE), 3));
    return ENCODE;
}

MUTANT(byte_order_mark_is_stripped_from_properties, V5,
       "U+FEFF at the beginning of a Content Type is dropped", "byte_order_mark_is_kept_in_properties",
       MQTT_1_5_4_3) = {
    .from_server = strip_mark_from_property,
};

/* ---- Lengths ------------------------------------------------------------------------------------------ */

/* A server whose strings end after 32,767 bytes. */
static enum fate refuse_long_string(struct passage *passage)
{
    struct string_pair pair;
    struct bytes rest = passage->packet.publish.properties.repeated;
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    while (properties_next_user_property(&rest, &pair))
        if (pair.value.length > 32767)
            return CLOSE;
    return PASS;
}

MUTANT(long_strings_are_refused, V5, "A string of more than 32,767 bytes ends the connection",
       "longest_string_and_binary_data_are_accepted", D_1_5_4_1) = {
    .from_client = refuse_long_string,
};

static enum fate cut_binary_data(struct passage *passage)
{
    struct properties *properties = &passage->packet.publish.properties;
    struct bytes data = properties_bytes(properties, ORDINAL_CORRELATION_DATA);
    if (!is_type(passage, PACKET_PUBLISH) || data.length <= 32767)
        return PASS;
    properties_set_bytes(properties, ORDINAL_CORRELATION_DATA, bytes_of(data.data, 32767));
    return ENCODE;
}

MUTANT(long_binary_data_is_cut, V5, "Of Correlation Data only the first 32,767 bytes are passed on",
       "longest_string_and_binary_data_are_accepted", D_1_5_6_1) = {
    .from_server = cut_binary_data,
};

/* ---- 1.5.5 ------------------------------------------------------------------------------------------- */

/* Sends the packet with a Remaining Length that is one byte too long. */
static enum fate lengthen_remaining_length(struct passage *passage)
{
    size_t size = 1;
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    while ((passage->bytes[size] & 0x80) != 0)
        size++;
    if (size == 4)
        return PASS;
    uint8_t header[8];
    memcpy(header, passage->bytes, size + 1);
    header[size] |= 0x80;
    header[size + 1] = 0;
    send_bytes_to_client(passage->connection, header, size + 2);
    send_bytes_to_client(passage->connection, passage->bytes + size + 1, passage->size - size - 1);
    return DROP;
}

MUTANT(remaining_length_is_overlong, V_ALL, "The Remaining Length of a PUBLISH has a byte too many",
       "remaining_length_is_minimal", MQTT_1_5_5_1, D_2_1_4_1, D3_2_2_3_1, D3_2_2_3_2) = {
    .from_server = lengthen_remaining_length,
    .spoils = "*",
};

/* Likewise the Property Length of a PUBLISH at QoS 0 whose lengths are below 127. */
static enum fate lengthen_property_length(struct passage *passage)
{
    const struct packet *packet = &passage->packet;
    if (!is_type(passage, PACKET_PUBLISH) || packet->publish.qos > 0 || packet->remaining_length < 100)
        return PASS;
    const size_t header = passage->size - packet->remaining_length;
    const size_t at = header + 2 + packet->publish.topic.length;
    uint8_t *bytes = scratch(passage, passage->size + 8);
    struct writer writer = writer_into(bytes, passage->size + 8);
    write_byte(&writer, passage->bytes[0]);
    write_variable_byte_integer(&writer, packet->remaining_length + 1);
    const size_t size = writer_size(&writer);
    size_t last = at;
    while ((passage->bytes[last] & 0x80) != 0)
        last++;
    memcpy(bytes + size, passage->bytes + header, last + 1 - header);
    bytes[size + last - header] |= 0x80;
    bytes[size + last + 1 - header] = 0;
    send_bytes_to_client(passage->connection, bytes, size + last + 2 - header);
    send_bytes_to_client(passage->connection, passage->bytes + last + 1, passage->size - last - 1);
    return DROP;
}

MUTANT(property_length_is_overlong, V5, "The Property Length of a PUBLISH has a byte too many",
       "property_length_is_minimal", MQTT_1_5_5_1, D_2_2_2_1_1) = {
    .from_server = lengthen_property_length,
};

/* Sends a Subscription Identifier below 128 in two bytes. */
static enum fate lengthen_subscription_identifier(struct passage *passage)
{
    const struct properties *properties = &passage->packet.publish.properties;
    if (!is_type(passage, PACKET_PUBLISH) || properties->wire.length != 2 ||
        properties->wire.data[0] != 0x0b || passage->bytes[1] >= 127)
        return PASS;
    const size_t at = (size_t)(properties->wire.data - passage->bytes);
    uint8_t *bytes = scratch(passage, passage->size + 1);
    memcpy(bytes, passage->bytes, at + 2);
    memcpy(bytes + at + 3, passage->bytes + at + 2, passage->size - at - 2);
    bytes[1]++;
    bytes[at - 1]++;
    bytes[at + 1] |= 0x80;
    bytes[at + 2] = 0;
    send_bytes_to_client(passage->connection, bytes, passage->size + 1);
    return DROP;
}

MUTANT(subscription_identifier_is_overlong, V5, "A Subscription Identifier has a byte too many",
       "subscription_identifier_is_minimal", MQTT_1_5_5_1) = {
    .from_server = lengthen_subscription_identifier,
};

/* A server that counts in too few bytes. */
static enum fate ignore_large(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.remaining_length >= 2097152 ? CLOSE : PASS;
}

MUTANT(four_byte_remaining_length_is_refused, V_ALL, "A Remaining Length of four bytes ends the connection",
       "long_remaining_length_of_a_client_is_accepted", D_1_5_5_1, MQTT_4_5_0_1, MQTT3_4_5_0_1,
       D3_2_2_3_3) = {
    .from_client = ignore_large,
};

MUTANT(fifth_byte_of_length_is_accepted, V_ALL, "A Remaining Length of five bytes does no harm",
       "remaining_length_of_five_bytes_is_refused", D_1_5_5_1, MQTT3_4_8_0_1, D3_2_2_3_3) = {
    .tolerate = {D_1_5_5_1, D3_2_2_3_3},
};

MUTANT(fifth_byte_of_integer_is_accepted, V5, "A Variable Byte Integer of five bytes does no harm",
       "variable_byte_integer_of_five_bytes_is_refused", D_1_5_5_1) = {
    .tolerate = {D_1_5_5_1},
};

static enum fate ignore_overlong(struct passage *passage)
{
    return passage->side == FROM_CLIENT && passage->size == 3 && passage->bytes[0] == 0xc0 ? DROP : PASS;
}

MUTANT(overlong_length_is_swallowed, V_ALL,
       "A packet with an overlong Remaining Length is neither refused nor answered",
       "overlong_remaining_length_is_refused_or_read", MQTT_1_5_5_1, D3_2_2_3_2) = {
    .from_client = ignore_overlong,
};
