/* 3.1 CONNECT - Connection Request. Prefix: connect_
 *
 * Where MQTT 5.0 names no Reason Code for a rule on the values of this packet, the packet can be parsed all
 * the same: it is a Protocol Error by the definition in section 1.2. A field that is missing or surplus makes
 * it Malformed. */
#include "3_01_connect.h"

#include "4_07_topics.h"

/* 3.1.2.3 Connect Flags */
#define RESERVED_FLAG 0x01U
#define CLEAN_START_FLAG 0x02U
#define WILL_FLAG 0x04U
#define WILL_QOS_SHIFT 3
#define WILL_RETAIN_FLAG 0x20U
#define PASSWORD_FLAG 0x40U
#define USER_NAME_FLAG 0x80U

/* Set by bridges of some brokers in the Protocol Level; they understand an answer in the form of 3.1.1 and
 * then do without it. */
#define BRIDGE_LEVEL 0x80U

/* 3.1.2.1 Protocol Name, 3.1.2.2 Protocol Version: all of them on every listener [D-3.1.4-1, D3-3.1.4-1] */

struct protocol {
    const char *name;
    enum protocol_version version;
};
static const struct protocol protocols[] = {
    {"MQTT", PROTOCOL_5_0}, {"MQTT", PROTOCOL_3_1_1}, {"MQIsdp", PROTOCOL_3_1}};

static bool is_protocol_name(struct bytes name)
{
    return bytes_equal(name, bytes_of_text("MQTT")) || bytes_equal(name, bytes_of_text("MQIsdp"));
}

/* PROTOCOL_UNKNOWN if there is no such protocol. */
static enum protocol_version find_protocol(struct bytes name, uint8_t level)
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        if (protocols[i].version == level && bytes_equal(name, bytes_of_text(protocols[i].name)))
            return protocols[i].version;
    }
    return PROTOCOL_UNKNOWN;
}

static const char *version_meaning(enum protocol_version version)
{
    return version == PROTOCOL_5_0     ? "MQTT 5.0"
           : version == PROTOCOL_3_1_1 ? "MQTT 3.1.1"
           : version == PROTOCOL_3_1   ? "MQTT 3.1"
                                       : "unknown";
}

static struct verdict decode_protocol(struct decoder *decoder, struct packet *packet)
{
    struct bytes name;
    const size_t name_offset = decoder_offset(decoder);
    GUARD(read_utf8_string(decoder, (struct field){"Protocol Name", "3.1.2.1"}, &name));
    if (!is_protocol_name(name)) /* [MQTT-3.1.2-1] [MQTT3-3.1.2-1] */
        return refuse(MQTT_3_1_2_1, REASON_UNSUPPORTED_PROTOCOL_VERSION, name_offset,
                      "Protocol Name is neither MQTT nor MQIsdp");

    const size_t offset = decoder_offset(decoder);
    uint8_t level;
    GUARD(take_byte(decoder, &level));
    const enum protocol_version version = find_protocol(name, level);
    observe_number(decoder, (struct field){"Protocol Version", "3.1.2.2"}, offset, 1, FIELD_INTEGER, level,
                   version_meaning(version));
    if (version == PROTOCOL_UNKNOWN) /* [MQTT-3.1.2-2] [MQTT3-3.1.2-2] */
        return refuse(level < PROTOCOL_5_0 || (level & BRIDGE_LEVEL) ? MQTT3_3_1_2_2 : MQTT_3_1_2_2,
                      REASON_UNSUPPORTED_PROTOCOL_VERSION, offset,
                      "Protocol Version is none of 3.1, 3.1.1 and 5.0");
    packet->version = version;
    decoder->version = version;
    return accept();
}

/* 3.1.2.3 Connect Flags */

static void observe_flags(const struct decoder *decoder, size_t offset, uint8_t flags)
{
    const bool five = decoder->version == PROTOCOL_5_0;
    observe_number(decoder, (struct field){"Connect Flags", "3.1.2.3"}, offset, 1, FIELD_FLAGS, flags, NULL);
    observe_bits(decoder, (struct field){"User Name Flag", "3.1.2.8"}, offset, flags >> 7, NULL);
    observe_bits(decoder, (struct field){"Password Flag", "3.1.2.9"}, offset, flags >> 6 & 1, NULL);
    observe_bits(decoder, (struct field){"Will Retain", "3.1.2.7"}, offset, flags >> 5 & 1, NULL);
    observe_bits(decoder, (struct field){"Will QoS", "3.1.2.6"}, offset, flags >> WILL_QOS_SHIFT & 3, NULL);
    observe_bits(decoder, (struct field){"Will Flag", "3.1.2.5"}, offset, flags >> 2 & 1, NULL);
    observe_bits(decoder, (struct field){five ? "Clean Start" : "Clean Session", "3.1.2.4"}, offset,
                 flags >> 1 & 1, NULL);
}

static struct verdict decode_will_flags(const struct decoder *decoder, struct will *will, uint8_t flags,
                                        size_t offset)
{
    will->present = (flags & WILL_FLAG) != 0;
    const bool disregarded = !will->present && decoder->version == PROTOCOL_3_1; /* spec/mqtt-3.1.md */
    will->qos = disregarded ? 0 : flags >> WILL_QOS_SHIFT & 3;
    will->retain = !disregarded && (flags & WILL_RETAIN_FLAG) != 0;
    if (!will->present && will->qos != 0) /* [MQTT-3.1.2-11] [MQTT3-3.1.2-13] [MQTT3-3.1.2-11] */
        return refuse_protocol_error(decoder, MQTT_3_1_2_11, MQTT3_3_1_2_13, offset,
                                     "Will QoS is not 0 though the Will Flag is 0");
    if (!will->present && will->retain) /* [MQTT-3.1.2-13] [MQTT3-3.1.2-15] [MQTT3-3.1.2-11] */
        return refuse_protocol_error(decoder, MQTT_3_1_2_13, MQTT3_3_1_2_15, offset,
                                     "Will Retain is 1 though the Will Flag is 0");
    if (will->qos == 3) /* [MQTT-3.1.2-12] [P-3.1.2.6-1] [MQTT3-3.1.2-14] */
        return refuse_malformed(decoder, MQTT_3_1_2_12, MQTT3_3_1_2_14, offset, "Will QoS is 3");
    return accept();
}

static struct verdict decode_flags(struct decoder *decoder, struct connect *connect)
{
    const size_t offset = decoder_offset(decoder);
    uint8_t flags;
    GUARD(take_byte(decoder, &flags));
    observe_flags(decoder, offset, flags);
    if ((flags & RESERVED_FLAG) != 0) /* [MQTT-3.1.2-3] [P-3.1.2.3-1] [MQTT3-3.1.2-3] */
        return refuse_malformed(decoder, MQTT_3_1_2_3, MQTT3_3_1_2_3, offset,
                                "reserved bit of the Connect Flags is 1");

    connect->clean_start = (flags & CLEAN_START_FLAG) != 0;
    connect->has_user_name = (flags & USER_NAME_FLAG) != 0;
    connect->has_password = (flags & PASSWORD_FLAG) != 0;
    GUARD(decode_will_flags(decoder, &connect->will, flags, offset));
    if (connect->has_password && !connect->has_user_name && decoder->version != PROTOCOL_5_0)
        return refuse(MQTT3_3_1_2_22, REASON_PROTOCOL_ERROR, offset, /* [MQTT3-3.1.2-22] */
                      "Password Flag is 1 though the User Name Flag is 0");
    return accept();
}

/* 3.1.2.11 CONNECT Properties */

static struct verdict decode_properties(struct decoder *decoder, struct connect *connect)
{
    const size_t offset = decoder_offset(decoder);
    GUARD(properties_decode(decoder, CONTEXT_CONNECT, &connect->properties));
    if (properties_has(&connect->properties, ORDINAL_AUTHENTICATION_DATA) &&
        !properties_has(&connect->properties, ORDINAL_AUTHENTICATION_METHOD)) /* [P-3.1.2.11.10-1] */
        return refuse(P_3_1_2_11_10_1, REASON_PROTOCOL_ERROR, offset,
                      "Authentication Data without Authentication Method");
    return accept();
}

/* 3.1.3 CONNECT Payload: the order is fixed [MQTT-3.1.3-1] [MQTT3-3.1.3-1] */

/* Refuses a payload that has ended before a field that must be present. */
static struct verdict need_field(const struct decoder *decoder, enum statement five, enum statement three,
                                 const char *what)
{
    if (decoder_left(decoder) == 0)
        return refuse_malformed(decoder, five, three, decoder_offset(decoder), what);
    return accept();
}

/* 3.1.3.1 */
static struct verdict decode_client_identifier(struct decoder *decoder, struct connect *connect)
{
    const size_t offset = decoder_offset(decoder);
    GUARD(need_field(decoder, MQTT_3_1_3_3, MQTT3_3_1_3_3, /* [MQTT-3.1.3-3] [MQTT3-3.1.3-3] */
                     "Client Identifier is missing"));
    /* [MQTT-3.1.3-4] [MQTT3-3.1.3-4] */
    GUARD(read_utf8_string(decoder, (struct field){"Client Identifier", "3.1.3.1"},
                           &connect->client_identifier));
    if (connect->client_identifier.length > 0 || decoder->version == PROTOCOL_5_0)
        return accept();
    if (decoder->version == PROTOCOL_3_1) /* 3.1 asks for 1 to 23 characters: [MQTT3-3.1.3-9] */
        return refuse(MQTT3_3_1_3_9, REASON_CLIENT_IDENTIFIER_NOT_VALID, offset,
                      "Client Identifier is empty");
    if (!connect->clean_start) /* [MQTT3-3.1.3-8] [MQTT3-3.1.3-7] */
        return refuse(MQTT3_3_1_3_8, REASON_CLIENT_IDENTIFIER_NOT_VALID, offset,
                      "Client Identifier is empty though Clean Session is 0");
    return accept();
}

/* 3.1.3.2 to 3.1.3.4 */
static struct verdict decode_will(struct decoder *decoder, struct will *will)
{
    const bool five = decoder->version == PROTOCOL_5_0;
    const char *what = "Will Properties, Will Topic or Will Payload is missing";
    GUARD(need_field(decoder, MQTT_3_1_2_9, MQTT3_3_1_2_9, what)); /* [MQTT-3.1.2-9] [MQTT3-3.1.2-9] */
    if (five)
        observe_bytes(decoder, (struct field){"Will Properties", "3.1.3.2"}, decoder_offset(decoder), 0,
                      FIELD_HEADING, (struct bytes){NULL, 0}, NULL);
    GUARD(properties_decode(decoder, CONTEXT_WILL, &will->properties));

    GUARD(need_field(decoder, MQTT_3_1_2_9, MQTT3_3_1_2_9, what));
    const size_t topic_offset = decoder_offset(decoder) + 2;
    /* [MQTT-3.1.3-11] [MQTT3-3.1.3-10] */
    GUARD(read_utf8_string(decoder, (struct field){"Will Topic", "3.1.3.3"}, &will->topic));
    GUARD(topic_name_check(will->topic, decoder->version, topic_offset));

    GUARD(need_field(decoder, MQTT_3_1_2_9, MQTT3_3_1_2_9, what));
    return read_binary_data(decoder, (struct field){five ? "Will Payload" : "Will Message", "3.1.3.4"},
                            &will->payload);
}

/* 3.1.3.5 */
static struct verdict decode_user_name(struct decoder *decoder, struct connect *connect)
{
    GUARD(need_field(decoder, MQTT_3_1_2_17, MQTT3_3_1_2_19, /* [MQTT-3.1.2-17] [MQTT3-3.1.2-19] */
                     "User Name is missing though the User Name Flag is 1"));
    /* [MQTT-3.1.3-12] [MQTT3-3.1.3-11] */
    return read_utf8_string(decoder, (struct field){"User Name", "3.1.3.5"}, &connect->user_name);
}

/* 3.1.3.6 */
static struct verdict decode_password(struct decoder *decoder, struct connect *connect)
{
    GUARD(need_field(decoder, MQTT_3_1_2_19, MQTT3_3_1_2_21, /* [MQTT-3.1.2-19] [MQTT3-3.1.2-21] */
                     "Password is missing though the Password Flag is 1"));
    return read_secret(decoder, (struct field){"Password", "3.1.3.6"}, &connect->password);
}

/* MQTT 3.1, for the sake of its predecessor: a Remaining Length that leaves no room for User Name or Password
 * outweighs their flags, and the connection goes on without them. */
static void drop_if_absent(const struct decoder *decoder, bool *flag)
{
    if (decoder->version == PROTOCOL_3_1 && decoder_left(decoder) == 0)
        *flag = false;
}

static struct verdict decode_credentials(struct decoder *decoder, struct connect *connect)
{
    connect->user_name = (struct bytes){NULL, 0};
    connect->password = (struct bytes){NULL, 0};
    drop_if_absent(decoder, &connect->has_user_name);
    if (connect->has_user_name)
        GUARD(decode_user_name(decoder, connect));
    drop_if_absent(decoder, &connect->has_password);
    if (connect->has_password)
        GUARD(decode_password(decoder, connect));
    return accept();
}

/* Nothing may follow; a surplus field is told by the flag that it lacks. */
static struct verdict check_end(const struct decoder *decoder, const struct connect *connect)
{
    if (decoder_left(decoder) == 0)
        return accept();
    const size_t offset = decoder_offset(decoder);
    if (!connect->has_user_name) /* [MQTT-3.1.2-16] [MQTT3-3.1.2-18] */
        return refuse_malformed(decoder, MQTT_3_1_2_16, MQTT3_3_1_2_18, offset,
                                "bytes follow the payload though the User Name Flag is 0");
    if (!connect->has_password) /* [MQTT-3.1.2-18] [MQTT3-3.1.2-20] */
        return refuse_malformed(decoder, MQTT_3_1_2_18, MQTT3_3_1_2_20, offset,
                                "bytes follow the payload though the Password Flag is 0");
    return refuse_form(decoder, offset, "bytes follow the payload");
}

struct verdict connect_decode(struct decoder *decoder, struct packet *packet)
{
    struct connect *connect = &packet->connect;
    GUARD(decode_protocol(decoder, packet));
    GUARD(decode_flags(decoder, connect));
    GUARD(read_two_byte_integer(decoder, (struct field){"Keep Alive", "3.1.2.10"}, &connect->keep_alive));
    GUARD(decode_properties(decoder, connect));

    GUARD(decode_client_identifier(decoder, connect));
    if (connect->will.present)
        GUARD(decode_will(decoder, &connect->will));
    GUARD(decode_credentials(decoder, connect));
    return check_end(decoder, connect);
}

/* Encoding */

static struct bytes protocol_name(enum protocol_version version)
{
    return bytes_of_text(version == PROTOCOL_3_1 ? "MQIsdp" : "MQTT");
}

static size_t will_size(enum protocol_version version, const struct will *will)
{
    if (!will->present)
        return 0;
    return properties_size_by_version(version, &will->properties) + 2 + will->topic.length + 2 +
           will->payload.length;
}

size_t connect_size(const struct packet *packet)
{
    const struct connect *connect = &packet->connect;
    const size_t user_name = connect->has_user_name ? 2 + connect->user_name.length : 0;
    const size_t password = connect->has_password ? 2 + connect->password.length : 0;
    return 2 + protocol_name(packet->version).length + 1 + 1 +
           2 + /* Protocol Version, Connect Flags, Keep Alive */
           properties_size_by_version(packet->version, &connect->properties) + 2 +
           connect->client_identifier.length + will_size(packet->version, &connect->will) + user_name +
           password;
}

static uint8_t connect_flags(const struct connect *connect)
{
    unsigned flags = 0;
    flags |= connect->clean_start ? CLEAN_START_FLAG : 0;
    flags |= connect->has_user_name ? USER_NAME_FLAG : 0;
    flags |= connect->has_password ? PASSWORD_FLAG : 0;
    if (connect->will.present) {
        flags |= WILL_FLAG | (unsigned)connect->will.qos << WILL_QOS_SHIFT;
        flags |= connect->will.retain ? WILL_RETAIN_FLAG : 0;
    }
    return (uint8_t)flags;
}

static void encode_will(struct writer *writer, enum protocol_version version, const struct will *will)
{
    properties_encode_by_version(writer, version, &will->properties);
    write_string(writer, will->topic);
    write_string(writer, will->payload);
}

void connect_encode(struct writer *writer, const struct packet *packet)
{
    const struct connect *connect = &packet->connect;
    write_string(writer, protocol_name(packet->version));
    write_byte(writer, (uint8_t)packet->version);
    write_byte(writer, connect_flags(connect));
    write_two_byte_integer(writer, connect->keep_alive);
    properties_encode_by_version(writer, packet->version, &connect->properties);

    write_string(writer, connect->client_identifier);
    if (connect->will.present)
        encode_will(writer, packet->version, &connect->will);
    if (connect->has_user_name)
        write_string(writer, connect->user_name);
    if (connect->has_password)
        write_string(writer, connect->password);
}
