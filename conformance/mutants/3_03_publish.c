/* 3.3.1.2 QoS, 3.3.2.1 Topic Name, 3.3.3 Payload */
#include "mutant.h"

MUTANT(qos_3_is_accepted, V_ALL, "A PUBLISH with both QoS bits set is accepted", "qos_3_is_refused",
       MQTT_3_3_1_4, MQTT3_3_3_1_4, P_3_3_1_2_1, R_3_3_1_2_2) = {
    .tolerate = {MQTT_3_3_1_4, MQTT3_3_3_1_4},
};

static enum fate deliver_qos_3(struct passage *passage)
{
    if (!is_refused_by(passage, MQTT_3_3_1_4) && !is_refused_by(passage, MQTT3_3_3_1_4))
        return PASS;
    passage->bytes[0] &= 0xFB; /* QoS 1 */
    forward(passage);
    return CLOSE;
}

MUTANT(qos_3_is_delivered, V_ALL,
       "The message of a PUBLISH with both QoS bits set is delivered before it is refused",
       "qos_3_is_not_delivered", MQTT_3_3_1_4, MQTT3_3_3_1_4) = {
    .from_client = deliver_qos_3,
};

MUTANT(topic_name_may_exceed_packet, V_ALL, "Lengths that reach beyond the packet are not noticed",
       "topic_name_beyond_the_packet_is_refused", MQTT_3_3_2_1, MQTT3_3_3_2_1) = {
    .tolerate = {MQTT_4_13_1_1, MQTT3_4_8_0_1},
};

MUTANT(wildcard_in_topic_name_is_accepted, V311 | V5, "A PUBLISH to a Topic Name with a wildcard is accepted",
       "wildcard_in_topic_name_is_refused", MQTT_3_3_2_2, MQTT3_3_3_2_2, MQTT_4_7_0_1, MQTT3_4_7_1_1) = {
    .tolerate = {MQTT_3_3_2_2, MQTT3_3_3_2_2},
};

/* "a/+" reaches those who subscribed to "a/b". */
static enum fate fill_wildcard(struct passage *passage)
{
    if (!is_refused_by(passage, MQTT_3_3_2_2) && !is_refused_by(passage, MQTT3_3_3_2_2))
        return PASS;
    for (size_t i = 4; i < passage->size; i++)
        if (passage->bytes[i] == '+')
            passage->bytes[i] = 'b';
    return PASS;
}

MUTANT(wildcard_in_topic_name_is_delivered, V311 | V5,
       "A wildcard in a Topic Name reaches what it would match", "wildcard_in_topic_name_reaches_nobody",
       MQTT_3_3_2_2, MQTT3_3_3_2_2, MQTT_4_7_0_1, MQTT3_4_7_1_1) = {
    .from_client = fill_wildcard,
};

MUTANT(empty_topic_name_is_accepted, V311 | V5, "An empty Topic Name is accepted",
       "empty_topic_name_is_refused", P_3_3_2_1_1, MQTT_4_7_3_1, MQTT3_4_7_3_1) = {
    .tolerate = {P_3_3_2_1_1, MQTT_4_7_3_1, MQTT3_4_7_3_1},
};

/* What stands behind a + in the middle of a filter counts no more. */
static void match_deeper(struct passage *passage, struct subscription_request *request)
{
    struct bytes *filter = &request->topic_filter;
    const uint8_t *plus = memmem(filter->data, filter->length, "/+/", 3);
    if (plus == NULL)
        return;
    const size_t length = (size_t)(plus - filter->data) + 2;
    uint8_t *wider = scratch(passage, length);
    memcpy(wider, filter->data, length);
    wider[length - 1] = '#';
    *filter = bytes_of(wider, length);
}

static enum fate widen_filters(struct passage *passage)
{
    return change_subscriptions(passage, match_deeper) ? ENCODE : PASS;
}

MUTANT(plus_matches_the_rest, V_ALL, "A + in a Topic Filter matches all levels from there on",
       "delivered_topic_name_matches_the_filter", MQTT_3_3_2_3, MQTT3_3_3_2_3, D_3_3_4_1, D_3_3_2_1_1,
       D3_3_3_2_1_1, D3_3_3_5_1) = {
    .from_client = widen_filters,
};

static enum fate identifier_first(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos == 0 || passage->size > 128)
        return PASS;
    const size_t length = passage->packet.publish.topic.length + 2;
    const uint8_t identifier[2] = {passage->bytes[2 + length], passage->bytes[3 + length]};
    memmove(passage->bytes + 4, passage->bytes + 2, length);
    memcpy(passage->bytes + 2, identifier, 2);
    return PASS;
}

MUTANT(packet_identifier_comes_first, V_ALL,
       "A PUBLISH to a client has its Packet Identifier before its Topic Name",
       "delivered_publish_has_its_fields_in_order", D_3_3_2_1, MQTT_3_3_2_1, MQTT3_3_3_2_1, D3_3_3_2_1) = {
    .from_server = identifier_first,
    .spoils = "*",
};

static enum fate add_identifier_at_qos_0(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos != 0)
        return PASS;
    const size_t header =
        passage->size - passage->packet.remaining_length + 2 + passage->packet.publish.topic.length;
    uint8_t *longer = scratch(passage, passage->size + 2);
    if (passage->packet.remaining_length > 125)
        return PASS;
    memcpy(longer, passage->bytes, header);
    memcpy(longer + header + 2, passage->bytes + header, passage->size - header);
    longer[header] = 0;
    longer[header + 1] = 1;
    longer[1] = (uint8_t)(longer[1] + 2);
    send_bytes_to_client(passage->connection, longer, passage->size + 2);
    return DROP;
}

MUTANT(packet_identifier_at_qos_0, V_ALL, "A QoS 0 PUBLISH to a client has a Packet Identifier",
       "delivered_publish_has_its_fields_in_order", D_3_3_2_2_1, MQTT_3_3_2_1, MQTT3_3_3_2_1,
       D3_3_3_2_2_1) = {
    .from_server = add_identifier_at_qos_0,
    .spoils = "*",
};

/* ---- Payload ----------------------------------------------------------------------------------------- */

static enum fate spoil_payload(struct passage *passage)
{
    const struct bytes payload = passage->packet.publish.payload;
    if (is_type(passage, PACKET_PUBLISH) && payload.length == 512)
        passage->bytes[passage->size - 200] &= 0x7f;
    return PASS;
}

MUTANT(payload_is_seven_bits_wide, V3, "A byte of the payload loses its highest bit",
       "payload_is_delivered_byte_for_byte", D3_3_3_3_1, MQTT3_4_5_0_1) = {
    .from_server = spoil_payload,
};
