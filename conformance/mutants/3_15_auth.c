/* 3.15 AUTH, 4.12 Enhanced authentication */
#include "mutant.h"

static enum fate ignore_auth(struct passage *passage)
{
    return is_type(passage, PACKET_AUTH) ? DROP : PASS;
}

MUTANT(auth_without_method_is_ignored, V5, "AUTH is ignored on connections without Authentication Method",
       "auth_without_method_is_refused", MQTT_4_12_0_7, P_3_15_1, MQTT_4_13_1_1) = {
    .from_client = ignore_auth,
};

/* Before CONNECT and in 3.1.1 the packet is none; there it stays what it is. */
static enum fate ignore_wrong_auth(struct passage *passage, bool flags)
{
    const bool is_auth = passage->bytes[0] >> 4 == PACKET_AUTH && passage->connection->accepted;
    const bool has_flags = (passage->bytes[0] & 0x0F) != 0;
    return is_auth && passage->verdict.refused && has_flags == flags ? DROP : PASS;
}

static enum fate ignore_auth_flags(struct passage *passage)
{
    return ignore_wrong_auth(passage, true);
}

MUTANT(auth_flags_unchecked, V5, "The reserved header bits of AUTH are not checked",
       "auth_reserved_bits_are_checked", MQTT_3_15_1_1) = {
    .from_client = ignore_auth_flags,
};

static enum fate ignore_malformed_auth(struct passage *passage)
{
    return ignore_wrong_auth(passage, false);
}

MUTANT(malformed_auth_is_ignored, V5, "AUTH that breaks the rules of its form is ignored",
       "auth_of_invalid_form_is_refused", P_3_15_2_2_2_1, P_3_15_2_2_3_1, P_3_15_2_2_4_1, MQTT_3_15_2_1) = {
    .from_client = ignore_malformed_auth,
};

static enum fate ignore_method(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    remove_property(&passage->packet.connect.properties, ORDINAL_AUTHENTICATION_METHOD);
    remove_property(&passage->packet.connect.properties, ORDINAL_AUTHENTICATION_DATA);
    return ENCODE;
}

MUTANT(authentication_method_is_ignored, V5, "Any Authentication Method will do",
       "unknown_authentication_method_is_refused", MQTT_4_12_0_1, D_4_12_3, MQTT_4_13_2_1) = {
    .from_client = ignore_method,
};

/* AUTH 0x18 with a method */
#define UNASKED "\xf0\x06\x18\x04\x15\x00\x01m"

static enum fate ask_for_more(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBCOMP))
        send_bytes_to_client(passage->connection, UNASKED, sizeof UNASKED - 1);
    return PASS;
}

MUTANT(auth_out_of_the_blue, V5, "The server sends AUTH to a client without Authentication Method",
       "no_authentication_without_method", MQTT_4_12_0_6, D_3_1_2_11_9_1) = {
    .from_server = ask_for_more,
};
