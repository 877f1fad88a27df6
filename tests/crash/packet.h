/* packet: Control Packets as bytes, for the crash test's own clients. Prefix: packet_ / buffer_ / put_ /
 * get_
 *
 * Written independently of src/mqtt, so that a mistake there isn't made here as well. Memory that can't be
 * had ends the program: it's a test. */
#ifndef ETALON_CRASH_PACKET_H
#define ETALON_CRASH_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_type {
    PACKET_RESERVED,
    PACKET_CONNECT,
    PACKET_CONNACK,
    PACKET_PUBLISH,
    PACKET_PUBACK,
    PACKET_PUBREC,
    PACKET_PUBREL,
    PACKET_PUBCOMP,
    PACKET_SUBSCRIBE,
    PACKET_SUBACK,
    PACKET_UNSUBSCRIBE,
    PACKET_UNSUBACK,
    PACKET_PINGREQ,
    PACKET_PINGRESP,
    PACKET_DISCONNECT,
    PACKET_TYPES = 16
};

struct buffer {
    uint8_t *bytes; /* owned */
    size_t length;
    size_t capacity;
};

void buffer_add(struct buffer *buffer, const void *bytes, size_t length);

/* Makes room for `length` more bytes and returns where they go. */
uint8_t *buffer_room(struct buffer *buffer, size_t length);

/* Takes `length` bytes off the front. */
void buffer_drop(struct buffer *buffer, size_t length);

void buffer_free(struct buffer *buffer);

/* Writing: packet_begin, the parts, packet_end with what packet_begin returned. */
size_t packet_begin(struct buffer *buffer, unsigned first_byte);
void packet_end(struct buffer *buffer, size_t mark);
void put_u8(struct buffer *buffer, unsigned value);
void put_u16(struct buffer *buffer, unsigned value);
void put_u32(struct buffer *buffer, uint32_t value);
void put_text(struct buffer *buffer, const char *text);

/* A packet of a Packet Identifier and nothing else; with `reason` not 0 also that. */
void put_answer(struct buffer *buffer, unsigned first_byte, uint16_t packet_identifier, uint8_t reason);

/* Reading. `bad` stays set once something was read beyond the end. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

uint8_t get_u8(struct reader *reader);
uint16_t get_u16(struct reader *reader);
uint32_t get_u32(struct reader *reader);
struct reader get_bytes(struct reader *reader, size_t length);
struct reader get_text(struct reader *reader);

struct packet {
    enum packet_type type;
    uint8_t flags;
    struct reader body; /* borrowed */
};

enum packet_found { PACKET_WHOLE, PACKET_INCOMPLETE, PACKET_BROKEN };

/* The first packet of `bytes`; `size` is what it takes. */
enum packet_found packet_take(const uint8_t *bytes, size_t length, struct packet *packet, size_t *size);

/* The few properties that the clients look at. */
struct properties {
    uint16_t receive_maximum; /* 65,535 when not given */
    struct reader user_value; /* of the last User Property */
    unsigned users;           /* how many there were */
};

/* Reads Property Length and properties. An unknown one makes `reader` bad. */
struct properties get_properties(struct reader *reader);

struct publish {
    struct reader topic;
    struct reader payload;
    struct properties properties;
    uint16_t packet_identifier;
    uint8_t qos;
    bool dup;
    bool retain;
};

/* False: malformed. */
bool packet_publish(const struct packet *packet, bool v5, struct publish *publish);

#endif
