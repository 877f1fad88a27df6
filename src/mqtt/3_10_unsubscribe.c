/* 3.10 UNSUBSCRIBE - Unsubscribe request. Prefix: unsubscribe_ */
#include "3_10_unsubscribe.h"

#include "2_2_1_packet_identifier.h"
#include "4_07_topics.h"

/* 3.10.3 */
static struct verdict decode_entry(struct decoder *decoder)
{
    struct bytes topic_filter;
    const size_t offset = decoder_offset(decoder) + 2;
    /* [MQTT-3.10.3-1] [MQTT3-3.10.3-1] */
    GUARD(read_utf8_string(decoder, (struct field){"Topic Filter", "3.10.3"}, &topic_filter));
    return topic_filter_check(topic_filter, decoder->version, offset);
}

struct verdict unsubscribe_decode(struct decoder *decoder, struct packet *packet)
{
    struct unsubscribe *unsubscribe = &packet->unsubscribe;
    GUARD(packet_identifier_read(decoder, "3.10.2", &unsubscribe->packet_identifier));
    GUARD(properties_decode(decoder, CONTEXT_UNSUBSCRIBE, &unsubscribe->properties));
    if (decoder_left(decoder) == 0) /* [MQTT-3.10.3-2] [P-3.10.3-1] [MQTT3-3.10.3-2] */
        return refuse_protocol_error(decoder, MQTT_3_10_3_2, MQTT3_3_10_3_2, decoder_offset(decoder),
                                     "UNSUBSCRIBE without a Topic Filter");

    unsubscribe->payload = bytes_of(decoder->at, decoder_left(decoder));
    unsubscribe->count = 0;
    while (decoder_left(decoder) > 0) {
        GUARD(decode_entry(decoder));
        unsubscribe->count++;
    }
    return accept();
}

bool unsubscribe_next(struct bytes *rest, struct bytes *topic_filter)
{
    if (rest->length < 2)
        return false;
    const size_t length = (size_t)(rest->data[0] << 8 | rest->data[1]);
    if (rest->length < 2 + length)
        return false;
    *topic_filter = bytes_of(rest->data + 2, length);
    *rest = bytes_after(*rest, 2 + length);
    return true;
}

size_t unsubscribe_size(const struct packet *packet)
{
    return 2 + properties_size_by_version(packet->version, &packet->unsubscribe.properties) +
           packet->unsubscribe.payload.length;
}

void unsubscribe_encode(struct writer *writer, const struct packet *packet)
{
    write_two_byte_integer(writer, packet->unsubscribe.packet_identifier);
    properties_encode_by_version(writer, packet->version, &packet->unsubscribe.properties);
    write_raw(writer, packet->unsubscribe.payload.data, packet->unsubscribe.payload.length);
}

void unsubscribe_write(struct writer *writer, struct bytes topic_filter)
{
    write_string(writer, topic_filter);
}
