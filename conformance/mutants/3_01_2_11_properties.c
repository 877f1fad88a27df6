/* 3.1.2.11 CONNECT Properties, but for the Session Expiry Interval (3_01_2_04); 3.1.3.2 Will Properties */
#include "3_08_subscribe.h"

static enum fate add_to_connack(struct passage *passage, enum property_ordinal ordinal, const char *text)
{
    if (!is_type(passage, PACKET_CONNACK))
        return PASS;
    properties_set_bytes(&passage->packet.connack.properties, ordinal, bytes_of_text(text));
    return ENCODE;
}

static enum fate offer_response_information(struct passage *passage)
{
    return add_to_connack(passage, ORDINAL_RESPONSE_INFORMATION, "answers/here");
}

MUTANT(response_information_unasked, V5, "Every CONNACK has Response Information",
       "response_information_only_on_request", MQTT_3_1_2_28, D_3_1_2_11_6_1) = {
    .from_server = offer_response_information,
};

static enum fate name_method(struct passage *passage)
{
    return add_to_connack(passage, ORDINAL_AUTHENTICATION_METHOD, "none");
}

MUTANT(authentication_method_unasked, V5, "Every CONNACK names an Authentication Method",
       "no_authentication_exchange_unasked", D_3_1_2_11_9_1) = {
    .from_server = name_method,
};

static enum fate explain_puback(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBACK))
        return PASS;
    properties_set_bytes(&passage->packet.acknowledgement.properties, ORDINAL_REASON_STRING,
                         bytes_of_text("thank you"));
    return ENCODE;
}

MUTANT(problem_information_is_forced, V5, "Every PUBACK has a Reason String",
       "problem_information_can_be_declined", MQTT_3_1_2_29, D_3_1_2_11_7_1) = {
    .from_server = explain_puback,
};

static enum fate note_alias_maximum(struct passage *passage)
{
    uint32_t *maximum = passage->connection->context;
    if (is_type(passage, PACKET_CONNECT))
        *maximum = properties_number(&passage->packet.connect.properties, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0);
    return PASS;
}

static enum fate exceed_alias_maximum(struct passage *passage)
{
    const uint32_t *maximum = passage->connection->context;
    if (!is_type(passage, PACKET_PUBLISH) || *maximum == 0)
        return PASS;
    properties_set_number(&passage->packet.publish.properties, ORDINAL_TOPIC_ALIAS, *maximum + 1);
    return ENCODE;
}

MUTANT(alias_exceeds_clients_maximum, V5, "A client that allows Topic Aliases gets one above its maximum",
       "topic_alias_maximum_is_respected alias_to_client_stays_within_its_maximum", MQTT_3_1_2_26,
       MQTT_3_3_2_11) = {
    .from_client = note_alias_maximum,
    .from_server = exceed_alias_maximum,
    .context_size = sizeof(uint32_t),
};

/* ---- Maximum Packet Size ------------------------------------------------------------------------- */

static enum fate ignore_maximum_packet_size(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    remove_property(&passage->packet.connect.properties, ORDINAL_MAXIMUM_PACKET_SIZE);
    return ENCODE;
}

MUTANT(clients_maximum_packet_size_is_ignored, V5, "The client's Maximum Packet Size is ignored",
       "maximum_packet_size_is_respected maximum_packet_size_holds_for_qos_0_and_2 "
       "maximum_packet_size_holds_for_other_packets shared_message_too_large_for_one_member",
       MQTT_3_1_2_24, D_3_1_2_11_4_1) = {
    .from_client = ignore_maximum_packet_size,
};

/* The limit is kept by this side alone: the broker goes on waiting for an acknowledgement. */
static enum fate take_maximum_packet_size(struct passage *passage)
{
    uint32_t *maximum = passage->connection->context;
    if (is_type(passage, PACKET_CONNECT))
        *maximum = properties_number(&passage->packet.connect.properties, ORDINAL_MAXIMUM_PACKET_SIZE, 0);
    return ignore_maximum_packet_size(passage);
}

static enum fate drop_too_large(struct passage *passage)
{
    const uint32_t *maximum = passage->connection->context;
    return is_type(passage, PACKET_PUBLISH) && *maximum > 0 && passage->size > *maximum ? DROP : PASS;
}

MUTANT(message_too_large_stays_in_flight, V5,
       "A message too large for the client is neither sent nor given up",
       "maximum_packet_size_is_respected message_too_large_is_not_sent_later", MQTT_3_1_2_25) = {
    .from_client = take_maximum_packet_size,
    .from_server = drop_too_large,
    .context_size = sizeof(uint32_t),
};

static enum fate explain_connack(struct passage *passage)
{
    return add_to_connack(passage, ORDINAL_REASON_STRING, "A warm welcome, and more than forty bytes of it.");
}

MUTANT(connack_reason_exceeds_limit, V5, "The Reason String of a CONNACK ignores the Maximum Packet Size",
       "maximum_packet_size_holds_for_other_packets", MQTT_3_2_2_19, MQTT_3_1_2_24) = {
    .from_server = explain_connack,
};

static enum fate decorate_connack(struct passage *passage)
{
    const struct string_pair pair = {.name = bytes_of_text("welcome"),
                                     .value = bytes_of_text("warmly, with more than forty bytes of it")};
    if (!is_type(passage, PACKET_CONNACK))
        return PASS;
    struct properties *properties = &passage->packet.connack.properties;
    struct writer writer = writer_into(scratch(passage, 64), 64);
    properties_write_user_property(&writer, pair);
    properties->repeated = bytes_of(writer.start, writer_size(&writer));
    properties_mark(properties, ORDINAL_USER_PROPERTY);
    return ENCODE;
}

MUTANT(connack_property_exceeds_limit, V5, "A User Property of a CONNACK ignores the Maximum Packet Size",
       "maximum_packet_size_holds_for_other_packets", MQTT_3_2_2_20, MQTT_3_1_2_24) = {
    .from_server = decorate_connack,
};

/* ---- Will Properties ----------------------------------------------------------------------------- */

static struct properties *will_properties(struct passage *passage)
{
    struct will *will = &passage->packet.connect.will;
    return is_type(passage, PACKET_CONNECT) && will->present ? &will->properties : NULL;
}

static enum fate ignore_will_delay(struct passage *passage)
{
    struct properties *properties = will_properties(passage);
    if (properties == NULL)
        return PASS;
    remove_property(properties, ORDINAL_WILL_DELAY_INTERVAL);
    return ENCODE;
}

MUTANT(will_delay_is_ignored, V5, "Wills are published at once",
       "will_waits_for_its_delay will_waits_after_disconnect_with_will will_delay_is_cancelled_by_reconnect "
       "will_delay_is_cancelled_by_takeover",
       MQTT_3_1_2_8, MQTT_3_1_3_9, D_3_1_3_2_2_2) = {
    .from_client = ignore_will_delay,
};

static enum fate lose_will_properties(struct passage *passage)
{
    struct properties *properties = will_properties(passage);
    if (properties == NULL)
        return PASS;
    properties_clear(properties);
    return ENCODE;
}

MUTANT(will_properties_are_lost, V5, "A will is published without its properties",
       "will_properties_go_with_the_message will_user_properties_keep_their_order", MQTT_3_1_2_7,
       MQTT_3_1_3_10, D_3_1_3_2_4_1, D_3_1_3_2_8_1) = {
    .from_client = lose_will_properties,
};

static enum fate invent_will_property(struct passage *passage)
{
    struct properties *properties = will_properties(passage);
    if (properties == NULL)
        return PASS;
    properties_set_number(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, 60);
    return ENCODE;
}

MUTANT(wills_expire_unasked, V5, "Every will has a Message Expiry Interval",
       "will_without_properties_has_none", D_3_1_3_2_4_2) = {
    .from_client = invent_will_property,
};

static enum fate swallow_false_will(struct passage *passage)
{
    const struct properties *properties = will_properties(passage);
    size_t bad;
    if (properties == NULL || properties_number(properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 0)
        return PASS;
    return utf8_check(passage->packet.connect.will.payload, &bad) == UTF8_WELL_FORMED ? PASS : DROP;
}

MUTANT(false_will_payload_is_met_with_silence, V5,
       "A CONNECT whose Will Payload is not the text it claims is not answered",
       "will_payload_that_is_no_utf8", U_3_1_3_2_3_1, R_3_1_3_2_3_1) = {
    .from_client = swallow_false_will,
};

/* ---- What is refused ----------------------------------------------------------------------------- */

MUTANT(any_session_expiry_interval, V5, "The Session Expiry Interval of a CONNECT may come twice",
       "repeated_session_expiry_interval_is_refused", P_3_1_2_11_2_1) = {
    .tolerate = {P_3_1_2_11_2_1},
};

MUTANT(any_receive_maximum, V5, "The Receive Maximum of a CONNECT may come twice and have any value",
       "repeated_receive_maximum_is_refused receive_maximum_0_is_refused", P_3_1_2_11_3_1) = {
    .tolerate = {P_3_1_2_11_3_1},
};

MUTANT(any_maximum_packet_size, V5, "The Maximum Packet Size of a CONNECT may come twice and have any value",
       "repeated_maximum_packet_size_is_refused maximum_packet_size_0_is_refused", P_3_1_2_11_4_1) = {
    .tolerate = {P_3_1_2_11_4_1},
};

MUTANT(any_topic_alias_maximum, V5, "The Topic Alias Maximum of a CONNECT may come twice",
       "repeated_topic_alias_maximum_is_refused", P_3_1_2_11_5_1) = {
    .tolerate = {P_3_1_2_11_5_1},
};

MUTANT(any_request_response_information, V5,
       "The Request Response Information of a CONNECT may come twice and have any value",
       "repeated_request_response_information_is_refused request_response_information_2_is_refused",
       P_3_1_2_11_6_1) = {
    .tolerate = {P_3_1_2_11_6_1},
};

MUTANT(any_request_problem_information, V5,
       "The Request Problem Information of a CONNECT may come twice and have any value",
       "repeated_request_problem_information_is_refused request_problem_information_2_is_refused",
       P_3_1_2_11_7_1) = {
    .tolerate = {P_3_1_2_11_7_1},
};

MUTANT(repeated_authentication_method, V5, "The Authentication Method may come twice",
       "repeated_authentication_method_is_refused", P_3_1_2_11_9_1) = {
    .tolerate = {P_3_1_2_11_9_1},
};

MUTANT(repeated_authentication_data, V5, "Authentication Data may come twice",
       "repeated_authentication_data_is_refused", P_3_1_2_11_10_2) = {
    .tolerate = {P_3_1_2_11_10_2},
};

MUTANT(authentication_data_without_method, V5, "Authentication Data may come without Authentication Method",
       "authentication_data_without_method_is_refused", P_3_1_2_11_10_1) = {
    .tolerate = {P_3_1_2_11_10_1},
};

static enum fate refuse_user_properties(struct passage *passage)
{
    return is_type(passage, PACKET_CONNECT) &&
                   properties_has(&passage->packet.connect.properties, ORDINAL_USER_PROPERTY)
               ? CLOSE
               : PASS;
}

MUTANT(user_properties_are_refused, V5, "A CONNECT with User Properties is refused",
       "connect_user_properties_are_accepted", D_3_1_2_11_8_1, D_3_1_2_11_8_2) = {
    .from_client = refuse_user_properties,
};

MUTANT(repeated_will_delay_interval, V5, "A will may have its Will Delay Interval twice",
       "repeated_will_delay_interval_is_refused", P_3_1_3_2_2_1) = {
    .tolerate = {P_3_1_3_2_2_1},
};

MUTANT(repeated_will_payload_format, V5, "A will may have its Payload Format Indicator twice",
       "repeated_will_payload_format_is_refused", P_3_1_3_2_3_1) = {
    .tolerate = {P_3_1_3_2_3_1},
};

MUTANT(repeated_will_message_expiry, V5, "A will may have its Message Expiry Interval twice",
       "repeated_will_message_expiry_is_refused", P_3_1_3_2_4_1) = {
    .tolerate = {P_3_1_3_2_4_1},
};

MUTANT(repeated_will_content_type, V5, "A will may have its Content Type twice",
       "repeated_will_content_type_is_refused", P_3_1_3_2_5_1) = {
    .tolerate = {P_3_1_3_2_5_1},
};

MUTANT(repeated_will_response_topic, V5, "A will may have its Response Topic twice",
       "repeated_will_response_topic_is_refused", P_3_1_3_2_6_1) = {
    .tolerate = {P_3_1_3_2_6_1},
};

MUTANT(repeated_will_correlation_data, V5, "A will may have its Correlation Data twice",
       "repeated_will_correlation_data_is_refused", P_3_1_3_2_7_1) = {
    .tolerate = {P_3_1_3_2_7_1},
};

/* ---- Within their rights --------------------------------------------------------------------------- */

static enum fate explain_nothing(struct passage *passage)
{
    const unsigned acknowledgements =
        TYPE(PACKET_PUBACK) | TYPE(PACKET_PUBREC) | TYPE(PACKET_PUBREL) | TYPE(PACKET_PUBCOMP);
    const unsigned type = TYPE(passage->packet.type);
    if (passage->verdict.refused)
        return PASS;
    if ((type & acknowledgements) != 0)
        properties_clear(&passage->packet.acknowledgement.properties);
    else if ((type & (TYPE(PACKET_SUBACK) | TYPE(PACKET_UNSUBACK))) != 0)
        properties_clear(&passage->packet.suback.properties);
    else
        return PASS;
    return ENCODE;
}

static enum fate explain_puback_to_the_willing(struct passage *passage)
{
    const bool *declined = passage->connection->context;
    return *declined ? explain_nothing(passage) : explain_puback(passage);
}

static enum fate note_who_declines(struct passage *passage)
{
    bool *declined = passage->connection->context;
    if (is_type(passage, PACKET_CONNECT))
        *declined = properties_number(&passage->packet.connect.properties,
                                      ORDINAL_REQUEST_PROBLEM_INFORMATION, 1) == 0;
    return PASS;
}

MUTANT(problem_information_is_given, V5, "Every PUBACK has a Reason String, where the client allows it",
       "problem_information_can_be_declined", D_3_1_2_11_7_2) = {
    .from_client = note_who_declines,
    .from_server = explain_puback_to_the_willing,
    .context_size = sizeof(bool),
    .permitted = "acknowledgements",
};

static enum fate lower_receive_maximum(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) ||
        properties_has(&passage->packet.connect.properties, ORDINAL_RECEIVE_MAXIMUM))
        return PASS;
    properties_set_number(&passage->packet.connect.properties, ORDINAL_RECEIVE_MAXIMUM, 20);
    return ENCODE;
}

MUTANT(twenty_messages_are_under_way, V5, "Without Receive Maximum no more than 20 messages are under way",
       "receive_maximum_absent_is_no_limit", D_3_1_2_11_3_2) = {
    .from_client = lower_receive_maximum,
    .permitted = "the server stopped at 20 messages",
};

/* A server that keeps 20 messages for a client, and no more. */
static enum fate lose_beyond_20(struct passage *passage)
{
    const struct connection *connection = passage->connection;
    const unsigned unacknowledged =
        connection->seen[FROM_SERVER][PACKET_PUBLISH] - connection->seen[FROM_CLIENT][PACKET_PUBACK];
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 1 && unacknowledged > 20
               ? swallow(passage)
               : PASS;
}

MUTANT(messages_beyond_twenty_are_lost, V5, "What comes while 20 messages are under way is lost",
       "receive_maximum_absent_is_no_limit", MQTT_4_5_0_1) = {
    .from_server = lose_beyond_20,
};
