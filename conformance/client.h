/* client: a raw MQTT client that does nothing of its own accord. It has no keep alive, no reconnecting, no
 * hidden acknowledgements: what goes over the wire is what the test says, and all of it is recorded.
 *
 * Every read has one of three outcomes: a packet, a closed connection, or silence until the deadline. None
 * of them ever stands for another.
 *
 * While one client waits, the sockets of all clients of the test are read, so every packet carries the
 * time at which it came. Packets wait in the client's inbox, in order, until the test takes them.
 *
 * Everything that the server sends is decoded with the rules that bind a server; a packet that breaks one
 * fails the test, and the broken statement is named. */
#ifndef ETALON_CONFORMANCE_CLIENT_H
#define ETALON_CONFORMANCE_CLIENT_H

/* "Not there": the default of every numeric option, so that 0 can be asked for. */
#define ABSENT (-1)

/* One User Property; lists end with {NULL, NULL}. */
struct user_property {
    const char *name;
    const char *value;
};

#define MAXIMUM_USER_PROPERTIES 8

/* Payload and other binary data: give `payload` (text) or `payload_bytes`. */

struct will_options {
    const char *topic; /* a will is sent when this is set */
    const char *payload;
    struct bytes payload_bytes;
    int qos;
    bool retain;
    int64_t delay_interval;           /* 0: property not sent (its default value is 0) */
    int64_t message_expiry_interval;  /* 0: not sent */
    int64_t payload_format_indicator; /* 0: not sent (its default value is 0) */
    const char *content_type;
    const char *response_topic;
    struct bytes correlation_data;
    struct user_property user_properties[MAXIMUM_USER_PROPERTIES + 1];
};

/* Over WebSocket only, ignored elsewhere; chapter 6. */
struct websocket_options {
    const char *path;         /* default: that of the target's URL */
    const char *subprotocols; /* the list to be offered; default "mqtt"; "": no such header */
    size_t frame_size;        /* no frame carries more bytes; 0: one frame for all that is sent at once */
    bool fragmented;          /* and these frames are fragments of one message */
};

/* Options of a CONNECT, section 3.1. Those of 5.0 are ignored in other versions. */
struct connect_options {
    const char *name;              /* in the trace; default "client 1", "client 2" … */
    const char *client_identifier; /* default: unique; "": zero length */
    bool clean_start;              /* Clean Session in 3.1 and 3.1.1 */
    uint16_t keep_alive;           /* seconds; 0 turns it off */
    struct will_options will;
    const char *user_name; /* default: the target's */
    const char *password;  /* default: the target's */
    struct bytes password_bytes;
    bool anonymous; /* send neither, whatever the target needs */
    int64_t session_expiry_interval;
    int64_t receive_maximum;
    int64_t maximum_packet_size;
    int64_t topic_alias_maximum;
    int64_t request_response_information;
    int64_t request_problem_information;
    const char *authentication_method;
    struct bytes authentication_data;
    struct user_property user_properties[MAXIMUM_USER_PROPERTIES + 1];
    enum protocol_version version; /* default: t->version */
    const struct broker *broker;   /* default: the target; else one that the test started (broker.h) */
    struct websocket_options websocket;
    bool forgiving; /* a packet of the server that breaks a rule does not end the test: see `nonsense` */
    bool kept_back; /* what is sent and received goes into the report only when reveal() says so */
};

#define CONNECT_OPTIONS(...)                                                                                 \
    (&(struct connect_options){.session_expiry_interval = ABSENT,                                            \
                               .receive_maximum = ABSENT,                                                    \
                               .maximum_packet_size = ABSENT,                                                \
                               .topic_alias_maximum = ABSENT,                                                \
                               .request_response_information = ABSENT,                                       \
                               .request_problem_information = ABSENT,                                        \
                               __VA_ARGS__})

/* Options of a PUBLISH, section 3.3. */
struct publish_options {
    const char *topic; /* NULL: empty, which 5.0 allows with a Topic Alias */
    const char *payload;
    struct bytes payload_bytes;
    int qos;
    bool retain;
    bool dup;
    uint16_t packet_identifier; /* 0: the client's next unused one (none at QoS 0) */
    int64_t topic_alias;
    int64_t message_expiry_interval; /* seconds */
    int64_t payload_format_indicator;
    const char *content_type;
    const char *response_topic;
    struct bytes correlation_data;
    struct user_property user_properties[MAXIMUM_USER_PROPERTIES + 1];
    bool may_be_refused; /* publish(): return a Reason Code >= 0x80 instead of ending the test */
};

#define PUBLISH_OPTIONS(...)                                                                                 \
    (&(struct publish_options){.topic_alias = ABSENT,                                                        \
                               .message_expiry_interval = ABSENT,                                            \
                               .payload_format_indicator = ABSENT,                                           \
                               __VA_ARGS__})

/* Options of one subscription, section 3.8.3.1, and of its SUBSCRIBE. */
struct subscribe_options {
    int qos;
    bool no_local;
    bool retain_as_published;
    int retain_handling;
    int64_t subscription_identifier;
    uint16_t packet_identifier; /* 0: the client's next unused one */
    struct user_property user_properties[MAXIMUM_USER_PROPERTIES + 1];
    bool may_be_refused; /* subscribe(): return a failure code instead of ending the test */
};

#define SUBSCRIBE_OPTIONS(...) (&(struct subscribe_options){.subscription_identifier = ABSENT, __VA_ARGS__})

struct disconnect_options {
    int reason_code; /* 0: normal; 0x04: with Will Message */
    int64_t session_expiry_interval;
    const char *reason_string;
};

#define DISCONNECT_OPTIONS(...) (&(struct disconnect_options){.session_expiry_interval = ABSENT, __VA_ARGS__})

/* A packet that arrived. `bytes` and all that `packet` borrows live until the test ends. */
struct received {
    struct packet packet;
    struct bytes bytes;
    double time; /* moment of arrival, seconds since the test began */
    struct received *next;
};

enum outcome {
    RECEIVED_PACKET, /* the output is set */
    RECEIVED_CLOSED, /* the server closed the connection, and everything before that was taken */
    RECEIVED_TIMEOUT /* nothing came until the deadline; the connection is open */
};

/* Authors read `name`, `client_identifier`, `connack`; the rest belongs to client.c. */
struct client {
    struct test *test;
    char name[32];
    const char *client_identifier;  /* as sent, or as assigned by the server */
    const struct received *connack; /* NULL before */
    enum protocol_version version;
    struct connect_options connected_with;
    struct connection *connection; /* NULL: closed by us */
    bool closed;                   /* the server closed it (or it broke) */
    bool reset;                    /* by RST rather than in an orderly way */
    double closed_at;              /* moment */
    bool reading;                  /* false: stop_reading was called */
    const char *nonsense; /* .forgiving: what is wrong with the packet behind which nothing is read; reads
                                    * then end as if the server had closed */
    enum statement nonsense_of; /* and the statement that it breaks */
    bool lasting;               /* its CONNECT asked for a session that outlives the connection */
    bool leaving;               /* our side is closed, and what the server still sends is dropped */
    uint16_t last_packet_identifier;
    uint8_t *input; /* bytes that are no whole packet yet */
    size_t input_length;
    size_t input_capacity;
    struct received *inbox; /* oldest first */
    struct received *inbox_last;
    const char *sentinel_topic; /* subscribed for barriers; NULL: not yet */
    struct kept_entry *kept;    /* of the exchange, while it is kept back; oldest first */
    struct kept_entry *kept_last;
    struct client *next;
};

/* ---- Connecting ---------------------------------------------------------------------------------- */

/* Connects, sends CONNECT, takes the CONNACK and demands success: the set-up of a test. When it does not
 * succeed the test ends with `error`, because nothing can then be said about its subject. A test whose
 * subject is the CONNACK uses send_connect and expect_connack. */
#define connect_client(t, ...) client_connect((t), CONNECT_OPTIONS(__VA_ARGS__))
struct client *client_connect(struct test *t, const struct connect_options *options);

/* Connects and sends the CONNECT; the answer is left to the test. */
#define send_connect(t, ...) client_send_connect((t), CONNECT_OPTIONS(__VA_ARGS__))
struct client *client_send_connect(struct test *t, const struct connect_options *options);

/* Opens a network connection and sends nothing: for tests that send bytes of their own making as CONNECT. */
#define open_connection(t, ...) client_open((t), CONNECT_OPTIONS(__VA_ARGS__))
struct client *client_open(struct test *t, const struct connect_options *options);

/* Sends the CONNECT of the options that open_connection was given: for several clients at the same time. */
void send_own_connect(struct client *client);

/* Sends DISCONNECT, closes our side and waits for the server to close the other, so that whatever comes next,
 * from any client, comes after it: connections do not keep each other's order, least of all to a distant server.
 * One that does not close within a while is waited for no longer; whether it must is for other tests. In 3.1 and
 * 3.1.1 the options are ignored. */
#define disconnect(client, ...) client_disconnect((client), DISCONNECT_OPTIONS(__VA_ARGS__))
void client_disconnect(struct client *client, const struct disconnect_options *options);

/* Sends DISCONNECT and leaves the connection open (for what the server then does: expect_closed). */
#define send_disconnect(client, ...) client_send_disconnect((client), DISCONNECT_OPTIONS(__VA_ARGS__))
void client_send_disconnect(struct client *client, const struct disconnect_options *options);

/* Closes the connection without DISCONNECT: an orderly TCP close, of which TLS and WebSocket say nothing. The
 * server is waited for as above. A will is then due: from some moment between the call and its return. */
void close_abruptly(struct client *client);

/* The same with RST: what a crashed host looks like. Nothing tells when the server has learnt of it. */
void reset_connection(struct client *client);

/* Closes only our sending direction: the server sees the end of the stream but can still send. */
void finish_sending(struct client *client);

/* Over WebSocket: opens a network connection as open_connection does, and lets the test judge what the server
 * answered to the request: connection_answer(client->connection). Elsewhere it is open_connection. */
#define request_connection(t, ...) client_request((t), CONNECT_OPTIONS(__VA_ARGS__))
struct client *client_request(struct test *t, const struct connect_options *options);

/* Over WebSocket: sends bytes as they stand below it, so frames made by hand and illegal ones; in the
 * language of SEND_HEX. */
#define SEND_FRAME_HEX(client, ...) send_frame_template((client), text((client)->test, __VA_ARGS__))
bool send_frame_template(struct client *client, const char *template);

/* The bytes that SEND_TEMPLATE would send. They live until the test ends. */
#define HEX(t, ...) template_bytes((t), text((t), __VA_ARGS__))
struct bytes template_bytes(struct test *t, const char *template);

/* From now on nothing is read from this client's socket, until start_reading; and the operating system is told
 * to keep little for it, so that a server that sends it some megabytes feels the back pressure. */
void stop_reading(struct client *client);
void start_reading(struct client *client);

/* ---- Sending -------------------------------------------------------------------------------------
 * All of these return false when the server closed the connection before everything was sent; what follows
 * will show it. */

/* Encodes with the codec and sends. `packet->version` may be left 0: the client's is used. */
bool send_packet(struct client *client, const struct packet *packet);

/* Sends bytes as they are. For negative cases always prefer literal bytes to the codec. */
bool send_bytes(struct client *client, const void *bytes, size_t count);

/* Sends more of a packet whose beginning send_bytes sent: it is not in the report. For large packets. */
bool send_more(struct client *client, const void *bytes, size_t count);

/* The same from hexadecimal digits; blanks between them are ignored: SEND_HEX(client, "c0 00"). */
#define SEND_HEX(client, hex) send_hex((client), (hex))
bool send_hex(struct client *client, const char *hex);

/* Appends to a packet being built by hand; give send_built its result. Text in {} braces is taken as
 * characters with a two-byte length in front (a UTF-8 Encoded String): "30 {a/b} 00" */
#define SEND_TEMPLATE(client, ...) send_template((client), text((client)->test, __VA_ARGS__))
bool send_template(struct client *client, const char *template);

/* Sends one PUBLISH and waits for nothing. Returns its Packet Identifier (0 at QoS 0). */
#define send_publish(client, ...) client_send_publish((client), PUBLISH_OPTIONS(__VA_ARGS__))
uint16_t client_send_publish(struct client *client, const struct publish_options *options);

/* Sends one SUBSCRIBE and waits for nothing. Returns its Packet Identifier. */
#define send_subscribe(client, filter, ...)                                                                  \
    client_send_subscribe((client), (filter), SUBSCRIBE_OPTIONS(__VA_ARGS__))
uint16_t client_send_subscribe(struct client *client, const char *filter,
                               const struct subscribe_options *options);

/* Sends one SUBSCRIBE with several Topic Filters; likewise. */
uint16_t send_subscribe_list(struct client *client, const struct subscription_request *requests, size_t count,
                             int64_t subscription_identifier);

/* Sends one UNSUBSCRIBE; the list of filters ends with NULL. Returns its Packet Identifier. */
#define send_unsubscribe(client, ...)                                                                        \
    client_send_unsubscribe((client), (const char *const[]){__VA_ARGS__, NULL})
uint16_t client_send_unsubscribe(struct client *client, const char *const *filters);

/* PUBACK, PUBREC, PUBREL or PUBCOMP. */
bool send_acknowledgement(struct client *client, enum packet_type type, uint16_t packet_identifier,
                          uint8_t reason_code);

bool send_pingreq(struct client *client);

/* A Packet Identifier that this client has not used yet. */
uint16_t next_packet_identifier(struct client *client);

/* ---- Receiving ----------------------------------------------------------------------------------- */

/* Takes the next packet, whatever its type, waiting until `moment`. On RECEIVED_PACKET `*received` is set. */
enum outcome receive_until(struct client *client, double moment, const struct received **received);

/* The same, with the usual patience, twice: what expect.h waits for altogether. A test must not pass because of RECEIVED_TIMEOUT. */
enum outcome receive(struct client *client, const struct received **received);

/* Takes the first packet in the inbox, or coming until `moment`, that `wanted` accepts; others stay in the
 * inbox, in order. `wanted` may be NULL: any. */
typedef bool wanted_packet(const struct packet *packet, const void *context);
enum outcome receive_matching(struct client *client, double moment, wanted_packet *wanted,
                              const void *context, const struct received **received);

/* Puts what was kept back of the client's exchange (.kept_back) into the report, and all that follows. */
void reveal(struct client *client);

/* One sentence on what `client` has seen instead of what was expected: what waits in its inbox, whether it
 * was closed. */
const char *describe_state(struct client *client, enum outcome outcome);

/* One line on a packet: "PUBLISH topic=a qos=1 id=7 retain payload=…". Lives until the test ends. */
const char *describe_packet(struct test *t, const struct packet *packet);

#endif
