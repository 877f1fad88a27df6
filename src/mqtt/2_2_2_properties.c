/* 2.2.2 Properties. Prefix: properties_ */
#include "2_2_2_properties.h"

#include "4_07_topics.h"

/* [D-3.3.2.3.7-1] [D-3.3.2.3.8-1] these may come more than once */
#define REPEATABLE (1U << ORDINAL_USER_PROPERTY | 1U << ORDINAL_SUBSCRIPTION_IDENTIFIER)

/* Where each context describes its Property Length. */
static const char *const length_sections[CONTEXT_COUNT] = {
    [CONTEXT_CONNECT] = "3.1.2.11.1",     [CONTEXT_CONNACK] = "3.2.2.3.1",
    [CONTEXT_PUBLISH] = "3.3.2.3.1",      [CONTEXT_WILL] = "3.1.3.2.1",
    [CONTEXT_PUBACK] = "3.4.2.2.1",       [CONTEXT_PUBREC] = "3.5.2.2.1",
    [CONTEXT_PUBREL] = "3.6.2.2.1",       [CONTEXT_PUBCOMP] = "3.7.2.2.1",
    [CONTEXT_SUBSCRIBE] = "3.8.2.1.1",    [CONTEXT_SUBACK] = "3.9.2.1.1",
    [CONTEXT_UNSUBSCRIBE] = "3.10.2.1.1", [CONTEXT_UNSUBACK] = "3.11.2.1.1",
    [CONTEXT_DISCONNECT] = "3.14.2.2.1",  [CONTEXT_AUTH] = "3.15.2.2.1",
};

/* 2.2.2.2 Property: the Identifier */

/* Reads an Identifier and finds which property it is. */
static struct verdict decode_identifier(struct decoder *decoder, enum property_ordinal *ordinal)
{
    const size_t offset = decoder_offset(decoder);
    uint32_t identifier;
    GUARD(take_variable_byte_integer(decoder, &identifier));
    *ordinal = property_find(identifier);
    const bool known = *ordinal != PROPERTY_COUNT;
    observe_number(decoder, (struct field){"Identifier", "2.2.2.2"}, offset, decoder_offset(decoder) - offset,
                   FIELD_INTEGER, identifier, known ? property_describe(*ordinal)->name : "unknown");
    if (!known) /* [P-2.2.2.2-1] [R-2.2.2.2-1] */
        return refuse(P_2_2_2_2_1, REASON_MALFORMED_PACKET, offset, "unknown Property Identifier");
    return accept();
}

/* Whether the property may stand here, from this sender, (once more). */
static struct verdict check_use(const struct decoder *decoder, const struct property_use *use, bool again,
                                size_t offset)
{
    const unsigned sender = decoder->sender == SENDER_CLIENT ? PROPERTY_FROM_CLIENT : PROPERTY_FROM_SERVER;
    if ((use->senders & sender) == 0) /* [P-2.2.2.2-1] [R-2.2.2.2-1], or its own: spec/properties.tsv */
        return refuse(use->wrong_sender, use->wrong_sender_code, offset,
                      use->senders == 0 ? "property is not defined for this packet"
                                        : "property is not for this side to send");
    if (again && !use->may_repeat) /* its own statement: spec/properties.tsv */
        return refuse(use->repeated, use->repeated_code, offset, "property occurs more than once");
    return accept();
}

/* 2.2.2.2 Property: the value */

/* What a number means, for the observer; NULL if it speaks for itself. */
static const char *number_meaning(enum property_ordinal ordinal, uint32_t number)
{
    if (ordinal == ORDINAL_PAYLOAD_FORMAT_INDICATOR)
        return number == 0 ? "unspecified bytes" : number == 1 ? "UTF-8 encoded character data" : NULL;
    if (ordinal == ORDINAL_SESSION_EXPIRY_INTERVAL)
        return number == UINT32_MAX ? "does not expire" : "seconds";
    if (ordinal == ORDINAL_MESSAGE_EXPIRY_INTERVAL || ordinal == ORDINAL_WILL_DELAY_INTERVAL ||
        ordinal == ORDINAL_SERVER_KEEP_ALIVE)
        return "seconds";
    if (ordinal == ORDINAL_MAXIMUM_PACKET_SIZE)
        return "bytes";
    if (ordinal == ORDINAL_RETAIN_AVAILABLE || ordinal == ORDINAL_WILDCARD_SUBSCRIPTION_AVAILABLE ||
        ordinal == ORDINAL_SUBSCRIPTION_IDENTIFIER_AVAILABLE ||
        ordinal == ORDINAL_SHARED_SUBSCRIPTION_AVAILABLE)
        return number == 0 ? "not supported" : number == 1 ? "supported" : NULL;
    return NULL;
}

/* Bytes of a number of fixed size; 0 for the other types. */
static size_t fixed_size(enum property_type type)
{
    return type == PROPERTY_TYPE_BYTE                ? 1
           : type == PROPERTY_TYPE_TWO_BYTE_INTEGER  ? 2
           : type == PROPERTY_TYPE_FOUR_BYTE_INTEGER ? 4
                                                     : 0;
}

static struct verdict take_number(struct decoder *decoder, enum property_type type, uint32_t *number)
{
    if (type == PROPERTY_TYPE_VARIABLE_BYTE_INTEGER)
        return take_variable_byte_integer(decoder, number);
    return take_integer(decoder, fixed_size(type), number);
}

static struct verdict decode_number(struct decoder *decoder, const struct property_description *property,
                                    const struct property_use *use, uint32_t *number)
{
    const size_t offset = decoder_offset(decoder);
    GUARD(take_number(decoder, property->type, number));
    observe_number(decoder, (struct field){property->name, use->section}, offset,
                   decoder_offset(decoder) - offset, FIELD_INTEGER, *number,
                   number_meaning(property->ordinal, *number));
    if (*number < use->minimum) /* its own statement: spec/properties.tsv; likewise below */
        return refuse(use->wrong_value, use->wrong_value_code, offset, "property has the value 0");
    if (*number > use->maximum)
        return refuse(use->wrong_value, use->wrong_value_code, offset,
                      "property has a value other than 0 or 1");
    return accept();
}

/* A Response Topic is a Topic Name. */
static struct verdict check_response_topic(struct bytes topic, size_t offset)
{
    if (topic_has_wildcard(topic)) /* [MQTT-3.3.2-14] */
        return refuse(MQTT_3_3_2_14, REASON_PROTOCOL_ERROR, offset,
                      "Response Topic contains a wildcard character");
    return topic_name_check(topic, PROTOCOL_5_0, offset);
}

static struct verdict decode_string(struct decoder *decoder, const struct property_description *property,
                                    const struct property_use *use, struct bytes *bytes)
{
    const size_t offset = decoder_offset(decoder) + 2;
    /* [MQTT-3.3.2-13] [MQTT-3.3.2-19] Response Topic and Content Type are strings, too */
    GUARD(read_utf8_string(decoder, (struct field){property->name, use->section}, bytes));
    if (property->ordinal == ORDINAL_RESPONSE_TOPIC)
        return check_response_topic(*bytes, offset);
    return accept();
}

static struct verdict decode_value(struct decoder *decoder, const struct property_description *property,
                                   const struct property_use *use, union property_value *value)
{
    const struct field field = {property->name, use->section};
    struct string_pair pair;
    switch (property->type) {
    case PROPERTY_TYPE_UTF8_STRING:
        return decode_string(decoder, property, use, &value->bytes);
    case PROPERTY_TYPE_UTF8_STRING_PAIR:
        return read_utf8_string_pair(decoder, field, &pair);
    case PROPERTY_TYPE_BINARY_DATA:
        if (property->ordinal == ORDINAL_AUTHENTICATION_DATA)
            return read_secret(decoder, field, &value->bytes);
        return read_binary_data(decoder, field, &value->bytes);
    default:
        return decode_number(decoder, property, use, &value->number);
    }
}

/* Widens `repeated` to hold the property from `start` to the decoder's position. */
static void extend_repeated(struct properties *properties, const uint8_t *start, const uint8_t *end)
{
    if (properties->repeated.length == 0)
        properties->repeated.data = start;
    properties->repeated.length = (size_t)(end - properties->repeated.data);
}

static struct verdict decode_one(struct decoder *decoder, enum property_context context,
                                 struct properties *properties)
{
    const uint8_t *start = decoder->at;
    const size_t offset = decoder_offset(decoder);
    enum property_ordinal ordinal;
    GUARD(decode_identifier(decoder, &ordinal));

    const struct property_use *use = property_use(ordinal, context);
    GUARD(check_use(decoder, use, properties_has(properties, ordinal), offset));

    union property_value value;
    GUARD(decode_value(decoder, property_describe(ordinal), use, &value));
    if (ordinal != ORDINAL_USER_PROPERTY && !properties_has(properties, ordinal))
        properties->value[ordinal] = value;
    properties_mark(properties, ordinal);
    if (REPEATABLE >> ordinal & 1U)
        extend_repeated(properties, start, decoder->at);
    return accept();
}

/* 2.2.2.1 Property Length: it counts what follows it [D-2.2.2.1-1]. The order of the properties plays no part
 * [D-2.2.2.2-1]. */

struct verdict properties_decode(struct decoder *decoder, enum property_context context,
                                 struct properties *properties)
{
    properties_clear(properties);
    if (decoder->version != PROTOCOL_5_0)
        return accept();
    const size_t offset = decoder_offset(decoder);
    if (decoder_left(decoder) == 0) /* [MQTT-2.2.2-1] */
        return refuse(MQTT_2_2_2_1, REASON_MALFORMED_PACKET, offset, "Property Length is missing");
    uint32_t length;
    GUARD(read_variable_byte_integer(decoder, (struct field){"Property Length", length_sections[context]},
                                     &length));
    if (length > decoder_left(decoder))
        return refuse_form(decoder, offset, "Property Length reaches beyond the end of the packet");

    struct decoder inside = *decoder;
    inside.end = decoder->at + length;
    properties->wire = bytes_of(decoder->at, length);
    while (inside.at < inside.end)
        GUARD(decode_one(&inside, context, properties));
    decoder->at = inside.end;
    return accept();
}

/* The repeatable ones, in wire order. Their bytes were checked when they were decoded, or made by our own
 * writers; the walk still never trusts a length. */

static size_t string_size(struct bytes rest)
{
    return rest.length < 2 ? SIZE_MAX : 2 + (size_t)(rest.data[0] << 8 | rest.data[1]);
}

static size_t pair_size(struct bytes rest)
{
    const size_t name = string_size(rest);
    if (name > rest.length)
        return SIZE_MAX;
    const size_t value = string_size(bytes_after(rest, name));
    return value == SIZE_MAX ? SIZE_MAX : name + value;
}

static size_t integer_size(struct bytes rest)
{
    uint32_t value;
    size_t size = 0;
    return variable_byte_integer_scan(rest, &value, &size) == INTEGER_COMPLETE ? size : SIZE_MAX;
}

/* Bytes of the value at the start of `rest`; more than it holds if it does not fit. */
static size_t value_size(enum property_type type, struct bytes rest)
{
    switch (type) {
    case PROPERTY_TYPE_VARIABLE_BYTE_INTEGER:
        return integer_size(rest);
    case PROPERTY_TYPE_UTF8_STRING:
    case PROPERTY_TYPE_BINARY_DATA:
        return string_size(rest);
    case PROPERTY_TYPE_UTF8_STRING_PAIR:
        return pair_size(rest);
    default:
        return fixed_size(type);
    }
}

/* Takes the next property of any kind: its ordinal and its value. All Identifiers are one byte long. */
static bool next_property(struct bytes *rest, enum property_ordinal *ordinal, struct bytes *value)
{
    if (rest->length == 0)
        return false;
    *ordinal = property_find(rest->data[0]);
    const struct bytes after = bytes_after(*rest, 1);
    if (*ordinal == PROPERTY_COUNT)
        return false;
    const size_t size = value_size(property_describe(*ordinal)->type, after);
    if (size > after.length)
        return false;
    *value = bytes_of(after.data, size);
    *rest = bytes_after(after, size);
    return true;
}

/* Takes the next property with this ordinal, passing over others. */
static bool next_of(struct bytes *rest, enum property_ordinal wanted, struct bytes *value)
{
    enum property_ordinal ordinal;
    while (next_property(rest, &ordinal, value)) {
        if (ordinal == wanted)
            return true;
    }
    return false;
}

bool properties_next_user_property(struct bytes *rest, struct string_pair *pair)
{
    struct bytes value;
    if (!next_of(rest, ORDINAL_USER_PROPERTY, &value))
        return false;
    const size_t name = string_size(value);
    pair->name = bytes_of(value.data + 2, name - 2);
    pair->value = bytes_of(value.data + name + 2, value.length - name - 2);
    return true;
}

bool properties_next_subscription_identifier(struct bytes *rest, uint32_t *identifier)
{
    struct bytes value;
    size_t size;
    return next_of(rest, ORDINAL_SUBSCRIPTION_IDENTIFIER, &value) &&
           variable_byte_integer_scan(value, identifier, &size) == INTEGER_COMPLETE;
}

void properties_write_user_property(struct writer *writer, struct string_pair pair)
{
    write_byte(writer, PROPERTY_USER_PROPERTY);
    write_string(writer, pair.name);
    write_string(writer, pair.value);
}

void properties_write_subscription_identifier(struct writer *writer, uint32_t identifier)
{
    write_byte(writer, PROPERTY_SUBSCRIPTION_IDENTIFIER);
    write_variable_byte_integer(writer, identifier);
}

/* Encoding */

/* Bytes that a property which occurs once takes, Identifier included. */
static size_t once_size(const struct property_description *property, const union property_value *value)
{
    const size_t fixed = fixed_size(property->type);
    return 1 + (fixed > 0 ? fixed : 2 + value->bytes.length);
}

static void write_once(struct writer *writer, const struct property_description *property,
                       const union property_value *value)
{
    write_byte(writer, (uint8_t)property->identifier);
    switch (property->type) {
    case PROPERTY_TYPE_BYTE:
        write_byte(writer, (uint8_t)value->number);
        break;
    case PROPERTY_TYPE_TWO_BYTE_INTEGER:
        write_two_byte_integer(writer, (uint16_t)value->number);
        break;
    case PROPERTY_TYPE_FOUR_BYTE_INTEGER:
        write_four_byte_integer(writer, value->number);
        break;
    default:
        write_string(writer, value->bytes);
        break;
    }
}

/* Takes the lowest ordinal out of a bit set that is not empty. */
static enum property_ordinal take_lowest(uint32_t *set)
{
    const int lowest = __builtin_ctz(*set);
    *set &= *set - 1;
    return (enum property_ordinal)lowest;
}

/* The present properties that occur once. A repeatable one must have its wire form in `repeated`. */
static uint32_t present_once(const struct properties *properties)
{
    assert((properties->present & REPEATABLE) == 0 || properties->repeated.length > 0);
    return properties->present & ~REPEATABLE;
}

/* Property Length: the bytes of all properties. */
static size_t content_size(const struct properties *properties)
{
    size_t sum = 0;
    for (uint32_t set = present_once(properties); set != 0;) {
        const enum property_ordinal ordinal = take_lowest(&set);
        sum += once_size(property_describe(ordinal), &properties->value[ordinal]);
    }
    struct bytes rest = properties->repeated;
    struct bytes value;
    enum property_ordinal ordinal;
    while (next_property(&rest, &ordinal, &value)) {
        if (REPEATABLE >> ordinal & 1U)
            sum += 1 + value.length;
    }
    return sum;
}

size_t properties_encoded_size(const struct properties *properties)
{
    const size_t content = content_size(properties);
    if (content > VARIABLE_BYTE_INTEGER_MAXIMUM)
        return 4 + content; /* larger than any packet, and refused for that */
    return variable_byte_integer_size((uint32_t)content) + content;
}

void properties_encode(struct writer *writer, const struct properties *properties)
{
    /* [MQTT-2.2.2-1] the length is written even when it is 0 */
    write_variable_byte_integer(writer, (uint32_t)content_size(properties));
    for (uint32_t set = present_once(properties); set != 0;) {
        const enum property_ordinal ordinal = take_lowest(&set);
        write_once(writer, property_describe(ordinal), &properties->value[ordinal]);
    }
    struct bytes rest = properties->repeated;
    struct bytes value;
    enum property_ordinal ordinal;
    while (next_property(&rest, &ordinal, &value)) {
        if (REPEATABLE >> ordinal & 1U)
            write_raw(writer, value.data - 1, 1 + value.length); /* with the Identifier before it */
    }
}

size_t properties_size_by_version(enum protocol_version version, const struct properties *properties)
{
    return version == PROTOCOL_5_0 ? properties_encoded_size(properties) : 0;
}

void properties_encode_by_version(struct writer *writer, enum protocol_version version,
                                  const struct properties *properties)
{
    if (version == PROTOCOL_5_0)
        properties_encode(writer, properties);
}
