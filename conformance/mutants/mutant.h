/* mutant: everything that the author of a mutant needs. README.md has a worked example.
 *
 * A mutant is a server that breaks one requirement. It is made by standing between the suite and a broker
 * that breaks none: every Control Packet, of either direction, passes by the mutant, which lets it pass,
 * changes it, drops it, answers it in the broker's stead, or adds others. A conformance test is worth
 * something only if it fails on the mutant of its requirement.
 *
 *     MUTANT(name, versions, "what it breaks", "test_that_must_fail another", IDS...) = {
 *         .drop_from_server = TYPE(PACKET_PINGRESP),
 *     };
 *
 * Name it by the wrong behaviour. `versions`: the connections that it touches; all others it leaves alone.
 * Every test named must fail, in every version that both it and the mutant are for. IDS: the statements that
 * are broken, each claimed by one of the tests. Where only properties are broken it is a PROPERTY_MUTANT.
 *
 * Break as little as possible: a mutant that breaks everything proves nothing. The suite first asks the
 * broker what it offers, and that goes through the mutant too; what breaks an ordinary connection makes the
 * suite give up before the test. */
#ifndef ETALON_CONFORMANCE_MUTANT_H
#define ETALON_CONFORMANCE_MUTANT_H

#include "../../src/mqtt/3_packet.h"

/* ---- What passes by ------------------------------------------------------------------------------ */

enum side { FROM_CLIENT, FROM_SERVER };

/* What becomes of a packet. */
enum fate {
    PASS,   /* it goes on as `bytes` now stand */
    ENCODE, /* `packet` was changed: it goes on encoded anew. Only for packets that were accepted */
    DROP,   /* it does not go on (or has gone on already: forward) */
    CLOSE   /* it does not go on, and both sides are closed once all before it is sent */
};

struct proxy; /* the running program */

/* One connection of a client, and the one to the broker that belongs to it. Authors read these members. */
struct connection {
    struct proxy *proxy;
    enum protocol_version version;  /* as the CONNECT said; PROTOCOL_UNKNOWN before */
    bool clean_start;               /* Clean Session, likewise */
    struct bytes client_identifier; /* likewise; the one the server assigned after such a CONNACK */
    bool accepted;                  /* a CONNACK with code 0 has come from the server */
    unsigned seen[2][16];           /* packets so far, by side and type, the present one included */
    bool pretending;                /* the broker has no part any more: see pretend */
    void *context;                  /* .context_size bytes of the mutant's own, zero at first */
};

/* One packet on its way. */
struct passage {
    struct connection *connection;
    enum side side;
    uint8_t *bytes; /* the whole packet; may be changed in place */
    size_t size;
    struct packet packet;   /* decoded, borrowing `bytes`; if `verdict` refuses it only its type is sure */
    struct verdict verdict; /* of the codec: packets that break a rule by themselves are refused */
};

/* One frame of a WebSocket on its way (chapter 6). */
struct frame {
    struct connection *connection;
    uint8_t first;    /* its first byte: FIN and opcode; may be changed */
    uint8_t *payload; /* without mask; may be changed in place */
    size_t length;    /* of the payload; may be made smaller */
};

/* ---- What a mutant does -------------------------------------------------------------------------- */

#define TYPE(type) (1U << (type)) /* combine with | */
#define MAXIMUM_TOLERATED 12

/* Bytes and their number, from a string literal. */
#define BYTES(literal) (literal), sizeof(literal) - 1

struct behaviour {
    /* Called with every packet of that side; NULL: all pass. */
    enum fate (*from_client)(struct passage *passage);
    enum fate (*from_server)(struct passage *passage);

    /* The frequent cases without a function. They come first; functions see what is left. */
    unsigned drop_from_client;  /* TYPEs that never reach the server */
    unsigned drop_from_server;  /* TYPEs that never reach the client */
    unsigned twice_from_server; /* TYPEs that reach the client twice */

    /* Packets of the client that the codec refuses by one of these statements are taken as if they were in
     * order (pretend): the broker never sees them. */
    uint16_t tolerate[MAXIMUM_TOLERATED];

    /* One fault of packets that the codec refuses is not noticed: pass_over() takes care of those of the client
     * that are of one of these TYPEs (0: of any) and contain these bytes. */
    struct {
        unsigned types;
        const char *bytes;
        size_t length;
    } overlooked;

    /* And one sort of good packets is refused: the connection is closed. */
    struct {
        unsigned types;
        const char *bytes;
        size_t length;
    } resented;

    /* The broker's closing of these connections is not passed on: they stay open, and pretend answers. NULL:
     * none. keep_all_open will do for most. */
    bool (*keep_open)(const struct connection *connection);

    /* Over WebSocket packets are not looked for; these see all frames, and the heads of the HTTP handshake
     * before them. A head may be replaced by a text that was allocated (replace_text); NULL: it passes. Files
     * of chapter 6 only: the suite then goes over WebSocket. */
    enum fate (*frame_from_client)(struct frame *frame);
    enum fate (*frame_from_server)(struct frame *frame);
    char *(*head_from_client)(struct connection *connection, const char *head);
    char *(*head_from_server)(struct connection *connection, const char *head);

    size_t context_size; /* bytes of connection->context */

    /* What the failure of every named test must speak of: the row of a table, or several with | between them.
     * NULL: whatever it says will do. */
    const char *row;

    /* Tests of the control sample that fail as well, because what is broken is a step on their way. */
    const char *spoils;

    /* A permission cannot be broken, only used. A mutant with these words is a server within its rights: each
     * test that it names must pass all the same, and say these words in a note, which it does not say without
     * the mutant. Only for rows that permit or describe something, not for MUST and SHOULD. */
    const char *permitted;

    /* Tests of properties (PROPERTY_TEST) that must come out as `does not hold`, for the reason that they
     * look for: to show that they do not just ask whether anything is there at all. */
    const char *properties;
};

/* A mutant as declared. */
struct mutant {
    const char *name;
    const char *file;
    int line;
    unsigned versions; /* enum mutant_versions */
    const char *breaks;
    const char *tests;
    const uint16_t *statements; /* ended by STATEMENT_NONE */
    const struct behaviour *behaviour;
};

/* As in conformance/test.h. */
enum mutant_versions { V31 = 1 << 0, V311 = 1 << 1, V5 = 1 << 2, V3 = V31 | V311, V_ALL = V31 | V311 | V5 };

#define MUTANT(identifier, versions_, breaks_, tests_, ...)                                                  \
    static const struct behaviour mutant_behaviour_##identifier;                                             \
    static const uint16_t mutant_statements_##identifier[] = {__VA_ARGS__, STATEMENT_NONE};                  \
    const struct mutant mutant_##identifier;                                                                 \
    const struct mutant mutant_##identifier = {.name = #identifier,                                          \
                                               .file = __FILE__,                                             \
                                               .line = __LINE__,                                             \
                                               .versions = (versions_),                                      \
                                               .breaks = breaks_,                                            \
                                               .tests = tests_,                                              \
                                               .statements = mutant_statements_##identifier,                 \
                                               .behaviour = &mutant_behaviour_##identifier};                 \
    __attribute__((used, section("mutants"))) static const struct mutant *const mutant_entry_##identifier =  \
        &mutant_##identifier;                                                                                \
    static const struct behaviour mutant_behaviour_##identifier

/* A mutant for tests of properties alone: they have no statements. It is declared like the others, and the tests that it
 * names must come out as `does not hold`. */
#define PROPERTY_MUTANT(identifier, versions_, breaks_, tests_)                                              \
    MUTANT(identifier, versions_, breaks_, tests_, STATEMENT_NONE)

/* ---- Words for the functions --------------------------------------------------------------------- */

/* Whether the packet is of this type and the codec found nothing wrong with it. */
bool is_type(const struct passage *passage, enum packet_type type);

/* Whether the codec refused the packet by this statement. */
bool is_refused_by(const struct passage *passage, enum statement statement);

/* Whether the packet contains these bytes anywhere. */
bool has_bytes(const struct passage *passage, const void *bytes, size_t length);

/* Whether a run of bytes ends with a text: topics of the suite differ in how they begin. */
bool ends_with(struct bytes bytes, const char *text);

/* How much has come of a packet that the client has not sent to its end yet. */
size_t bytes_of_begun_packet(const struct connection *connection);

/* For .keep_open: always true. */
bool keep_all_open(const struct connection *connection);

/* Takes the client's packet as a server would that finds nothing wrong with anything: CONNECT, SUBSCRIBE,
 * UNSUBSCRIBE, PUBLISH, PUBREL and PINGREQ get their answers as far as the packet can be read. The broker
 * does not see it. After a CONNECT the broker has no part in this connection any more: whatever else the
 * client sends is answered likewise, and nothing closes. Returns DROP. */
enum fate pretend(struct passage *passage);

/* Passes over the fault of a packet of the client: a CONNECT is accepted (pretend), a DISCONNECT is obeyed,
 * anything else has no effect. Returns DROP. */
enum fate pass_over(struct passage *passage);

/* Sends the packet on as it now stands, before the function returns; then return DROP. For adding packets
 * behind it. */
void forward(struct passage *passage);

/* Send a packet or bytes of the mutant's making, at once and before the present packet. A packet is encoded
 * in the version of the connection; its `version` need not be set. */
void send_to_client(struct connection *connection, const struct packet *packet);
void send_to_server(struct connection *connection, const struct packet *packet);
void send_bytes_to_client(struct connection *connection, const void *bytes, size_t size);
void send_bytes_to_server(struct connection *connection, const void *bytes, size_t size);

/* The same in `seconds`. A client's DISCONNECT sent in this way ends a connection at a time of the mutant's
 * choice. */
void send_bytes_to_server_later(struct connection *connection, const void *bytes, size_t size,
                                double seconds);

/* Sends the packet on in `seconds`; what comes behind it overtakes it. Returns DROP. */
enum fate delay(struct passage *passage, double seconds);

/* Takes a property out of a packet that is to be encoded anew. User Properties and Subscription Identifiers
 * must be taken out of `repeated` as well. */
static inline void remove_property(struct properties *properties, enum property_ordinal ordinal)
{
    properties->present &= ~(1U << ordinal);
}

/* Whether the packet is a SUBSCRIBE; if so, `change` has been called with each of its subscriptions, and the
 * packet waits to be encoded anew. */
typedef void change_subscription(struct passage *passage, struct subscription_request *request);
bool change_subscriptions(struct passage *passage, change_subscription *change);

/* The topic of a PUBLISH that the codec refuses, as far as it can be read; of one that it accepts, too. */
struct bytes raw_topic(const struct passage *passage);

/* Memory that lives until the present packet has been dealt with; never NULL. */
void *scratch(struct passage *passage, size_t size);

/* For heads: `text` with the first `old` in it replaced, allocated; NULL if there is none. */
char *replace_text(const char *text, const char *old, const char *new);

/* ---- Memory beyond a connection ------------------------------------------------------------------ */

/* Keeps a copy of `value` under `kind` (a word of the mutant's choice) and `key`, e.g. a topic or a Client
 * Identifier, in place of what was kept there. */
void remember(struct proxy *proxy, const char *kind, struct bytes key, struct bytes value);

/* What is kept there; data is NULL when nothing is. Borrowed until the next remember or forget. */
struct bytes recall(struct proxy *proxy, const char *kind, struct bytes key);
void forget(struct proxy *proxy, const char *kind, struct bytes key);

/* The connections that are open, one after the other, the latest first: begin with NULL; NULL: no more. */
struct connection *next_connection(struct proxy *proxy, struct connection *before);

#endif
