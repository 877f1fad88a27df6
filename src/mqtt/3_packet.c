/* 3 MQTT Control Packets: framing, and the dispatch of decode and encode. Prefix: packet_ */
#include "3_packet.h"

#include "2_1_fixed_header.h"
#include "3_01_connect.h"
#include "3_02_connack.h"
#include "3_03_publish.h"
#include "3_04_puback.h"
#include "3_05_pubrec.h"
#include "3_06_pubrel.h"
#include "3_07_pubcomp.h"
#include "3_08_subscribe.h"
#include "3_09_suback.h"
#include "3_10_unsubscribe.h"
#include "3_11_unsuback.h"
#include "3_12_pingreq.h"
#include "3_13_pingresp.h"
#include "3_14_disconnect.h"
#include "3_15_auth.h"

/* Directions of flow, table 2-1. */
enum direction { BY_CLIENT = 1, BY_SERVER = 2, BY_BOTH = 3 };

struct packet_kind {
    enum direction direction;
    struct verdict (*decode)(struct decoder *decoder, struct packet *packet);
    size_t (*size)(const struct packet *packet); /* NULL: nothing follows the fixed header */
    void (*encode)(struct writer *writer, const struct packet *packet);
};
static const struct packet_kind packet_kinds[16] = {
    [PACKET_CONNECT] = {BY_CLIENT, connect_decode, connect_size, connect_encode},
    [PACKET_CONNACK] = {BY_SERVER, connack_decode, connack_size, connack_encode},
    [PACKET_PUBLISH] = {BY_BOTH, publish_decode, publish_size, publish_encode},
    [PACKET_PUBACK] = {BY_BOTH, puback_decode, acknowledgement_size, acknowledgement_encode},
    [PACKET_PUBREC] = {BY_BOTH, pubrec_decode, acknowledgement_size, acknowledgement_encode},
    [PACKET_PUBREL] = {BY_BOTH, pubrel_decode, acknowledgement_size, acknowledgement_encode},
    [PACKET_PUBCOMP] = {BY_BOTH, pubcomp_decode, acknowledgement_size, acknowledgement_encode},
    [PACKET_SUBSCRIBE] = {BY_CLIENT, subscribe_decode, subscribe_size, subscribe_encode},
    [PACKET_SUBACK] = {BY_SERVER, suback_decode, suback_size, suback_encode},
    [PACKET_UNSUBSCRIBE] = {BY_CLIENT, unsubscribe_decode, unsubscribe_size, unsubscribe_encode},
    [PACKET_UNSUBACK] = {BY_SERVER, unsuback_decode, unsuback_size, unsuback_encode},
    [PACKET_PINGREQ] = {BY_CLIENT, pingreq_decode, NULL, NULL},
    [PACKET_PINGRESP] = {BY_SERVER, pingresp_decode, NULL, NULL},
    [PACKET_DISCONNECT] = {BY_BOTH, disconnect_decode, disconnect_size, disconnect_encode},
    [PACKET_AUTH] = {BY_BOTH, auth_decode, auth_size, auth_encode},
};

/* Framing */

enum framing packet_frame(struct bytes input, enum protocol_version version, uint32_t maximum_packet_size,
                          size_t *size, struct verdict *verdict)
{
    struct fixed_header header;
    *size = 0;
    const enum framing found = fixed_header_read(input, version, &header, verdict);
    if (found != FRAMING_COMPLETE)
        return found;

    *size = header.size + header.remaining_length; /* [D-2.1.4-1, D3-2.2.3-1] */
    if (maximum_packet_size != 0 && *size > maximum_packet_size) {
        /* [MQTT-3.2.2-15] [P-3.2.2.3.6-2]; a limit of ours before 5.0: [MQTT3-4.8.0-1] */
        *verdict = refuse(version_cite(version, P_3_2_2_3_6_2, MQTT3_4_8_0_1), REASON_PACKET_TOO_LARGE, 1,
                          "packet is larger than the Maximum Packet Size");
        return FRAMING_REFUSED;
    }
    return input.length < *size ? FRAMING_INCOMPLETE : FRAMING_COMPLETE;
}

/* Decoding: a packet with several errors is refused for the one that is met first [D-4.13.2-2] */

/* Whether this side sends packets of this type at all, and now. */
static struct verdict check_type(const struct decoder *decoder)
{
    const unsigned side = decoder->sender == SENDER_CLIENT ? BY_CLIENT : BY_SERVER;
    const enum statement three = decoder->sender == SENDER_CLIENT ? P3_2_2_1_3 : MQTT3_4_8_0_1;
    if ((packet_kinds[decoder->type].direction & side) ==
        0) /* [MQTT-4.13.1-1] [P3-2.2.1-3] [MQTT3-4.8.0-1] */
        return refuse_protocol_error(decoder, MQTT_4_13_1_1, three, 0,
                                     "this side does not send packets of this type");
    if (decoder->version == PROTOCOL_UNKNOWN && decoder->type != PACKET_CONNECT)
        return refuse(MQTT_3_1_0_1, REASON_PROTOCOL_ERROR, 0, /* [MQTT-3.1.0-1] [MQTT3-3.1.0-1] */
                      "the first packet of a connection is not CONNECT");
    return accept();
}

/* Reads the fixed header and tells of it; the first byte also when it is refused. */
static struct verdict read_fixed_header(struct decoder *decoder, struct bytes input,
                                        struct fixed_header *header)
{
    struct verdict verdict;
    const enum framing found = fixed_header_read(input, decoder->version, header, &verdict);
    if (input.length > 0) {
        decoder->type = header->type;
        fixed_header_observe_first(decoder, header);
    }
    if (found == FRAMING_INCOMPLETE)
        return refuse_form(decoder, input.length, "packet ends within its fixed header");
    return verdict;
}

/* The fixed header, and whether it describes `input` exactly. */
static struct verdict decode_fixed_header(struct decoder *decoder, struct packet *packet, struct bytes input)
{
    struct fixed_header header = {.type = PACKET_RESERVED};
    const struct verdict verdict = read_fixed_header(decoder, input, &header);
    packet->type = header.type;
    packet->flags = header.flags;
    if (verdict.refused)
        return verdict;

    fixed_header_observe_length(decoder, &header);
    decoder->at += header.size;
    packet->remaining_length = header.remaining_length;
    if (decoder_left(decoder) != header.remaining_length)
        return refuse_form(decoder, 1, "Remaining Length is not what follows it");
    return check_type(decoder);
}

struct verdict packet_decode(struct packet *packet, enum protocol_version version, enum sender sender,
                             struct bytes input, const struct decode_observer *observer)
{
    struct decoder decoder = {.start = input.data,
                              .at = input.data,
                              .end = input.length == 0 ? input.data : input.data + input.length,
                              .version = version,
                              .sender = sender,
                              .type = PACKET_RESERVED,
                              .observer = observer};
    if (input.length > 0 && input.data[0] >> 4 == PACKET_CONNECT)
        decoder.version = PROTOCOL_UNKNOWN; /* its own content will tell */
    packet->version = decoder.version;
    packet->remaining_length = 0;
    packet->size = input.length;
    GUARD(decode_fixed_header(&decoder, packet, input));
    GUARD(packet_kinds[packet->type].decode(&decoder, packet));
    if (decoder_left(&decoder) > 0)
        return refuse_form(&decoder, decoder_offset(&decoder),
                           "bytes are left over at the end of the packet");
    return accept();
}

/* Encoding */

/* Remaining Length; may exceed what MQTT allows. */
static size_t remaining_length(const struct packet *packet)
{
    const struct packet_kind *kind = &packet_kinds[packet->type];
    return kind->size == NULL ? 0 : kind->size(packet);
}

static size_t whole_size(size_t remaining)
{
    if (remaining > VARIABLE_BYTE_INTEGER_MAXIMUM)
        return 0;
    return 1 + variable_byte_integer_size((uint32_t)remaining) + remaining;
}

size_t packet_encoded_size(const struct packet *packet)
{
    return whole_size(remaining_length(packet));
}

/* Whatever is sent is written here, by the codec of its type [D3-7.1.1-1]. */
size_t packet_encode(const struct packet *packet, struct writer *writer)
{
    const size_t remaining = remaining_length(packet);
    const size_t size = whole_size(remaining);
    if (size == 0 || writer->overflow || (size_t)(writer->end - writer->at) < size)
        return 0;

    const uint8_t *start = writer->at;
    const uint8_t flags = packet->type == PACKET_PUBLISH
                              ? publish_flags(packet)
                              : fixed_header_flags(packet->type, packet->version, packet->flags);
    write_byte(writer, (uint8_t)(packet->type << 4 | flags));
    write_variable_byte_integer(writer, (uint32_t)remaining);
    if (packet_kinds[packet->type].encode != NULL)
        packet_kinds[packet->type].encode(writer, packet);
    assert((size_t)(writer->at - start) == size);
    return size;
}
