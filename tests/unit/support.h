/* support: what every unit test of the codec shares. Prefixes: octets_, check_
 *
 * The tests state the specification, not the code: packets are written as literal bytes, in a notation
 * that stays readable, and every expectation names the statement of MQTT it follows from.
 *
 *   82 0A        two bytes              'text'      its characters
 *   61*300       the byte, 300 times    <...>       a string: Two Byte Integer length, then what is inside
 *   [...]        Variable Byte Integer length, then what is inside (Remaining Length, Property Length)
 *
 * So "10 [<'MQTT'> 05 02 003C [] <'a'>]" is a whole CONNECT. Where a length itself is the subject of a
 * test, it is written out. */
#ifndef ETALON_UNIT_SUPPORT_H
#define ETALON_UNIT_SUPPORT_H

#include <check.h>
#include <stdlib.h>

#include "mqtt/3_packet.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* Sets of protocol versions and of senders: a row of a table is tried with every member. */
enum { V31 = 1, V311 = 2, V3 = V31 | V311, V5 = 4, ALL = V3 | V5 };
enum { CLIENT = 1, SERVER = 2, BOTH = CLIENT | SERVER };

/* For rules to which the specification gives no Reason Code, so that 0x81 and 0x82 can both be argued for. */
#define EITHER 0x8182

/* In a table: no statement. */
#define NONE STATEMENT_NONE

/* A packet that has to be refused, and its nearest relative that has to be accepted: the positive control. */
struct refused {
    const char *what;
    int versions;
    int senders;
    int reason;
    size_t offset;
    enum statement five[2];  /* violated in 5.0, and while the version is unknown; [1]: another that may */
    enum statement three[2]; /* be cited as well, if there is one. Likewise in 3.1 and 3.1.1 */
    const char *bad;
    const char *good;
};

/* A packet that has to be accepted. It is encoded again, and must come out as `encoded`, or unchanged if
 * that is NULL. */
struct accepted {
    const char *what;
    int versions;
    int senders;
    const char *packet;
    const char *encoded;
};

/* A packet whose body is cut off after every number of bytes, Remaining Length adjusted: which numbers
 * still give a whole packet. `legal` is a list like "2 3 10". */
struct cut {
    const char *packet;
    int versions;
    int senders;
    const char *legal;
};

/* The bytes that `notation` describes, in a block of exactly their number (so that a sanitizer sees every
 * step beyond the end). To be released with octets_free. A mistake in the notation fails the test. */
struct bytes octets(const char *notation);
void octets_free(struct bytes octets);

/* A block of exactly `size` bytes, likewise; never NULL. To be released with free. */
uint8_t *octets_room(size_t size);

/* Notation made at run time: like snprintf into NOTATION_SIZE characters, but what does not fit fails the
 * test. */
#define NOTATION_SIZE 400
void octets_print(char *text, const char *format, ...);

/* One row each; the whole of what the file comment of support.c lists is checked. */
void check_refused(const struct refused *row);
void check_accepted(const struct accepted *row);

/* Changes every byte of the accepted packet in a dozen ways; whatever the codec then says has to hold
 * together. */
void check_mutations(const struct accepted *row);

void check_cuts(const struct cut *row);

/* The Reason Codes of a packet: every one of the 256 values is tried from both sides. `packet` has `%02X`
 * in its place. `client` and `server` list in hexadecimal what each side may send, NULL if the packet is
 * not for it to send; `open` what is not judged. Any other is refused with `statement`, and 0x81 or 0x82,
 * at `offset`. */
struct codes {
    const char *packet;
    enum protocol_version version;
    const char *client;
    const char *server;
    const char *open;
    enum statement statement;
    size_t offset;
};
void check_codes(const struct codes *codes);

/* Decodes a packet that must be accepted, for a look at its fields. `octets` must outlive `packet`. */
void check_decodes(struct packet *packet, enum protocol_version version, enum sender sender,
                   struct bytes octets);

/* What packet_encode makes of `packet` must be `notation`. */
void check_encodes(const struct packet *packet, const char *notation);

/* Whether a decoded run holds these characters. */
void check_text(struct bytes actual, const char *expected);

/* The three versions by their place in the bit sets, and the name of one. */
extern const enum protocol_version unit_versions[3];
const char *version_name(enum protocol_version version);

#endif
