/* hash: the keyed hash of bytes behind every table whose keys strangers choose. Prefix: hash_
 *
 * SipHash-1-3: one compression round for each 8 bytes, three at the end. It is keyed, so that somebody who
 * does not know the key can't prepare topics or client identifiers that collide (with an unkeyed or weakly
 * keyed hash, a few thousand chosen names turn a table into a list). A short key costs about 10 ns. All state
 * is in the arguments. */
#ifndef ETALON_BASE_HASH_H
#define ETALON_BASE_HASH_H

#include "bytes.h"

struct hash_key {
    uint64_t first;
    uint64_t second;
};

/* Scrambles 64 bits; a bijection (the finaliser of splitmix64). Not keyed: only for values that are
 * already secret or not of a stranger's choosing. */
static inline uint64_t hash_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

/* Stretches a secret, random 64-bit seed into a key. */
static inline struct hash_key hash_key_of(uint64_t seed)
{
    const uint64_t step = UINT64_C(0x9E3779B97F4A7C15);
    return (struct hash_key){.first = hash_mix(seed + step), .second = hash_mix(seed + 2 * step)};
}

/* Binds a number (an address, say) to a hash made by hash_bytes. For a given number distinct hashes stay
 * distinct. */
static inline uint64_t hash_combine(uint64_t hash, uint64_t number)
{
    return hash_mix(hash + number * UINT64_C(0x9E3779B97F4A7C15));
}

static inline uint64_t hash_rotate(uint64_t value, unsigned int count)
{
    return (value << count) | (value >> (64U - count));
}

static inline void hash_round(uint64_t state[4])
{
    state[0] += state[1];
    state[1] = hash_rotate(state[1], 13) ^ state[0];
    state[0] = hash_rotate(state[0], 32);
    state[2] += state[3];
    state[3] = hash_rotate(state[3], 16) ^ state[2];
    state[0] += state[3];
    state[3] = hash_rotate(state[3], 21) ^ state[0];
    state[2] += state[1];
    state[1] = hash_rotate(state[1], 17) ^ state[2];
    state[2] = hash_rotate(state[2], 32);
}

static inline void hash_absorb(uint64_t state[4], uint64_t word)
{
    state[3] ^= word;
    hash_round(state);
    state[0] ^= word;
}

/* The four bytes at `data` as a number, little-endian; compilers make one load of it. */
static inline uint64_t hash_word_32(const uint8_t *data)
{
    return (uint64_t)data[0] | (uint64_t)data[1] << 8 | (uint64_t)data[2] << 16 | (uint64_t)data[3] << 24;
}

/* The 1 to 7 bytes at `data` as a number, little-endian. What is read twice falls on the same bits: no loop,
 * whose end a processor would guess wrong for every other level of a topic. */
static inline uint64_t hash_tail(const uint8_t *data, size_t length)
{
    if (length >= 4)
        return hash_word_32(data) | hash_word_32(data + length - 4) << (8U * (length - 4));
    const size_t middle = length / 2;
    return (uint64_t)data[0] | (uint64_t)data[middle] << (8U * middle) |
           (uint64_t)data[length - 1] << (8U * (length - 1));
}

/* The keyed hash of `bytes`. */
static inline uint64_t hash_bytes(const struct hash_key *key, struct bytes bytes)
{
    uint64_t state[4] = {
        key->first ^ UINT64_C(0x736F6D6570736575), key->second ^ UINT64_C(0x646F72616E646F6D),
        key->first ^ UINT64_C(0x6C7967656E657261), key->second ^ UINT64_C(0x7465646279746573)};
    const size_t whole = bytes.length & ~(size_t)7;

    for (size_t at = 0; at < whole; at += 8)
        hash_absorb(state, hash_word_32(bytes.data + at) | hash_word_32(bytes.data + at + 4) << 32);
    const uint64_t tail = whole == bytes.length ? 0 : hash_tail(bytes.data + whole, bytes.length - whole);
    hash_absorb(state, tail | (uint64_t)bytes.length << 56);

    state[2] ^= 0xFF;
    hash_round(state);
    hash_round(state);
    hash_round(state);
    return state[0] ^ state[1] ^ state[2] ^ state[3];
}

#endif
