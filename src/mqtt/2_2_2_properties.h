/* 2.2.2 Properties (MQTT 5.0). Prefix: properties_
 *
 * A decoded property list borrows the packet's bytes. Values that may occur once are found by their ordinal
 * in constant time; the two that may repeat (User Property, Subscription Identifier) are walked in wire
 * order. */
#ifndef ETALON_MQTT_2_2_2_PROPERTIES_H
#define ETALON_MQTT_2_2_2_PROPERTIES_H

#include <assert.h>

#include "1_5_data_representation.h"
#include "property_table.h" /* generated from spec/properties.tsv: identifiers, ordinals, types, rules */

union property_value {
    uint32_t number;    /* Byte, Two Byte, Four Byte and Variable Byte Integer */
    struct bytes bytes; /* UTF-8 Encoded String and Binary Data */
};

struct properties {
    uint32_t present;      /* bit (1 << ordinal) for every property that occurs; other values are undefined */
    struct bytes repeated; /* wire bytes in which the repeatable properties stand (others are passed over) */
    /* decoded lists: all properties as they stand in the packet, without Property Length */
    struct bytes wire;
    union property_value value[PROPERTY_COUNT];
};

/* A list without properties. The values stay uninitialised on purpose: `present` guards them. */
static inline void properties_clear(struct properties *properties)
{
    properties->present = 0;
    properties->repeated = (struct bytes){NULL, 0};
    properties->wire = (struct bytes){NULL, 0};
}

/* Whether the property with this ordinal occurs. */
static inline bool properties_has(const struct properties *properties, enum property_ordinal ordinal)
{
    return (properties->present >> ordinal) & 1U;
}

/* The number of a property, or `absent` when it does not occur. */
static inline uint32_t properties_number(const struct properties *properties, enum property_ordinal ordinal,
                                         uint32_t absent)
{
    return properties_has(properties, ordinal) ? properties->value[ordinal].number : absent;
}

/* The string or binary data of a property, or an empty run with NULL data when it does not occur. */
static inline struct bytes properties_bytes(const struct properties *properties,
                                            enum property_ordinal ordinal)
{
    return properties_has(properties, ordinal) ? properties->value[ordinal].bytes : (struct bytes){NULL, 0};
}

/* Sets a property for encoding; bytes are borrowed. */
static inline void properties_set_number(struct properties *properties, enum property_ordinal ordinal,
                                         uint32_t number)
{
    properties->present |= 1U << ordinal;
    properties->value[ordinal].number = number;
}
static inline void properties_set_bytes(struct properties *properties, enum property_ordinal ordinal,
                                        struct bytes bytes)
{
    properties->present |= 1U << ordinal;
    properties->value[ordinal].bytes = bytes;
}

/* Takes the next User Property from `rest` (begin with `properties->repeated`), in wire order. False when
 * there is none left. The bytes must have been accepted by properties_decode before. Section 3.x.2 */
bool properties_next_user_property(struct bytes *rest, struct string_pair *pair);

/* Takes the next Subscription Identifier (0x0B) from `rest`, likewise. (Decoding also keeps the first one as
 * a number, for SUBSCRIBE, where there is only one; encoding takes all of them from `repeated`.) */
bool properties_next_subscription_identifier(struct bytes *rest, uint32_t *identifier);

/* Appends one repeatable property in wire form; used to build `repeated` for encoding.
 * The caller must also set the presence bit (properties_mark). */
void properties_write_user_property(struct writer *writer, struct string_pair pair);
void properties_write_subscription_identifier(struct writer *writer, uint32_t identifier);
static inline void properties_mark(struct properties *properties, enum property_ordinal ordinal)
{
    properties->present |= 1U << ordinal;
}

/* Decodes Property Length and Properties of `context` at the decoder's position. Refuses what the context
 * does not allow, what the sender may not send, repetition, wrong values, and any property that does not end
 * within the Property Length. Allocates nothing. Before MQTT 5.0 there are no properties: nothing is read
 * then. */
struct verdict properties_decode(struct decoder *decoder, enum property_context context,
                                 struct properties *properties);

/* Bytes that properties_encode will write, Property Length included. Every repeatable property that is marked
 * present must stand in `repeated`. */
size_t properties_encoded_size(const struct properties *properties);

/* Writes Property Length and Properties: those that occur once in ordinal order, then the repeatable ones in
 * the order in which they stand in `repeated`. */
void properties_encode(struct writer *writer, const struct properties *properties);

/* The same two for a packet of any version: before MQTT 5.0 there is nothing to write. */
size_t properties_size_by_version(enum protocol_version version, const struct properties *properties);
void properties_encode_by_version(struct writer *writer, enum protocol_version version,
                                  const struct properties *properties);

#endif
