/* 4.4 Message delivery retry */
#include "mutant.h"

#define DUP_BIT 0x08

static bool is_again(const struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.dup;
}

static enum fate clear_dup(struct passage *passage)
{
    if (is_again(passage))
        passage->bytes[0] &= (uint8_t)~DUP_BIT;
    return PASS;
}

MUTANT(resent_messages_have_no_dup, V_ALL, "A message that is sent again has no DUP",
       "unacknowledged_qos_1_messages_are_sent_again unacknowledged_qos_2_messages_are_sent_again",
       MQTT_4_4_0_1, MQTT3_4_4_0_1) = {
    .from_server = clear_dup,
    .properties = "unacknowledged_qos_1_messages_after_crash "
                  "messages_under_way_and_behind_after_crash",
};

static enum fate lose(struct passage *passage)
{
    return is_again(passage) ? DROP : PASS;
}

MUTANT(nothing_is_sent_again, V_ALL, "What is not acknowledged is lost with the connection",
       "unacknowledged_qos_1_messages_are_sent_again unacknowledged_qos_2_messages_are_sent_again "
       "subscriber_lost_after_publish subscriber_lost_before_pubrec subscriber_lost_amid_several_exchanges",
       MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_2_3, MQTT_4_3_3_3, MQTT3_4_3_2_1, MQTT3_4_3_3_1) = {
    .from_server = lose,
};

static enum fate lose_after_second_time(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (is_type(passage, PACKET_CONNACK) && !connection->clean_start) {
        struct bytes times = recall(connection->proxy, "connections", connection->client_identifier);
        const uint8_t next = (uint8_t)(times.data == NULL ? 1 : times.data[0] + 1);
        remember(connection->proxy, "connections", connection->client_identifier, bytes_of(&next, 1));
    }
    struct bytes times = recall(connection->proxy, "connections", connection->client_identifier);
    return is_again(passage) && times.data != NULL && times.data[0] > 2 ? DROP : PASS;
}

MUTANT(each_message_is_sent_again_once, V_ALL,
       "A message is sent again after one reconnection, not after the next",
       "unacknowledged_qos_1_messages_are_sent_again unacknowledged_qos_2_messages_are_sent_again",
       MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_2_3, MQTT_4_3_3_3) = {
    .from_server = lose_after_second_time,
};

static enum fate renumber(struct passage *passage)
{
    if (!is_again(passage))
        return PASS;
    passage->packet.publish.packet_identifier = (uint16_t)(passage->packet.publish.packet_identifier + 1000);
    return ENCODE;
}

MUTANT(redelivery_has_new_identifiers, V_ALL, "A message is sent again under another Packet Identifier",
       "unacknowledged_qos_1_messages_are_sent_again unacknowledged_qos_2_messages_are_sent_again "
       "unacknowledged_messages_come_again_after_restart subscriber_lost_after_publish "
       "subscriber_lost_before_pubrec subscriber_lost_amid_several_exchanges",
       MQTT_4_4_0_1, MQTT3_4_4_0_1) = {
    .from_server = renumber,
    .properties = "unacknowledged_qos_1_messages_after_crash "
                  "unacknowledged_qos_2_messages_after_crash",
};

struct held {
    uint8_t bytes[512];
    size_t size;
};

/* Sends the first message that comes again behind the second. */
static enum fate swap(struct passage *passage)
{
    struct held *held = passage->connection->context;
    if (!is_again(passage) || passage->size > sizeof held->bytes)
        return PASS;
    if (passage->connection->seen[FROM_SERVER][PACKET_PUBLISH] == 1) {
        memcpy(held->bytes, passage->bytes, passage->size);
        held->size = passage->size;
        return DROP;
    }
    forward(passage);
    send_bytes_to_client(passage->connection, held->bytes, held->size);
    held->size = 0;
    return DROP;
}

MUTANT(redelivery_in_wrong_order, V_ALL, "The first message that is sent again comes behind the second",
       "unacknowledged_qos_1_messages_are_sent_again unacknowledged_qos_2_messages_are_sent_again",
       MQTT_4_6_0_5, MQTT3_4_6_0_6) = {
    .from_server = swap,
    .context_size = sizeof(struct held),
};

/* ---- PUBREL ------------------------------------------------------------------------------------------- */

static bool is_pubrel_again(const struct passage *passage)
{
    return is_type(passage, PACKET_PUBREL) && passage->connection->seen[FROM_CLIENT][PACKET_PUBREC] == 0;
}

static enum fate lose_pubrel(struct passage *passage)
{
    return is_pubrel_again(passage) ? DROP : PASS;
}

MUTANT(pubrel_is_not_sent_again, V_ALL, "A PUBREL is not sent again after a reconnection",
       "pubrel_is_sent_again_instead_of_publish subscriber_lost_after_pubrec subscriber_lost_before_pubrel "
       "subscriber_lost_after_pubrel subscriber_lost_before_pubcomp subscriber_lost_amid_several_exchanges",
       MQTT_4_3_3_5, MQTT_4_4_0_1, MQTT3_4_3_3_1, MQTT3_4_4_0_1) = {
    .from_server = lose_pubrel,
    .properties = "pubrel_to_the_subscriber_after_crash",
};

static void keep_publish(const struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos > 0 &&
        recall(connection->proxy, "sent", connection->client_identifier).data == NULL)
        remember(connection->proxy, "sent", connection->client_identifier,
                 bytes_of(passage->bytes, passage->size));
}

static void send_kept_publish(const struct passage *passage)
{
    struct connection *connection = passage->connection;
    struct bytes kept = recall(connection->proxy, "sent", connection->client_identifier);
    if (kept.data == NULL)
        return;
    const uint8_t first = kept.data[0] | DUP_BIT;
    send_bytes_to_client(connection, &first, 1);
    send_bytes_to_client(connection, kept.data + 1, kept.length - 1);
}

static enum fate start_over(struct passage *passage)
{
    keep_publish(passage);
    if (!is_pubrel_again(passage))
        return PASS;
    forward(passage);
    send_kept_publish(passage);
    return DROP;
}

MUTANT(publish_is_sent_again_after_pubrel, V_ALL,
       "After a reconnection PUBLISH comes again although PUBREL was sent",
       "pubrel_is_sent_again_instead_of_publish subscriber_lost_before_pubrel subscriber_lost_after_pubrel "
       "subscriber_lost_before_pubcomp",
       MQTT_4_3_3_6, MQTT3_4_3_3_1) = {
    .from_server = start_over,
};

/* ---- Too much ----------------------------------------------------------------------------------------- */

static enum fate resend_with_session(struct passage *passage)
{
    keep_publish(passage);
    if (!is_type(passage, PACKET_CONNACK) || passage->connection->clean_start)
        return PASS;
    forward(passage);
    send_kept_publish(passage);
    return DROP;
}

MUTANT(acknowledged_message_is_sent_again, V_ALL, "An acknowledged message comes again after a reconnection",
       "acknowledged_messages_are_not_sent_again subscriber_lost_after_pubcomp", MQTT_4_4_0_1, MQTT3_4_4_0_1,
       MQTT_4_3_3_6, MQTT3_4_3_3_1) = {
    .from_server = resend_with_session,
};

static enum fate resend_after_clean_start(struct passage *passage)
{
    keep_publish(passage);
    if (!is_type(passage, PACKET_CONNACK) || !passage->connection->clean_start)
        return PASS;
    forward(passage);
    send_kept_publish(passage);
    return DROP;
}

MUTANT(message_survives_clean_start, V_ALL, "Messages of a session come again in the next one",
       "nothing_is_sent_again_in_a_new_session", MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_3_1_2_4, MQTT3_3_1_2_6) = {
    .from_server = resend_after_clean_start,
};

static enum fate overlook_refusal(struct passage *passage)
{
    const bool answer = is_type(passage, PACKET_PUBACK) || is_type(passage, PACKET_PUBREC);
    return answer && passage->packet.acknowledgement.reason_code >= 0x80 ? DROP : PASS;
}

MUTANT(refused_message_is_sent_again, V5,
       "A message that the client refused comes again after a reconnection",
       "message_refused_by_client_is_not_sent_again", MQTT_4_4_0_2) = {
    .from_client = overlook_refusal,
};

static enum fate repeat_publish(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos == 0)
        return PASS;
    forward(passage);
    passage->bytes[0] |= DUP_BIT;
    return delay(passage, 1.5);
}

MUTANT(publish_is_repeated_after_a_while, V5, "A PUBLISH above QoS 0 is sent again after 1.5 s",
       "nothing_is_sent_again_within_a_connection", MQTT_4_4_0_1) = {
    .from_server = repeat_publish,
    .spoils = "*",
};

static enum fate repeat_pubrel(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBREL))
        return PASS;
    forward(passage);
    return delay(passage, 1.5);
}

MUTANT(pubrel_is_repeated_after_a_while, V5, "A PUBREL is sent again after 1.5 s",
       "nothing_is_sent_again_within_a_connection", MQTT_4_4_0_1) = {
    .from_server = repeat_pubrel,
};

/* ---- Within a connection, before 5.0 ----------------------------------------------------------------- */

static bool is_to_be_repeated(const struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 1 &&
           ends_with(passage->packet.publish.payload, "repeated");
}

static enum fate repeat_with_dup(struct passage *passage)
{
    if (!is_to_be_repeated(passage))
        return PASS;
    forward(passage);
    passage->bytes[0] |= 0x08;
    return delay(passage, 0.5);
}

MUTANT(message_comes_again_by_the_clock, V3, "An unacknowledged message comes again every now and then",
       "message_may_come_again_within_a_connection", D3_4_4_1) = {
    .from_server = repeat_with_dup,
    .permitted = "the message came again after",
};

static enum fate repeat_without_dup(struct passage *passage)
{
    if (!is_to_be_repeated(passage))
        return PASS;
    forward(passage);
    return delay(passage, 0.5);
}

MUTANT(message_comes_again_without_dup, V3, "What comes again on the same connection has DUP 0",
       "message_may_come_again_within_a_connection", MQTT3_3_3_1_1) = {
    .from_server = repeat_without_dup,
};
