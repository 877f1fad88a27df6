/* 4.8.2 Shared Subscriptions */
#include "3_08_subscribe.h"

/* ---- The Topic Filter ---------------------------------------------------------------------------- */

MUTANT(empty_share_name_accepted, V5, "A ShareName may be empty", "share_name_must_not_be_empty",
       MQTT_4_8_2_1) = {
    .tolerate = {MQTT_4_8_2_1},
};

MUTANT(share_name_unchecked, V5, "A ShareName may hold wildcards, and end the Topic Filter",
       "share_name_has_no_wildcard share_name_is_followed_by_a_filter", MQTT_4_8_2_2) = {
    .tolerate = {MQTT_4_8_2_2},
};

static bool is_shared(struct bytes filter)
{
    return filter.length > 7 && memcmp(filter.data, "$share/", 7) == 0;
}

static size_t inner_filter(struct bytes topic, uint8_t *to)
{
    const uint8_t *slash = is_shared(topic) ? memchr(topic.data + 7, '/', topic.length - 7) : NULL;
    const size_t begin = slash == NULL ? 0 : (size_t)(slash + 1 - topic.data);
    memcpy(to, topic.data + begin, topic.length - begin);
    return topic.length - begin;
}

static enum fate take_for_non_shared(struct passage *passage)
{
    return map_topics(passage, inner_filter);
}

MUTANT(shared_is_taken_for_non_shared, V5, "A Shared Subscription works like a Non-shared one",
       "shared_message_goes_to_one_member shared_qos_2_message_goes_to_one_member "
       "shared_subscription_gets_no_retained shared_messages_survive_an_absent_member "
       "shared_subscriptions_are_independent",
       D_4_8_2_1, D_4_8_2_3, D_4_8_2_6, D_4_8_2_7, D_4_8_2_17, D_3_8_4_4, D_3_8_4_5) = {
    .from_client = take_for_non_shared,
};

/* "$sharE/..." is a Topic Filter like any other. */
static size_t literal_filter(struct bytes topic, uint8_t *to)
{
    memcpy(to, topic.data, topic.length);
    if (is_shared(topic))
        to[5] = 'E';
    return topic.length;
}

static enum fate take_literally(struct passage *passage)
{
    return map_topics(passage, literal_filter);
}

MUTANT(share_name_is_matched, V5, "$share and the ShareName are matched against the Topic Name",
       "share_name_plays_no_part_in_matching shared_subscription_with_one_member_gets_all", D_4_8_2_2,
       D_4_8_2_4, D_4_8_2_1) = {
    .from_client = take_literally,
};

/* All groups of one letter are one. */
static size_t one_group(struct bytes topic, uint8_t *to)
{
    memcpy(to, topic.data, topic.length);
    if (is_shared(topic))
        to[7] = 'z';
    return topic.length;
}

static enum fate join_groups(struct passage *passage)
{
    return map_topics(passage, one_group);
}

MUTANT(share_names_are_not_told_apart, V5, "Groups of different ShareNames share their messages",
       "shared_subscriptions_are_independent", D_4_8_2_17, D_4_8_2_18, D_3_8_4_5) = {
    .from_client = join_groups,
};

/* Every session is a group of its own, by a ShareName of its own. */
static enum fate split_groups(struct passage *passage)
{
    if ((!is_type(passage, PACKET_SUBSCRIBE) && !is_type(passage, PACKET_UNSUBSCRIBE)) || passage->size > 120)
        return PASS;
    struct bytes filter = is_type(passage, PACKET_SUBSCRIBE)
                              ? first_request(passage).topic_filter
                              : bytes_of(passage->packet.unsubscribe.payload.data + 2,
                                         passage->packet.unsubscribe.payload.length - 2);
    struct bytes identifier = passage->connection->client_identifier;
    if (is_shared(filter) && identifier.length > 0)
        passage->bytes[(size_t)(filter.data - passage->bytes) + 7] = identifier.data[identifier.length - 1];
    return PASS;
}

MUTANT(every_member_is_a_group, V5, "A session does not join a Shared Subscription that exists",
       "shared_message_goes_to_one_member shared_members_come_and_go", D_4_8_2_5, D_4_8_2_7, D_3_8_4_4) = {
    .from_client = split_groups,
};

/* ---- QoS ----------------------------------------------------------------------------------------- */

struct group {
    bool shared;                /* subscribed to a Shared Subscription */
    bool plain;                 /* and to another Topic Filter */
    bool lifted;                /* the QoS 0 of the SUBSCRIBE under way was lifted */
    bool acknowledged;          /* PUBREC was sent on this connection */
    uint16_t packet_identifier; /* of that SUBSCRIBE */
    uint16_t dropped;           /* Packet Identifier of a delivery that was broken off */
};

static void note_group(struct passage *passage)
{
    struct group *own = passage->connection->context;
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return;
    const bool shared = is_shared(first_request(passage).topic_filter);
    own->shared = own->shared || shared;
    own->plain = own->plain || !shared;
}

static enum fate lift_shared_qos(struct passage *passage)
{
    struct group *own = passage->connection->context;
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    struct subscription_request request = first_request(passage);
    own->lifted = is_shared(request.topic_filter) && request.qos == 0;
    own->packet_identifier = passage->packet.subscribe.packet_identifier;
    if (own->lifted)
        passage->bytes[passage->size - 1] |= 1;
    return PASS;
}

static enum fate show_qos_0(struct passage *passage)
{
    const struct group *own = passage->connection->context;
    if (is_type(passage, PACKET_SUBACK) && own->lifted && passage->bytes[passage->size - 1] == 1 &&
        passage->packet.suback.packet_identifier == own->packet_identifier)
        passage->bytes[passage->size - 1] = 0;
    return PASS;
}

MUTANT(shared_delivery_exceeds_granted_qos, V5, "A group's messages come at QoS 1 to whom QoS 0 was granted",
       "shared_delivery_respects_each_members_qos shared_delivery_is_at_the_granted_qos", MQTT_4_8_2_3,
       D_4_8_2_12) = {
    .from_client = lift_shared_qos,
    .from_server = show_qos_0,
    .context_size = sizeof(struct group),
};

/* ---- Joining and leaving ------------------------------------------------------------------------- */

static enum fate stay_in_group(struct passage *passage)
{
    if (!is_type(passage, PACKET_UNSUBSCRIBE))
        return PASS;
    struct bytes rest = passage->packet.unsubscribe.payload;
    struct bytes filter;
    return unsubscribe_next(&rest, &filter) && is_shared(filter) ? pretend(passage) : PASS;
}

MUTANT(shared_subscription_cannot_be_left, V5, "UNSUBSCRIBE does not leave a Shared Subscription",
       "shared_subscription_is_left_by_unsubscribe shared_subscription_is_joined_once "
       "shared_members_come_and_go",
       D_4_8_2_8, D_4_8_2_16, D_3_10_4_2, MQTT_3_10_4_2) = {
    .from_client = stay_in_group,
};

/* A founder that leaves takes the group along: the others are unsubscribed, too. */
static enum fate end_group(struct passage *passage)
{
    note_group(passage);
    if (!is_type(passage, PACKET_UNSUBSCRIBE))
        return PASS;
    struct bytes rest = passage->packet.unsubscribe.payload;
    struct bytes filter;
    if (!unsubscribe_next(&rest, &filter) || !is_shared(filter))
        return PASS;
    for (struct connection *at = NULL; (at = next_connection(passage->connection->proxy, at)) != NULL;) {
        struct packet leave = {.type = PACKET_UNSUBSCRIBE};
        leave.unsubscribe.packet_identifier = 60000;
        leave.unsubscribe.payload = passage->packet.unsubscribe.payload;
        leave.unsubscribe.count = 1;
        const struct group *own = at->context;
        if (at != passage->connection && own->shared)
            send_to_server(at, &leave);
    }
    return PASS;
}

static enum fate hide_own_unsuback(struct passage *passage)
{
    return is_type(passage, PACKET_UNSUBACK) && passage->packet.suback.packet_identifier == 60000 ? DROP
                                                                                                  : PASS;
}

MUTANT(shared_subscription_ends_with_its_founder, V5, "When one session leaves, the Shared Subscription ends",
       "shared_subscription_is_left_by_unsubscribe", D_4_8_2_10) = {
    .from_client = end_group,
    .from_server = hide_own_unsuback,
    .context_size = sizeof(struct group),
};

/* A Clean Start finds the old session, group membership and all. */
static enum fate keep_session(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT) || passage->packet.connect.client_identifier.length == 0)
        return PASS;
    struct proxy *proxy = passage->connection->proxy;
    struct bytes identifier = passage->packet.connect.client_identifier;
    const bool known = recall(proxy, "session", identifier).data != NULL;
    remember(proxy, "session", identifier, bytes_of("", 1));
    if (!known)
        return PASS;
    passage->packet.connect.clean_start = false;
    return ENCODE;
}

static enum fate hide_session_present(struct passage *passage)
{
    if (is_type(passage, PACKET_CONNACK) && passage->connection->clean_start)
        passage->bytes[2] = 0;
    return PASS;
}

MUTANT(ended_session_stays_in_group, V5, "A session that is thrown away stays in its Shared Subscription",
       "shared_subscription_ends_with_its_last_session", D_4_8_2_11, D_3_10_4_3) = {
    .from_client = keep_session,
    .from_server = hide_session_present,
};

/* The group goes on counting members that have left: every second message is theirs. */
static enum fate note_departure(struct passage *passage)
{
    const struct group *own = passage->connection->context;
    note_group(passage);
    if (own->shared && is_type(passage, PACKET_DISCONNECT))
        remember(passage->connection->proxy, "departed", bytes_of("", 1), bytes_of("", 1));
    return PASS;
}

static enum fate keep_share_of_departed(struct passage *passage)
{
    struct connection *connection = passage->connection;
    const struct group *own = connection->context;
    const bool theirs = connection->seen[FROM_SERVER][PACKET_PUBLISH] % 2 == 0 &&
                        recall(connection->proxy, "departed", bytes_of("", 1)).data != NULL;
    return own->shared && theirs && is_type(passage, PACKET_PUBLISH) ? swallow(passage) : PASS;
}

MUTANT(closed_session_stays_in_group, V5,
       "A session that has ended goes on getting its share of the messages",
       "shared_subscription_is_left_when_the_session_ends "
       "shared_member_whose_session_expired_gets_nothing",
       D_4_8_2_9, D_4_8_2_10) = {
    .from_client = note_departure,
    .from_server = keep_share_of_departed,
    .context_size = sizeof(struct group),
    .properties = "shared_messages_pass_absent_members",
};

/* Answered as wished; the broker does not see it. */
static enum fate ignore_repeated(struct passage *passage)
{
    struct packet answer = {.type = PACKET_SUBACK};
    struct group *own = passage->connection->context;
    if (!is_type(passage, PACKET_SUBSCRIBE) || !is_shared(first_request(passage).topic_filter))
        return PASS;
    if (!own->shared) {
        own->shared = true;
        return PASS;
    }
    struct subscription_request request = first_request(passage);
    answer.suback.packet_identifier = passage->packet.subscribe.packet_identifier;
    answer.suback.reason_codes = bytes_of(&request.qos, 1);
    send_to_client(passage->connection, &answer);
    return DROP;
}

MUTANT(shared_subscription_cannot_be_changed, V5,
       "A second SUBSCRIBE to a Shared Subscription changes nothing",
       "shared_subscription_is_joined_once shared_delivery_is_at_the_granted_qos", D_4_8_2_15, D_4_8_2_12,
       MQTT_4_8_2_3) = {
    .from_client = ignore_repeated,
    .context_size = sizeof(struct group),
};

/* ---- Deliveries ---------------------------------------------------------------------------------- */

static enum fate watch_members(struct passage *passage)
{
    struct group *own = passage->connection->context;
    note_group(passage);
    if (is_type(passage, PACKET_PUBREC))
        own->acknowledged = true;
    return PASS;
}

static enum fate starve_members(struct passage *passage)
{
    const struct group *own = passage->connection->context;
    return own->shared && own->plain && is_type(passage, PACKET_PUBLISH) ? swallow(passage) : PASS;
}

MUTANT(member_gets_no_copy_of_its_own, V5, "Who is in a group gets nothing by other subscriptions",
       "shared_and_non_shared_of_one_client", D_4_8_2_19, D_4_8_2_20) = {
    .from_client = watch_members,
    .from_server = starve_members,
    .context_size = sizeof(struct group),
};

/* What was under way when a connection broke is forgotten. */
static enum fate break_off(struct passage *passage)
{
    struct group *own = passage->connection->context;
    if (is_type(passage, PACKET_PUBLISH) && passage->packet.publish.dup) {
        own->dropped = passage->packet.publish.packet_identifier;
        return swallow(passage);
    }
    if (!is_type(passage, PACKET_PUBREL) ||
        (own->acknowledged && passage->packet.acknowledgement.packet_identifier != own->dropped))
        return PASS;
    struct packet answer = {.type = PACKET_PUBCOMP};
    answer.acknowledgement.packet_identifier = passage->packet.acknowledgement.packet_identifier;
    send_to_server(passage->connection, &answer);
    return DROP;
}

MUTANT(shared_delivery_is_not_resumed, V5, "A delivery that was cut short is forgotten",
       "shared_qos_2_delivery_is_completed_after_reconnect shared_qos_2_delivery_goes_on_behind_pubrec "
       "shared_qos_1_message_is_not_lost",
       MQTT_4_8_2_4, D_4_8_2_13, D_4_8_2_14) = {
    .from_client = watch_members,
    .from_server = break_off,
    .context_size = sizeof(struct group),
};

/* Remembers what a member has not acknowledged, by its Client Identifier. */
static enum fate note_pending(struct passage *passage)
{
    struct connection *connection = passage->connection;
    const struct group *own = connection->context;
    if (!own->shared || !is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos == 0)
        return PASS;
    remember(connection->proxy, "pending topic", connection->client_identifier,
             passage->packet.publish.topic);
    remember(connection->proxy, "pending", connection->client_identifier, passage->packet.publish.payload);
    return PASS;
}

/* Gives it to the other members. */
static void give_away(struct connection *from, struct bytes identifier)
{
    struct packet copy = {.type = PACKET_PUBLISH};
    copy.publish.topic = recall(from->proxy, "pending topic", identifier);
    copy.publish.payload = recall(from->proxy, "pending", identifier);
    if (copy.publish.topic.data == NULL)
        return;
    for (struct connection *at = NULL; (at = next_connection(from->proxy, at)) != NULL;) {
        const struct group *own = at->context;
        if (own->shared && !bytes_equal(at->client_identifier, identifier))
            send_to_client(at, &copy);
    }
    forget(from->proxy, "pending topic", identifier);
}

static void settle(struct passage *passage)
{
    struct connection *connection = passage->connection;
    const bool puback = is_type(passage, PACKET_PUBACK) || is_type(passage, PACKET_PUBREC);
    if (puback && passage->packet.acknowledgement.reason_code < 0x80)
        forget(connection->proxy, "pending topic", connection->client_identifier);
}

static enum fate give_away_at_end(struct passage *passage)
{
    note_group(passage);
    settle(passage);
    if (is_type(passage, PACKET_DISCONNECT))
        give_away(passage->connection, passage->connection->client_identifier);
    if (is_type(passage, PACKET_CONNECT) && passage->packet.connect.clean_start &&
        passage->packet.connect.client_identifier.length > 0)
        give_away(passage->connection, passage->packet.connect.client_identifier);
    return PASS;
}

MUTANT(shared_qos_2_message_is_handed_on, V5, "When a session ends, its QoS 2 message goes to another member",
       "shared_qos_2_message_is_not_passed_on shared_qos_2_message_ends_with_disconnect", MQTT_4_8_2_5) = {
    .from_client = give_away_at_end,
    .from_server = note_pending,
    .context_size = sizeof(struct group),
};

static enum fate give_away_when_refused(struct passage *passage)
{
    note_group(passage);
    settle(passage);
    const bool acknowledgement = is_type(passage, PACKET_PUBACK) || is_type(passage, PACKET_PUBREC);
    if (acknowledgement && passage->packet.acknowledgement.reason_code >= 0x80)
        give_away(passage->connection, passage->connection->client_identifier);
    return PASS;
}

MUTANT(refused_shared_message_is_handed_on, V5, "A message that one member refuses goes to another one",
       "shared_message_refused_by_puback_is_discarded shared_message_refused_by_pubrec_is_discarded",
       MQTT_4_8_2_6) = {
    .from_client = give_away_when_refused,
    .from_server = note_pending,
    .context_size = sizeof(struct group),
};

static enum fate hide_refusal(struct passage *passage)
{
    const bool acknowledgement = is_type(passage, PACKET_PUBACK) || is_type(passage, PACKET_PUBREC);
    return acknowledgement && passage->packet.acknowledgement.reason_code >= 0x80 ? DROP : PASS;
}

MUTANT(refused_shared_message_comes_again, V5, "A message that a member refused is kept for its return",
       "shared_message_refused_by_puback_is_discarded shared_message_refused_by_pubrec_is_discarded",
       MQTT_4_8_2_6) = {
    .from_client = hide_refusal,
};

/* Whoever does not acknowledge stops the group. */
static enum fate stop_with_slow_member(struct passage *passage)
{
    struct connection *connection = passage->connection;
    const struct group *own = connection->context;
    if (!own->shared || !is_type(passage, PACKET_PUBLISH))
        return PASS;
    struct bytes holder = recall(connection->proxy, "holder", passage->packet.publish.topic);
    if (holder.data != NULL && !bytes_equal(holder, connection->client_identifier))
        return swallow(passage);
    remember(connection->proxy, "holder", passage->packet.publish.topic, connection->client_identifier);
    return PASS;
}

MUTANT(slow_member_stops_the_group, V5, "Only the member that got a group's first message gets any",
       "shared_messages_pass_a_slow_member", D_4_8_2_7) = {
    .from_client = watch_members,
    .from_server = stop_with_slow_member,
    .context_size = sizeof(struct group),
};

/* What one member got once goes to no other any more. */
static enum fate stay_with_first_member(struct passage *passage)
{
    struct connection *connection = passage->connection;
    const struct group *own = connection->context;
    if (!own->shared || !is_type(passage, PACKET_PUBLISH))
        return PASS;
    struct bytes holder = recall(connection->proxy, "given", passage->packet.publish.payload);
    if (holder.data != NULL && !bytes_equal(holder, connection->client_identifier))
        return swallow(passage);
    remember(connection->proxy, "given", passage->packet.publish.payload, connection->client_identifier);
    return PASS;
}

MUTANT(unacknowledged_message_ends_with_its_session, V5, "A QoS 1 message under way is lost with its session",
       "shared_qos_1_message_is_passed_on", S_4_8_2_1) = {
    .from_client = watch_members,
    .from_server = stay_with_first_member,
    .context_size = sizeof(struct group),
};

/* ---- What the specification leaves to the server ------------------------------------------------------ */

#define HANDED_OVER 60000U /* Packet Identifiers from here on are the mutant's */

/* What the third member of a group is to get goes to the first. */
static enum fate note_member(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (is_type(passage, PACKET_SUBSCRIBE) && is_shared(first_request(passage).topic_filter))
        remember(connection->proxy, "filter", connection->client_identifier,
                 first_request(passage).topic_filter);
    if (is_type(passage, PACKET_UNSUBSCRIBE) || is_type(passage, PACKET_DISCONNECT))
        forget(connection->proxy, "filter", connection->client_identifier);
    const bool own =
        is_type(passage, PACKET_PUBACK) && passage->packet.acknowledgement.packet_identifier >= HANDED_OVER;
    return own ? DROP : PASS;
}

/* The first of three members that share the topic, if this one is the last of them. */
static struct connection *first_of_three(struct connection *last, struct bytes topic)
{
    unsigned count = 0;
    struct connection *first = NULL;
    for (struct connection *at = NULL; (at = next_connection(last->proxy, at)) != NULL;) {
        uint8_t inner[256];
        struct bytes filter = recall(last->proxy, "filter", at->client_identifier);
        if (filter.length > sizeof inner || !bytes_equal(bytes_of(inner, inner_filter(filter, inner)), topic))
            continue;
        if (count++ == 0 && at != last)
            return NULL;
        first = at;
    }
    return count == 3 ? first : NULL;
}

static enum fate prefer_first(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) || passage->packet.publish.qos != 1)
        return PASS;
    struct connection *first = first_of_three(passage->connection, passage->packet.publish.topic);
    if (first == NULL)
        return PASS;
    uint16_t *handed_over = first->context;
    struct packet copy = passage->packet;
    copy.publish.packet_identifier = (uint16_t)(HANDED_OVER + (*handed_over)++);
    send_to_client(first, &copy);
    return swallow(passage);
}

PROPERTY_MUTANT(shared_messages_go_to_a_favourite, V5, "Of three members of a group two get all messages",
                "shared_messages_are_spread_over_all_members") = {
    .from_client = note_member,
    .from_server = prefer_first,
    .context_size = sizeof(uint16_t),
};

PROPERTY_MUTANT(shared_is_taken_for_non_shared_in_3, V311,
                "A Shared Subscription of a 3.1.1 client works like a Non-shared one",
                "shared_subscriptions_serve_clients_of_3") = {
    .from_client = take_for_non_shared,
};

/* ---- What is too large for some of them -------------------------------------------------------------- */

static enum fate note_size(struct passage *passage)
{
    bool *small = passage->connection->context;
    if (is_type(passage, PACKET_CONNECT))
        *small =
            properties_number(&passage->packet.connect.properties, ORDINAL_MAXIMUM_PACKET_SIZE, 0) == 250;
    /* the session is not chosen for what it cannot take, and the test sends nothing else */
    return is_type(passage, PACKET_SUBSCRIBE) && *small ? pretend(passage) : PASS;
}

MUTANT(shared_message_too_large_goes_elsewhere, V5,
       "What is too large for one session of a Shared Subscription goes to another",
       "shared_message_too_large_for_one_member", D_3_1_2_11_4_2) = {
    .from_client = note_size,
    .context_size = sizeof(bool),
    .permitted = "what is too large for one session goes to another",
};
