/* 4.11 Server redirection */
#include "mutant.h"

static bool redirects(const struct passage *passage)
{
    return is_type(passage, PACKET_CONNACK) &&
           (passage->packet.connack.reason_code == REASON_USE_ANOTHER_SERVER ||
            passage->packet.connack.reason_code == REASON_SERVER_MOVED);
}

static enum fate swap_codes(struct passage *passage)
{
    if (!redirects(passage))
        return PASS;
    passage->packet.connack.reason_code ^= REASON_USE_ANOTHER_SERVER ^ REASON_SERVER_MOVED;
    return ENCODE;
}

MUTANT(redirections_are_confused, V5, "A server that has moved says that it is away for now, and the reverse",
       "temporary_redirection permanent_redirection", R_4_11_1, R_3_2_2_3_16_1) = {
    .from_server = swap_codes,
};

static bool has_redirected(const struct connection *connection)
{
    return connection->seen[FROM_SERVER][PACKET_CONNACK] > 0 && !connection->accepted;
}

MUTANT(open_after_redirection, V5, "A client that is sent elsewhere keeps its connection",
       "temporary_redirection permanent_redirection", MQTT_4_13_2_1, MQTT_3_2_2_7) = {
    .keep_open = has_redirected,
    .spoils = "*",
};

static enum fate always_refer(struct passage *passage)
{
    if (!is_type(passage, PACKET_DISCONNECT))
        return PASS;
    properties_set_bytes(&passage->packet.disconnect.properties, ORDINAL_SERVER_REFERENCE,
                         bytes_of_text("other.example:1883"));
    return ENCODE;
}

MUTANT(every_disconnect_refers, V5, "A DISCONNECT for an error has a Server Reference",
       "server_reference_only_in_redirection", R_3_2_2_3_16_1, R_3_14_2_2_5_1) = {
    .from_server = always_refer,
};
