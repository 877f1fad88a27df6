/* 3.1.2.5 Will Flag, 3.1.3.2 Will Properties: keeping, discarding and publishing the Will Message. Prefix:
 * will_ */
#include <stdlib.h>

#include "3_03_4_publish_forward.h"
#include "5_4_2_authorization.h"
#include "actions.h"

struct verdict will_check(const struct broker_settings *settings, const struct packet *packet)
{
    const struct will *will = &packet->connect.will;
    size_t bad;
    if (!will->present)
        return accept();
    if (will->topic.data[0] == '$') /* [S-4.7.2-1, S3-4.7.2-1] as for PUBLISH */
        return refuse(packet->version == PROTOCOL_5_0 ? S_4_7_2_1 : MQTT3_3_2_2_6, REASON_TOPIC_NAME_INVALID,
                      0, "Will Topic begins with '$': such topics are the Server's own");
    if (settings->validate_payload_format &&
        properties_number(&will->properties, ORDINAL_PAYLOAD_FORMAT_INDICATOR, 0) == 1 &&
        utf8_check(will->payload, &bad) != UTF8_WELL_FORMED)
        return refuse(R_3_1_3_2_3_1, REASON_PAYLOAD_FORMAT_INVALID, 0,
                      "Will Payload is not the UTF-8 that it says it is");
    return accept();
}

/* The Will Properties that travel with the message; Will Delay Interval and Message Expiry Interval stay
 * here. */
#define KEPT_BACK (1U << ORDINAL_WILL_DELAY_INTERVAL | 1U << ORDINAL_MESSAGE_EXPIRY_INTERVAL)

/* The payload is what stands behind its length [D3-3.1.3.3-2]. */
static struct message *will_message(const struct will *will)
{
    uint8_t *rewritten;
    struct bytes properties; /* in order: [MQTT-3.1.3-10] */
    if (!forward_properties(&will->properties, KEPT_BACK, &rewritten, &properties))
        return NULL;
    struct message *message =
        message_create(will->topic, properties, will->payload, will->qos, EXPIRES_NEVER);
    free(rewritten);
    return message;
}

struct session_will *will_create(const struct will *will)
{
    struct session_will *kept = malloc(sizeof *kept);
    if (!kept)
        return NULL;
    *kept = (struct session_will){
        .message = will_message(will),
        .due = EXPIRES_NEVER,
        .delay = properties_number(&will->properties, ORDINAL_WILL_DELAY_INTERVAL, 0), /* [D-3.1.3.2.2-1] */
        .expiry_interval = properties_number(&will->properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL, UINT32_MAX),
        .qos = will->qos,
        .retain = will->retain};
    if (kept->message)
        return kept;
    free(kept);
    return NULL;
}

void will_free(struct broker *broker, struct session_will *will)
{
    if (!will)
        return;
    if (will->stored.number != 0)
        storing_unhold(broker, will->message);
    message_release(will->message);
    storing_free_will(broker, will);
}

void will_discard(struct broker *broker, struct session *session)
{
    will_free(broker, session->will);
    session->will = NULL;
}

/* With the Message Expiry Interval of the Will Properties [D-3.1.3.2.4-1], without one if they have none
 * [D-3.1.3.2.4-2] (unless the settings put a limit to it).
 * [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.1.2-14] [MQTT-3.1.2-15]
 * [MQTT3-3.1.2-8] [MQTT3-3.1.2-10] [MQTT3-3.1.2-12] [MQTT3-3.1.2-16] [MQTT3-3.1.2-17] */
void will_publish_late(struct broker *broker, struct session_will *will, const struct session *publisher)
{
    const uint32_t longest = broker->settings.maximum_message_expiry;
    if (longest != 0 && will->expiry_interval > longest)
        will->expiry_interval = longest;
    if (will->expiry_interval != UINT32_MAX) /* the interval runs from publication, 3.1.3.2.4 */
        will->message->expires_at = broker->now + (uint64_t)will->expiry_interval * 1000;
    storing_message_changed(broker, will->message);
    struct publication publication = publication_of_message(will->message);
    publication.publisher = publisher;
    publication.retain = will->retain;
    uint32_t recipients = 0;
    if (!publish_accept(broker, &publication, &recipients))
        broker_log(broker, LOG_ERROR, NULL, "out of memory, a Will Message did not reach everybody", NULL);
    publication_end(&publication);
    will_free(broker, will);
}

void will_publish(struct broker *broker, struct session *session)
{
    struct session_will *will = session->will;
    session->will = NULL; /* first of all: publishing may come back to this session */
    if (!will)
        return;
    /* 5.4.2: asked at CONNECT as well, but rights may be lost meanwhile */
    if (authorization_publish(broker, session, message_topic(will->message), will->qos, will->retain)) {
        will_publish_late(broker, will, session);
        return;
    }
    broker_log(broker, LOG_NOTICE, NULL, "a Will Message is not published: not authorized any more", NULL);
    broker->statistics.messages_dropped++;
    will_free(broker, will);
}
