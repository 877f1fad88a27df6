/* 3.8.2.1.2 Subscription Identifier, 3.8.3.1 Subscription Options */
#include "3_08_subscribe.h"

MUTANT(subscription_qos_3_accepted, V5 | V311, "A SUBSCRIBE that asks for QoS 3 is answered",
       "subscription_qos_3_is_refused", P_3_8_3_1_1, MQTT3_3_8_3_4) = {
    .tolerate = {P_3_8_3_1_1, MQTT3_3_8_3_4},
};

MUTANT(reserved_option_bits_accepted, V5 | V311, "The reserved bits behind a Topic Filter are not checked",
       "reserved_option_bits_are_refused", MQTT_3_8_3_5, MQTT3_3_8_3_4) = {
    .tolerate = {MQTT_3_8_3_5, MQTT3_3_8_3_4},
};

MUTANT(retain_handling_3_accepted, V5, "Retain Handling 3 is accepted", "retain_handling_3_is_refused",
       P_3_8_3_1_2) = {
    .tolerate = {P_3_8_3_1_2},
};

MUTANT(no_local_on_shared_accepted, V5, "No Local is accepted for a Shared Subscription",
       "no_local_with_shared_subscription_is_refused", MQTT_3_8_3_4) = {
    .tolerate = {MQTT_3_8_3_4},
};

static enum fate refuse_all_options_together(struct passage *passage)
{
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    const struct subscription_request request = first_request(passage);
    return request.no_local && request.retain_as_published && request.retain_handling == 2 ? CLOSE : PASS;
}

MUTANT(all_options_together_are_refused, V5,
       "No Local, Retain As Published and Retain Handling 2 together end the connection",
       "all_valid_options_are_accepted", MQTT_3_8_4_1) = {
    .from_client = refuse_all_options_together,
};

/* ---- Options that are not heeded ----------------------------------------------------------------- */

/* Changes the options of a SUBSCRIBE with one Topic Filter that is not shared. */
static enum fate change_options(struct passage *passage, unsigned keep, unsigned add)
{
    uint8_t *options = passage->bytes + passage->size - 1;
    if (is_type(passage, PACKET_SUBSCRIBE) && passage->packet.subscribe.count == 1 &&
        first_request(passage).topic_filter.data[0] != '$')
        *options = (uint8_t)((*options & keep) | add);
    return PASS;
}

static enum fate clear_no_local(struct passage *passage)
{
    return change_options(passage, 0xfb, 0);
}

MUTANT(no_local_ignored, V5, "No Local is ignored",
       "no_local_keeps_own_messages_away no_local_holds_for_wildcards no_local_holds_for_the_session "
       "without_no_local_own_messages_come no_local_lets_messages_of_3_through",
       MQTT_3_8_3_3, MQTT_3_8_4_3) = {
    .from_client = clear_no_local,
};

static enum fate set_no_local(struct passage *passage)
{
    return change_options(passage, 0xff, 0x04);
}

MUTANT(own_messages_never_delivered, V5, "No client gets its own messages, No Local or not",
       "without_no_local_own_messages_come", D_4_7_3_7, MQTT_3_8_4_3) = {
    .from_client = set_no_local,
    .spoils = "*",
};

static enum fate clear_retain_as_published(struct passage *passage)
{
    return change_options(passage, 0xf7, 0);
}

MUTANT(retain_as_published_is_not_heeded, V5, "Retain As Published 1 is taken for 0",
       "retain_as_published_rules_the_flag retain_as_published_holds_for_messages_of_3", D_3_8_3_1_1) = {
    .from_client = clear_retain_as_published,
};

static enum fate set_retain_as_published(struct passage *passage)
{
    return change_options(passage, 0xff, 0x08);
}

MUTANT(retain_is_always_as_published, V5, "Retain As Published 0 is taken for 1",
       "retain_as_published_rules_the_flag retain_as_published_holds_for_messages_of_3", D_3_8_3_1_2) = {
    .from_client = set_retain_as_published,
};

static enum fate clear_retain(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH))
        passage->bytes[0] &= 0xfe;
    return PASS;
}

MUTANT(retained_messages_have_retain_0, V5, "Retained messages come with RETAIN 0",
       "retain_handling_concerns_the_moment_of_subscribing replacement_sends_retained_again", D_3_8_3_1_3) = {
    .from_server = clear_retain,
    .spoils = "retain_handling_0_sends_always",
};

struct options {
    bool handling_2;
    uint8_t unused[7];
};

static enum fate note_handling(struct passage *passage)
{
    struct options *own = passage->connection->context;
    if (is_type(passage, PACKET_SUBSCRIBE) && first_request(passage).retain_handling == 2)
        own->handling_2 = true;
    return PASS;
}

static enum fate keep_retained_topics_back(struct passage *passage)
{
    const struct options *own = passage->connection->context;
    return own->handling_2 && is_type(passage, PACKET_PUBLISH) ? swallow(passage) : PASS;
}

MUTANT(retain_handling_2_works_later_too, V5, "With Retain Handling 2 retained topics bring nothing, ever",
       "retain_handling_concerns_the_moment_of_subscribing", D_3_8_3_1_4) = {
    .from_client = note_handling,
    .from_server = keep_retained_topics_back,
    .context_size = sizeof(struct options),
};

/* ---- Subscription Identifier --------------------------------------------------------------------- */

/* How a property error is told; the codec names the row of properties.tsv. */
MUTANT(subscription_identifier_0_accepted, V5, "Subscription Identifier 0 is accepted",
       "subscription_identifier_0_is_refused", P_3_8_2_1_2_1) = {
    .tolerate = {P_3_8_2_1_2_1},
};

MUTANT(two_subscription_identifiers_accepted, V5, "Two Subscription Identifiers are accepted",
       "two_subscription_identifiers_are_refused", P_3_8_2_1_2_2) = {
    .tolerate = {P_3_8_2_1_2_2},
};

static enum fate strip_identifier(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) ||
        !properties_has(&passage->packet.publish.properties, ORDINAL_SUBSCRIPTION_IDENTIFIER))
        return PASS;
    properties_clear(&passage->packet.publish.properties);
    return ENCODE;
}

MUTANT(subscription_identifier_not_returned, V5, "PUBLISH carries no Subscription Identifier",
       "subscription_identifier_is_returned subscription_identifier_is_for_every_filter "
       "subscription_identifier_is_part_of_the_session subscription_identifier_is_the_clients_own",
       D_3_8_2_1_2_1, D_3_8_2_1_2_2, D_3_8_2_1_2_3, MQTT_3_3_4_3) = {
    .from_server = strip_identifier,
};

/* The identifier stays with client and Topic Filter until another one comes. */
static enum fate keep_identifier(struct passage *passage)
{
    struct connection *connection = passage->connection;
    if (!is_type(passage, PACKET_SUBSCRIBE) || passage->packet.subscribe.count != 1)
        return PASS;
    struct properties *properties = &passage->packet.subscribe.properties;
    struct bytes filter = first_request(passage).topic_filter;
    const size_t size = connection->client_identifier.length + filter.length;
    uint8_t *key = scratch(passage, size + 1);
    memcpy(key, connection->client_identifier.data, connection->client_identifier.length);
    memcpy(key + connection->client_identifier.length, filter.data, filter.length);
    if (properties_has(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER)) {
        remember(connection->proxy, "identifier", bytes_of(key, size), properties->repeated);
        return PASS;
    }
    struct bytes kept = recall(connection->proxy, "identifier", bytes_of(key, size));
    if (kept.data == NULL)
        return PASS;
    properties_clear(properties);
    properties_mark(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER);
    properties->repeated = kept;
    return ENCODE;
}

MUTANT(subscription_identifier_sticks, V5, "A SUBSCRIBE without Subscription Identifier leaves the old one",
       "subscription_identifier_is_replaced subscription_identifier_ends_with_unsubscribe", D_3_8_2_1_2_4,
       D_3_8_4_8) = {
    .from_client = keep_identifier,
};
