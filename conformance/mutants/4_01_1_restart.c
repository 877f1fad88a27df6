/* 4.1.1 Storing Session State, through a restart of the server. Other mutants prove those tests as well: they
 * are in the files of the sections that the tests are about. */
#include "mutant.h"

/* A connection whose CONNACK said that the session is there keeps this in its context. */
static enum fate note_session_present(struct passage *passage)
{
    bool *present = passage->connection->context;
    if (is_type(passage, PACKET_CONNACK))
        *present = passage->packet.connack.session_present;
    return PASS;
}

static enum fate lose_waiting(struct passage *passage)
{
    note_session_present(passage);
    const bool *present = passage->connection->context;
    const unsigned *seen = passage->connection->seen[FROM_SERVER];
    return *present && is_type(passage, PACKET_PUBLISH) && seen[PACKET_PUBLISH] == 1 ? DROP : PASS;
}

MUTANT(session_comes_back_without_messages, V311 | V5,
       "A session is said to be there, but the first of the messages that waited is lost",
       "session_after_restart_is_whole_or_absent received_identifiers_are_known_after_restart "
       "session_after_restart_has_its_shared_subscriptions",
       MQTT_3_1_2_5, MQTT3_3_1_2_4, D_4_1_2, D_4_1_4, D_4_1_5, D3_3_1_2_4_3, D3_3_1_2_4_6) = {
    .from_server = lose_waiting,
    .context_size = sizeof(bool),
    .properties = "queued_qos_1_message_after_crash queued_qos_2_message_after_crash "
                  "queued_long_message_after_crash queue_behind_two_ends_after_crash "
                  "acknowledged_part_of_a_stream_after_crash "
                  "subscription_with_wildcards_after_crash",
};

static enum fate lose_subscriptions(struct passage *passage)
{
    note_session_present(passage);
    const bool *present = passage->connection->context;
    const unsigned *seen = passage->connection->seen[FROM_SERVER];
    return *present && is_type(passage, PACKET_PUBLISH) && seen[PACKET_PUBLISH] > 1 ? DROP : PASS;
}

MUTANT(session_comes_back_without_subscriptions, V311 | V5,
       "A session is said to be there with the message that waited, but its subscriptions are lost",
       "session_after_restart_is_whole_or_absent", MQTT_3_2_2_3, MQTT3_3_2_2_2, MQTT_3_1_2_5, D_4_1_2,
       D3_3_1_2_4_3) = {
    .from_server = lose_subscriptions,
    .context_size = sizeof(bool),
};

/* ---- Retained messages ------------------------------------------------------------------------------- */

static enum fate remember_retained(struct passage *passage)
{
    const struct publish *publish = &passage->packet.publish;
    if (is_type(passage, PACKET_PUBLISH) && publish->retain)
        remember(passage->connection->proxy, "retained", publish->topic, bytes_of("", 1));
    return PASS;
}

/* What was retained before this proxy began, and with it the broker. */
static enum fate withhold_older(struct passage *passage)
{
    const struct publish *publish = &passage->packet.publish;
    struct packet puback = {.type = PACKET_PUBACK};
    if (!is_type(passage, PACKET_PUBLISH) || !publish->retain || publish->qos > 1 ||
        recall(passage->connection->proxy, "retained", publish->topic).data != NULL)
        return PASS;
    puback.acknowledgement.packet_identifier = publish->packet_identifier;
    if (publish->qos == 1)
        send_to_server(passage->connection, &puback);
    return DROP;
}

MUTANT(retained_messages_end_with_the_server, V311, "Retained messages do not outlive the server",
       "retained_messages_after_restart_are_current", S3_4_1_1) = {
    .from_client = remember_retained,
    .from_server = withhold_older,
};
