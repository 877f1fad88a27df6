/* 2.2.2 Properties */
#include "mutant.h"

/* Leaves out a Property Length of 0. */
static enum fate drop_property_length(struct passage *passage)
{
    if (passage->bytes[0] >> 4 != PACKET_SUBACK || passage->bytes[4] != 0)
        return PASS;
    passage->bytes[1]--;
    send_bytes_to_client(passage->connection, passage->bytes, 4);
    send_bytes_to_client(passage->connection, passage->bytes + 5, passage->size - 5);
    return DROP;
}

MUTANT(empty_properties_are_left_out, V5, "A SUBACK without properties has no Property Length",
       "property_length_is_there_without_properties", MQTT_2_2_2_1, D_2_2_2_1_1) = {
    .from_server = drop_property_length,
    .spoils = "*",
};

MUTANT(missing_property_length_is_0, V5, "A packet that ends before its Property Length is a good one",
       "missing_property_length_is_refused", MQTT_2_2_2_1) = {
    .tolerate = {MQTT_2_2_2_1},
};

MUTANT(any_property_is_accepted, V5, "Nobody looks whether a property may stand where it stands",
       "property_of_another_packet_is_refused unknown_property_is_refused "
       "property_that_connect_does_not_have_is_refused property_that_a_will_does_not_have_is_refused",
       P_2_2_2_2_1) = {
    .tolerate = {P_2_2_2_2_1},
};

static enum fate accept_alias_elsewhere(struct passage *passage)
{
    const bool concerned =
        passage->bytes[0] >> 4 == PACKET_PUBCOMP || passage->bytes[0] >> 4 == PACKET_UNSUBSCRIBE;
    return concerned && is_refused_by(passage, P_2_2_2_2_1) ? pretend(passage) : PASS;
}

MUTANT(two_packets_accept_any_property, V5, "PUBCOMP and UNSUBSCRIBE may have any property",
       "property_of_another_packet_is_refused unknown_property_is_refused", P_2_2_2_2_1) = {
    .from_client = accept_alias_elsewhere,
};

static enum fate mend_disconnect(struct passage *passage)
{
    const struct packet disconnect = {.type = PACKET_DISCONNECT};
    if (passage->bytes[0] >> 4 != PACKET_DISCONNECT || !passage->verdict.refused)
        return PASS;
    send_to_server(passage->connection, &disconnect);
    return DROP;
}

MUTANT(disconnect_accepts_any_property, V5, "A DISCONNECT may have any property",
       "property_that_disconnect_does_not_have_is_an_error", P_2_2_2_2_1) = {
    .from_client = mend_disconnect,
};

static enum fate accept_broken_values(struct passage *passage)
{
    const unsigned type = passage->bytes[0] >> 4;
    return passage->verdict.refused && (type == PACKET_PUBLISH || type == PACKET_SUBSCRIBE) ? pretend(passage)
                                                                                            : PASS;
}

MUTANT(broken_values_are_accepted, V5, "A value that does not fit into the Property Length does no harm",
       "value_of_another_type_is_refused", P_2_2_2_2_1) = {
    .from_client = accept_broken_values,
};

static enum fate call_it_protocol_error(struct passage *passage)
{
    if (!is_type(passage, PACKET_DISCONNECT) || passage->packet.disconnect.reason_code != 0x81)
        return PASS;
    passage->packet.disconnect.reason_code = 0x82;
    return ENCODE;
}

MUTANT(malformed_properties_are_a_protocol_error, V5, "The Reason Code for a malformed packet is 0x82",
       "malformed_properties_are_called_so", R_2_2_2_2_1) = {
    .from_server = call_it_protocol_error,
};

/* A server that expects a User Property at the end. */
static enum fate refuse_other_order(struct passage *passage)
{
    const struct properties *properties = &passage->packet.publish.properties;
    const bool other =
        is_type(passage, PACKET_PUBLISH) && properties->wire.length > 10 && properties->wire.data[0] == 0x26;
    return other ? CLOSE : PASS;
}

MUTANT(order_of_properties_is_prescribed, V5, "A User Property must not be the first of several",
       "order_of_properties_does_not_matter", D_2_2_2_2_1) = {
    .from_client = refuse_other_order,
};
