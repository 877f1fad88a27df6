/* 3.8.1 to 3.8.4 SUBSCRIBE */
#include "3_08_subscribe.h"

/* ---- 3.8.1, 3.8.3: what is refused --------------------------------------------------------------- */

MUTANT(subscribe_flags_unchecked, V5 | V311, "The reserved header bits of SUBSCRIBE are not checked",
       "subscribe_reserved_flags_are_refused", MQTT_3_8_1_1, MQTT3_3_8_1_1) = {
    .tolerate = {MQTT_3_8_1_1, MQTT3_3_8_1_1},
};

static enum fate accept_ill_formed_filter(struct passage *passage)
{
    return passage->packet.type == PACKET_SUBSCRIBE &&
                   (is_refused_by(passage, MQTT_1_5_4_1) || is_refused_by(passage, MQTT3_1_5_3_1))
               ? pretend(passage)
               : PASS;
}

MUTANT(subscribe_filter_utf8_unchecked, V5 | V311, "Topic Filters of SUBSCRIBE need not be UTF-8",
       "subscribe_ill_formed_filter_is_refused", MQTT_3_8_3_1, MQTT3_3_8_3_1, MQTT_1_5_4_1, MQTT3_1_5_3_1) = {
    .from_client = accept_ill_formed_filter,
};

MUTANT(subscribe_without_filter_accepted, V5 | V311, "A SUBSCRIBE without Topic Filter is answered",
       "subscribe_without_filter_is_refused", MQTT_3_8_3_2, MQTT3_3_8_3_3, P_3_8_3_1) = {
    .tolerate = {MQTT_3_8_3_2, MQTT3_3_8_3_3},
};

static enum fate accept_cut_subscribe(struct passage *passage)
{
    return passage->packet.type == PACKET_SUBSCRIBE && passage->verdict.refused ? pretend(passage) : PASS;
}

MUTANT(subscribe_without_options_accepted, V5 | V311, "A SUBSCRIBE that was cut short is answered",
       "subscribe_without_options_is_refused", MQTT_3_8_3_2, MQTT3_3_8_3_3, D3_3_8_3_1) = {
    .from_client = accept_cut_subscribe,
};

static enum fate refuse_user_properties(struct passage *passage)
{
    return is_type(passage, PACKET_SUBSCRIBE) &&
                   properties_has(&passage->packet.subscribe.properties, ORDINAL_USER_PROPERTY)
               ? CLOSE
               : PASS;
}

MUTANT(subscribe_user_property_refused, V5, "A SUBSCRIBE with a User Property ends the connection",
       "subscribe_user_properties_are_accepted", D_3_8_2_1_3_1) = {
    .from_client = refuse_user_properties,
};

/* ---- 3.8.4: the answer --------------------------------------------------------------------------- */

/* Later ones, because the suite's own questions come first. */
static enum fate drop_later_suback(struct passage *passage)
{
    return is_type(passage, PACKET_SUBACK) && passage->packet.suback.packet_identifier > 200 ? DROP : PASS;
}

MUTANT(subscribe_unanswered, V_ALL, "A SUBSCRIBE with a Packet Identifier above 200 gets no SUBACK",
       "subscribe_is_answered_with_its_packet_identifier", MQTT_3_8_4_1, MQTT3_3_8_4_1) = {
    .from_server = drop_later_suback,
};

static enum fate lose_high_byte(struct passage *passage)
{
    if (is_type(passage, PACKET_SUBACK) && passage->bytes[2] != 0 && passage->bytes[3] != 0)
        passage->bytes[2] = 0;
    return PASS;
}

MUTANT(suback_identifier_has_one_byte, V_ALL, "The Packet Identifier of a SUBACK loses its high byte",
       "subscribe_is_answered_with_its_packet_identifier suback_has_its_fields_in_order", MQTT_3_8_4_2,
       MQTT3_3_8_4_2) = {
    .from_server = lose_high_byte,
};

static enum fate keep_first_code(struct passage *passage)
{
    if (!is_type(passage, PACKET_SUBACK) || passage->packet.suback.reason_codes.length < 2)
        return PASS;
    passage->packet.suback.reason_codes.length = 1;
    return ENCODE;
}

MUTANT(suback_has_one_code, V_ALL, "A SUBACK has one code, however many Topic Filters were asked for",
       "several_filters_are_several_subscriptions suback_holds_subscribe_codes_only", MQTT_3_8_4_6,
       MQTT3_3_8_4_5) = {
    .from_server = keep_first_code,
};

/* A filter that is not looked at: its last character becomes another one. */
static enum fate spoil_later_filters(struct passage *passage)
{
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    struct bytes rest = passage->packet.subscribe.payload;
    struct subscription_request request;
    for (size_t i = 0; subscribe_next(&rest, &request); i++) {
        const size_t at = (size_t)(request.topic_filter.data - passage->bytes);
        if (i > 0)
            passage->bytes[at + request.topic_filter.length - 1] = 'X';
    }
    return PASS;
}

MUTANT(only_first_filter_subscribed, V_ALL, "Only the first Topic Filter of a SUBSCRIBE takes effect",
       "several_filters_are_several_subscriptions", MQTT_3_8_4_5, MQTT3_3_8_4_4, D3_3_8_3_1) = {
    .from_client = spoil_later_filters,
};

static enum fate repeat_suback(struct passage *passage)
{
    if (is_type(passage, PACKET_SUBACK) && passage->packet.suback.reason_codes.length > 1)
        forward(passage);
    return PASS;
}

MUTANT(suback_per_filter, V_ALL, "A SUBSCRIBE with several Topic Filters is answered more than once",
       "several_filters_are_several_subscriptions", MQTT_3_8_4_5, MQTT3_3_8_4_4) = {
    .from_server = repeat_suback,
};

/* ---- Replacement --------------------------------------------------------------------------------- */

struct replacement {
    bool replaced; /* a Topic Filter came that was there before */
    unsigned due;  /* messages still to be lost */
    uint16_t wish; /* of the SUBSCRIBE under way */
    uint16_t packet_identifier;
};

/* Whether this client subscribed to this very Topic Filter before; it has now. */
static bool is_known(struct passage *passage, struct bytes filter)
{
    struct connection *connection = passage->connection;
    const size_t size = connection->client_identifier.length + 1 + filter.length;
    uint8_t *key = scratch(passage, size + 1);
    memcpy(key, connection->client_identifier.data, connection->client_identifier.length);
    key[connection->client_identifier.length] = ' ';
    memcpy(key + connection->client_identifier.length + 1, filter.data, filter.length);
    bool known = recall(connection->proxy, "filter", bytes_of(key, size)).data != NULL;
    remember(connection->proxy, "filter", bytes_of(key, size), bytes_of("", 1));
    return known;
}

static bool replaces(struct passage *passage)
{
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return false;
    struct bytes rest = passage->packet.subscribe.payload;
    struct subscription_request request;
    bool known = false;
    while (subscribe_next(&rest, &request))
        known = is_known(passage, request.topic_filter) || known;
    return known;
}

static enum fate note_replacement(struct passage *passage)
{
    struct replacement *own = passage->connection->context;
    if (replaces(passage)) {
        own->replaced = true;
        own->due = 1;
    }
    return PASS;
}

static enum fate note_repetition(struct passage *passage)
{
    struct replacement *own = passage->connection->context;
    if (replaces(passage))
        own->packet_identifier = passage->packet.subscribe.packet_identifier;
    return PASS;
}

static enum fate drop_suback_of_repetition(struct passage *passage)
{
    const struct replacement *own = passage->connection->context;
    return is_type(passage, PACKET_SUBACK) &&
                   passage->packet.suback.packet_identifier == own->packet_identifier
               ? DROP
               : PASS;
}

MUTANT(repeated_subscribe_unanswered, V_ALL, "A SUBSCRIBE with a known Topic Filter gets no SUBACK",
       "subscribe_again_is_answered_again", MQTT_3_8_4_1, MQTT3_3_8_4_1) = {
    .from_client = note_repetition,
    .from_server = drop_suback_of_repetition,
    .context_size = sizeof(struct replacement),
    .spoils = "retain_handling_0_sends_always",
};

static enum fate deliver_twice(struct passage *passage)
{
    const struct replacement *own = passage->connection->context;
    if (own->replaced && is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 0)
        forward(passage);
    return PASS;
}

MUTANT(replacement_adds_a_subscription, V_ALL,
       "A SUBSCRIBE with a known Topic Filter adds a second subscription",
       "subscribing_again_replaces_the_subscription replaced_wildcard_subscription_is_one "
       "filters_of_a_subscribe_take_effect_in_order",
       MQTT_3_8_4_3, MQTT3_3_8_4_3, MQTT_3_8_4_5, MQTT3_3_8_4_4, D_4_8_1_1, D_3_8_4_2, D3_1_2_1,
       D3_3_8_4_2) = {
    .from_client = note_replacement,
    .from_server = deliver_twice,
    .context_size = sizeof(struct replacement),
};

/* Answered as wished, but the broker does not see it. */
static enum fate ignore_replacement(struct passage *passage)
{
    struct packet answer = {.type = PACKET_SUBACK};
    if (!replaces(passage) || passage->packet.subscribe.count != 1)
        return PASS;
    struct subscription_request request = first_request(passage);
    answer.suback.packet_identifier = passage->packet.subscribe.packet_identifier;
    answer.suback.reason_codes = bytes_of(&request.qos, 1);
    send_to_client(passage->connection, &answer);
    return DROP;
}

MUTANT(replacement_ignored, V_ALL, "A SUBSCRIBE with a known Topic Filter changes nothing",
       "subscribing_again_replaces_the_subscription replacement_sends_retained_again "
       "subscription_identifier_is_replaced retain_as_published_rules_the_flag "
       "subscription_belongs_to_its_session",
       MQTT_3_8_4_3, MQTT3_3_8_4_3, MQTT_3_8_4_4, D_3_8_2_1_2_2, D_3_8_2_1_2_4, D_3_8_4_3, D_3_8_4_8,
       D_3_8_4_9, D_4_8_1_1, D3_1_2_1, D3_3_8_4_2) = {
    .from_client = ignore_replacement,
    .spoils = "retain_handling_0_sends_always",
};

static enum fate lose_one(struct passage *passage)
{
    struct replacement *own = passage->connection->context;
    if (own->due == 0 || !is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos == 0 ||
        passage->packet.publish.retain)
        return PASS;
    own->due--;
    return swallow(passage);
}

MUTANT(replacement_loses_a_message, V_ALL, "Replacing a subscription loses the next message",
       "replacement_loses_no_message", MQTT_3_8_4_4, MQTT3_3_8_4_3) = {
    .from_client = note_replacement,
    .from_server = lose_one,
    .context_size = sizeof(struct replacement),
    .spoils = "retain_handling_0_sends_always",
};

MUTANT(replacement_loses_a_waiting_message, V5, "Replacing a subscription loses a message that waits",
       "replacement_loses_no_waiting_message", MQTT_3_8_4_4) = {
    .from_client = note_replacement,
    .from_server = lose_one,
    .context_size = sizeof(struct replacement),
    .spoils = "retain_handling_0_sends_always",
};

/* What waits for a client: for one that has come back, until it first says something. */
struct waiting {
    bool resumed;
    bool lost;
    uint8_t bytes[1024];
    size_t size;
    uint16_t identifiers[8];
    size_t count;
};

static enum fate hold(struct passage *passage)
{
    struct waiting *own = passage->connection->context;
    if (own->count == 8 || own->size + passage->size > sizeof own->bytes)
        return PASS;
    memcpy(own->bytes + own->size, passage->bytes, passage->size);
    own->size += passage->size;
    own->identifiers[own->count++] = passage->packet.publish.packet_identifier;
    return DROP;
}

/* Acknowledges it in the client's stead. */
static void lose_held(struct connection *connection)
{
    const struct waiting *own = connection->context;
    for (size_t i = 0; i < own->count; i++) {
        struct packet puback = {.type = PACKET_PUBACK};
        puback.acknowledgement.packet_identifier = own->identifiers[i];
        send_to_server(connection, &puback);
    }
}

static enum fate hold_waiting(struct passage *passage)
{
    struct waiting *own = passage->connection->context;
    const struct publish *publish = &passage->packet.publish;
    if (is_type(passage, PACKET_CONNACK))
        own->resumed = !passage->connection->clean_start;
    if (is_type(passage, PACKET_SUBACK))
        own->lost = false;
    if (!is_type(passage, PACKET_PUBLISH) || publish->qos != 1)
        return PASS;
    if (own->lost)
        return swallow(passage);
    return own->resumed ? hold(passage) : PASS;
}

static enum fate lose_waiting_at_subscribe(struct passage *passage)
{
    struct waiting *own = passage->connection->context;
    const bool known = replaces(passage);
    if (!own->resumed)
        return PASS;
    own->resumed = false;
    own->lost = known;
    if (known)
        lose_held(passage->connection);
    else
        send_bytes_to_client(passage->connection, own->bytes, own->size);
    return PASS;
}

MUTANT(replacement_loses_messages_queued_offline, V_ALL,
       "What waited for an absent client is lost if it begins with a SUBSCRIBE that it sent before",
       "replacement_keeps_messages_queued_offline", MQTT_3_8_4_4, MQTT3_3_8_4_3) = {
    .from_client = lose_waiting_at_subscribe,
    .from_server = hold_waiting,
    .context_size = sizeof(struct waiting),
};

/* Before 5.0 the client cannot make messages wait. This server does so by itself: none is sent while another has
 * not been acknowledged. */
static enum fate hold_behind_another(struct passage *passage)
{
    struct waiting *own = passage->connection->context;
    const unsigned acknowledged = passage->connection->seen[FROM_CLIENT][PACKET_PUBACK];
    if (is_type(passage, PACKET_SUBACK))
        own->lost = false;
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos != 1 ||
        passage->connection->seen[FROM_SERVER][PACKET_PUBLISH] == acknowledged + 1)
        return PASS;
    return own->lost ? swallow(passage) : hold(passage);
}

/* What the broker has sent already may still be under way: all is lost that comes before its SUBACK. */
static enum fate lose_held_at_replacement(struct passage *passage)
{
    struct waiting *own = passage->connection->context;
    const bool due = is_type(passage, PACKET_PUBACK);
    const bool replaced = replaces(passage);
    if (replaced)
        lose_held(passage->connection);
    else if (due)
        send_bytes_to_client(passage->connection, own->bytes, own->size);
    own->lost = own->lost || replaced;
    if (replaced || due)
        own->size = own->count = 0;
    return PASS;
}

MUTANT(replacement_loses_what_the_server_keeps_back, V3,
       "Replacing a subscription loses what the server has not sent yet",
       "replacement_loses_no_waiting_message", MQTT3_3_8_4_3) = {
    .from_client = lose_held_at_replacement,
    .from_server = hold_behind_another,
    .context_size = sizeof(struct waiting),
};

static enum fate keep_retained_back(struct passage *passage)
{
    const struct replacement *own = passage->connection->context;
    return own->replaced && is_type(passage, PACKET_PUBLISH) && passage->packet.publish.retain
               ? swallow(passage)
               : PASS;
}

MUTANT(replacement_sends_no_retained, V_ALL, "Replacing a subscription brings no retained message",
       "replacement_sends_retained_again", MQTT_3_8_4_4, MQTT3_3_8_4_3, D_3_8_4_3, D3_3_8_4_2) = {
    .from_client = note_replacement,
    .from_server = keep_retained_back,
    .context_size = sizeof(struct replacement),
    .spoils = "retain_handling_0_sends_always",
};

/* ---- QoS ----------------------------------------------------------------------------------------- */

/* Asks the broker for another QoS than the client did, and makes the SUBACK say what the client wants. */
static enum fate ask_for(struct passage *passage, unsigned wish, unsigned instead)
{
    struct replacement *own = passage->connection->context;
    if (!is_type(passage, PACKET_SUBSCRIBE) || passage->packet.subscribe.count != 1 ||
        first_request(passage).qos != wish)
        return PASS;
    own->packet_identifier = passage->packet.subscribe.packet_identifier;
    own->wish = (uint16_t)wish;
    passage->bytes[passage->size - 1] = (uint8_t)((passage->bytes[passage->size - 1] & ~3U) | instead);
    return PASS;
}

static enum fate grant_the_wish(struct passage *passage)
{
    const struct replacement *own = passage->connection->context;
    if (is_type(passage, PACKET_SUBACK) &&
        passage->packet.suback.packet_identifier == own->packet_identifier &&
        passage->packet.suback.reason_codes.data[0] <= 2)
        passage->bytes[passage->size - 1] = (uint8_t)own->wish;
    return PASS;
}

static enum fate ask_for_less(struct passage *passage)
{
    return ask_for(passage, 2, 1);
}

MUTANT(grant_of_qos_2_is_a_lie, V_ALL, "QoS 2 is granted, but messages are sent at QoS 1",
       "delivery_is_at_the_lower_qos", MQTT_3_8_4_7, MQTT3_3_8_4_5, MQTT_3_8_4_8, MQTT3_3_8_4_6) = {
    .from_client = ask_for_less,
    .from_server = grant_the_wish,
    .context_size = sizeof(struct replacement),
};

static enum fate ask_for_more(struct passage *passage)
{
    return ask_for(passage, 0, 1);
}

MUTANT(granted_qos_0_is_exceeded, V_ALL, "QoS 0 is granted, but messages are sent at QoS 1",
       "delivery_is_at_the_lower_qos subscribing_again_replaces_the_subscription", MQTT_3_8_4_8,
       MQTT3_3_8_4_6, D3_4_3_3) = {
    .from_client = ask_for_more,
    .from_server = grant_the_wish,
    .context_size = sizeof(struct replacement),
};

static enum fate ask_for_more_than_1(struct passage *passage)
{
    return ask_for(passage, 1, 2);
}

MUTANT(granted_qos_1_is_exceeded, V_ALL, "QoS 1 is granted, but messages are sent at QoS 2",
       "delivery_is_at_the_lower_qos granted_qos_holds_for_the_session", MQTT_3_8_4_8, MQTT3_3_8_4_6) = {
    .from_client = ask_for_more_than_1,
    .from_server = grant_the_wish,
    .context_size = sizeof(struct replacement),
};

/* ---- What is granted --------------------------------------------------------------------------------- */

static void note_any_wildcard(struct passage *passage, struct subscription_request *request)
{
    bool *wildcard = passage->connection->context;
    const struct bytes filter = request->topic_filter;
    *wildcard =
        memchr(filter.data, '#', filter.length) != NULL || memchr(filter.data, '+', filter.length) != NULL;
}

static enum fate watch_wildcards(struct passage *passage)
{
    change_subscriptions(passage, note_any_wildcard);
    return PASS;
}

static enum fate reject_wildcards(struct passage *passage)
{
    const bool *wildcard = passage->connection->context;
    if (is_type(passage, PACKET_SUBACK) && *wildcard)
        passage->bytes[passage->size - 1] = 0x80;
    return PASS;
}

MUTANT(wildcards_are_not_granted, V3, "No Topic Filter with a wildcard is granted", "wildcards_are_granted",
       S3_3_8_3_1) = {
    .from_client = watch_wildcards,
    .from_server = reject_wildcards,
    .context_size = sizeof(bool),
};

static void note_three_levels(struct passage *passage, struct subscription_request *request)
{
    bool *wide = passage->connection->context;
    *wide = ends_with(request->topic_filter, "+/+/+");
}

static enum fate watch_three_levels(struct passage *passage)
{
    change_subscriptions(passage, note_three_levels);
    return PASS;
}

static enum fate reject_three_levels(struct passage *passage)
{
    const bool *wide = passage->connection->context;
    if (is_type(passage, PACKET_SUBACK) && *wide)
        passage->bytes[passage->size - 1] = REASON_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED;
    return PASS;
}

MUTANT(one_wildcard_is_rejected, V5, "A Topic Filter that matches too much is rejected with 0xA2",
       "single_wildcards_may_be_rejected", R_3_2_2_3_11_2) = {
    .from_client = watch_three_levels,
    .from_server = reject_three_levels,
    .context_size = sizeof(bool),
    .permitted = "rejected with 0xA2",
};

static enum fate ignore_three_levels(struct passage *passage)
{
    const bool *wide = passage->connection->context;
    return is_type(passage, PACKET_SUBACK) && *wide ? DROP : PASS;
}

MUTANT(rejected_wildcard_is_unanswered, V5, "A Topic Filter that matches too much gets no SUBACK",
       "single_wildcards_may_be_rejected", MQTT_3_8_4_1) = {
    .from_client = watch_three_levels,
    .from_server = ignore_three_levels,
    .context_size = sizeof(bool),
};

static void reduce_qos(struct passage *passage, struct subscription_request *request)
{
    (void)passage;
    if (ends_with(request->topic_filter, "/granted"))
        request->qos = 0;
}

static enum fate reduce_subscriptions(struct passage *passage)
{
    return change_subscriptions(passage, reduce_qos) ? ENCODE : PASS;
}

MUTANT(granted_qos_is_lower, V_ALL, "QoS 0 is granted where QoS 1 was asked for", "granted_qos_may_be_lower",
       D_3_8_4_6) = {
    .from_client = reduce_subscriptions,
    .permitted = "the server granted QoS 0 where 1 was asked for",
};

static void note_granted(struct passage *passage, struct subscription_request *request)
{
    bool *reduced = passage->connection->context;
    *reduced = ends_with(request->topic_filter, "/granted");
}

static enum fate watch_granted(struct passage *passage)
{
    change_subscriptions(passage, note_granted);
    return PASS;
}

static enum fate say_qos_0(struct passage *passage)
{
    const bool *reduced = passage->connection->context;
    if (is_type(passage, PACKET_SUBACK) && *reduced)
        passage->bytes[passage->size - 1] = 0;
    return PASS;
}

MUTANT(granted_qos_is_lower_in_suback_only, V_ALL,
       "QoS 0 is granted where QoS 1 was asked for, and messages come at QoS 1", "granted_qos_may_be_lower",
       MQTT_3_8_4_8, MQTT3_3_8_4_6) = {
    .from_client = watch_granted,
    .from_server = say_qos_0,
    .context_size = sizeof(bool),
};

/* ---- Messages of a new subscription ------------------------------------------------------------------ */

static enum fate hold_suback(struct passage *passage)
{
    return is_type(passage, PACKET_SUBACK) ? delay(passage, 0.05) : PASS;
}

MUTANT(messages_come_before_suback, V_ALL, "The messages of a subscription come ahead of its SUBACK",
       "messages_may_come_before_suback", D_3_8_4_1, D3_3_8_4_1) = {
    .from_server = hold_suback,
    .permitted = "the message came ahead of the SUBACK",
};

static enum fate note_retained(struct passage *passage)
{
    bool *retained = passage->connection->context;
    struct proxy *proxy = passage->connection->proxy;
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.retain)
        remember(proxy, "retained", passage->packet.publish.topic, bytes_of("", 1));
    if (is_type(passage, PACKET_SUBSCRIBE))
        *retained = recall(proxy, "retained", first_request(passage).topic_filter).data != NULL;
    return PASS;
}

static enum fate leave_suback_out(struct passage *passage)
{
    const bool *retained = passage->connection->context;
    return is_type(passage, PACKET_SUBACK) && *retained ? DROP : PASS;
}

MUTANT(messages_come_instead_of_suback, V_ALL, "A SUBSCRIBE that brings a retained message gets no SUBACK",
       "messages_may_come_before_suback", MQTT_3_8_4_1, MQTT3_3_8_4_1) = {
    .from_client = note_retained,
    .from_server = leave_suback_out,
    .context_size = sizeof(bool),
    .spoils = "retain_handling_0_sends_always",
};

static enum fate copy_at_qos_0(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.qos == 0 &&
        ends_with(passage->packet.publish.payload, "copied"))
        forward(passage);
    return PASS;
}

MUTANT(qos_0_copies_come_twice, V_ALL, "What was published at QoS 1 comes twice to a subscription of QoS 0",
       "qos_0_copies_of_a_qos_1_message", D_3_8_4_7) = {
    .from_server = copy_at_qos_0,
    .permitted = "the message came more than once",
};

#define COPY_IDENTIFIER 60000 /* of a PUBLISH that the broker did not send */

static enum fate copy_at_qos_1(struct passage *passage)
{
    struct packet copy = passage->packet;
    if (!is_type(passage, PACKET_PUBLISH) || copy.publish.qos != 0 ||
        !ends_with(copy.publish.payload, "copied"))
        return PASS;
    copy.publish.qos = 1;
    copy.publish.packet_identifier = COPY_IDENTIFIER;
    send_to_client(passage->connection, &copy);
    return PASS;
}

static enum fate take_puback_of_copy(struct passage *passage)
{
    return is_type(passage, PACKET_PUBACK) &&
                   passage->packet.acknowledgement.packet_identifier == COPY_IDENTIFIER
               ? DROP
               : PASS;
}

MUTANT(copies_come_at_qos_1, V_ALL,
       "To a subscription of QoS 0 a message comes at QoS 1, and at QoS 0 once more",
       "qos_0_copies_of_a_qos_1_message", MQTT_3_8_4_8, MQTT3_3_8_4_6) = {
    .from_client = take_puback_of_copy,
    .from_server = copy_at_qos_1,
};
