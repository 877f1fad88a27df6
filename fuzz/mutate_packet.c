/* mutate_packet: what libFuzzer does to inputs that are "selectors, then one Control Packet". Only in the
 * libFuzzer build.
 *
 * A change of length that leaves Remaining Length and Property Length as they were is refused at the door,
 * and nearly every mutation changes a length. So, most of the time, the lengths are put right afterwards. */
#include <string.h>

#include "fuzz.h"

#ifndef SELECTOR_BYTES
#define SELECTOR_BYTES 1U /* before the packet */
#endif
#define LARGEST_REMAINING 16383U /* in one or two bytes */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Bytes of the Variable Byte Integer at the start of `data`; 0: none. */
static size_t integer_size(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && i < 4; i++) {
        if (data[i] < 0x80)
            return i + 1;
    }
    return 0;
}

/* Writes Remaining Length anew for what follows it; returns the size of the packet. */
static size_t restore_remaining_length(uint8_t *packet, size_t size, size_t max_size)
{
    if (size < 2)
        return size;
    const size_t old = integer_size(packet + 1, size - 1);
    if (old == 0)
        return size;
    const size_t rest = size - 1 - old;
    const size_t needed = rest < 0x80 ? 1 : 2;
    if (rest > LARGEST_REMAINING || 1 + needed + rest > max_size)
        return size;
    memmove(packet + 1 + needed, packet + 1 + old, rest);
    packet[1] = (uint8_t)(needed == 1 ? rest : (rest & 0x7F) | 0x80);
    if (needed == 2)
        packet[2] = (uint8_t)(rest >> 7);
    return 1 + needed + rest;
}

/* Mutates a part behind a one-byte length and corrects that length: a string whose length is below 256, a
 * property list below 128. Where such a length stands is guessed; the guess is often right, since these
 * packets are made of little else. */
static size_t mutate_part(uint8_t *packet, size_t size, size_t max_size, unsigned int seed)
{
    uint8_t part[256];
    const size_t at = 2 + seed % (size - 2);
    const size_t length = packet[at];
    if (length >= 0x80 || at + 1 + length > size)
        return LLVMFuzzerMutate(packet, size, max_size);
    memcpy(part, packet + at + 1, length);
    size_t room = max_size - size + length;
    room = room < 0x7F ? room : 0x7F;
    const size_t changed = room == 0 ? 0 : LLVMFuzzerMutate(part, length, room);
    memmove(packet + at + 1 + changed, packet + at + 1 + length, size - at - 1 - length);
    memcpy(packet + at + 1, part, changed);
    packet[at] = (uint8_t)changed;
    return size - length + changed;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    const unsigned choice = seed % 8;
    if (choice == 0 || size < SELECTOR_BYTES + 4 || max_size <= size)
        return LLVMFuzzerMutate(data, size, max_size);
    if (choice == 1) { /* the same packet on another connection */
        data[0] = (uint8_t)(seed >> 8);
        return size;
    }
    uint8_t *packet = data + SELECTOR_BYTES;
    const size_t room = max_size - SELECTOR_BYTES;
    size_t length = size - SELECTOR_BYTES;
    length =
        choice < 5 ? mutate_part(packet, length, room, seed >> 3) : LLVMFuzzerMutate(packet, length, room);
    if (choice != 7)
        length = restore_remaining_length(packet, length, room);
    return SELECTOR_BYTES + length;
}
