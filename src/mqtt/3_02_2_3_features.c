/* 3.2.2.3 CONNACK Properties. Prefix: features_ */
#include "3_02_2_3_features.h"

#include "4_07_topics.h"

/* What CONNACK doesn't mention is not limited, or is supported: [D-3.2.2.3.3-1] [D-3.2.2.3.4-1]
 * [D-3.2.2.3.5-1] [D-3.2.2.3.8-1] [D-3.2.2.3.11-1] [D-3.2.2.3.12-1] [D-3.2.2.3.13-1] */
void features_announce(const struct broker_settings *settings, struct properties *properties)
{
    const struct {
        bool limited;
        enum property_ordinal ordinal;
        uint32_t value;
    } features[] = {
        {settings->receive_maximum > 0, ORDINAL_RECEIVE_MAXIMUM, settings->receive_maximum},
        {settings->maximum_packet_size > 0, ORDINAL_MAXIMUM_PACKET_SIZE, settings->maximum_packet_size},
        {settings->topic_alias_maximum > 0, ORDINAL_TOPIC_ALIAS_MAXIMUM, settings->topic_alias_maximum},
        {settings->maximum_qos < 2, ORDINAL_MAXIMUM_QOS, settings->maximum_qos}, /* [MQTT-3.2.2-9] */
        {!settings->retain_available, ORDINAL_RETAIN_AVAILABLE, 0},
        {!settings->wildcard_available, ORDINAL_WILDCARD_SUBSCRIPTION_AVAILABLE, 0},
        {!settings->subscription_identifier_available, ORDINAL_SUBSCRIPTION_IDENTIFIER_AVAILABLE, 0},
        {!settings->shared_available, ORDINAL_SHARED_SUBSCRIPTION_AVAILABLE, 0},
    };
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
        if (features[i].limited)
            properties_set_number(properties, features[i].ordinal, features[i].value);
}

struct verdict features_check_will(const struct broker_settings *settings, const struct packet *packet)
{
    const struct will *will = &packet->connect.will;
    const bool five = packet->version == PROTOCOL_5_0;
    if (!will->present)
        return accept();
    if (will->qos > settings->maximum_qos) /* [MQTT-3.2.2-12] */
        return refuse(five ? MQTT_3_2_2_12 : MQTT3_3_2_2_6, REASON_QOS_NOT_SUPPORTED, 0,
                      "Will QoS is above the Maximum QoS of this Server");
    if (will->retain && !settings->retain_available) /* [MQTT-3.2.2-13] */
        return refuse(five ? MQTT_3_2_2_13 : MQTT3_3_2_2_6, REASON_RETAIN_NOT_SUPPORTED, 0,
                      "Will Retain is 1 though this Server has no retained messages");
    return accept();
}

struct verdict features_check_publish(const struct broker_settings *settings, const struct packet *packet)
{
    const struct publish *publish = &packet->publish;
    const bool five =
        packet->version == PROTOCOL_5_0; /* the others can only be disconnected [MQTT3-3.3.5-2] */
    /* [MQTT-3.2.2-11] [P-3.2.2.3.4-2] [R-3.2.2.3.4-1] [R-3.3.1.2-1] */
    if (publish->qos > settings->maximum_qos)
        return refuse(five ? MQTT_3_2_2_11 : MQTT3_3_3_5_2, REASON_QOS_NOT_SUPPORTED, 0,
                      "QoS is above the Maximum QoS of this Server");
    /* [MQTT-3.2.2-14] [P-3.2.2.3.5-2] [S-3.2.2.3.5-1] [R-3.3.1.3-1] */
    if (publish->retain && !settings->retain_available)
        return refuse(five ? MQTT_3_2_2_14 : MQTT3_3_3_5_2, REASON_RETAIN_NOT_SUPPORTED, 0,
                      "RETAIN is 1 though this Server has no retained messages");
    return accept();
}

static struct verdict check_filter(const struct broker_settings *settings, struct bytes topic_filter)
{
    struct bytes share_name, inner;
    if (topic_filter_shared(topic_filter, &share_name, &inner) && !settings->shared_available)
        /* [P-3.2.2.3.13-2] [R-3.2.2.3.13-1] */
        return refuse(P_3_2_2_3_13_2, REASON_SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, 0,
                      "a Shared Subscription though this Server has none");
    if (topic_has_wildcard(topic_filter) &&
        !settings->wildcard_available) /* [P-3.2.2.3.11-2] [R-3.2.2.3.11-1] */
        return refuse(P_3_2_2_3_11_2, REASON_WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED, 0,
                      "a wildcard in a Topic Filter though this Server has no Wildcard Subscriptions");
    return accept();
}

struct verdict features_check_subscribe(const struct broker_settings *settings, const struct packet *packet)
{
    const struct subscribe *subscribe = &packet->subscribe;
    if (!settings->subscription_identifier_available &&
        properties_has(&subscribe->properties,
                       ORDINAL_SUBSCRIPTION_IDENTIFIER)) /* [P-3.2.2.3.12-2] [R-3.2.2.3.12-1] */
        return refuse(P_3_2_2_3_12_2, REASON_SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED, 0,
                      "a Subscription Identifier though this Server has none");
    if (settings->shared_available && settings->wildcard_available)
        return accept();
    struct bytes rest = subscribe->payload;
    struct subscription_request request;
    while (subscribe_next(&rest, &request)) {
        GUARD(check_filter(settings, request.topic_filter));
    }
    return accept();
}

bool features_allow_filter(const struct broker_settings *settings, struct bytes topic_filter)
{
    return settings->wildcard_available || !topic_has_wildcard(topic_filter);
}
