/* 3.3.1.1 DUP */
#include "mutant.h"

#define DUP 0x08

static enum fate note_dup(struct passage *passage)
{
    if (passage->packet.type == PACKET_PUBLISH && (passage->bytes[0] & DUP) != 0)
        remember(passage->connection->proxy, "dup", raw_topic(passage), bytes_of("", 1));
    if (is_refused_by(passage, MQTT_3_3_1_2) || is_refused_by(passage, MQTT3_3_3_1_2))
        passage->bytes[0] &= (uint8_t)~DUP; /* DUP at QoS 0: the broker would refuse it */
    return PASS;
}

static enum fate pass_dup_on(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH) &&
        recall(passage->connection->proxy, "dup", passage->packet.publish.topic).data != NULL)
        passage->bytes[0] |= DUP;
    return PASS;
}

MUTANT(dup_is_passed_on, V_ALL, "Subscribers get the DUP flag of the publisher",
       "dup_is_not_propagated_at_qos_1 dup_is_not_propagated_at_qos_2 dup_is_0_at_qos_0 "
       "dup_of_a_qos_0_publish_is_not_propagated queued_message_has_dup_0",
       MQTT_3_3_1_3, MQTT3_3_3_1_3, MQTT_3_3_1_2, MQTT3_3_3_1_2, D_3_3_1_1_1, D3_3_3_1_1_1) = {
    .from_client = note_dup,
    .from_server = pass_dup_on,
};

static enum fate clear_dup(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH))
        passage->bytes[0] &= (uint8_t)~DUP;
    return PASS;
}

MUTANT(redelivery_without_dup, V_ALL, "What is sent again does not have DUP set",
       "redelivery_has_dup_at_qos_1 redelivery_has_dup_at_qos_2", MQTT_3_3_1_1, MQTT3_3_3_1_1) = {
    .from_server = clear_dup,
};
