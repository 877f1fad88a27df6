/* Control Packets made by hand: the lengths are computed, all other bytes are the test's. For tests of what
 * the codec would never send. */
#ifndef ETALON_CONFORMANCE_TESTS_2_1_BY_HAND_H
#define ETALON_CONFORMANCE_TESTS_2_1_BY_HAND_H

#include "3_03_publish.h"

/* Templates as in SEND_TEMPLATE: hexadecimal digits, and {strings} with their length in front. */
struct by_hand {
    unsigned first_byte;
    const char *header;     /* the Variable Header without its properties */
    const char *properties; /* in 5.0 put behind the Property Length. NULL: not even that is sent */
    const char *payload;    /* NULL: none */
};

/* Sends such a packet and waits for nothing. */
#define send_by_hand(client, ...) by_hand_send((client), &(struct by_hand){__VA_ARGS__})
void by_hand_send(struct client *client, const struct by_hand *packet);

/* The bytes of such a packet in the version of the test. */
#define bytes_by_hand(t, ...) by_hand_bytes((t), &(struct by_hand){__VA_ARGS__})
struct bytes by_hand_bytes(struct test *t, const struct by_hand *packet);

/* A Variable Byte Integer below 2,097,152 in its shortest form, as hexadecimal digits. */
const char *variable_byte_integer_hex(struct test *t, size_t value);

/* "length properties" as a template. */
const char *with_length(struct test *t, const char *properties);

/* The situations in which a client has an acknowledgement to send. */
enum due { DUE_NOTHING, DUE_PUBACK, DUE_PUBREC, DUE_PUBREL, DUE_PUBCOMP };

/* Brings a client of the set-up into the situation that the next packet due from it is of this kind, and
 * returns the Packet Identifier of the exchange. The topic is the client's own. */
uint16_t make_due(struct client *client, enum due due);

#endif
