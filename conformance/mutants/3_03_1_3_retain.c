/* 3.3.1.3 RETAIN */
#include "3_08_subscribe.h"

#define RETAIN 0x01

/* Whether this is a PUBLISH of a client that wants to be retained. */
static bool is_retained(const struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.retain;
}

/* ---- What is stored ------------------------------------------------------------------------------ */

static enum fate forget_retain(struct passage *passage)
{
    if (is_retained(passage))
        passage->bytes[0] &= (uint8_t)~RETAIN;
    return PASS;
}

MUTANT(nothing_is_retained, V_ALL, "RETAIN is ignored: no message is stored",
       "retained_message_is_stored retained_message_is_replaced retained_message_keeps_its_qos "
       "retained_message_is_one_per_topic retain_handling_0_sends_always retain_is_1_for_new_subscription "
       "retained_messages_not_ruled_out_are_there",
       MQTT_3_3_1_5, MQTT3_3_3_1_5, MQTT_3_3_1_9, MQTT3_3_3_1_6, D_3_3_1_3_1, D_3_3_1_3_2, D_3_2_2_3_5_1) = {
    .from_client = forget_retain,
    .properties = "retained_message_after_crash",
};

static enum fate keep_oldest(struct passage *passage)
{
    struct proxy *proxy = passage->connection->proxy;
    const struct bytes topic = raw_topic(passage);
    if (!is_retained(passage))
        return PASS;
    if (passage->packet.publish.payload.length == 0)
        forget(proxy, "retained", topic);
    else if (recall(proxy, "retained", topic).data != NULL)
        passage->bytes[0] &= (uint8_t)~RETAIN;
    else
        remember(proxy, "retained", topic, bytes_of("", 1));
    return PASS;
}

MUTANT(retained_message_is_not_replaced, V_ALL, "The first retained message of a topic stays",
       "retained_message_is_replaced retained_qos_0_message_replaces retained_message_is_one_per_topic "
       "retained_messages_after_restart_are_current",
       MQTT_3_3_1_5, MQTT3_3_3_1_5, MQTT3_3_3_1_7) = {
    .from_client = keep_oldest,
};

static enum fate retain_above_qos_0(struct passage *passage)
{
    if (is_retained(passage) && passage->packet.publish.qos == 0 &&
        passage->packet.publish.payload.length > 0)
        passage->bytes[0] &= (uint8_t)~RETAIN;
    return PASS;
}

MUTANT(retained_qos_0_message_is_ignored, V_ALL, "A QoS 0 message with RETAIN leaves the older one in place",
       "retained_qos_0_message_replaces", MQTT_3_3_1_5, MQTT3_3_3_1_7, S_3_3_1_3_1) = {
    .from_client = retain_above_qos_0,
};

static enum fate retain_at_qos_0(struct passage *passage)
{
    if (!is_retained(passage))
        return PASS;
    passage->packet.publish.qos = 0;
    passage->packet.publish.dup = false;
    return ENCODE;
}

MUTANT(retained_message_loses_its_qos, V_ALL, "Retained messages are delivered at QoS 0",
       "retained_message_keeps_its_qos", MQTT_3_3_1_5, MQTT3_3_3_1_5) = {
    .from_server = retain_at_qos_0,
};

/* ---- Empty payloads ------------------------------------------------------------------------------ */

static enum fate never_remove(struct passage *passage)
{
    if (is_retained(passage) && passage->packet.publish.payload.length == 0)
        passage->bytes[0] &= (uint8_t)~RETAIN;
    return PASS;
}

MUTANT(empty_payload_removes_nothing, V_ALL, "A retained message cannot be removed",
       "empty_payload_removes_retained retained_messages_after_restart_are_current", MQTT_3_3_1_6,
       MQTT3_3_3_1_10) = {
    .from_client = never_remove,
    .properties = "retained_message_removed_after_crash",
};

static enum fate drop_empty(struct passage *passage)
{
    return is_type(passage, PACKET_PUBLISH) && passage->packet.publish.payload.length == 0 ? DROP : PASS;
}

MUTANT(empty_message_is_not_delivered, V_ALL, "Messages without payload reach nobody",
       "empty_retained_message_is_delivered empty_payload_is_delivered", MQTT_3_3_1_6, MQTT3_3_3_1_10,
       D_3_3_3_1, MQTT3_3_3_2_3, D3_3_3_3_2) = {
    .from_server = drop_empty,
};

/* The topic that a client subscribes to, when an empty message was retained there. */
struct subscribed {
    uint8_t topic[256];
    size_t length;
};

static void note_filter(struct passage *passage, struct subscription_request *request)
{
    struct subscribed *subscribed = passage->connection->context;
    const struct bytes filter = request->topic_filter;
    subscribed->length = 0;
    if (recall(passage->connection->proxy, "empty", filter).data == NULL ||
        filter.length > sizeof subscribed->topic)
        return;
    memcpy(subscribed->topic, filter.data, filter.length);
    subscribed->length = filter.length;
}

static enum fate note_empty(struct passage *passage)
{
    if (is_retained(passage) && passage->packet.publish.payload.length == 0)
        remember(passage->connection->proxy, "empty", passage->packet.publish.topic, bytes_of("", 1));
    change_subscriptions(passage, note_filter);
    return PASS;
}

static enum fate send_empty(struct passage *passage)
{
    const struct subscribed *subscribed = passage->connection->context;
    const struct packet empty = {
        .type = PACKET_PUBLISH,
        .publish = {.retain = true, .topic = bytes_of(subscribed->topic, subscribed->length)}};
    if (!is_type(passage, PACKET_SUBACK) || subscribed->length == 0)
        return PASS;
    forward(passage);
    send_to_client(passage->connection, &empty);
    return DROP;
}

MUTANT(empty_message_is_retained, V_ALL, "A message without payload is retained like any other",
       "empty_message_is_not_retained empty_payload_removes_retained", MQTT_3_3_1_7, MQTT3_3_3_1_11,
       MQTT_3_3_1_6, MQTT3_3_3_1_10) = {
    .from_client = note_empty,
    .from_server = send_empty,
    .context_size = sizeof(struct subscribed),
};

/* ---- RETAIN 0 ------------------------------------------------------------------------------------ */

static enum fate retain_all(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH))
        passage->bytes[0] |= RETAIN;
    return PASS;
}

MUTANT(every_message_is_retained, V_ALL, "Messages are stored whatever RETAIN says",
       "message_without_retain_is_not_stored message_without_retain_leaves_retained", MQTT_3_3_1_8,
       MQTT3_3_3_1_12) = {
    .from_client = retain_all,
};

/* ---- Several Topic Filters ----------------------------------------------------------------------- */

static enum fate note_first_of_several(struct passage *passage)
{
    struct subscribed *subscribed = passage->connection->context;
    if (!is_type(passage, PACKET_SUBSCRIBE))
        return PASS;
    const struct bytes filter = first_request(passage).topic_filter;
    subscribed->length = 0;
    if (passage->packet.subscribe.count == 1 || filter.length > sizeof subscribed->topic)
        return PASS;
    memcpy(subscribed->topic, filter.data, filter.length);
    subscribed->length = filter.length;
    return PASS;
}

static enum fate retained_for_first_filter(struct passage *passage)
{
    const struct subscribed *subscribed = passage->connection->context;
    const struct bytes first = bytes_of(subscribed->topic, subscribed->length);
    const bool later =
        subscribed->length > 0 && is_retained(passage) && !bytes_equal(raw_topic(passage), first);
    return later ? swallow(passage) : PASS;
}

MUTANT(retained_for_first_filter_only, V_ALL,
       "Of the Topic Filters of a SUBSCRIBE only the first brings its retained message",
       "each_filter_of_a_subscribe_brings_retained_messages", MQTT_3_8_4_5, MQTT3_3_8_4_4, MQTT_3_3_1_9,
       MQTT3_3_3_1_6) = {
    .from_client = note_first_of_several,
    .from_server = retained_for_first_filter,
    .context_size = sizeof(struct subscribed),
};

/* ---- Retain Handling ----------------------------------------------------------------------------- */

static enum fate retained_for_first_subscribe(struct passage *passage)
{
    const bool first = passage->connection->seen[FROM_CLIENT][PACKET_SUBSCRIBE] == 1;
    return is_retained(passage) && !first ? DROP : PASS;
}

MUTANT(retained_once_per_connection, V_ALL,
       "Only the first SUBSCRIBE of a connection brings retained messages", "retain_handling_0_sends_always",
       MQTT_3_3_1_9, MQTT3_3_3_1_6, MQTT3_3_3_1_8, MQTT3_3_8_4_3, MQTT_3_8_4_4) = {
    .from_server = retained_for_first_subscribe,
};

static void handle_1_as_0(struct passage *passage, struct subscription_request *request)
{
    (void)passage;
    request->retain_handling = request->retain_handling == 1 ? 0 : request->retain_handling;
}

static enum fate retained_for_existing(struct passage *passage)
{
    return change_subscriptions(passage, handle_1_as_0) ? ENCODE : PASS;
}

MUTANT(retain_handling_1_sends_always, V5, "Retain Handling 1 is taken for 0",
       "retain_handling_1_sends_nothing_for_existing_subscription", MQTT_3_3_1_10) = {
    .from_client = retained_for_existing,
};

static void handle_1_as_2(struct passage *passage, struct subscription_request *request)
{
    (void)passage;
    request->retain_handling = request->retain_handling == 1 ? 2 : request->retain_handling;
}

static enum fate retained_not_for_new(struct passage *passage)
{
    return change_subscriptions(passage, handle_1_as_2) ? ENCODE : PASS;
}

MUTANT(retain_handling_1_sends_nothing, V5, "Retain Handling 1 is taken for 2",
       "retain_handling_1_sends_for_new_subscription retain_handling_1_regards_the_filter", MQTT_3_3_1_10) = {
    .from_client = retained_not_for_new,
};

static void handle_2_as_0(struct passage *passage, struct subscription_request *request)
{
    (void)passage;
    request->retain_handling = request->retain_handling == 2 ? 0 : request->retain_handling;
}

static enum fate retained_unwanted(struct passage *passage)
{
    return change_subscriptions(passage, handle_2_as_0) ? ENCODE : PASS;
}

MUTANT(retain_handling_2_is_ignored, V5, "Retain Handling 2 is taken for 0",
       "retain_handling_2_sends_nothing", MQTT_3_3_1_11) = {
    .from_client = retained_unwanted,
};

/* ---- The flag of what is sent -------------------------------------------------------------------- */

MUTANT(retained_message_without_retain, V_ALL, "Retained messages are sent with RETAIN 0",
       "retain_is_1_for_new_subscription retained_message_is_stored", D_3_3_1_3_2, MQTT3_3_3_1_8) = {
    .from_server = forget_retain,
    .spoils = "retain_handling_0_sends_always",
};

static enum fate forget_retain_when_sent_again(struct passage *passage)
{
    return is_retained(passage) && passage->packet.publish.dup ? forget_retain(passage) : PASS;
}

MUTANT(retained_message_sent_again_without_retain, V_ALL,
       "A retained message that is sent again has RETAIN 0", "retained_message_sent_again_has_retain",
       MQTT3_3_3_1_8, D_3_3_1_3_2) = {
    .from_server = forget_retain_when_sent_again,
};

static enum fate note_retain(struct passage *passage)
{
    if (is_type(passage, PACKET_PUBLISH))
        remember(passage->connection->proxy, "flag", passage->packet.publish.topic,
                 bytes_of(passage->packet.publish.retain ? "1" : "0", 1));
    return PASS;
}

static enum fate pass_retain_on(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    const struct bytes flag = recall(passage->connection->proxy, "flag", passage->packet.publish.topic);
    if (flag.length == 1 && flag.data[0] == '1')
        passage->bytes[0] |= RETAIN;
    return PASS;
}

MUTANT(retain_is_passed_on, V_ALL, "Established subscriptions get the RETAIN flag of the publisher",
       "retain_is_0_for_established_subscription retain_is_0_in_queued_message "
       "empty_retained_message_is_delivered",
       MQTT_3_3_1_12, MQTT3_3_3_1_9, D3_3_3_1_3_1) = {
    .from_client = note_retain,
    .from_server = pass_retain_on,
};

static void clear_retain_as_published(struct passage *passage, struct subscription_request *request)
{
    (void)passage;
    request->retain_as_published = false;
}

static enum fate ignore_retain_as_published(struct passage *passage)
{
    return change_subscriptions(passage, clear_retain_as_published) ? ENCODE : PASS;
}

MUTANT(retain_as_published_is_ignored, V5, "Retain As Published 1 is taken for 0",
       "retain_as_published_keeps_the_flag retain_as_published_keeps_the_flag_in_queue "
       "retain_as_published_is_per_subscription retain_as_published_can_be_changed",
       MQTT_3_3_1_13) = {
    .from_client = ignore_retain_as_published,
};

/* The option of the connection's first subscription goes for all. */
static void keep_first_retain_as_published(struct passage *passage, struct subscription_request *request)
{
    bool *first = passage->connection->context;
    if (passage->connection->seen[FROM_CLIENT][PACKET_SUBSCRIBE] == 1)
        *first = request->retain_as_published;
    request->retain_as_published = *first;
}

static enum fate freeze_retain_as_published(struct passage *passage)
{
    return change_subscriptions(passage, keep_first_retain_as_published) ? ENCODE : PASS;
}

MUTANT(retain_as_published_is_frozen, V5, "Retain As Published cannot be changed by subscribing again",
       "retain_as_published_can_be_changed", MQTT_3_3_1_12, MQTT_3_3_1_13, MQTT_3_8_4_3) = {
    .from_client = freeze_retain_as_published,
    .context_size = sizeof(bool),
};
