/* table: many cases in one test. A row is one packet, sent on a connection of its own, and what the server has
 * to make of it. The rows of a table are tried side by side, all violations are collected, and the failure
 * names every row with its bytes.
 *
 *     struct table *table = table_begin(t, .packet = "PUBACK", .situation = OWES_PUBACK);
 *     table_add(table, .name = "as it should be", .bytes = HEX(t, "40 03 0000 00"), .demand = ROW_CONTROL);
 *     table_add(table, .name = "an unknown property", .bytes = HEX(t, "40 06 0000 00 02 7f00"),
 *               .demand = ROW_REFUSED, .reason_code = REASON_MALFORMED_PACKET, .five = P_2_2_2_2_1);
 *     table_judge(table);
 *
 * A row that may be refused differs from the control, which has to be accepted, in one thing. What is wrong
 * in a way whose consequence the specification does not state is ROW_OPEN: either outcome is right. */
#ifndef ETALON_CONFORMANCE_TABLE_H
#define ETALON_CONFORMANCE_TABLE_H

/* How far a connection has come when the packet of a row goes out. */
enum situation {
    NOT_CONNECTED, /* the packet is a CONNECT */
    CONNECTED,
    OWES_PUBACK, /* the server sent a message of QoS 1 or 2, and this is due next from the client */
    OWES_PUBREC,
    OWES_PUBREL,
    OWES_PUBCOMP,
    HAS_WILL, /* the packet is a DISCONNECT: whether it was taken for a good one shows in the Will Message */
    AUTHENTICATED /* by SCRAM-SHA-256; the packet is an AUTH: TABLE_AUTH_FIRST begins a re-authentication */
};

enum row_demand {
    ROW_REFUSED,  /* the server closes the connection; a CONNECT gets no CONNACK with success */
    ROW_ACCEPTED, /* the connection stays open, and a PINGREQ behind the packet is answered. A CONNECT: CONNACK
                   * with success. A DISCONNECT: none with an error comes back, and no Will Message unless it asks
                   * for that */
    ROW_CONTROL,  /* likewise, and otherwise nothing can be said about the table: `error` */
    ROW_OPEN      /* either, which silence is not; counted in a note */
};

struct row {
    const char *name;   /* of the one thing that distinguishes it */
    struct bytes bytes; /* the whole packet */
    enum row_demand demand;
    int reason_code;       /* of a refusal, as the text names it; 0: none in particular. Others are noted */
    enum statement five;   /* violated in 5.0 when the demand is not met; STATEMENT_NONE: the test's first */
    enum statement three;  /* in 3.1.1 */
    const char *session;   /* Client Identifier of a CONNECT whose session may remain; NULL: none can */
    bool will_wanted;      /* a DISCONNECT that asks for the Will Message */
    struct client *client; /* table_judge's, like all below */
    struct row *next;
    unsigned number;
    double sent_at;
    const struct received *last; /* the DISCONNECT or CONNACK that came, or the AUTH to an AUTH */
    bool answered;               /* the PINGREQ behind it was */
    bool will_came;
    bool judged;
};

struct table_options {
    const char *packet; /* its name in the report: "PUBACK", "Will Properties of CONNECT" */
    enum situation situation;
};

struct table;

/* An empty table, which lives until the test ends. */
#define table_begin(t, ...) table_make((t), &(struct table_options){__VA_ARGS__})
struct table *table_make(struct test *t, const struct table_options *options);

/* Appends a row; texts and bytes are borrowed. With a situation OWES_…, two bytes 00 00 behind the fixed
 * header are replaced by the Packet Identifier of the exchange (Remaining Length below 128). */
#define table_add(table, ...) table_append((table), &(struct row){__VA_ARGS__})
void table_append(struct table *table, const struct row *row);

/* Tries the control first, then all rows, and ends the test with `fail` if any demand is not met. The summary
 * of what was seen becomes a note. A test may judge several tables: it gets to the second if the first holds.
 * AUTHENTICATED needs NEEDS_PROFILE, with the configuration `enhanced-auth`. */
void table_judge(struct table *table);

/* The first message of SCRAM-SHA-256 by a user whom AUTHENTICATED knows: with it a re-authentication begins. */
#define TABLE_AUTH_FIRST "n,,n=alice,r=tableofrows"

#endif
