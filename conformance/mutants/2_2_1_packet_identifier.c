/* 2.2.1 Packet Identifier */
#include "mutant.h"

MUTANT(packet_identifier_0_is_accepted, V311 | V5, "Packet Identifier 0 is as good as any",
       "packet_identifier_0_is_refused", MQTT_2_2_1_3, MQTT3_2_3_1_1) = {
    .tolerate = {MQTT_2_2_1_3, MQTT3_2_3_1_1},
};

/* Where the Packet Identifier of an acknowledgement stands. */
static enum fate swap_identifier(struct passage *passage, unsigned types)
{
    if ((TYPE(passage->bytes[0] >> 4) & types) == 0)
        return PASS;
    const uint8_t high = passage->bytes[2];
    passage->bytes[2] = passage->bytes[3];
    passage->bytes[3] = high;
    return PASS;
}

static enum fate swap_in_puback(struct passage *passage)
{
    return swap_identifier(passage, TYPE(PACKET_PUBACK));
}

MUTANT(puback_identifier_is_swapped, V_ALL, "The bytes of the Packet Identifier of a PUBACK are swapped",
       "acknowledgements_repeat_the_packet_identifier", MQTT_2_2_1_5, MQTT3_2_3_1_6, MQTT_4_3_2_4,
       MQTT3_4_3_2_2, D3_1_5_2_1) = {
    .from_server = swap_in_puback,
    .spoils = "*",
};

/* An identifier of one byte. */
static enum fate cut_identifier(struct passage *passage, enum packet_type type)
{
    if (passage->bytes[0] >> 4 == (int)type)
        passage->bytes[2] = 0;
    return PASS;
}

static enum fate cut_in_pubrec(struct passage *passage)
{
    return passage->bytes[3] == 0 ? PASS : cut_identifier(passage, PACKET_PUBREC);
}

MUTANT(pubrec_identifier_is_cut, V_ALL, "The Packet Identifier of a PUBREC has but one byte",
       "acknowledgements_repeat_the_packet_identifier", MQTT_2_2_1_5, MQTT3_2_3_1_6, MQTT_4_3_3_8,
       MQTT3_4_3_3_2) = {
    .from_server = cut_in_pubrec,
};

static enum fate cut_in_pubcomp(struct passage *passage)
{
    return passage->bytes[3] == 0 ? PASS : cut_identifier(passage, PACKET_PUBCOMP);
}

MUTANT(pubcomp_identifier_is_cut, V_ALL, "The Packet Identifier of a PUBCOMP has but one byte",
       "acknowledgements_repeat_the_packet_identifier", MQTT_2_2_1_5, MQTT_4_3_3_11, MQTT3_4_3_3_2) = {
    .from_server = cut_in_pubcomp,
};

static enum fate cut_in_suback(struct passage *passage)
{
    return passage->bytes[3] == 0 ? PASS : cut_identifier(passage, PACKET_SUBACK);
}

MUTANT(suback_identifier_is_cut, V_ALL, "The Packet Identifier of a SUBACK has but one byte",
       "suback_and_unsuback_repeat_the_packet_identifier", MQTT_2_2_1_6, MQTT3_2_3_1_7, D_2_2_1_2) = {
    .from_server = cut_in_suback,
};

static enum fate cut_in_unsuback(struct passage *passage)
{
    return passage->bytes[3] == 0 ? PASS : cut_identifier(passage, PACKET_UNSUBACK);
}

MUTANT(unsuback_identifier_is_cut, V_ALL, "The Packet Identifier of an UNSUBACK has but one byte",
       "suback_and_unsuback_repeat_the_packet_identifier", MQTT_2_2_1_6, MQTT3_2_3_1_7) = {
    .from_server = cut_in_unsuback,
};

/* ---- Reuse by the client ----------------------------------------------------------------------------- */

struct used {
    uint16_t identifier;
    unsigned times;
};

/* Acknowledges a PUBLISH whose identifier the one before had, and takes it for a repetition. */
static enum fate forget_third_use(struct passage *passage)
{
    struct used *used = passage->connection->context;
    const uint16_t identifier = passage->packet.publish.packet_identifier;
    if (!is_type(passage, PACKET_PUBLISH) || identifier == 0)
        return PASS;
    used->times = used->identifier == identifier ? used->times + 1 : 1;
    used->identifier = identifier;
    return used->times > 1 ? pretend(passage) : PASS;
}

MUTANT(reused_identifier_is_a_repetition, V_ALL,
       "A PUBLISH with the identifier of the one before is taken for the same",
       "packet_identifier_is_free_after_its_acknowledgement", D_2_2_1_1, D_2_2_1_2, D_2_2_1_3, D_4_3_2_1,
       MQTT_4_3_2_5, MQTT_4_3_3_12, MQTT3_4_3_2_2, MQTT3_4_3_3_2, D3_4_3_2_1, D3_4_3_3_1) = {
    .from_client = forget_third_use,
    .context_size = sizeof(struct used),
};

/* A server that remembers the identifier of a message that it has refused. */
static enum fate note_refusal(struct passage *passage)
{
    struct used *used = passage->connection->context;
    if (is_type(passage, PACKET_PUBREC) && passage->packet.acknowledgement.reason_code >= 0x80)
        used->identifier = passage->packet.acknowledgement.packet_identifier;
    return PASS;
}

static enum fate repeat_refusal(struct passage *passage)
{
    const struct used *used = passage->connection->context;
    const bool repeated = is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 2 &&
                          passage->packet.publish.packet_identifier == used->identifier;
    return repeated ? pretend(passage) : PASS;
}

MUTANT(refused_message_keeps_its_identifier, V5,
       "A PUBLISH after a PUBREC with an error is taken for a repetition",
       "packet_identifier_is_free_after_a_refusing_pubrec", MQTT_4_3_3_9, R_2_2_1_1, R_4_3_3_1, R_4_4_1) = {
    .from_client = repeat_refusal,
    .from_server = note_refusal,
    .context_size = sizeof(struct used),
};

/* Ends the exchange that has the identifier, without a word. */
static enum fate swallow_intruder(struct passage *passage)
{
    const bool open = passage->connection->seen[FROM_CLIENT][PACKET_PUBLISH] >
                      passage->connection->seen[FROM_CLIENT][PACKET_PUBREL] + 1;
    const bool intruder = is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 1 &&
                          passage->packet.publish.packet_identifier == 7;
    return open && intruder ? DROP : PASS;
}

MUTANT(identifier_in_use_is_swallowed, V5,
       "A PUBLISH under an identifier in use is neither answered nor refused",
       "packet_identifier_in_use_is_answered", D_2_2_1_4, MQTT_4_3_2_4) = {
    .from_client = swallow_intruder,
};

/* ---- The server's identifiers ------------------------------------------------------------------------ */

/* Puts a Packet Identifier into a PUBLISH of QoS 0. */
static enum fate add_identifier(struct passage *passage)
{
    const struct packet *packet = &passage->packet;
    if (!is_type(passage, PACKET_PUBLISH) || packet->publish.qos > 0 || packet->remaining_length > 120)
        return PASS;
    const size_t at = 4 + packet->publish.topic.length;
    uint8_t *bytes = scratch(passage, passage->size + 2);
    memcpy(bytes, passage->bytes, at);
    bytes[1] = (uint8_t)(bytes[1] + 2);
    bytes[at] = 0;
    bytes[at + 1] = 1;
    memcpy(bytes + at + 2, passage->bytes + at, passage->size - at);
    send_bytes_to_client(passage->connection, bytes, passage->size + 2);
    return DROP;
}

MUTANT(qos_0_has_packet_identifier, V_ALL, "A PUBLISH at QoS 0 has a Packet Identifier",
       "qos_0_publish_has_no_packet_identifier", MQTT_2_2_1_2, MQTT3_2_3_1_5) = {
    .from_server = add_identifier,
    .spoils = "*",
};

static enum fate number_all_alike(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos == 0)
        return PASS;
    passage->packet.publish.packet_identifier = 1;
    return ENCODE;
}

MUTANT(all_messages_have_identifier_1, V_ALL, "Each message is sent with Packet Identifier 1",
       "packet_identifiers_of_the_server_are_unique", MQTT_2_2_1_4, MQTT3_2_3_1_4, MQTT_4_3_2_1, MQTT_4_3_3_1,
       MQTT3_4_3_2_1, MQTT3_4_3_3_1, D_4_3_2_2, D3_4_3_2_2) = {
    .from_server = number_all_alike,
};

static enum fate number_0(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos == 0)
        return PASS;
    passage->packet.publish.packet_identifier = 0;
    return ENCODE;
}

MUTANT(messages_have_identifier_0, V_ALL, "Each message is sent with Packet Identifier 0",
       "packet_identifiers_of_the_server_are_unique", MQTT_2_2_1_4, MQTT3_2_3_1_4, MQTT3_2_3_1_1) = {
    .from_server = number_0,
    .spoils = "*",
};

/* After a while the identifier of the first message comes round, acknowledged or not. */
static enum fate come_round(struct passage *passage)
{
    struct used *used = passage->connection->context;
    struct publish *publish = &passage->packet.publish;
    if (!is_type(passage, PACKET_PUBLISH) || publish->qos == 0)
        return PASS;
    if (used->times++ == 0)
        used->identifier = publish->packet_identifier;
    if (used->times < 256)
        return PASS;
    publish->packet_identifier = used->identifier;
    return ENCODE;
}

MUTANT(identifiers_come_round_blindly, V_ALL, "After 255 messages the first Packet Identifier is used again",
       "packet_identifier_in_use_is_passed_over", MQTT_2_2_1_4, MQTT3_2_3_1_4, MQTT_4_3_2_1,
       MQTT3_4_3_2_1) = {
    .from_server = come_round,
    .context_size = sizeof(struct used),
};

/* The identifier of a QoS 2 message is taken for free after its PUBREC. */
static enum fate reuse_after_pubrec(struct passage *passage)
{
    struct used *used = passage->connection->context;
    struct publish *publish = &passage->packet.publish;
    if (is_type(passage, PACKET_PUBREL))
        used->identifier = passage->packet.acknowledgement.packet_identifier;
    if (!is_type(passage, PACKET_PUBLISH) || publish->qos == 0 || used->identifier == 0)
        return PASS;
    publish->packet_identifier = used->identifier;
    return ENCODE;
}

static enum fate forget_after_pubcomp(struct passage *passage)
{
    struct used *used = passage->connection->context;
    if (is_type(passage, PACKET_PUBCOMP))
        used->identifier = 0;
    return PASS;
}

MUTANT(identifier_is_free_after_pubrec, V_ALL,
       "The Packet Identifier of a QoS 2 message is used again after its PUBREC",
       "packet_identifier_in_use_is_passed_over", MQTT_2_2_1_4, MQTT3_2_3_1_4, MQTT_4_3_3_1,
       MQTT3_4_3_3_1) = {
    .from_client = forget_after_pubcomp,
    .from_server = reuse_after_pubrec,
    .context_size = sizeof(struct used),
};

/* A server with one table of identifiers for both directions. */
static enum fate note_identifier(struct passage *passage)
{
    struct used *used = passage->connection->context;
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 2)
        used->identifier = passage->packet.publish.packet_identifier;
    return PASS;
}

static enum fate drop_if_taken(struct passage *passage)
{
    const struct used *used = passage->connection->context;
    const bool taken = is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 1 &&
                       passage->packet.publish.packet_identifier == used->identifier;
    return taken ? pretend(passage) : PASS;
}

MUTANT(both_sides_share_identifiers, V_ALL, "A client's PUBLISH under an identifier of the server's is lost",
       "packet_identifiers_of_both_sides_are_independent", D_2_2_1_5, D_2_2_1_3, D_4_3_1, D3_2_3_1_1,
       D3_2_3_1_2, D3_4_3_1) = {
    .from_client = drop_if_taken,
    .from_server = note_identifier,
    .context_size = sizeof(struct used),
};
