/* 4.12 Enhanced authentication. Prefix: authentication_ */
#include "4_12_enhanced_authentication.h"

#include <assert.h>
#include <stdlib.h>

#include "4_13_handling_errors.h"
#include "actions.h"

enum phase {
    PHASE_CONNECT,  /* CONNACK was not sent yet */
    PHASE_SETTLED,  /* the client is who it says */
    PHASE_REPEATED, /* 4.12.1: re-authentication is going on */
};

struct authentication {
    uint8_t phase;
    bool asked;    /* the host has something going on for this connection */
    bool pending;  /* ... and it's its turn */
    bool has_data; /* `data` is to go with CONNACK */
    uint16_t method_length;
    uint32_t time_left; /* ms that the client had for its part when the host's turn came; 0: any time */
    uint32_t connect_length;
    struct bytes data; /* borrowed, during one call */
    uint8_t bytes[];   /* Authentication Method, then the CONNECT packet while PHASE_CONNECT */
};

static struct bytes method_of(const struct authentication *authentication)
{
    return bytes_of(authentication->bytes, authentication->method_length);
}

static struct bytes connect_of(const struct authentication *authentication)
{
    return bytes_of(authentication->bytes + authentication->method_length, authentication->connect_length);
}

static struct bytes property(const struct properties *properties, enum property_ordinal ordinal)
{
    return properties_has(properties, ordinal) ? properties->value[ordinal].bytes : (struct bytes){NULL, 0};
}

/* Not of 4.12.1: what else the client sends is served meanwhile [D-4.12.1-1]. */
bool authentication_pending(const struct connection *connection)
{
    const struct authentication *authentication = connection->authentication;
    return authentication && authentication->pending && authentication->phase == PHASE_CONNECT;
}

void authentication_inform(const struct connection *connection, struct properties *properties)
{
    const struct authentication *authentication = connection->authentication;
    if (!authentication || authentication->method_length == 0)
        return; /* [MQTT-4.12.0-6] */
    properties_set_bytes(properties, ORDINAL_AUTHENTICATION_METHOD,
                         method_of(authentication)); /* [MQTT-4.12.0-5] */
    if (authentication->has_data)                    /* [D-4.12-1] */
        properties_set_bytes(properties, ORDINAL_AUTHENTICATION_DATA, authentication->data);
}

/* The CONNECT is needed no more. There is a password in it, of which no copy is to be left in memory. */
static void wipe_connect(struct authentication *authentication)
{
    explicit_bzero(authentication->bytes + authentication->method_length, authentication->connect_length);
    authentication->connect_length = 0;
}

void authentication_end(struct broker *broker, struct connection *connection)
{
    struct authentication *authentication = connection->authentication;
    connection->authentication = NULL;
    if (authentication && authentication->asked && broker->environment.authentication_ended)
        broker->environment.authentication_ended(broker->environment.context, connection_host(connection));
    if (authentication)
        wipe_connect(authentication);
    free(authentication);
}

/* Remembers what the rest of the exchange needs. */
static bool keep(struct connection *connection, const struct packet *connect, struct bytes bytes)
{
    const struct bytes method = property(&connect->connect.properties, ORDINAL_AUTHENTICATION_METHOD);
    struct authentication *authentication = malloc(sizeof *authentication + method.length + bytes.length);
    if (!authentication)
        return false;
    *authentication = (struct authentication){.phase = PHASE_CONNECT,
                                              .method_length = (uint16_t)method.length,
                                              .connect_length = (uint32_t)bytes.length};
    if (method.length > 0)
        memcpy(authentication->bytes, method.data, method.length);
    memcpy(authentication->bytes + method.length, bytes.data, bytes.length);
    connection->authentication = authentication;
    return true;
}

/* [MQTT-4.12.0-2] [R-4.12.1-1]; the method that CONNECT named [MQTT-4.12.0-5], and nothing that would only
 * take room [MQTT-3.15.2-2] [MQTT-3.15.2-3] */
static void send_auth(struct broker *broker, struct connection *connection, enum reason_code reason_code,
                      const struct authentication_answer *answer)
{
    struct packet auth = {.type = PACKET_AUTH, .flags = 0};
    auth.auth.reason_code = (uint8_t)reason_code;
    properties_clear(&auth.auth.properties);
    properties_set_bytes(&auth.auth.properties, ORDINAL_AUTHENTICATION_METHOD,
                         method_of(connection->authentication));
    if (answer->has_data)
        properties_set_bytes(&auth.auth.properties, ORDINAL_AUTHENTICATION_DATA, answer->data);
    if (!connection_send(broker, connection, &auth))
        connection_close(broker, connection); /* it does not fit into the client's Maximum Packet Size */
}

/* The host's Reason Code, if the packet that tells it can have it [MQTT-3.2.2-8] [MQTT-3.14.2-1]. The host
 * need not know which one that is: 0x86 is for CONNACK alone. */
static enum reason_code fitting(enum reason_code reason_code, bool established)
{
    const enum packet_type type = established ? PACKET_DISCONNECT : PACKET_CONNACK;
    return reason_code_allowed(type, (uint8_t)reason_code, true) ? reason_code : REASON_NOT_AUTHORIZED;
}

/* For CONNACK [MQTT-3.1.4-2] [MQTT-4.12.0-1] [MQTT-4.12.0-4] [S-4.12-2, D3-3.1.3.4-1] [D3-3.1.4-2] [U3-3.1.4-1]
 * [S3-3.1.4-2]; for DISCONNECT [MQTT-4.12.1-2] */
static struct verdict refusal(const struct connection *connection, const struct authentication_answer *answer)
{
    const bool repeated = connection->authentication && connection->authentication->phase == PHASE_REPEATED;
    const bool exchange = connection->authentication && connection->authentication->method_length > 0;
    const enum statement statement = repeated ? MQTT_4_12_1_2 : exchange ? MQTT_4_12_0_4 : MQTT_3_1_4_2;
    assert(answer->reason_code >= REASON_UNSPECIFIED_ERROR);
    return refuse(answer->reason_code == REASON_BAD_AUTHENTICATION_METHOD ? MQTT_4_12_0_1 : statement,
                  fitting(answer->reason_code, repeated), 0,
                  answer->why ? answer->why : "authentication failed");
}

/* The client is known: the CONNECT that it sent is acted upon at last. */
static struct verdict accept_connect(struct broker *broker, struct connection *connection,
                                     const struct packet *connect, const struct authentication_answer *answer)
{
    struct authentication *authentication = connection->authentication;
    authentication->phase = PHASE_SETTLED;
    authentication->has_data = answer->has_data;
    authentication->data = answer->data;
    const struct verdict verdict =
        connect_accept(broker, connection, connect, answer->has_user_name ? &answer->user_name : NULL);
    authentication->has_data = false;
    wipe_connect(authentication);
    if (authentication->method_length > 0)
        return verdict;
    connection->authentication = NULL; /* without a method no AUTH will follow */
    free(authentication);
    return verdict;
}

/* 4.12.1; the Session and all that was granted belong to the one that connected, nobody else may go on with
 * them */
static struct verdict accept_repeated(struct broker *broker, struct connection *connection,
                                      const struct authentication_answer *answer)
{
    if (!session_is_of(connection->session, answer->has_user_name ? &answer->user_name : NULL))
        return refuse(MQTT_4_12_1_2, REASON_NOT_AUTHORIZED, 0, "re-authentication as another user");
    connection->authentication->phase = PHASE_SETTLED;
    send_auth(broker, connection, REASON_SUCCESS, answer); /* [R-4.12.1-1] [R-4.12-1] */
    return accept();
}

/* [S-3.1.4-1] The time for connecting is the client's: while the host takes its own, it stands still. */
static void stop_clock(struct broker *broker, struct connection *connection)
{
    struct timer *timer = &connection->timer;
    const bool runs = timer->position > 0;
    connection->authentication->time_left =
        !runs ? 0 : timer->deadline > broker->now ? (uint32_t)(timer->deadline - broker->now) : 1;
    timer_heap_cancel(&broker->timers, timer);
}

static void restart_clock(struct broker *broker, struct connection *connection)
{
    const uint32_t left = connection->authentication->time_left;
    if (left > 0 && connection->state == CONNECTION_AUTHENTICATES)
        timer_heap_set(&broker->timers, &connection->timer, broker->now + left);
}

/* Whether the host goes on, and whose turn it is. */
static void note_turn(struct broker *broker, struct connection *connection,
                      const struct authentication_answer *answer)
{
    struct authentication *authentication = connection->authentication;
    const bool pending = answer->outcome == AUTHENTICATION_PENDING;
    if (authentication->phase == PHASE_CONNECT && pending && !authentication->pending)
        stop_clock(broker, connection);
    if (authentication->phase == PHASE_CONNECT && !pending && authentication->pending)
        restart_clock(broker, connection);
    authentication->pending = pending;
    authentication->asked = authentication->pending || answer->outcome == AUTHENTICATION_CONTINUES;
}

/* What the host has answered, at once or later. `connect` is the CONNECT, in PHASE_CONNECT. */
static struct verdict apply(struct broker *broker, struct connection *connection,
                            const struct packet *connect, const struct authentication_answer *answer)
{
    struct authentication *authentication = connection->authentication;
    note_turn(broker, connection, answer);
    switch (answer->outcome) {
    case AUTHENTICATION_ACCEPTED:
        if (authentication->phase == PHASE_CONNECT)
            return accept_connect(broker, connection, connect, answer);
        return accept_repeated(broker, connection, answer);
    case AUTHENTICATION_REFUSED:
        broker->statistics.logins_refused++;
        return refusal(connection, answer);
    case AUTHENTICATION_CONTINUES:
        assert(authentication->method_length > 0); /* [MQTT-4.12.0-6] */
        send_auth(broker, connection, REASON_CONTINUE_AUTHENTICATION, answer);
        break;
    case AUTHENTICATION_PENDING:
        connection_mark_ready(broker, connection); /* it wants no input any more, which the host has to see */
        break;
    }
    return accept();
}

static struct authentication_answer ask(struct broker *broker, struct connection *connection,
                                        struct authentication_request *request)
{
    request->host = connection_host(connection);
    request->connection = connection;
    return broker->environment.authenticate(broker->environment.context, request);
}

static struct authentication_request request_of(const struct connect *connect)
{
    return (struct authentication_request){
        .phase = AUTHENTICATE_CONNECT,
        .client_identifier = connect->client_identifier,
        .has_user_name = connect->has_user_name,
        .user_name = connect->user_name,
        .has_password = connect->has_password, /* 5.0: without a user name, too */
        .password = connect->password,
        .method = property(&connect->properties, ORDINAL_AUTHENTICATION_METHOD),
        .has_data = properties_has(&connect->properties, ORDINAL_AUTHENTICATION_DATA),
        .data = property(&connect->properties, ORDINAL_AUTHENTICATION_DATA)};
}

struct verdict authentication_begin(struct broker *broker, struct connection *connection,
                                    const struct packet *connect)
{
    const bool method = properties_has(&connect->connect.properties, ORDINAL_AUTHENTICATION_METHOD);
    if (!broker->environment.authenticate) {
        if (method) /* [MQTT-4.12.0-1] [D-4.12-3]; without one nothing further is asked [D-3.1.2.11.9-1] */
            return refuse(MQTT_4_12_0_1, REASON_BAD_AUTHENTICATION_METHOD, 0,
                          "Authentication Method is not supported");
        return connect_accept(broker, connection, connect, NULL);
    }
    if (method && connect->connect.properties.value[ORDINAL_AUTHENTICATION_METHOD].bytes.length == 0)
        return refuse(MQTT_4_12_0_1, REASON_BAD_AUTHENTICATION_METHOD, 0,
                      "Authentication Method has no name");
    if (!keep(connection, connect, broker->handling))
        return refuse(MQTT_3_1_4_2, REASON_QUOTA_EXCEEDED, 0, "no memory for the authentication");
    connection->state = CONNECTION_AUTHENTICATES;
    struct authentication_request request = request_of(&connect->connect);
    const struct authentication_answer answer = ask(broker, connection, &request);
    return apply(broker, connection, connect, &answer);
}

static bool decode_connect(const struct authentication *authentication, struct packet *connect)
{
    connect->version = PROTOCOL_UNKNOWN;
    return !packet_decode(connect, PROTOCOL_UNKNOWN, SENDER_CLIENT, connect_of(authentication), NULL).refused;
}

/* Asks the host what an AUTH of the client leads to. */
static struct verdict pass_on(struct broker *broker, struct connection *connection, const struct packet *auth,
                              enum authentication_phase phase)
{
    struct packet connect = {.type = PACKET_RESERVED};
    const bool connecting = connection->authentication->phase == PHASE_CONNECT;
    if (connecting) {
        const bool decoded = decode_connect(connection->authentication, &connect);
        assert(decoded); /* it was, when it came */
    }
    struct authentication_request request = {
        .phase = phase,
        .method = method_of(connection->authentication),
        .has_data = properties_has(&auth->auth.properties, ORDINAL_AUTHENTICATION_DATA),
        .data = property(&auth->auth.properties, ORDINAL_AUTHENTICATION_DATA)};
    const struct authentication_answer answer = ask(broker, connection, &request);
    return apply(broker, connection, &connect, &answer);
}

struct verdict authentication_continue(struct broker *broker, struct connection *connection,
                                       const struct packet *auth)
{
    struct authentication *authentication = connection->authentication;
    if (!authentication || authentication->method_length == 0) /* [P-3.15-1] */
        return refuse(MQTT_4_12_0_7, REASON_PROTOCOL_ERROR, 0,
                      "AUTH though CONNECT had no Authentication Method");
    if (!bytes_equal(property(&auth->auth.properties, ORDINAL_AUTHENTICATION_METHOD),
                     method_of(authentication)))
        return refuse(authentication->phase == PHASE_SETTLED ? MQTT_4_12_1_1 : MQTT_4_12_0_5,
                      REASON_PROTOCOL_ERROR, 0, "Authentication Method is not that of CONNECT");
    const bool again = auth->auth.reason_code == REASON_RE_AUTHENTICATE;
    if (again && authentication->phase == PHASE_SETTLED) { /* [MQTT-4.12.1-1] */
        authentication->phase = PHASE_REPEATED;
        return pass_on(broker, connection, auth, AUTHENTICATE_AGAIN);
    }
    /* [MQTT-4.12.0-3] only in answer to ours */
    if (again || authentication->phase == PHASE_SETTLED || authentication->pending)
        return refuse(MQTT_4_12_0_3, REASON_PROTOCOL_ERROR, 0,
                      again ? "re-authentication while an authentication is going on"
                            : "AUTH that continues no authentication");
    return pass_on(broker, connection, auth, AUTHENTICATE_CONTINUE);
}

void authentication_answered(struct broker *broker, struct connection *connection,
                             const struct authentication_answer *answer)
{
    struct packet connect = {.type = PACKET_RESERVED};
    struct authentication *authentication = connection->authentication;
    if (!authentication || !authentication->pending)
        return;
    note_turn(broker, connection, answer);
    if (connection->state == CONNECTION_CLOSING) /* too late */
        return;
    const bool connecting = authentication->phase == PHASE_CONNECT;
    if (connecting) {
        const bool decoded = decode_connect(authentication, &connect);
        assert(decoded);
    }
    broker->storing.packet_changed = false;
    const struct verdict verdict = apply(broker, connection, &connect, answer);
    if (verdict.refused)
        errors_refuse(broker, connection, connecting ? PACKET_CONNECT : PACKET_AUTH, verdict);
}
