/* packet_compare: whether two decoded packets say the same, field by field. Prefix: compare_
 *
 * Property lists are taken apart by a walk of their own, over the bytes on the wire, and not through the
 * accessors of the codec: an accessor that passes over a property would pass over it on both sides. */
#ifndef ETALON_FUZZ_PACKET_COMPARE_H
#define ETALON_FUZZ_PACKET_COMPARE_H

#include "mqtt/3_packet.h"

/* Requires that both packets hold the same values. Repeatable properties must be in the same order; those
 * that occur once may have moved. `remaining_length` and `size` are not compared, as an encoding may be
 * shorter. */
void compare_packets(const struct packet *first, const struct packet *second);

/* Requires that every run of bytes of an accepted packet lies within `input`, and that its properties say
 * what stands on the wire. */
void compare_with_input(const struct packet *packet, struct bytes input);

/* Properties of an accepted packet in all, those of the Will included. */
size_t compare_property_count(const struct packet *packet);

#endif
