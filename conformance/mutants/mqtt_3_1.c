/* MQTT 3.1, where it differs from 3.1.1: properties, of which no catalogue has statements */
#include "3_08_subscribe.h"

/* ---- What is sent again, with DUP ---------------------------------------------------------------- */

#define UNSUBSCRIBE_AGAIN 0xAA
#define PUBREL_AGAIN 0x6A

static enum fate ignore_unsubscribe_again(struct passage *passage)
{
    const bool again = passage->connection->seen[FROM_SERVER][PACKET_UNSUBACK] > 0;
    return again && passage->bytes[0] == UNSUBSCRIBE_AGAIN ? DROP : PASS;
}

PROPERTY_MUTANT(unsubscribe_sent_again_is_ignored, V31, "What is unsubscribed already gets no UNSUBACK",
                "packets_may_be_repeated_with_dup") = {
    .from_client = ignore_unsubscribe_again,
};

static enum fate refuse_pubrel_again(struct passage *passage)
{
    const bool again = passage->connection->seen[FROM_SERVER][PACKET_PUBCOMP] > 0;
    return again && passage->bytes[0] == PUBREL_AGAIN ? CLOSE : PASS;
}

PROPERTY_MUTANT(pubrel_sent_again_is_refused, V31, "A PUBREL behind PUBCOMP ends the connection",
                "packets_may_be_repeated_with_dup") = {
    .from_client = refuse_pubrel_again,
};

/* ---- CONNACK and SUBACK -------------------------------------------------------------------------- */

static enum fate show_session(struct passage *passage)
{
    const struct connection *connection = passage->connection;
    if (!is_type(passage, PACKET_CONNACK) || connection->clean_start)
        return PASS;
    if (recall(connection->proxy, "session", connection->client_identifier).data != NULL)
        passage->bytes[2] = 1;
    remember(connection->proxy, "session", connection->client_identifier, connection->client_identifier);
    return PASS;
}

PROPERTY_MUTANT(session_present_in_3_1, V31, "A CONNACK to a 3.1 client says that there is a session",
                "connack_has_no_session_present") = {
    .from_server = show_session,
};

static enum fate refuse_all_at_qos_2(struct passage *passage)
{
    const bool further = passage->connection->seen[FROM_CLIENT][PACKET_SUBSCRIBE] > 1;
    if (!further || !is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    const struct subscription_request request = first_request(passage);
    if (request.qos != 2 || !ends_with(request.topic_filter, "/#"))
        return PASS;
    const uint8_t suback[] = {0x90, 3, passage->bytes[2], passage->bytes[3], 0x80};
    send_bytes_to_client(passage->connection, suback, sizeof suback);
    return DROP;
}

PROPERTY_MUTANT(suback_refuses_in_3_1, V31, "A further subscription with # at QoS 2 is refused with 0x80",
                "suback_grants_a_qos") = {
    .from_client = refuse_all_at_qos_2,
};

/* ---- Client Identifiers -------------------------------------------------------------------------- */

PROPERTY_MUTANT(empty_identifier_is_accepted_in_3_1, V31,
                "A 3.1 client without Client Identifier is accepted", "empty_identifier_is_refused") = {
    .tolerate = {MQTT3_3_1_3_9},
};

#define LONGEST_IDENTIFIER 23U

static enum fate refuse_longest(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) ||
        passage->packet.connect.client_identifier.length < LONGEST_IDENTIFIER)
        return PASS;
    send_bytes_to_client(passage->connection, BYTES("\x20\2\0\2"));
    return CLOSE;
}

MUTANT(longest_identifier_of_3_1_is_refused, V31, "A Client Identifier of 23 characters is refused",
       "plain_client_identifiers_are_accepted", MQTT3_3_1_3_5) = {
    .from_client = refuse_longest,
    .properties = "identifiers_of_23_characters_are_accepted",
};

static bool begins_with(struct bytes whole, struct bytes beginning)
{
    return beginning.length > 0 && beginning.length < whole.length &&
           memcmp(whole.data, beginning.data, beginning.length) == 0;
}

static enum fate take_for_the_beginning(struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct bytes *identifier = &passage->packet.connect.client_identifier;
    if (!is_type(passage, PACKET_CONNECT) || identifier->length != LONGEST_IDENTIFIER)
        return PASS;
    for (struct connection *at = NULL; (at = next_connection(connection->proxy, at)) != NULL;)
        if (begins_with(*identifier, at->client_identifier)) {
            *identifier = at->client_identifier;
            return ENCODE;
        }
    return PASS;
}

PROPERTY_MUTANT(identifiers_are_not_told_apart, V31,
                "A Client Identifier of 23 characters is taken for another that it begins with",
                "identifiers_of_23_characters_are_accepted") = {
    .from_client = take_for_the_beginning,
};
