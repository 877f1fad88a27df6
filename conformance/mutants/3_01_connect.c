/* 3.1 CONNECT: its place on a connection */
#include "mutant.h"

MUTANT(serves_without_connect, V_ALL,
       "Packets before the CONNECT are answered, and the connection stays open",
       "first_packet_must_be_connect", MQTT_3_1_0_1, MQTT3_3_1_0_1, MQTT_3_2_0_1, MQTT3_3_2_0_1) = {
    .tolerate = {MQTT_3_1_0_1},
};

/* What came before the CONNECT. */
struct early {
    uint8_t bytes[512];
    size_t size;
};

static enum fate keep_early(struct passage *passage)
{
    struct early *early = passage->connection->context;
    if (!is_refused_by(passage, MQTT_3_1_0_1) || passage->size > sizeof early->bytes)
        return PASS;
    memcpy(early->bytes, passage->bytes, passage->size);
    early->size = passage->size;
    return DROP;
}

static enum fate send_early_after_connack(struct passage *passage)
{
    struct early *early = passage->connection->context;
    if (is_type(passage, PACKET_CONNACK))
        send_bytes_to_server(passage->connection, early->bytes, early->size);
    return PASS;
}

MUTANT(early_packet_is_carried_out, V_ALL,
       "A packet in front of the CONNECT waits for it, and is then carried out",
       "nothing_before_connect_is_carried_out", MQTT_3_1_0_1, MQTT3_3_1_0_1) = {
    .from_client = keep_early,
    .from_server = send_early_after_connack,
    .context_size = sizeof(struct early),
};

static bool is_second_connect(const struct passage *passage)
{
    return passage->packet.type == PACKET_CONNECT &&
           passage->connection->seen[FROM_CLIENT][PACKET_CONNECT] > 1;
}

static enum fate ignore_second_connect(struct passage *passage)
{
    return is_second_connect(passage) ? DROP : PASS;
}

MUTANT(second_connect_is_ignored, V_ALL, "A second CONNECT has no effect: the connection stays open",
       "second_connect_is_refused connect_twice_without_waiting_is_refused", MQTT_3_1_0_2, MQTT3_3_1_0_2,
       D_3_1_1, D3_3_1_1) = {
    .from_client = ignore_second_connect,
};

static enum fate answer_second_connect(struct passage *passage)
{
    const struct packet connack = {.type = PACKET_CONNACK};
    if (!is_second_connect(passage) || passage->connection->seen[FROM_SERVER][PACKET_CONNACK] == 0)
        return PASS;
    send_to_client(passage->connection, &connack);
    return CLOSE;
}

/* When both CONNECTs came before the first was answered, the answer is given twice. */
static enum fate answer_both_connects(struct passage *passage)
{
    if (is_type(passage, PACKET_CONNACK) && passage->connection->seen[FROM_CLIENT][PACKET_CONNECT] > 1)
        forward(passage);
    return PASS;
}

MUTANT(second_connect_is_answered, V_ALL,
       "A second CONNECT gets a CONNACK of its own before the connection ends",
       "second_connect_is_refused connect_twice_without_waiting_is_refused", MQTT_3_2_0_2, MQTT_3_1_0_2,
       MQTT3_3_1_0_2) = {
    .from_client = answer_second_connect,
    .from_server = answer_both_connects,
};

/* ---- No CONNECT -------------------------------------------------------------------------------------- */

static bool never_began(const struct connection *connection)
{
    return connection->seen[FROM_CLIENT][PACKET_CONNECT] == 0;
}

MUTANT(silent_connection_stays, V_ALL, "A connection on which no CONNECT comes stays open for ever",
       "silent_connection_is_closed", S_3_1_4_1, S3_3_1_4_1) = {
    .keep_open = never_began,
};

/* ---- Other versions ---------------------------------------------------------------------------------- */

/* Whoever calls itself so. */
static bool is_of_other_version(const struct passage *passage)
{
    return is_type(passage, PACKET_CONNECT) && ends_with(passage->packet.connect.client_identifier, "other");
}

/* It is told that its version is not served. */
static enum fate refuse_other_version(struct passage *passage, enum fate fate)
{
    struct packet connack = {.type = PACKET_CONNACK};
    if (!is_of_other_version(passage))
        return PASS;
    connack.connack.reason_code = passage->connection->version == PROTOCOL_5_0
                                      ? REASON_UNSUPPORTED_PROTOCOL_VERSION
                                      : 1; /* unacceptable protocol level */
    send_to_client(passage->connection, &connack);
    return fate;
}

static enum fate refuse_other_versions(struct passage *passage)
{
    return refuse_other_version(passage, CLOSE);
}

MUTANT(one_version_is_served, V_ALL, "Only one version is served at this port",
       "other_versions_are_served_or_refused", D_3_1_4_1, D3_3_1_4_1) = {
    .from_client = refuse_other_versions,
    .permitted = "is not served here",
};

static enum fate keep_refused_versions(struct passage *passage)
{
    return refuse_other_version(passage, DROP);
}

MUTANT(other_version_is_refused_and_kept, V_ALL,
       "A CONNECT of another version is refused, but nothing is closed",
       "other_versions_are_served_or_refused", MQTT_3_1_2_2, MQTT3_3_1_2_2) = {
    .from_client = keep_refused_versions,
};

static enum fate ignore_other_versions(struct passage *passage)
{
    return is_of_other_version(passage) ? DROP : PASS;
}

MUTANT(other_version_is_ignored, V_ALL, "A CONNECT of another version has no effect at all",
       "other_versions_are_served_or_refused", MQTT_3_1_2_2, MQTT3_3_1_2_2) = {
    .from_client = ignore_other_versions,
};
