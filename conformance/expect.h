/* expect: what a test demands of the server. Each takes what it is about out of the client's inbox, waits
 * for it with the usual patience, and ends the test with `fail` when the server did something else.
 *
 * Before silence is called a failure the client asks for a sign of life (PINGREQ) and waits once more, so
 * slowness is not mistaken for a refusal; the report says whether the server still answered.
 *
 * Which packets an expectation takes: expect_packet takes the very next one. The others take the first of
 * their type (acknowledgements: of their type and Packet Identifier) and leave packets of other types in
 * the inbox, because the specification orders an acknowledgement and an unrelated PUBLISH in no way. Where
 * order is the subject use receive(). */
#ifndef ETALON_CONFORMANCE_EXPECT_H
#define ETALON_CONFORMANCE_EXPECT_H

/* "Any value will do": the default of expectations on numbers and flags. */
#define ANY (-1)

/* ---- Whole flows --------------------------------------------------------------------------------- */

/* Sends a PUBLISH and performs its whole acknowledgement flow: nothing at QoS 0, PUBACK at QoS 1, PUBREC,
 * PUBREL and PUBCOMP at QoS 2. Returns the Reason Code of the PUBACK or PUBREC (0 at QoS 0 and in 3.1.1).
 * A missing or wrong step is a failure with the step's own statement; a Reason Code >= 0x80 is a legal
 * refusal and so an error of the set-up, unless .may_be_refused. */
#define publish(client, ...) expect_publish_flow((client), PUBLISH_OPTIONS(__VA_ARGS__))
uint8_t expect_publish_flow(struct client *client, const struct publish_options *options);

/* Sends a SUBSCRIBE with one Topic Filter, takes its SUBACK and returns its Reason Code: the granted QoS.
 * A grant below the wish is legal and noted; one above it is a failure; a failure code an error, unless
 * .may_be_refused. */
#define subscribe(client, filter, ...)                                                                       \
    expect_subscribe_flow((client), (filter), SUBSCRIBE_OPTIONS(__VA_ARGS__))
uint8_t expect_subscribe_flow(struct client *client, const char *filter,
                              const struct subscribe_options *options);

/* Sends an UNSUBSCRIBE with one Topic Filter, takes its UNSUBACK and returns its Reason Code (0 in 3.1.1). */
uint8_t unsubscribe(struct client *client, const char *filter);

/* PINGREQ, PINGRESP. Proves that the server has handled what this client sent before; says nothing on
 * messages from elsewhere. */
void ping(struct client *client);

/* ---- Single packets ------------------------------------------------------------------------------ */

/* The very next packet, which must have this type. */
const struct received *expect_packet(struct client *client, enum packet_type type);

struct connack_expectation {
    int reason_code;     /* exact; ANY; default 0 */
    int session_present; /* ANY by default */
};

/* The CONNACK to a send_connect: the very next packet. */
#define expect_connack(client, ...)                                                                          \
    expect_connack_with((client), &(struct connack_expectation){.session_present = ANY, __VA_ARGS__})
const struct received *expect_connack_with(struct client *client,
                                           const struct connack_expectation *expectation);

struct publish_expectation {
    const char *topic; /* NULL: any */
    const char *payload;
    struct bytes payload_bytes; /* with data == NULL: not checked */
    int qos;
    int retain;
    int dup;
    int64_t subscription_identifier; /* the only one there; ANY: not checked; 0: there must be none */
    double earliest;                 /* moment before which it must not arrive; 0: no such bound */
    double latest;   /* moment after which it must not arrive, had it no way to go: t->latency is
                                      * added; 0: no bound but patience */
    int acknowledge; /* false: leave the acknowledgement to the test; default true */
    bool repeated; /* sent again after a reconnection: then, and with .dup = 1, there is more patience, as no
                      text sets a time for that */
};

/* The next PUBLISH, which must look like this; it is acknowledged (QoS 2: with the whole flow). Unnamed
 * members are not checked. */
#define expect_publish(client, ...)                                                                          \
    expect_publish_with((client), &(struct publish_expectation){.qos = ANY,                                  \
                                                                .retain = ANY,                               \
                                                                .dup = ANY,                                  \
                                                                .subscription_identifier = ANY,              \
                                                                .acknowledge = true,                         \
                                                                __VA_ARGS__})
const struct received *expect_publish_with(struct client *client,
                                           const struct publish_expectation *expectation);

/* The next PUBLISH until `moment`, whatever it looks like, with the three outcomes of receive(); it is not
 * acknowledged. (Sentinels of barriers are, and passed over.) For tests that accept several legal outcomes. */
enum outcome receive_publish(struct client *client, double moment, const struct received **received);

/* Acknowledges a received PUBLISH as its QoS demands (QoS 2: PUBREC, awaits PUBREL, PUBCOMP). */
void acknowledge(struct client *client, const struct received *publish);

/* The acknowledgement of this type and Packet Identifier, with a Reason Code below 0x80. */
const struct received *expect_acknowledgement(struct client *client, enum packet_type type,
                                              uint16_t packet_identifier);
#define expect_puback(client, id) expect_acknowledgement((client), PACKET_PUBACK, (id))
#define expect_pubrec(client, id) expect_acknowledgement((client), PACKET_PUBREC, (id))
#define expect_pubrel(client, id) expect_acknowledgement((client), PACKET_PUBREL, (id))
#define expect_pubcomp(client, id) expect_acknowledgement((client), PACKET_PUBCOMP, (id))

/* The SUBACK or UNSUBACK with this Packet Identifier and `count` Reason Codes (an UNSUBACK of 3.1.1 has
 * none). */
const struct received *expect_suback(struct client *client, uint16_t packet_identifier, size_t count);
const struct received *expect_unsuback(struct client *client, uint16_t packet_identifier, size_t count);

/* ---- The end of a connection --------------------------------------------------------------------- */

struct closed_expectation {
    double earliest; /* moment before which the server must not close; 0: no such bound */
    double latest;   /* moment after which it must have closed, likewise; 0: patience */
};

/* The server closes the connection. In 5.0 a DISCONNECT may come first, and so may packets that were under
 * way; they are read and noted. Returns the Reason Code of the DISCONNECT (or refusing CONNACK), or ABSENT
 * when none came. */
#define expect_closed(client, ...) expect_closed_with((client), &(struct closed_expectation){__VA_ARGS__})
int expect_closed_with(struct client *client, const struct closed_expectation *expectation);

struct refusal_expectation {
    int reason_code;      /* the one that the specification prescribes or recommends; 0: none in particular */
    int or_reason_code;   /* another that is as right; 0: none */
    bool code_required;   /* if a code comes it must be one of these: the text says so outright */
    bool packet_required; /* the text obliges the server to send CONNACK or DISCONNECT (rare) */
};

/* The server refuses what this client sent last, in any legal way, and closes the connection:
 *   5.0    close; before it the server MAY send DISCONNECT with a Reason Code >= 0x80
 *          (before the session is up: CONNACK with such a code)
 *   3.1.1  close; before the session is up a CONNACK with a return code other than 0 may come first
 * "Closed" and "with the right code" are separate findings: not closing is a failure. A code other than the
 * named one is a note, unless one of the test's statements names that code in the catalogue: then it is a
 * warning, because 4.13.1 recommends or permits to send the Reason Code of the error and no other (0x80 and
 * 0x83 do not tell why, and pass). With .code_required it is a failure. Returns the code, or ABSENT when none
 * came. */
#define expect_refused(client, ...) expect_refused_with((client), &(struct refusal_expectation){__VA_ARGS__})
int expect_refused_with(struct client *client, const struct refusal_expectation *expectation);

/* The judgement on the code alone, for tests that read the answer themselves: of the code that came (or ABSENT),
 * where `named` is the one to be expected. */
void judge_reason_code(struct test *t, int code, int named, const char *observed);

/* The connection is open and the server answers on it: for inputs that must NOT be refused. (A
 * PINGREQ/PINGRESP exchange.) */
void expect_open(struct client *client);

/* ---- Absence: barriers ---------------------------------------------------------------------------
 * That something does not come cannot be shown by waiting. It is shown by a sentinel: something that must
 * come, and that cannot come before what we fear. Two kinds, from strong to weak:
 *
 * expect_nothing_before(client, .publisher = p, .topic = "a", .qos = 1)
 *     `publisher` sends a sentinel to the topic in question at the QoS in question, and `client`,
 *     subscribed to it, must receive it with no other PUBLISH before. By [MQTT-4.6.0-5] and [MQTT-4.6.0-6]
 *     (3.1.1: [MQTT3-4.6.0-5], [MQTT3-4.6.0-6]) a server must keep the order of the messages of one
 *     publisher on one topic at one QoS: a stray copy of an earlier message would have come before. Proves
 *     absence of anything that `publisher` caused on that topic and QoS. Use it wherever the client is
 *     subscribed to the topic, best by one subscription: order is promised per QoS, so copies for overlapping
 *     subscriptions of different QoS may pass each other.
 *
 * expect_nothing_more(client)
 *     For a client that is not subscribed to the topic in question. The client subscribes to a topic of
 *     its own (once), a client made for this publishes a sentinel there at QoS 1 (QoS 0 where the server
 *     has no other), and it must arrive with no other PUBLISH before; a PINGREQ/PINGRESP follows. No rule
 *     orders messages across topics and publishers, so this can pass wrongly on a server with slow inner
 *     paths; it never fails wrongly. Publishers must have had their acknowledgements before (publish() at
 *     QoS >= 1 does that): a message not yet acknowledged may be anywhere.
 *
 * PINGREQ/PINGRESP alone (ping()) shows that the server has handled what the *same* client sent before:
 * enough for reactions to that client's own packets (a second SUBACK, a PUBACK to a QoS 0 PUBLISH).
 *
 * An absence needs a positive control: show first, or with another client, that what must be absent here
 * does arrive where it should. */
struct barrier_options {
    struct client *publisher;
    const char *topic; /* Topic Name on which the sentinel goes */
    int qos;
};
#define expect_nothing_before(client, ...)                                                                   \
    expect_nothing_before_with((client), &(struct barrier_options){__VA_ARGS__})
void expect_nothing_before_with(struct client *client, const struct barrier_options *options);
void expect_nothing_more(struct client *client);

/* Takes every PUBLISH up to a sentinel that is sent as in expect_nothing_before, acknowledges them, and
 * returns how many there were; the first `capacity` are in `list`. For tests in which several numbers of
 * copies are legal, and for counting. */
#define collect_before(client, list, capacity, ...)                                                          \
    collect_before_with((client), (list), (capacity), &(struct barrier_options){__VA_ARGS__})
size_t collect_before_with(struct client *client, const struct received **list, size_t capacity,
                           const struct barrier_options *options);

/* The server sends no packet of `type` in reaction to what this client sent: reads up to the PINGRESP of a
 * ping, and fails if one is there. Other packets stay in the inbox. */
void expect_no_reaction(struct client *client, enum packet_type type);

/* Whether a Reason Code says that the server has reasons of its own, which break no rule but leave the test
 * without an answer. */
bool is_administrative(uint8_t reason_code);

/* ---- Looking into packets ------------------------------------------------------------------------ */

/* Whether a text equals a packet's run of bytes. */
bool is_text(struct bytes bytes, const char *text);

/* Demands that a User Property stands at `index` (0 = first) of a packet's properties with this name and
 * value. */
void expect_user_property(struct client *client, const struct properties *properties, size_t index,
                          const char *name, const char *value);

/* Ends the test with fail_expected unless `condition` holds; the expectation is the text. */
#define require(t, condition, ...)                                                                           \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fail((t), __VA_ARGS__);                                                                          \
    } while (0)

#endif
