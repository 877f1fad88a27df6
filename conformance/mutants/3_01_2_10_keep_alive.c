/* 3.1.2.10 Keep Alive */
#include "mutant.h"

static enum fate clear_keep_alive(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    passage->packet.connect.keep_alive = 0;
    return ENCODE;
}

MUTANT(keep_alive_is_ignored, V_ALL, "A silent client is never disconnected",
       "silent_client_is_disconnected keep_alive_runs_from_the_last_packet keep_alive_is_in_seconds",
       MQTT_3_1_2_22, MQTT3_3_1_2_24, MQTT_3_1_2_20, MQTT3_3_1_2_23, MQTT_3_2_2_22, D3_3_1_4_3) = {
    .from_client = clear_keep_alive,
};

/* A DISCONNECT in the client's name ends the connection after so many times its Keep Alive of a few seconds. */
static enum fate end_after(struct passage *passage, double times)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    const uint16_t keep_alive = passage->packet.connect.keep_alive;
    if (keep_alive >= 1 && keep_alive <= 10)
        send_bytes_to_server_later(passage->connection, "\xe0\x00", 2, times * keep_alive);
    return PASS;
}

static enum fate end_too_early(struct passage *passage)
{
    return end_after(passage, 0.5);
}

MUTANT(keep_alive_ends_too_early, V_ALL, "A client is disconnected after half its Keep Alive",
       "silent_client_is_disconnected", MQTT_3_1_2_22, MQTT3_3_1_2_24) = {
    .from_client = end_too_early,
};

static enum fate end_whatever_comes(struct passage *passage)
{
    return end_after(passage, 1.3); /* before the broker does it */
}

MUTANT(keep_alive_runs_from_connect, V_ALL,
       "Keep Alive runs from the CONNECT, and its end is like a DISCONNECT",
       "keep_alive_runs_from_the_last_packet keep_alive_timeout_is_a_lost_connection", MQTT_3_1_2_22,
       MQTT3_3_1_2_24, MQTT_3_1_2_20, MQTT3_3_1_2_23, D_3_1_2_5_2, MQTT_3_1_2_8, MQTT3_3_1_2_8,
       D3_3_1_2_5_2) = {
    .from_client = end_whatever_comes,
};

static enum fate read_one_byte(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) || passage->packet.connect.keep_alive != 256)
        return PASS;
    passage->packet.connect.keep_alive = 1;
    return ENCODE;
}

MUTANT(keep_alive_in_the_wrong_byte, V_ALL, "A Keep Alive of 256 s is taken for one of 1 s",
       "keep_alive_is_in_seconds", MQTT_3_1_2_22, MQTT3_3_1_2_24, MQTT_3_2_2_22) = {
    .from_client = read_one_byte,
};

/* ---- Keep Alive 0 ------------------------------------------------------------------------------------ */

static enum fate make_0_the_shortest(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) || passage->packet.connect.keep_alive != 0)
        return PASS;
    passage->packet.connect.keep_alive = 1;
    return ENCODE;
}

static enum fate hide_server_keep_alive(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNACK))
        return PASS;
    remove_property(&passage->packet.connack.properties, ORDINAL_SERVER_KEEP_ALIVE);
    return ENCODE;
}

MUTANT(keep_alive_0_is_a_second, V5, "Keep Alive 0 is a Keep Alive like any other, and runs out",
       "keep_alive_0_turns_it_off", D_3_1_2_10_1) = {
    .from_client = make_0_the_shortest,
    .from_server = hide_server_keep_alive,
};

MUTANT(inactive_client_is_disconnected, V3,
       "Who says nothing for long is disconnected, without Keep Alive, too", "keep_alive_0_turns_it_off",
       D3_3_1_2_10_2, D3_3_1_2_10_3) = {
    .from_client = make_0_the_shortest,
    .permitted = "a client with Keep Alive 0 was disconnected",
};
