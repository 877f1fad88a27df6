/* 2.1 Structure of an MQTT Control Packet */
#include "mutant.h"

static bool has_wrong_flags(const struct passage *passage)
{
    static const uint8_t right[16] = {[PACKET_PUBREL] = 2, [PACKET_SUBSCRIBE] = 2, [PACKET_UNSUBSCRIBE] = 2};
    const unsigned type = passage->bytes[0] >> 4;
    return type != PACKET_PUBLISH && (passage->bytes[0] & 0x0F) != right[type];
}

static enum fate accept_wrong_acknowledgements(struct passage *passage)
{
    const unsigned type = passage->bytes[0] >> 4;
    const bool concerned = type == PACKET_PUBACK || type == PACKET_PUBREC || type == PACKET_PUBCOMP;
    return concerned && has_wrong_flags(passage) ? DROP : PASS;
}

MUTANT(flags_of_acknowledgements_are_ignored, V311 | V5,
       "The flags of PUBACK, PUBREC and PUBCOMP are not looked at",
       "reserved_flags_of_acknowledgements_are_checked", MQTT_2_1_3_1, MQTT3_2_2_2_1, MQTT3_2_2_2_2,
       P_2_1_3_1) = {
    .from_client = accept_wrong_acknowledgements,
};

static enum fate accept_wrong_pubcomp(struct passage *passage)
{
    return passage->bytes[0] == 0x7f ? DROP : PASS;
}

MUTANT(one_wrong_value_of_flags_is_ignored, V311 | V5,
       "A PUBCOMP whose flags are all set is taken for a good one",
       "reserved_flags_of_acknowledgements_are_checked", MQTT_2_1_3_1, MQTT3_2_2_2_1, MQTT3_2_2_2_2) = {
    .from_client = accept_wrong_pubcomp,
};

static enum fate accept_wrong_pubrel(struct passage *passage)
{
    return passage->bytes[0] >> 4 == PACKET_PUBREL && has_wrong_flags(passage) ? pretend(passage) : PASS;
}

MUTANT(flags_of_pubrel_are_ignored, V311 | V5, "The flags of PUBREL are not looked at",
       "reserved_flags_of_pubrel_are_checked", MQTT_3_6_1_1, MQTT3_3_6_1_1, MQTT_2_1_3_1, MQTT3_2_2_2_1,
       MQTT3_2_2_2_2, P_2_1_3_1) = {
    .from_client = accept_wrong_pubrel,
};

static enum fate accept_wrong_requests(struct passage *passage)
{
    const unsigned type = passage->bytes[0] >> 4;
    const bool concerned = type == PACKET_SUBSCRIBE || type == PACKET_UNSUBSCRIBE || type == PACKET_PINGREQ;
    return concerned && has_wrong_flags(passage) ? pretend(passage) : PASS;
}

MUTANT(flags_of_requests_are_ignored, V311 | V5,
       "The flags of SUBSCRIBE, UNSUBSCRIBE and PINGREQ are not looked at",
       "reserved_flags_of_requests_are_checked", MQTT_2_1_3_1, MQTT3_2_2_2_1, MQTT3_2_2_2_2, P_2_1_3_1) = {
    .from_client = accept_wrong_requests,
};

static enum fate accept_wrong_connect(struct passage *passage)
{
    return passage->bytes[0] >> 4 == PACKET_CONNECT && has_wrong_flags(passage) ? pretend(passage) : PASS;
}

MUTANT(flags_of_connect_are_ignored, V311 | V5, "The flags of CONNECT's first byte are not looked at",
       "reserved_flags_of_connect_are_checked", MQTT_2_1_3_1, MQTT3_2_2_2_1, MQTT3_2_2_2_2, P_2_1_3_1) = {
    .from_client = accept_wrong_connect,
};

static enum fate mend_flags_of_disconnect(struct passage *passage)
{
    if (passage->bytes[0] >> 4 == PACKET_DISCONNECT)
        passage->bytes[0] = 0xe0;
    return PASS;
}

MUTANT(flags_of_disconnect_are_ignored, V311 | V5, "The flags of DISCONNECT are not looked at",
       "reserved_flags_of_disconnect_are_checked", MQTT_2_1_3_1, MQTT3_2_2_2_1, MQTT3_2_2_2_2, P_2_1_3_1) = {
    .from_client = mend_flags_of_disconnect,
};

static enum fate set_wrong_flag(struct passage *passage)
{
    if (passage->bytes[0] >> 4 == PACKET_UNSUBACK)
        passage->bytes[0] |= 2;
    return PASS;
}

MUTANT(flags_of_unsuback_are_wrong, V_ALL, "The server sets reserved flags in UNSUBACK",
       "reserved_flags_are_set_as_prescribed", MQTT_2_1_3_1, MQTT3_2_2_2_1) = {
    .from_server = set_wrong_flag,
};

static enum fate send_pubrel_without_flags(struct passage *passage)
{
    if (passage->bytes[0] == 0x62)
        passage->bytes[0] = 0x60;
    return PASS;
}

MUTANT(flags_of_sent_pubrel_are_wrong, V_ALL, "The server sends PUBREL with flags 0000",
       "reserved_flags_are_set_as_prescribed", MQTT_3_6_1_1, MQTT3_3_6_1_1) = {
    .from_server = send_pubrel_without_flags,
};

/* A server that treats what comes with one read as one packet. */
static enum fate lose_second(struct passage *passage)
{
    const bool second =
        is_type(passage, PACKET_PUBLISH) && passage->packet.publish.packet_identifier == 0x0301;
    return second ? DROP : PASS;
}

MUTANT(second_packet_of_a_read_is_lost, V_ALL, "A packet between two others in one read is lost",
       "packets_are_read_from_any_fragments", D_2_1_4_1, D3_2_2_3_1) = {
    .from_client = lose_second,
};

/* ---- Types ------------------------------------------------------------------------------------------- */

MUTANT(packet_type_0_is_ignored, V3, "A packet of type 0 is passed over", "reserved_packet_types_are_refused",
       P3_2_2_1_1, MQTT3_4_8_0_1) = {
    .tolerate = {P3_2_2_1_1},
};

MUTANT(packet_type_15_is_ignored, V3, "A packet of type 15 is passed over",
       "reserved_packet_types_are_refused", P3_2_2_1_2, MQTT3_4_8_0_1) = {
    .tolerate = {P3_2_2_1_2},
};

MUTANT(packets_of_the_server_are_ignored, V3,
       "What only a server sends is passed over when a client sends it", "packets_of_the_server_are_refused",
       P3_2_2_1_3, MQTT3_4_8_0_1) = {
    .tolerate = {P3_2_2_1_3},
};

/* ---- DUP in MQTT 3.1 --------------------------------------------------------------------------------- */

static enum fate refuse_dup(struct passage *passage)
{
    const uint8_t first = passage->bytes[0];
    return first == 0x8A || first == 0xAA || first == 0x6A ? CLOSE : PASS;
}

MUTANT(dup_of_3_1_is_refused, V31, "In 3.1 DUP is allowed in PUBLISH alone, as in 3.1.1",
       "repeated_requests_of_3_1_have_dup", MQTT3_3_8_4_1, MQTT3_3_10_4_4, MQTT3_4_3_3_2) = {
    .from_client = refuse_dup,
    .properties = "packets_may_be_repeated_with_dup",
};
