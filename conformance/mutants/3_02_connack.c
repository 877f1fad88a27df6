/* 3.2 CONNACK
 *
 * A CONNACK that is wrong for everybody stops the suite before the first test. Those with the wrong form
 * go to clients with the longest Keep Alive there is, which few tests ask for. */
#include "mutant.h"

#define LONGEST_KEEP_ALIVE 65535

static enum fate note_keep_alive(struct passage *passage)
{
    bool *chosen = passage->connection->context;
    if (is_type(passage, PACKET_CONNECT))
        *chosen = passage->packet.connect.keep_alive == LONGEST_KEEP_ALIVE;
    return PASS;
}

/* Whether this is the CONNACK to spoil. */
static bool is_chosen(const struct passage *passage)
{
    const bool *chosen = passage->connection->context;
    return is_type(passage, PACKET_CONNACK) && *chosen;
}

/* ---- Its place ----------------------------------------------------------------------------------- */

static enum fate withhold(struct passage *passage)
{
    return is_chosen(passage) ? DROP : PASS;
}

MUTANT(connack_never_comes, V_ALL, "A valid CONNECT gets no CONNACK", "connack_is_well_formed", MQTT_3_1_4_5,
       MQTT3_3_1_4_4) = {
    .from_client = note_keep_alive,
    .from_server = withhold,
    .context_size = sizeof(bool),
};

static enum fate let_messages_overtake(struct passage *passage)
{
    return is_type(passage, PACKET_CONNACK) && !passage->connection->clean_start ? delay(passage, 0.05)
                                                                                 : PASS;
}

MUTANT(messages_overtake_connack, V_ALL, "The messages of a session come before the CONNACK",
       "connack_comes_first_and_once", MQTT_3_2_0_1, MQTT3_3_2_0_1) = {
    .from_server = let_messages_overtake,
};

/* ---- Its form ------------------------------------------------------------------------------------ */

static enum fate set_reserved_flag(struct passage *passage)
{
    if (is_chosen(passage))
        passage->bytes[2] |= 0x02;
    return PASS;
}

MUTANT(connack_with_reserved_flag, V311 | V5, "A reserved bit of the Connect Acknowledge Flags is 1",
       "connack_is_well_formed", MQTT_3_2_2_1, MQTT3_3_2_2_1, U3_3_2_2_1_1) = {
    .from_client = note_keep_alive,
    .from_server = set_reserved_flag,
    .context_size = sizeof(bool),
};

static enum fate set_foreign_code(struct passage *passage)
{
    if (is_chosen(passage))
        passage->bytes[3] = REASON_PACKET_IDENTIFIER_NOT_FOUND;
    return PASS;
}

MUTANT(connack_with_foreign_code, V5, "The Reason Code of a CONNACK is one of other packets",
       "connack_is_well_formed", MQTT_3_2_2_8) = {
    .from_client = note_keep_alive,
    .from_server = set_foreign_code,
    .context_size = sizeof(bool),
};

static enum fate set_reserved_code(struct passage *passage)
{
    if (is_chosen(passage))
        passage->bytes[3] = 6;
    return PASS;
}

MUTANT(connack_with_reserved_code, V3, "The return code of a CONNACK is a reserved one",
       "connack_is_well_formed", P3_3_2_2_3_1) = {
    .from_client = note_keep_alive,
    .from_server = set_reserved_code,
    .context_size = sizeof(bool),
};

/* Sends the CONNACK with `size` more bytes behind it, `counted` of them as properties. */
static enum fate append(struct passage *passage, const char *bytes, size_t size, size_t counted)
{
    if (!is_chosen(passage) || passage->size + size > 100)
        return PASS;
    uint8_t *longer = scratch(passage, passage->size + size);
    memcpy(longer, passage->bytes, passage->size);
    memcpy(longer + passage->size, bytes, size);
    longer[1] = (uint8_t)(longer[1] + size);
    if (counted > 0)
        longer[4] = (uint8_t)(longer[4] + counted);
    send_bytes_to_client(passage->connection, longer, passage->size + size);
    return DROP;
}

static enum fate append_payload(struct passage *passage)
{
    return append(passage, "x", 1, 0);
}

MUTANT(connack_with_payload, V_ALL, "A CONNACK has a payload", "connack_is_well_formed", D_3_2_2_1, D_3_2_3_1,
       D3_3_2_1_1, D3_3_2_3_1, D3_7_1_1_1) = {
    .from_client = note_keep_alive,
    .from_server = append_payload,
    .context_size = sizeof(bool),
};

static enum fate repeat_session_expiry_interval(struct passage *passage)
{
    return append(passage,
                  "\x11\x00\x00\x00\x05"
                  "\x11\x00\x00\x00\x05",
                  10, 10);
}

MUTANT(connack_repeats_session_expiry_interval, V5, "A CONNACK has the Session Expiry Interval twice",
       "connack_is_well_formed", P_3_2_2_3_2_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_session_expiry_interval,
    .context_size = sizeof(bool),
};

static enum fate repeat_receive_maximum(struct passage *passage)
{
    return append(passage,
                  "\x21\x00\x0a"
                  "\x21\x00\x0a",
                  6, 6);
}

MUTANT(connack_repeats_receive_maximum, V5, "A CONNACK has the Receive Maximum twice",
       "connack_is_well_formed", P_3_2_2_3_3_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_receive_maximum,
    .context_size = sizeof(bool),
};

static enum fate repeat_maximum_qos(struct passage *passage)
{
    return append(passage,
                  "\x24\x01"
                  "\x24\x01",
                  4, 4);
}

MUTANT(connack_repeats_maximum_qos, V5, "A CONNACK has the Maximum QoS twice", "connack_is_well_formed",
       P_3_2_2_3_4_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_maximum_qos,
    .context_size = sizeof(bool),
};

static enum fate repeat_retain_available(struct passage *passage)
{
    return append(passage,
                  "\x25\x01"
                  "\x25\x01",
                  4, 4);
}

MUTANT(connack_repeats_retain_available, V5, "A CONNACK has the Retain Available twice",
       "connack_is_well_formed", P_3_2_2_3_5_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_retain_available,
    .context_size = sizeof(bool),
};

static enum fate repeat_maximum_packet_size(struct passage *passage)
{
    return append(passage,
                  "\x27\x00\x01\x00\x00"
                  "\x27\x00\x01\x00\x00",
                  10, 10);
}

MUTANT(connack_repeats_maximum_packet_size, V5, "A CONNACK has the Maximum Packet Size twice",
       "connack_is_well_formed", P_3_2_2_3_6_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_maximum_packet_size,
    .context_size = sizeof(bool),
};

static enum fate repeat_assigned_client_identifier(struct passage *passage)
{
    return append(passage,
                  "\x12\x00\x01"
                  "x"
                  "\x12\x00\x01"
                  "x",
                  8, 8);
}

MUTANT(connack_repeats_assigned_client_identifier, V5, "A CONNACK has the Assigned Client Identifier twice",
       "connack_is_well_formed", P_3_2_2_3_7_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_assigned_client_identifier,
    .context_size = sizeof(bool),
};

static enum fate repeat_topic_alias_maximum(struct passage *passage)
{
    return append(passage,
                  "\x22\x00\x0a"
                  "\x22\x00\x0a",
                  6, 6);
}

MUTANT(connack_repeats_topic_alias_maximum, V5, "A CONNACK has the Topic Alias Maximum twice",
       "connack_is_well_formed", P_3_2_2_3_8_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_topic_alias_maximum,
    .context_size = sizeof(bool),
};

static enum fate repeat_reason_string(struct passage *passage)
{
    return append(passage,
                  "\x1f\x00\x01"
                  "x"
                  "\x1f\x00\x01"
                  "x",
                  8, 8);
}

MUTANT(connack_repeats_reason_string, V5, "A CONNACK has the Reason String twice", "connack_is_well_formed",
       P_3_2_2_3_9_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_reason_string,
    .context_size = sizeof(bool),
};

static enum fate repeat_wildcard_available(struct passage *passage)
{
    return append(passage,
                  "\x28\x01"
                  "\x28\x01",
                  4, 4);
}

MUTANT(connack_repeats_wildcard_available, V5, "A CONNACK has the Wildcard Subscription Available twice",
       "connack_is_well_formed", P_3_2_2_3_11_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_wildcard_available,
    .context_size = sizeof(bool),
};

static enum fate repeat_identifier_available(struct passage *passage)
{
    return append(passage,
                  "\x29\x01"
                  "\x29\x01",
                  4, 4);
}

MUTANT(connack_repeats_identifier_available, V5, "A CONNACK has the Subscription Identifier Available twice",
       "connack_is_well_formed", P_3_2_2_3_12_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_identifier_available,
    .context_size = sizeof(bool),
};

static enum fate repeat_shared_available(struct passage *passage)
{
    return append(passage,
                  "\x2a\x01"
                  "\x2a\x01",
                  4, 4);
}

MUTANT(connack_repeats_shared_available, V5, "A CONNACK has the Shared Subscription Available twice",
       "connack_is_well_formed", P_3_2_2_3_13_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_shared_available,
    .context_size = sizeof(bool),
};

static enum fate repeat_server_keep_alive(struct passage *passage)
{
    return append(passage,
                  "\x13\x00\x0a"
                  "\x13\x00\x0a",
                  6, 6);
}

MUTANT(connack_repeats_server_keep_alive, V5, "A CONNACK has the Server Keep Alive twice",
       "connack_is_well_formed", P_3_2_2_3_14_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_server_keep_alive,
    .context_size = sizeof(bool),
};

static enum fate repeat_response_information(struct passage *passage)
{
    return append(passage,
                  "\x1a\x00\x01"
                  "x"
                  "\x1a\x00\x01"
                  "x",
                  8, 8);
}

MUTANT(connack_repeats_response_information, V5, "A CONNACK has the Response Information twice",
       "connack_is_well_formed", P_3_2_2_3_15_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_response_information,
    .context_size = sizeof(bool),
};

static enum fate repeat_server_reference(struct passage *passage)
{
    return append(passage,
                  "\x1c\x00\x01"
                  "x"
                  "\x1c\x00\x01"
                  "x",
                  8, 8);
}

MUTANT(connack_repeats_server_reference, V5, "A CONNACK has the Server Reference twice",
       "connack_is_well_formed", P_3_2_2_3_16_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_server_reference,
    .context_size = sizeof(bool),
};

static enum fate repeat_authentication_method(struct passage *passage)
{
    return append(passage,
                  "\x15\x00\x01"
                  "x"
                  "\x15\x00\x01"
                  "x",
                  8, 8);
}

MUTANT(connack_repeats_authentication_method, V5, "A CONNACK has the Authentication Method twice",
       "connack_is_well_formed", P_3_2_2_3_17_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_authentication_method,
    .context_size = sizeof(bool),
};

static enum fate repeat_authentication_data(struct passage *passage)
{
    return append(passage,
                  "\x16\x00\x01"
                  "x"
                  "\x16\x00\x01"
                  "x",
                  8, 8);
}

MUTANT(connack_repeats_authentication_data, V5, "A CONNACK has the Authentication Data twice",
       "connack_is_well_formed", P_3_2_2_3_18_1) = {
    .from_client = note_keep_alive,
    .from_server = repeat_authentication_data,
    .context_size = sizeof(bool),
};

/* ---- Refusals ------------------------------------------------------------------------------------ */

static bool is_refusal(const struct passage *passage)
{
    return is_type(passage, PACKET_CONNACK) && passage->packet.connack.reason_code != 0;
}

static enum fate claim_session(struct passage *passage)
{
    if (is_refusal(passage))
        passage->bytes[2] = 1;
    return PASS;
}

MUTANT(refusing_connack_claims_session, V5, "A CONNACK that refuses has Session Present 1",
       "refusing_connack_has_no_session_and_closes", MQTT_3_2_2_6) = {
    .from_server = claim_session,
    .spoils = "reserved_connect_flag_is_refused",
};

static bool is_refused(const struct connection *connection)
{
    return !connection->accepted && connection->seen[FROM_SERVER][PACKET_CONNACK] > 0;
}

MUTANT(open_after_refusal, V311 | V5, "A connection that was refused stays open",
       "refusing_connack_has_no_session_and_closes", MQTT_3_2_2_7, MQTT3_3_2_2_5) = {
    .keep_open = is_refused,
    .spoils = "reserved_connect_flag_is_refused",
};

static enum fate refuse_in_silence(struct passage *passage)
{
    return is_refusal(passage) ? DROP : PASS;
}

MUTANT(refusal_is_silence, V311 | V5,
       "A CONNECT that is refused gets neither an answer nor the end of its connection",
       "refusing_connack_has_no_session_and_closes", R_3_2_2_2_1, R_3_1_4_1) = {
    .from_server = refuse_in_silence,
    .keep_open = is_refused,
    .spoils = "reserved_connect_flag_is_refused",
};

/* ---- What the CONNACK says is so ----------------------------------------------------------------- */

static enum fate refuse_where_noted(struct passage *passage)
{
    uint8_t *code = passage->connection->context;
    if (is_type(passage, PACKET_SUBACK) && *code != 0)
        passage->bytes[passage->size - 1] = *code;
    return PASS;
}

static void note_wildcard(struct passage *passage, struct subscription_request *request)
{
    uint8_t *code = passage->connection->context;
    const struct bytes filter = request->topic_filter;
    *code = memchr(filter.data, '#', filter.length) != NULL ? REASON_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED : 0;
}

static enum fate watch_for_wildcards(struct passage *passage)
{
    change_subscriptions(passage, note_wildcard);
    return PASS;
}

MUTANT(wildcards_are_silently_missing, V5, "Wildcards are not supported, and the CONNACK does not say so",
       "features_not_ruled_out_are_there", D_3_2_2_3_11_1) = {
    .from_client = watch_for_wildcards,
    .from_server = refuse_where_noted,
    .context_size = sizeof(uint8_t),
};

static enum fate watch_for_identifiers(struct passage *passage)
{
    uint8_t *code = passage->connection->context;
    if (is_type(passage, PACKET_SUBSCRIBE))
        *code = properties_has(&passage->packet.subscribe.properties, ORDINAL_SUBSCRIPTION_IDENTIFIER)
                    ? REASON_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
                    : 0;
    return PASS;
}

MUTANT(identifiers_are_silently_missing, V5,
       "Subscription Identifiers are not supported, and the CONNACK does not say so",
       "features_not_ruled_out_are_there", D_3_2_2_3_12_1) = {
    .from_client = watch_for_identifiers,
    .from_server = refuse_where_noted,
    .context_size = sizeof(uint8_t),
};

static void note_shared(struct passage *passage, struct subscription_request *request)
{
    uint8_t *code = passage->connection->context;
    const struct bytes filter = request->topic_filter;
    const bool shared = filter.length > 7 && memcmp(filter.data, "$share/", 7) == 0;
    *code = shared ? REASON_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED : 0;
}

static enum fate watch_for_shared(struct passage *passage)
{
    change_subscriptions(passage, note_shared);
    return PASS;
}

MUTANT(shared_is_silently_missing, V5,
       "Shared Subscriptions are not supported, and the CONNACK does not say so",
       "features_not_ruled_out_are_there", D_3_2_2_3_13_1) = {
    .from_client = watch_for_shared,
    .from_server = refuse_where_noted,
    .context_size = sizeof(uint8_t),
};

static enum fate refuse_qos_2(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBREC))
        return PASS;
    passage->packet.acknowledgement.reason_code = REASON_QOS_NOT_SUPPORTED;
    return ENCODE;
}

MUTANT(qos_2_is_silently_missing, V5, "QoS 2 is not supported, and the CONNACK does not say so",
       "maximum_qos_not_ruled_out_is_there", D_3_2_2_3_4_1) = {
    .from_server = refuse_qos_2,
};

static enum fate end_after_500(struct passage *passage)
{
    return passage->connection->seen[FROM_CLIENT][PACKET_PUBLISH] > 500 ? CLOSE : PASS;
}

MUTANT(receive_maximum_is_a_secret, V5,
       "Of unfinished messages 500 are the most, and the CONNACK does not say so",
       "receive_maximum_of_server_is_granted", D_3_2_2_3_3_1) = {
    .from_client = end_after_500,
};

static enum fate offer_no_alias(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNACK))
        return PASS;
    remove_property(&passage->packet.connack.properties, ORDINAL_TOPIC_ALIAS_MAXIMUM);
    return ENCODE;
}

static enum fate ignore_alias(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.topic.length == 0)
        return PASS;
    remove_property(&passage->packet.publish.properties, ORDINAL_TOPIC_ALIAS);
    return ENCODE;
}

MUTANT(unoffered_alias_is_ignored, V5, "A server without Topic Alias Maximum overlooks a Topic Alias",
       "topic_alias_without_maximum_is_refused", MQTT_3_2_2_18, D_3_2_2_3_8_1) = {
    .from_client = ignore_alias,
    .from_server = offer_no_alias,
};
