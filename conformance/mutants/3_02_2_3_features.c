/* 3.2.2.3 CONNACK Properties: limits that are not announced, or not enforced. The brokers of these tests are
 * started in such configurations; which, the proxy learns from CONNACK. */
#include "3_08_subscribe.h"

/* What the CONNACK of this connection ruled out. */
struct limits {
    bool accepted;
    bool no_retain, no_wildcard, no_identifier, no_shared, no_alias;
    uint8_t maximum_qos;
    uint32_t maximum_packet_size; /* 0: none */
};

static const struct limits *limits_of(const struct passage *passage)
{
    return passage->connection->context;
}

static enum fate learn_limits(struct passage *passage)
{
    struct limits *limits = passage->connection->context;
    const struct properties *properties = &passage->packet.connack.properties;
    if (!is_type(passage, PACKET_CONNACK))
        return PASS;
    *limits = (struct limits){
        .accepted = true,
        .no_retain = properties_number(properties, ORDINAL_RETAIN_AVAILABLE, 1) == 0,
        .no_wildcard = properties_number(properties, ORDINAL_WILDCARD_SUBSCRIPTION_AVAILABLE, 1) == 0,
        .no_identifier = properties_number(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER_AVAILABLE, 1) == 0,
        .no_shared = properties_number(properties, ORDINAL_SHARED_SUBSCRIPTION_AVAILABLE, 1) == 0,
        .no_alias = properties_number(properties, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0) == 0,
        .maximum_qos = (uint8_t)properties_number(properties, ORDINAL_MAXIMUM_QOS, 2),
        .maximum_packet_size = properties_number(properties, ORDINAL_MAXIMUM_PACKET_SIZE, 0)};
    return PASS;
}

#define WITH_LIMITS .from_server = learn_limits, .context_size = sizeof(struct limits)

/* ---- Maximum QoS --------------------------------------------------------------------------------- */

static enum fate hide_maximum_qos(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNACK))
        return PASS;
    remove_property(&passage->packet.connack.properties, ORDINAL_MAXIMUM_QOS);
    return ENCODE;
}

MUTANT(maximum_qos_is_a_secret, V5, "A server without QoS 2 does not say so",
       "maximum_qos_0_is_announced_and_enforced maximum_qos_1_is_announced_and_enforced", MQTT_3_2_2_9) = {
    .from_server = hide_maximum_qos,
};

static enum fate refuse_qos_2(struct passage *passage)
{
    learn_limits(passage);
    if (is_type(passage, PACKET_SUBACK) && limits_of(passage)->maximum_qos < 2 &&
        passage->connection->seen[FROM_SERVER][PACKET_SUBACK] == 3) /* that of QoS 2, behind QoS 0 and 1 */
        passage->bytes[passage->size - 1] = REASON_IMPLEMENTATION_SPECIFIC_ERROR;
    return PASS;
}

MUTANT(subscription_above_maximum_qos_refused, V5, "A server without QoS 2 refuses to subscribe at QoS 2",
       "maximum_qos_0_is_announced_and_enforced maximum_qos_1_is_announced_and_enforced", MQTT_3_2_2_10) = {
    .from_server = refuse_qos_2,
    .context_size = sizeof(struct limits),
};

static enum fate take_any_qos(struct passage *passage)
{
    const struct limits *limits = limits_of(passage);
    return is_type(passage, PACKET_PUBLISH) && limits->accepted &&
                   passage->packet.publish.qos > limits->maximum_qos
               ? pretend(passage)
               : PASS;
}

MUTANT(publish_above_maximum_qos_accepted, V5, "Maximum QoS is announced, but more is accepted",
       "maximum_qos_0_is_announced_and_enforced maximum_qos_1_is_announced_and_enforced", MQTT_3_2_2_11,
       P_3_2_2_3_4_2, R_3_2_2_3_4_1, R_3_3_1_2_1) = {
    .from_client = take_any_qos,
    WITH_LIMITS,
};

static enum fate lower_will_qos(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) || passage->packet.connect.will.qos == 0)
        return PASS;
    passage->packet.connect.will.qos = 0;
    return ENCODE;
}

MUTANT(will_above_maximum_qos_accepted, V5, "A will above Maximum QoS is accepted",
       "will_above_maximum_qos_is_refused", MQTT_3_2_2_12) = {
    .from_client = lower_will_qos,
};

/* ---- Retain Available ---------------------------------------------------------------------------- */

static enum fate clear_retain(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH) && limits_of(passage)->no_retain)
        passage->bytes[0] &= 0xFE;
    return PASS;
}

MUTANT(retain_is_ignored_without_retain, V5, "A server without retained messages ignores RETAIN",
       "publish_with_retain_is_refused_without_retain", MQTT_3_2_2_14, P_3_2_2_3_5_2, R_3_3_1_3_1,
       S_3_2_2_3_5_1) = {
    .from_client = clear_retain,
    WITH_LIMITS,
};

static enum fate clear_will_retain(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) || !passage->packet.connect.will.retain)
        return PASS;
    passage->packet.connect.will.retain = false;
    return ENCODE;
}

MUTANT(will_retain_is_ignored_without_retain, V5, "A server without retained messages ignores Will Retain",
       "will_retain_is_refused_without_retain", MQTT_3_2_2_13) = {
    .from_client = clear_will_retain,
};

/* ---- Subscriptions ------------------------------------------------------------------------------- */

static bool has_wildcard(struct bytes filter)
{
    return memchr(filter.data, '#', filter.length) != NULL || memchr(filter.data, '+', filter.length) != NULL;
}

/* The first Topic Filter of a SUBSCRIBE; empty for other packets. */
static struct bytes first_filter(const struct passage *passage)
{
    return is_type(passage, PACKET_SUBSCRIBE) ? first_request(passage).topic_filter : bytes_of("", 0);
}

static enum fate grant_wildcards(struct passage *passage)
{
    return limits_of(passage)->no_wildcard && has_wildcard(first_filter(passage)) ? pretend(passage) : PASS;
}

MUTANT(wildcards_granted_where_unavailable, V5, "Wildcards are ruled out in CONNACK, and granted",
       "wildcards_are_refused_where_unavailable", P_3_2_2_3_11_2, R_3_2_2_3_11_1) = {
    .from_client = grant_wildcards,
    WITH_LIMITS,
};

/* In 3.1.1 nothing tells that the broker has none; the filters of the test are short. */
static enum fate grant_short_wildcards(struct passage *passage)
{
    const struct bytes filter = first_filter(passage);
    return filter.length < 6 && has_wildcard(filter) ? pretend(passage) : PASS;
}

MUTANT(wildcards_granted_in_vain, V311, "A server without wildcard subscriptions grants them",
       "wildcards_are_rejected_where_unavailable", MQTT3_3_8_3_2) = {
    .from_client = grant_short_wildcards,
};

static enum fate ignore_identifier(struct passage *passage)
{
    if (!is_type(passage, PACKET_SUBSCRIBE) || !limits_of(passage)->no_identifier)
        return PASS;
    return properties_has(&passage->packet.subscribe.properties, ORDINAL_SUBSCRIPTION_IDENTIFIER)
               ? pretend(passage)
               : PASS;
}

MUTANT(subscription_identifier_ignored_where_unavailable, V5,
       "A server without Subscription Identifiers ignores them",
       "subscription_identifier_is_refused_where_unavailable", P_3_2_2_3_12_2, R_3_2_2_3_12_1) = {
    .from_client = ignore_identifier,
    WITH_LIMITS,
};

static enum fate grant_shared(struct passage *passage)
{
    const struct bytes filter = first_filter(passage);
    return limits_of(passage)->no_shared && filter.length > 7 && memcmp(filter.data, "$share/", 7) == 0
               ? pretend(passage)
               : PASS;
}

MUTANT(shared_subscription_granted_where_unavailable, V5,
       "Shared Subscriptions are ruled out in CONNACK, and granted",
       "shared_subscription_is_refused_where_unavailable", P_3_2_2_3_13_2, R_3_2_2_3_13_1) = {
    .from_client = grant_shared,
    WITH_LIMITS,
};

/* Subscription Identifier 2 becomes 1. */
static enum fate confuse_identifiers(struct passage *passage)
{
    for (size_t i = 0; is_type(passage, PACKET_PUBLISH) && i + 1 < passage->size; i++)
        if (passage->bytes[i] == PROPERTY_SUBSCRIPTION_IDENTIFIER && passage->bytes[i + 1] == 2)
            passage->bytes[i + 1] = 1;
    return PASS;
}

MUTANT(every_copy_has_the_same_identifier, V5,
       "Copies for other subscriptions have the first one's identifier",
       "overlapping_copies_have_their_own_identifier", MQTT_3_3_4_5, MQTT_3_3_4_3, D_3_3_4_3) = {
    .from_server = confuse_identifiers,
};

/* ---- Limits -------------------------------------------------------------------------------------- */

static enum fate take_any_size(struct passage *passage)
{
    const uint32_t maximum = limits_of(passage)->maximum_packet_size;
    return maximum > 0 && passage->size > maximum ? pretend(passage) : PASS;
}

MUTANT(maximum_packet_size_is_not_enforced, V5,
       "Maximum Packet Size is announced, and larger ones are accepted",
       "packet_above_maximum_size_is_refused", MQTT_3_2_2_15, P_3_2_2_3_6_2) = {
    .from_client = take_any_size,
    WITH_LIMITS,
};

static enum fate take_any_number(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && ends_with(passage->packet.publish.payload, "one too many")
               ? pretend(passage)
               : PASS;
}

MUTANT(receive_maximum_is_not_enforced, V5, "Receive Maximum is announced, and more is accepted",
       "messages_above_receive_maximum_are_refused", MQTT_3_3_4_7, R_3_3_4_2) = {
    .from_client = take_any_number,
};

static enum fate ignore_alias(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || !limits_of(passage)->no_alias)
        return PASS;
    remove_property(&passage->packet.publish.properties, ORDINAL_TOPIC_ALIAS);
    return ENCODE;
}

MUTANT(alias_ignored_where_unavailable, V5, "A server without Topic Aliases ignores them",
       "alias_is_refused_where_unavailable", MQTT_3_2_2_18, P_3_3_4_2, D_3_2_2_3_8_1) = {
    .from_client = ignore_alias,
    WITH_LIMITS,
};

/* ---- Time ---------------------------------------------------------------------------------------- */

static enum fate close_early(struct passage *passage)
{
    if (is_type(passage, PACKET_CONNACK) &&
        properties_has(&passage->packet.connack.properties, ORDINAL_SERVER_KEEP_ALIVE))
        send_bytes_to_server_later(passage->connection, "\xe0\x00", 2, 1);
    return PASS;
}

MUTANT(server_keep_alive_is_halved, V5, "A client that is silent within Server Keep Alive is disconnected",
       "server_keep_alive_is_in_force", MQTT_3_1_2_21, MQTT_3_2_2_21) = {
    .from_server = close_early,
};

/* Signs of life beyond the test's patience; their answers are not for the client. */
static enum fate stay_alive(struct passage *passage)
{
    if (is_type(passage, PACKET_PINGRESP) && passage->connection->seen[FROM_CLIENT][PACKET_PINGREQ] == 0)
        return DROP;
    if (is_type(passage, PACKET_CONNACK) &&
        properties_has(&passage->packet.connack.properties, ORDINAL_SERVER_KEEP_ALIVE))
        for (int seconds = 1; seconds < 30; seconds++)
            send_bytes_to_server_later(passage->connection, "\xc0\x00", 2, seconds);
    return PASS;
}

MUTANT(server_keep_alive_is_not_enforced, V5, "Server Keep Alive is announced, and nobody is disconnected",
       "server_keep_alive_is_in_force", MQTT_3_1_2_21, MQTT_3_2_2_21, MQTT_3_1_2_22) = {
    .from_server = stay_alive,
};

static enum fate claim_return(struct passage *passage)
{
    const struct connection *connection = passage->connection;
    struct proxy *proxy = connection->proxy;
    if (!is_type(passage, PACKET_CONNACK) || connection->clean_start || !connection->accepted)
        return PASS;
    if (recall(proxy, "here", connection->client_identifier).data == NULL) {
        remember(proxy, "here", connection->client_identifier, bytes_of("", 1));
        return PASS;
    }
    passage->packet.connack.session_present = true;
    return ENCODE;
}

MUTANT(session_expiry_of_server_is_not_enforced, V5,
       "The server's Session Expiry Interval passes, the session stays",
       "session_expiry_of_server_is_in_force", MQTT_4_1_0_2, D_4_1_1, MQTT_3_1_2_23) = {
    .from_server = claim_return,
};

/* ---- Who may enter, who may publish -------------------------------------------------------------- */

static enum fate know_the_password(struct passage *passage)
{
    struct connect *connect = &passage->packet.connect;
    if (!is_type(passage, PACKET_CONNECT) || !bytes_equal(connect->user_name, bytes_of_text("alice")))
        return PASS;
    connect->has_password = true;
    connect->password = bytes_of_text("secret");
    return ENCODE;
}

MUTANT(any_password_will_do, V5 | V311, "The user name alone lets a client in",
       "wrong_credentials_are_refused", MQTT_3_1_4_2, R_3_1_4_2, S_4_12_2, MQTT_4_13_2_1, U3_3_1_4_1,
       D3_3_1_3_4_1, D3_3_1_4_2) = {
    .from_client = know_the_password,
};

/* The message behind a refused one is taken for the refused one. */
static enum fate ignore_behind_refusal(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.packet_identifier == 7 &&
                   passage->connection->seen[FROM_CLIENT][PACKET_PUBLISH] > 1
               ? pretend(passage)
               : PASS;
}

MUTANT(publish_behind_refusal_is_ignored, V5, "After PUBREC with an error a PUBLISH counts as sent again",
       "refused_qos_2_publish_frees_its_packet_identifier", MQTT_4_3_3_9, R_4_4_1) = {
    .from_client = ignore_behind_refusal,
};

static enum fate ignore_refused_topics(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.topic.length == 9 &&
                   ends_with(passage->packet.publish.topic, "refused/a")
               ? DROP
               : PASS;
}

MUTANT(refused_publish_is_not_answered, V_ALL, "A PUBLISH that is not allowed gets no answer",
       "refused_publish_is_acknowledged_or_ends_the_connection topics_may_be_forbidden", MQTT3_3_3_5_2,
       MQTT_4_3_2_4) = {
    .from_client = ignore_refused_topics,
};

static bool is_refusing_connack(const struct passage *passage)
{
    return is_type(passage, PACKET_CONNACK) && passage->packet.connack.reason_code != 0;
}

static enum fate refuse_without_a_word(struct passage *passage)
{
    return is_refusing_connack(passage) ? CLOSE : PASS;
}

MUTANT(intruders_are_told_nothing, V311, "Who has the wrong credentials finds the connection closed",
       "wrong_credentials_are_refused", S3_3_1_4_2, S3_3_2_2_3_1) = {
    .from_server = refuse_without_a_word,
};

static enum fate claim_to_be_unavailable(struct passage *passage)
{
    if (is_refusing_connack(passage))
        passage->bytes[3] = 3;
    return PASS;
}

MUTANT(intruders_are_told_something_else, V311,
       "Who has the wrong credentials is told that the server is not available",
       "wrong_credentials_are_refused", R3_3_2_2_3_4, R3_3_2_2_3_5) = {
    .from_server = claim_to_be_unavailable,
};

/* ---- Rights ------------------------------------------------------------------------------------------ */

static enum fate close_on_refused_topic(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.topic.length == 9 &&
                   ends_with(passage->packet.publish.topic, "refused/a")
               ? CLOSE
               : PASS;
}

MUTANT(refused_publish_ends_the_connection, V311, "Who publishes what he may not loses his connection",
       "refused_publish_is_acknowledged_or_ends_the_connection", D3_4_7_3_9) = {
    .from_client = close_on_refused_topic,
    .permitted = "the connection was closed",
};

static enum fate keep_refusal_secret(struct passage *passage)
{
    const bool answer = is_type(passage, PACKET_PUBACK) || is_type(passage, PACKET_PUBREC);
    if (!answer || passage->packet.acknowledgement.reason_code < 0x80)
        return PASS;
    passage->packet.acknowledgement.reason_code = REASON_SUCCESS;
    return ENCODE;
}

MUTANT(refused_publish_is_acknowledged, V5, "Who publishes what he may not is not told",
       "topics_may_be_forbidden", D_4_7_3_9) = {
    .from_server = keep_refusal_secret,
    .permitted = "the publisher was not told",
};

/* ---- MQTT 3.1 ---------------------------------------------------------------------------------------- */

MUTANT(refused_publish_of_3_1_ends_the_connection, V31,
       "In 3.1, too, who publishes what he may not is cut off",
       "refused_publish_is_acknowledged_or_ends_the_connection", MQTT3_3_3_5_2) = {
    .from_client = close_on_refused_topic,
};

static void note_that_wildcard(struct passage *passage, struct subscription_request *request)
{
    bool *wildcard = passage->connection->context;
    *wildcard = ends_with(request->topic_filter, "#");
}

static enum fate watch_for_wildcard(struct passage *passage)
{
    change_subscriptions(passage, note_that_wildcard);
    return PASS;
}

static enum fate tell_failure(struct passage *passage)
{
    const bool *wildcard = passage->connection->context;
    if (is_type(passage, PACKET_SUBACK) && *wildcard)
        passage->bytes[passage->size - 1] = 0x80;
    return PASS;
}

MUTANT(suback_of_3_1_has_0x80, V31, "A client of 3.1 gets the failure code of 3.1.1",
       "suback_of_3_1_has_no_failure_code", MQTT3_3_9_3_2) = {
    .from_client = watch_for_wildcard,
    .from_server = tell_failure,
    .context_size = sizeof(bool),
};
