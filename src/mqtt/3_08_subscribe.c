/* 3.8 SUBSCRIBE - Subscribe request. Prefix: subscribe_ */
#include "3_08_subscribe.h"

#include "2_2_1_packet_identifier.h"
#include "4_07_topics.h"

/* 3.8.3.1 Subscription Options */
#define QOS_MASK 0x03U
#define NO_LOCAL_BIT 0x04U
#define RETAIN_AS_PUBLISHED_BIT 0x08U
#define RETAIN_HANDLING_SHIFT 4
#define RESERVED_BITS 0xC0U   /* of 5.0 */
#define RESERVED_BITS_3 0xFCU /* of 3.1 and 3.1.1 */

static struct subscription_request request_of(struct bytes topic_filter, uint8_t options)
{
    return (struct subscription_request){
        .topic_filter = topic_filter,
        .qos = options & QOS_MASK,
        .no_local = (options & NO_LOCAL_BIT) != 0,
        .retain_as_published = (options & RETAIN_AS_PUBLISHED_BIT) != 0,
        .retain_handling = options >> RETAIN_HANDLING_SHIFT & 3,
    };
}

static void observe_options(const struct decoder *decoder, size_t offset, uint8_t options)
{
    if (decoder->version != PROTOCOL_5_0) {
        observe_number(decoder, (struct field){"Requested QoS", "3.8.3"}, offset, 1, FIELD_INTEGER, options,
                       NULL);
        return;
    }
    const char *section = "3.8.3.1";
    observe_number(decoder, (struct field){"Subscription Options", section}, offset, 1, FIELD_FLAGS, options,
                   NULL);
    observe_bits(decoder, (struct field){"Retain Handling", section}, offset,
                 options >> RETAIN_HANDLING_SHIFT & 3, NULL);
    observe_bits(decoder, (struct field){"Retain As Published", section}, offset, options >> 3 & 1, NULL);
    observe_bits(decoder, (struct field){"No Local", section}, offset, options >> 2 & 1, NULL);
    observe_bits(decoder, (struct field){"Maximum QoS", section}, offset, options & QOS_MASK, NULL);
}

/* 3.8.3 of MQTT 3.1.1: the byte is the requested QoS and nothing else */
static struct verdict check_requested_qos(uint8_t options, size_t offset)
{
    if ((options & RESERVED_BITS_3) != 0) /* [MQTT3-3.8.3-4] */
        return refuse(MQTT3_3_8_3_4, REASON_MALFORMED_PACKET, offset,
                      "reserved bits of the Requested QoS are not 0");
    if ((options & QOS_MASK) == 3) /* [MQTT3-3.8.3-4] */
        return refuse(MQTT3_3_8_3_4, REASON_MALFORMED_PACKET, offset, "Requested QoS is 3");
    return accept();
}

static struct verdict check_options(struct bytes topic_filter, uint8_t options, size_t offset)
{
    const struct subscription_request request = request_of(topic_filter, options);
    struct bytes share_name;
    struct bytes inner;
    if ((options & RESERVED_BITS) != 0) /* [MQTT-3.8.3-5] */
        return refuse(MQTT_3_8_3_5, REASON_MALFORMED_PACKET, offset,
                      "reserved bits of the Subscription Options are not 0");
    if (request.qos == 3) /* [P-3.8.3.1-1] */
        return refuse(P_3_8_3_1_1, REASON_PROTOCOL_ERROR, offset, "Maximum QoS is 3");
    if (request.retain_handling == 3) /* [P-3.8.3.1-2] */
        return refuse(P_3_8_3_1_2, REASON_PROTOCOL_ERROR, offset, "Retain Handling is 3");
    if (request.no_local && topic_filter_shared(topic_filter, &share_name, &inner)) /* [MQTT-3.8.3-4] */
        return refuse(MQTT_3_8_3_4, REASON_PROTOCOL_ERROR, offset, "No Local is 1 on a Shared Subscription");
    return accept();
}

/* 3.8.3: one Topic Filter and its options */
static struct verdict decode_entry(struct decoder *decoder)
{
    struct bytes topic_filter;
    const size_t filter_offset = decoder_offset(decoder) + 2;
    /* [MQTT-3.8.3-1] [MQTT3-3.8.3-1] */
    GUARD(read_utf8_string(decoder, (struct field){"Topic Filter", "3.8.3"}, &topic_filter));
    GUARD(topic_filter_check(topic_filter, decoder->version, filter_offset));

    const size_t offset = decoder_offset(decoder);
    uint8_t options;
    GUARD(take_byte(decoder, &options));
    observe_options(decoder, offset, options);
    return decoder->version == PROTOCOL_5_0 ? check_options(topic_filter, options, offset)
                                            : check_requested_qos(options, offset);
}

struct verdict subscribe_decode(struct decoder *decoder, struct packet *packet)
{
    struct subscribe *subscribe = &packet->subscribe;
    GUARD(packet_identifier_read(decoder, "3.8.2", &subscribe->packet_identifier));
    GUARD(properties_decode(decoder, CONTEXT_SUBSCRIBE, &subscribe->properties));
    if (decoder_left(decoder) == 0) /* [MQTT-3.8.3-2] [P-3.8.3-1] [MQTT3-3.8.3-3] */
        return refuse_protocol_error(decoder, MQTT_3_8_3_2, MQTT3_3_8_3_3, decoder_offset(decoder),
                                     "SUBSCRIBE without a Topic Filter");

    subscribe->payload = bytes_of(decoder->at, decoder_left(decoder));
    subscribe->count = 0;
    while (decoder_left(decoder) > 0) {
        GUARD(decode_entry(decoder));
        subscribe->count++;
    }
    return accept();
}

bool subscribe_next(struct bytes *rest, struct subscription_request *request)
{
    if (rest->length < 2)
        return false;
    const size_t length = (size_t)(rest->data[0] << 8 | rest->data[1]);
    if (rest->length < 2 + length + 1)
        return false;
    *request = request_of(bytes_of(rest->data + 2, length), rest->data[2 + length]);
    *rest = bytes_after(*rest, 2 + length + 1);
    return true;
}

size_t subscribe_size(const struct packet *packet)
{
    return 2 + properties_size_by_version(packet->version, &packet->subscribe.properties) +
           packet->subscribe.payload.length;
}

void subscribe_encode(struct writer *writer, const struct packet *packet)
{
    write_two_byte_integer(writer, packet->subscribe.packet_identifier);
    properties_encode_by_version(writer, packet->version, &packet->subscribe.properties);
    write_raw(writer, packet->subscribe.payload.data, packet->subscribe.payload.length);
}

void subscribe_write(struct writer *writer, const struct subscription_request *request)
{
    const unsigned options = (request->qos & QOS_MASK) | (request->no_local ? NO_LOCAL_BIT : 0) |
                             (request->retain_as_published ? RETAIN_AS_PUBLISHED_BIT : 0) |
                             (request->retain_handling & 3U) << RETAIN_HANDLING_SHIFT;
    write_string(writer, request->topic_filter);
    write_byte(writer, (uint8_t)options);
}
