/* What the tests of PUBACK, PUBREC, PUBREL and PUBCOMP share: exchanges in which one of them is due from the
 * client, and what shows that the server took it for what it is. */
#ifndef ETALON_CONFORMANCE_TESTS_3_04_ACKNOWLEDGEMENT_H
#define ETALON_CONFORMANCE_TESTS_3_04_ACKNOWLEDGEMENT_H

#include "2_1_by_hand.h"

/* An exchange in which an acknowledgement is due from `client`. In 5.0 the client has a Receive Maximum of 1,
 * and behind the message in question there is another, "second", which has to wait for its end. */
struct exchange {
    struct client *client;
    enum due due;
    uint16_t packet_identifier;
    const char *topic;
};
struct exchange exchange_begin(struct test *t, enum due due);

/* Sends the acknowledgement; `tail` (a template) is what follows the Packet Identifier. */
void exchange_acknowledge(const struct exchange *exchange, const char *tail);

/* Demands what shows that it counted as success: the second message after PUBACK and PUBCOMP, PUBREL after
 * PUBREC, PUBCOMP after PUBREL. */
void exchange_expect_success(const struct exchange *exchange);

/* Demands that it ended the exchange: a PUBREC with an error brings the second message, and no PUBREL. */
void exchange_expect_end(const struct exchange *exchange);

/* All forms of a successful acknowledgement: with and without Reason Code, Property Length and properties. */
void check_accepted_forms(struct test *t, enum due due);

/* Two Reason Strings in it end the connection; one does not. */
void check_repeated_reason_string(struct test *t, enum due due);

/* The server's acknowledgement consists of Packet Identifier, Reason Code and properties as far as its length
 * goes, and the Reason Code is one of `codes` (ended by REASON_SUCCESS, which is always one). */
void check_form(struct client *client, const struct received *acknowledgement, const uint8_t *codes);

/* Makes the server send an acknowledgement of this type, which it may want to comment on. */
const struct received *provoke(struct client *client, enum packet_type type);

/* The server leaves its Reason String and User Properties out when they do not fit. */
void check_size_limit(struct test *t, enum packet_type type);

#endif
