/* 3.1.4 Taking over. Mutants of a single takeover: 3_01_connect.c */
#include "mutant.h"

/* Sends CONNECT on under another identifier, so that the broker sees no takeover. */
static enum fate connect_as_another(struct passage *passage)
{
    uint8_t *last = scratch(passage, passage->packet.connect.client_identifier.length + 1);
    struct bytes *identifier = &passage->packet.connect.client_identifier;
    memcpy(last, identifier->data, identifier->length);
    last[identifier->length - 1] = 'X';
    identifier->data = last;
    return ENCODE;
}

static bool is_crowd(const struct passage *passage)
{
    return is_type(passage, PACKET_CONNECT) && ends_with(passage->packet.connect.client_identifier, "same");
}

/* A server that looks for the client before it that it knows, and stores itself too late. */
static enum fate overlook_one(struct passage *passage)
{
    struct proxy *proxy = passage->connection->proxy;
    static const uint8_t one = 1;
    if (!is_crowd(passage))
        return PASS;
    if (recall(proxy, "seen", passage->packet.connect.client_identifier).data == NULL) {
        remember(proxy, "seen", passage->packet.connect.client_identifier, bytes_of(&one, 1));
        return PASS;
    }
    if (recall(proxy, "overlooked", passage->packet.connect.client_identifier).data != NULL)
        return PASS;
    remember(proxy, "overlooked", passage->packet.connect.client_identifier, bytes_of(&one, 1));
    return connect_as_another(passage);
}

MUTANT(one_client_of_a_crowd_is_overlooked, V_ALL,
       "The second client with an identifier is not seen by those that come after it",
       "takeover_by_two_at_once_leaves_one takeover_by_ten_at_once_leaves_one", MQTT_3_1_4_3,
       MQTT3_3_1_4_2) = {
    .from_client = overlook_one,
};

/* Each that comes closes all, itself as well, if there was one before. */
static enum fate close_all(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (!is_type(passage, PACKET_CONNACK) || !ends_with(connection->client_identifier, "same"))
        return PASS;
    static const uint8_t one = 1;
    if (recall(connection->proxy, "first", connection->client_identifier).data == NULL) {
        remember(connection->proxy, "first", connection->client_identifier, bytes_of(&one, 1));
        return PASS;
    }
    forward(passage);
    return CLOSE;
}

MUTANT(takeover_closes_both, V_ALL, "A takeover closes the connection that takes over, too",
       "takeover_by_two_at_once_leaves_one takeover_by_ten_at_once_leaves_one", MQTT_3_1_4_3,
       MQTT3_3_1_4_2) = {
    .from_server = close_all,
};

/* A server that cannot close a connection to which it has to send. */
static enum fate leave_deaf_alone(struct passage *passage)
{
    struct connection *other = NULL;
    if (!is_crowd(passage))
        return PASS;
    while ((other = next_connection(passage->connection->proxy, other)) != NULL)
        if (other->seen[FROM_CLIENT][PACKET_SUBSCRIBE] > 0 &&
            bytes_equal(other->client_identifier, passage->packet.connect.client_identifier))
            return connect_as_another(passage);
    return PASS;
}

MUTANT(deaf_connection_is_not_taken_over, V_ALL, "A connection to which data are under way is not taken over",
       "takeover_of_a_connection_that_does_not_read", MQTT_3_1_4_3, MQTT3_3_1_4_2) = {
    .from_client = leave_deaf_alone,
};

/* ---- The session -------------------------------------------------------------------------------------- */

static bool is_again(const struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.dup;
}

static enum fate lose_what_was_under_way(struct passage *passage)
{
    return is_again(passage) && ends_with(passage->connection->client_identifier, "same") ? DROP : PASS;
}

MUTANT(takeover_loses_what_was_under_way, V_ALL, "What was under way to a client that is taken over is lost",
       "takeover_by_ten_at_once_keeps_the_session takeover_amid_a_stream_loses_nothing", MQTT_4_4_0_1,
       MQTT3_4_4_0_1) = {
    .from_server = lose_what_was_under_way,
};

static enum fate begin_anew(struct passage *passage)
{
    struct proxy *proxy = passage->connection->proxy;
    if (!is_crowd(passage) || passage->packet.connect.clean_start)
        return PASS;
    const struct bytes identifier = passage->packet.connect.client_identifier;
    struct bytes times = recall(proxy, "times", identifier);
    const uint8_t next = (uint8_t)(times.data == NULL ? 1 : times.data[0] + 1);
    remember(proxy, "times", identifier, bytes_of(&next, 1));
    if (next != 5)
        return PASS;
    passage->packet.connect.clean_start = true;
    return ENCODE;
}

MUTANT(fifth_takeover_begins_anew, V_ALL, "The fifth connection of a session begins anew",
       "takeover_by_ten_at_once_keeps_the_session takeover_amid_a_stream_loses_nothing", MQTT_3_1_2_5,
       MQTT3_3_1_2_4) = {
    .from_client = begin_anew,
};

/* ---- Wills -------------------------------------------------------------------------------------------- */

static bool is_third_of_crowd(const struct passage *passage)
{
    return is_crowd(passage) && passage->packet.connect.will.present &&
           bytes_equal(passage->packet.connect.will.payload, bytes_of_text("3"));
}

static enum fate take_one_will_away(struct passage *passage)
{
    if (!is_third_of_crowd(passage))
        return PASS;
    passage->packet.connect.will.present = false;
    return ENCODE;
}

MUTANT(one_will_of_a_crowd_is_lost, V_ALL, "One of many clients that are taken over leaves no will",
       "takeover_by_ten_at_once_publishes_each_will_once", MQTT_3_1_2_8, MQTT3_3_1_2_8, D_3_1_4_2) = {
    .from_client = take_one_will_away,
};

static enum fate forget_one_delay(struct passage *passage)
{
    if (!is_third_of_crowd(passage))
        return PASS;
    remove_property(&passage->packet.connect.will.properties, ORDINAL_WILL_DELAY_INTERVAL);
    return ENCODE;
}

MUTANT(one_will_of_a_crowd_is_not_delayed, V5, "One of many takeovers publishes a delayed will at once",
       "takeover_by_ten_at_once_cancels_delayed_wills", MQTT_3_1_3_9, MQTT_3_1_2_8) = {
    .from_client = forget_one_delay,
};
