/* The Control Packets that a client sends, one form of each, for tables that change one thing in it. */
#ifndef ETALON_CONFORMANCE_TESTS_2_1_FORMS_H
#define ETALON_CONFORMANCE_TESTS_2_1_FORMS_H

#include "2_1_by_hand.h"

/* The places where a client's properties stand: its packets, and the Will Properties of its CONNECT. */
enum form {
    IN_CONNECT,
    IN_WILL,
    IN_PUBLISH,
    IN_PUBACK,
    IN_PUBREC,
    IN_PUBREL,
    IN_PUBCOMP,
    IN_SUBSCRIBE,
    IN_UNSUBSCRIBE,
    IN_DISCONNECT,
    IN_AUTH,
    FORM_COUNT
};

/* What a table makes of them: see table.h. */
const char *form_name(enum form form);
enum situation form_situation(enum form form);

/* The same place in the generated tables. */
enum property_context form_context(enum form form);

/* A good packet of the form in the version of the test, with these properties (a template; what has to stand
 * there is added) where the form has them. Of a CONNECT, the Client Identifier is a new one each time. */
struct bytes form_bytes(struct test *t, enum form form, const char *properties);

/* The same with a Property Length (a template) of the test's own, which need not be right. */
struct bytes form_with_length(struct test *t, enum form form, const char *length, const char *properties);

/* What has to stand among the properties of the form; "" in all but AUTH. */
const char *form_needs(struct test *t, enum form form);

/* A new Client Identifier in a template: "{...}". */
const char *new_identifier(struct test *t);

/* The latest of these as it is; NULL where the form is no CONNECT. */
const char *form_session(struct test *t, enum form form);

#endif
