/* 3.3.2.3.3 Message Expiry Interval */
#include "mutant.h"

static struct properties *properties_of_publish(struct passage *passage)
{
    struct properties *properties = &passage->packet.publish.properties;
    const bool there =
        is_type(passage, PACKET_PUBLISH) && properties_has(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL);
    return there ? properties : NULL;
}

static enum fate remove_interval(struct passage *passage)
{
    struct properties *properties = properties_of_publish(passage);
    if (properties == NULL)
        return PASS;
    remove_property(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL);
    return ENCODE;
}

MUTANT(expiry_interval_is_not_passed_on, V5, "Subscribers get no Message Expiry Interval",
       "message_expiry_interval_is_passed_on message_expiry_interval_is_reduced_in_queue "
       "message_expiry_interval_is_reduced_when_retained all_properties_are_passed_on_together",
       MQTT_3_3_2_6) = {
    .from_server = remove_interval,
};

MUTANT(messages_never_expire, V5, "The Message Expiry Interval is ignored: messages wait for ever",
       "message_expires_in_queue message_expires_behind_receive_maximum retained_message_expires "
       "message_expires_while_server_is_down messages_of_5_expire_for_clients_of_3",
       MQTT_3_3_2_5, D_3_3_1_3_3, D_3_3_2_3_3_1) = {
    .from_client = remove_interval,
    .properties = "message_expiry_goes_on_after_crash "
                  "retained_message_expiry_goes_on_after_crash",
};

static enum fate note_interval(struct passage *passage)
{
    const struct properties *properties = properties_of_publish(passage);
    if (properties != NULL) {
        const uint32_t seconds = properties->value[ORDINAL_MESSAGE_EXPIRY_INTERVAL].number;
        remember(passage->connection->proxy, "interval", passage->packet.publish.topic,
                 bytes_of(&seconds, sizeof seconds));
    }
    return PASS;
}

static enum fate restore_interval(struct passage *passage)
{
    struct properties *properties = properties_of_publish(passage);
    uint32_t seconds;
    if (properties == NULL)
        return PASS;
    const struct bytes kept = recall(passage->connection->proxy, "interval", passage->packet.publish.topic);
    if (kept.length != sizeof seconds)
        return PASS;
    memcpy(&seconds, kept.data, sizeof seconds);
    properties_set_number(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, seconds);
    return ENCODE;
}

MUTANT(expiry_interval_is_not_reduced, V5,
       "The Message Expiry Interval is passed on as it came, however late",
       "message_expiry_interval_is_reduced_in_queue message_expiry_interval_is_reduced_when_retained",
       MQTT_3_3_2_6) = {
    .from_client = note_interval,
    .from_server = restore_interval,
};

static enum fate shorten_interval(struct passage *passage)
{
    struct properties *properties = properties_of_publish(passage);
    if (properties == NULL)
        return PASS;
    const uint32_t seconds = properties->value[ORDINAL_MESSAGE_EXPIRY_INTERVAL].number;
    properties_set_number(properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, seconds / 6);
    return ENCODE;
}

MUTANT(messages_expire_too_early, V5, "Messages expire after a sixth of their interval",
       "message_does_not_expire_too_early", MQTT_3_3_2_5, MQTT_3_3_2_6) = {
    .from_client = shorten_interval,
};
