/* packet_compare: whether two decoded packets say the same, field by field. */
#include "packet_compare.h"

#include "fuzz.h"

/* One property on the wire. */
struct wire_property {
    enum property_ordinal ordinal;
    struct bytes value; /* with the length prefixes of strings */
};

static size_t string_end(struct bytes wire, size_t at)
{
    REQUIRE(at + 2 <= wire.length);
    const size_t end = at + 2 + (size_t)(wire.data[at] << 8 | wire.data[at + 1]);
    REQUIRE(end <= wire.length);
    return end;
}

static size_t integer_end(struct bytes wire, size_t at)
{
    for (; at < wire.length && wire.data[at] >= 0x80; at++)
        ;
    REQUIRE(at < wire.length);
    return at + 1;
}

static size_t value_end(struct bytes wire, size_t at, enum property_type type)
{
    switch (type) {
    case PROPERTY_TYPE_BYTE:
        return at + 1;
    case PROPERTY_TYPE_TWO_BYTE_INTEGER:
        return at + 2;
    case PROPERTY_TYPE_FOUR_BYTE_INTEGER:
        return at + 4;
    case PROPERTY_TYPE_VARIABLE_BYTE_INTEGER:
        return integer_end(wire, at);
    case PROPERTY_TYPE_UTF8_STRING_PAIR:
        return string_end(wire, string_end(wire, at));
    default:
        return string_end(wire, at);
    }
}

/* Takes the property at `*at` of an accepted list. */
static bool next_on_wire(struct bytes wire, size_t *at, struct wire_property *property)
{
    if (*at == wire.length)
        return false;
    property->ordinal = PROPERTY_COUNT;
    for (enum property_ordinal ordinal = 0; ordinal < PROPERTY_COUNT; ordinal++) {
        if (property_describe(ordinal)->identifier == wire.data[*at])
            property->ordinal = ordinal;
    }
    REQUIRE(property->ordinal != PROPERTY_COUNT);
    const size_t end = value_end(wire, *at + 1, property_describe(property->ordinal)->type);
    REQUIRE(end <= wire.length);
    property->value = bytes_of(wire.data + *at + 1, end - *at - 1);
    *at = end;
    return true;
}

static bool is_repeatable(enum property_ordinal ordinal)
{
    return ordinal == ORDINAL_USER_PROPERTY || ordinal == ORDINAL_SUBSCRIPTION_IDENTIFIER;
}

/* The next property on the wire that may or may not repeat. */
static bool next_of_kind(struct bytes wire, size_t *at, bool repeatable, struct wire_property *property)
{
    while (next_on_wire(wire, at, property)) {
        if (is_repeatable(property->ordinal) == repeatable)
            return true;
    }
    return false;
}

static void compare_repeatable(struct bytes first, struct bytes second)
{
    struct wire_property one;
    struct wire_property other;
    size_t at = 0;
    size_t other_at = 0;
    while (next_of_kind(first, &at, true, &one)) {
        REQUIRE(next_of_kind(second, &other_at, true, &other));
        REQUIRE(one.ordinal == other.ordinal && bytes_equal(one.value, other.value));
    }
    REQUIRE(!next_of_kind(second, &other_at, true, &other));
}

/* Every property of `first` that occurs once stands in `second`, exactly once. */
static void compare_once(struct bytes first, struct bytes second)
{
    struct wire_property one;
    for (size_t at = 0; next_of_kind(first, &at, false, &one);) {
        struct wire_property other;
        unsigned found = 0;
        for (size_t other_at = 0; next_of_kind(second, &other_at, false, &other);)
            found += other.ordinal == one.ordinal && bytes_equal(one.value, other.value);
        REQUIRE(found == 1);
    }
}

static void compare_properties(const struct properties *first, const struct properties *second)
{
    REQUIRE(first->present == second->present);
    compare_repeatable(first->wire, second->wire);
    compare_once(first->wire, second->wire);
    compare_once(second->wire, first->wire);
}

/* What the codec says of a property against the bytes on the wire. */
static void check_value(const struct properties *properties, const struct wire_property *property)
{
    const struct bytes wire = property->value;
    const union property_value *value = &properties->value[property->ordinal];
    switch (property_describe(property->ordinal)->type) {
    case PROPERTY_TYPE_UTF8_STRING:
    case PROPERTY_TYPE_BINARY_DATA:
        REQUIRE(value->bytes.length == wire.length - 2);
        REQUIRE(wire.length == 2 || value->bytes.data == wire.data + 2);
        return;
    case PROPERTY_TYPE_UTF8_STRING_PAIR:
    case PROPERTY_TYPE_VARIABLE_BYTE_INTEGER: /* walked: check_walk */
        return;
    default:
        break;
    }
    uint32_t number = 0;
    for (size_t i = 0; i < wire.length; i++)
        number = number << 8 | wire.data[i];
    REQUIRE(value->number == number);
}

/* Whether the accessors of the codec find all repeatable properties, in their order. */
static void check_walk(const struct properties *properties)
{
    struct bytes pairs = properties->repeated;
    struct bytes identifiers = properties->repeated;
    struct string_pair pair;
    uint32_t identifier;
    struct wire_property property;
    for (size_t at = 0; next_of_kind(properties->wire, &at, true, &property);) {
        if (property.ordinal == ORDINAL_USER_PROPERTY) {
            const size_t name_end = string_end(property.value, 0);
            REQUIRE(properties_next_user_property(&pairs, &pair));
            REQUIRE(bytes_equal(pair.name, bytes_of(property.value.data + 2, name_end - 2)));
            REQUIRE(bytes_equal(pair.value, bytes_after(property.value, name_end + 2)));
            continue;
        }
        uint32_t number = 0;
        for (size_t i = property.value.length; i-- > 0;)
            number = number << 7 | (property.value.data[i] & 0x7F);
        REQUIRE(properties_next_subscription_identifier(&identifiers, &identifier));
        REQUIRE(identifier == number && identifier > 0);
    }
    REQUIRE(!properties_next_user_property(&pairs, &pair));
    REQUIRE(!properties_next_subscription_identifier(&identifiers, &identifier));
}

static void check_within(struct bytes run, struct bytes input)
{
    if (run.length == 0)
        return;
    REQUIRE(run.data >= input.data);
    REQUIRE(run.data + run.length <= input.data + input.length);
}

static void check_properties(const struct properties *properties, struct bytes input)
{
    uint32_t seen = 0;
    struct wire_property property;
    check_within(properties->wire, input);
    check_within(properties->repeated, properties->wire);
    for (size_t at = 0; next_on_wire(properties->wire, &at, &property);) {
        REQUIRE(is_repeatable(property.ordinal) || (seen >> property.ordinal & 1U) == 0);
        seen |= 1U << property.ordinal;
        check_value(properties, &property);
    }
    REQUIRE(seen == properties->present);
    check_walk(properties);
}

/* The lists of a packet of 5.0; the second only in a CONNECT with a Will. */
static size_t lists_of(const struct packet *packet, const struct properties *lists[2])
{
    static const struct properties none;
    lists[0] = &none;
    if (packet->version != PROTOCOL_5_0)
        return 0;
    switch (packet->type) {
    case PACKET_CONNECT:
        lists[0] = &packet->connect.properties;
        lists[1] = &packet->connect.will.properties;
        return packet->connect.will.present ? 2 : 1;
    case PACKET_CONNACK:
        lists[0] = &packet->connack.properties;
        return 1;
    case PACKET_PUBLISH:
        lists[0] = &packet->publish.properties;
        return 1;
    case PACKET_SUBSCRIBE:
        lists[0] = &packet->subscribe.properties;
        return 1;
    case PACKET_UNSUBSCRIBE:
        lists[0] = &packet->unsubscribe.properties;
        return 1;
    case PACKET_SUBACK:
    case PACKET_UNSUBACK:
        lists[0] = &packet->suback.properties;
        return 1;
    case PACKET_DISCONNECT:
        lists[0] = &packet->disconnect.properties;
        return 1;
    case PACKET_AUTH:
        lists[0] = &packet->auth.properties;
        return 1;
    case PACKET_PINGREQ:
    case PACKET_PINGRESP:
    case PACKET_RESERVED:
        return 0;
    default:
        lists[0] = &packet->acknowledgement.properties;
        return 1;
    }
}

size_t compare_property_count(const struct packet *packet)
{
    const struct properties *lists[2];
    const size_t count = lists_of(packet, lists);
    size_t sum = 0;
    struct wire_property property;
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; next_on_wire(lists[i]->wire, &at, &property);)
            sum++;
    }
    return sum;
}

/* The fields that are no properties */

static void compare_connect(const struct connect *first, const struct connect *second)
{
    REQUIRE(first->clean_start == second->clean_start);
    REQUIRE(first->has_user_name == second->has_user_name);
    REQUIRE(first->has_password == second->has_password);
    REQUIRE(first->keep_alive == second->keep_alive);
    REQUIRE(bytes_equal(first->client_identifier, second->client_identifier));
    REQUIRE(bytes_equal(first->user_name, second->user_name));
    REQUIRE(bytes_equal(first->password, second->password));
    REQUIRE(first->will.present == second->will.present);
    if (!first->will.present)
        return;
    REQUIRE(first->will.qos == second->will.qos && first->will.retain == second->will.retain);
    REQUIRE(bytes_equal(first->will.topic, second->will.topic));
    REQUIRE(bytes_equal(first->will.payload, second->will.payload));
}

static void compare_publish(const struct publish *first, const struct publish *second)
{
    REQUIRE(first->dup == second->dup && first->qos == second->qos && first->retain == second->retain);
    REQUIRE(first->packet_identifier == second->packet_identifier);
    REQUIRE((first->packet_identifier == 0) == (first->qos == 0));
    REQUIRE(bytes_equal(first->topic, second->topic));
    REQUIRE(bytes_equal(first->payload, second->payload));
}

static void compare_subscribe(const struct subscribe *first, const struct subscribe *second)
{
    struct bytes rest = first->payload;
    struct bytes other_rest = second->payload;
    struct subscription_request one;
    struct subscription_request other;
    uint32_t count = 0;
    REQUIRE(first->packet_identifier == second->packet_identifier && first->packet_identifier != 0);
    for (; subscribe_next(&rest, &one); count++) {
        REQUIRE(subscribe_next(&other_rest, &other));
        REQUIRE(bytes_equal(one.topic_filter, other.topic_filter) && one.topic_filter.length > 0);
        REQUIRE(one.qos == other.qos && one.qos < 3);
        REQUIRE(one.no_local == other.no_local && one.retain_as_published == other.retain_as_published);
        REQUIRE(one.retain_handling == other.retain_handling && one.retain_handling < 3);
    }
    REQUIRE(!subscribe_next(&other_rest, &other));
    REQUIRE(count == first->count && count == second->count && count > 0);
    REQUIRE(rest.length == 0 && other_rest.length == 0);
}

static void compare_unsubscribe(const struct unsubscribe *first, const struct unsubscribe *second)
{
    struct bytes rest = first->payload;
    struct bytes other_rest = second->payload;
    struct bytes one;
    struct bytes other;
    uint32_t count = 0;
    REQUIRE(first->packet_identifier == second->packet_identifier && first->packet_identifier != 0);
    for (; unsubscribe_next(&rest, &one); count++)
        REQUIRE(unsubscribe_next(&other_rest, &other) && bytes_equal(one, other) && one.length > 0);
    REQUIRE(!unsubscribe_next(&other_rest, &other));
    REQUIRE(count == first->count && count == second->count && count > 0);
    REQUIRE(rest.length == 0 && other_rest.length == 0);
}

static void compare_suback(const struct suback *first, const struct suback *second)
{
    REQUIRE(first->packet_identifier == second->packet_identifier && first->packet_identifier != 0);
    REQUIRE(bytes_equal(first->reason_codes, second->reason_codes));
}

static void compare_acknowledgement(const struct acknowledgement *first, const struct acknowledgement *second)
{
    REQUIRE(first->packet_identifier == second->packet_identifier && first->packet_identifier != 0);
    REQUIRE(first->reason_code == second->reason_code);
}

static void compare_fields(const struct packet *first, const struct packet *second)
{
    switch (first->type) {
    case PACKET_CONNECT:
        compare_connect(&first->connect, &second->connect);
        return;
    case PACKET_CONNACK:
        REQUIRE(first->connack.session_present == second->connack.session_present);
        REQUIRE(first->connack.reason_code == second->connack.reason_code);
        return;
    case PACKET_PUBLISH:
        compare_publish(&first->publish, &second->publish);
        return;
    case PACKET_SUBSCRIBE:
        compare_subscribe(&first->subscribe, &second->subscribe);
        return;
    case PACKET_UNSUBSCRIBE:
        compare_unsubscribe(&first->unsubscribe, &second->unsubscribe);
        return;
    case PACKET_SUBACK:
    case PACKET_UNSUBACK:
        compare_suback(&first->suback, &second->suback);
        return;
    case PACKET_DISCONNECT:
        REQUIRE(first->disconnect.reason_code == second->disconnect.reason_code);
        return;
    case PACKET_AUTH:
        REQUIRE(first->auth.reason_code == second->auth.reason_code);
        return;
    case PACKET_PINGREQ:
    case PACKET_PINGRESP:
    case PACKET_RESERVED:
        return;
    default:
        compare_acknowledgement(&first->acknowledgement, &second->acknowledgement);
        return;
    }
}

void compare_packets(const struct packet *first, const struct packet *second)
{
    const struct properties *lists[2];
    const struct properties *other_lists[2];
    REQUIRE(first->type == second->type && first->version == second->version);
    REQUIRE(first->flags == second->flags);
    compare_fields(first, second);

    const size_t count = lists_of(first, lists);
    REQUIRE(lists_of(second, other_lists) == count);
    for (size_t i = 0; i < count; i++)
        compare_properties(lists[i], other_lists[i]);
}

static void check_runs(const struct packet *packet, struct bytes input)
{
    switch (packet->type) {
    case PACKET_CONNECT:
        check_within(packet->connect.client_identifier, input);
        check_within(packet->connect.user_name, input);
        check_within(packet->connect.password, input);
        if (packet->connect.will.present) {
            check_within(packet->connect.will.topic, input);
            check_within(packet->connect.will.payload, input);
        }
        return;
    case PACKET_PUBLISH:
        check_within(packet->publish.topic, input);
        check_within(packet->publish.payload, input);
        return;
    case PACKET_SUBSCRIBE:
        check_within(packet->subscribe.payload, input);
        return;
    case PACKET_UNSUBSCRIBE:
        check_within(packet->unsubscribe.payload, input);
        return;
    case PACKET_SUBACK:
    case PACKET_UNSUBACK:
        check_within(packet->suback.reason_codes, input);
        return;
    default:
        return;
    }
}

void compare_with_input(const struct packet *packet, struct bytes input)
{
    const struct properties *lists[2];
    const size_t count = lists_of(packet, lists);
    REQUIRE(packet->size == input.length && packet->remaining_length < input.length);
    check_runs(packet, input);
    for (size_t i = 0; i < count; i++)
        check_properties(lists[i], input);
}
