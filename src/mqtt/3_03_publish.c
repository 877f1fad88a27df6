/* 3.3 PUBLISH - Publish message. Prefix: publish_ */
#include "3_03_publish.h"

#include "2_2_1_packet_identifier.h"
#include "4_07_topics.h"

/* 3.3.1 PUBLISH Fixed Header */
#define DUP_FLAG 0x08U
#define QOS_SHIFT 1
#define RETAIN_FLAG 0x01U

static struct verdict decode_flags(const struct decoder *decoder, uint8_t flags, struct publish *publish)
{
    publish->dup = (flags & DUP_FLAG) != 0;
    publish->qos = flags >> QOS_SHIFT & 3;
    publish->retain = (flags & RETAIN_FLAG) != 0;
    observe_bits(decoder, (struct field){"DUP", "3.3.1.1"}, 0, publish->dup, NULL);
    observe_bits(decoder, (struct field){"QoS", "3.3.1.2"}, 0, publish->qos, NULL);
    observe_bits(decoder, (struct field){"RETAIN", "3.3.1.3"}, 0, publish->retain, NULL);
    if (publish->qos == 3) /* [MQTT-3.3.1-4] [P-3.3.1.2-1] [R-3.3.1.2-2] [MQTT3-3.3.1-4] */
        return refuse_malformed(decoder, MQTT_3_3_1_4, MQTT3_3_3_1_4, 0, "QoS bits are both 1");
    if (publish->dup && publish->qos == 0) /* [MQTT-3.3.1-2] [P-2.1.3-1] [MQTT3-3.3.1-2] */
        return refuse_malformed(decoder, MQTT_3_3_1_2, MQTT3_3_3_1_2, 0, "DUP is 1 though QoS is 0");
    return accept();
}

/* 3.3.2.1 Topic Name; an empty one is judged after the properties, which may hold a Topic Alias */
static struct verdict decode_topic(struct decoder *decoder, struct publish *publish)
{
    const size_t offset = decoder_offset(decoder) + 2;
    /* [MQTT-3.3.2-1] [MQTT3-3.3.2-1] */
    GUARD(read_utf8_string(decoder, (struct field){"Topic Name", "3.3.2.1"}, &publish->topic));
    if (publish->topic.length == 0 && decoder->version == PROTOCOL_5_0)
        return accept();
    struct verdict verdict = topic_name_check(publish->topic, decoder->version, offset);
    if (verdict.refused && publish->topic.length > 0) /* [MQTT-3.3.2-2] [MQTT3-3.3.2-2] */
        verdict.statement = (uint16_t)decoder_cite(decoder, MQTT_3_3_2_2, MQTT3_3_3_2_2);
    return verdict;
}

/* 3.3.2.2: only at QoS 1 and 2 [MQTT-2.2.1-2] [MQTT3-2.3.1-5] [D-3.3.2.2-1, D3-3.3.2.2-1] */
static struct verdict decode_packet_identifier(struct decoder *decoder, struct publish *publish)
{
    publish->packet_identifier = 0;
    if (publish->qos == 0)
        return accept();
    return packet_identifier_read(decoder, "3.3.2.2", &publish->packet_identifier);
}

/* Topic Name, Packet Identifier, Properties, and a payload that may be empty: [D-3.3.2-1, D3-3.3.2-1]
 * [D-3.3.3-1, D3-3.3.3-2] */
struct verdict publish_decode(struct decoder *decoder, struct packet *packet)
{
    struct publish *publish = &packet->publish;
    GUARD(decode_flags(decoder, packet->flags, publish));
    const size_t topic_offset = decoder_offset(decoder);
    GUARD(decode_topic(decoder, publish));
    GUARD(decode_packet_identifier(decoder, publish));
    /* [MQTT-3.3.2-8] [P-3.3.4-2] Topic Alias 0 and [MQTT-3.3.4-6] Subscription Identifier of a Client: in the
     * table */
    GUARD(properties_decode(decoder, CONTEXT_PUBLISH, &publish->properties));
    if (publish->topic.length == 0 && !properties_has(&publish->properties, ORDINAL_TOPIC_ALIAS))
        return refuse(P_3_3_2_1_1, REASON_PROTOCOL_ERROR, topic_offset, /* [P-3.3.2.1-1] */
                      "Topic Name is empty and there is no Topic Alias");
    publish->payload = read_rest(decoder, (struct field){"Payload", "3.3.3"}, FIELD_BINARY);
    return accept();
}

uint8_t publish_flags(const struct packet *packet)
{
    const struct publish *publish = &packet->publish;
    return (uint8_t)((publish->dup ? DUP_FLAG : 0) | (unsigned)publish->qos << QOS_SHIFT |
                     (publish->retain ? RETAIN_FLAG : 0));
}

size_t publish_size(const struct packet *packet)
{
    const struct publish *publish = &packet->publish;
    return 2 + publish->topic.length + (publish->qos > 0 ? 2 : 0) +
           properties_size_by_version(packet->version, &publish->properties) + publish->payload.length;
}

void publish_encode(struct writer *writer, const struct packet *packet)
{
    const struct publish *publish = &packet->publish;
    write_string(writer, publish->topic);
    if (publish->qos > 0) /* [MQTT-2.2.1-2] [MQTT3-2.3.1-5] */
        write_two_byte_integer(writer, publish->packet_identifier);
    properties_encode_by_version(writer, packet->version, &publish->properties);
    write_raw(writer, publish->payload.data, publish->payload.length);
}
