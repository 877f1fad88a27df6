#include "test.h"

#include <stdio.h>

#include "verdicts.h"

/* ---- Waiting ------------------------------------------------------------------------------------- */

#define REPETITION_LIMIT 8 /* times the patience, for what comes again after a reconnection */

/* A packet's distinguishing marks. */
struct mark {
    enum packet_type type;
    uint16_t packet_identifier; /* 0: any */
};

static uint16_t identifier_of(const struct packet *packet)
{
    switch (packet->type) {
    case PACKET_SUBACK:
    case PACKET_UNSUBACK:
        return packet->suback.packet_identifier;
    case PACKET_PUBLISH:
        return packet->publish.packet_identifier;
    default:
        return packet->acknowledgement.packet_identifier;
    }
}

static bool has_mark(const struct packet *packet, const void *context)
{
    const struct mark *mark = context;
    return packet->type == mark->type &&
           (mark->packet_identifier == 0 || identifier_of(packet) == mark->packet_identifier);
}

#define SENTINEL_MARK "sentinel at "

static bool is_sentinel(const struct publish *publish)
{
    size_t length = sizeof SENTINEL_MARK - 1;
    return publish->payload.length > length && memcmp(publish->payload.data, SENTINEL_MARK, length) == 0;
}

static bool is_up(const struct client *client)
{
    return client->connack != NULL && client->connack->packet.connack.reason_code == 0 && !client->closed &&
           client->connection != NULL;
}

/* A server may end any connection for reasons of its own; that breaks no rule, but the test cannot be
 * judged. */
bool is_administrative(uint8_t reason_code)
{
    static const uint8_t codes[] = {REASON_NOT_AUTHORIZED,
                                    REASON_SERVER_UNAVAILABLE,
                                    REASON_SERVER_BUSY,
                                    REASON_SERVER_SHUTTING_DOWN,
                                    REASON_BANNED,
                                    REASON_MESSAGE_RATE_TOO_HIGH,
                                    REASON_QUOTA_EXCEEDED,
                                    REASON_ADMINISTRATIVE_ACTION,
                                    REASON_USE_ANOTHER_SERVER,
                                    REASON_SERVER_MOVED,
                                    REASON_CONNECTION_RATE_EXCEEDED,
                                    REASON_MAXIMUM_CONNECT_TIME};
    return memchr(codes, reason_code, sizeof codes) != NULL;
}

static void excuse_administration(struct client *client)
{
    for (const struct received *unread = client->inbox; unread != NULL; unread = unread->next)
        if (unread->packet.type == PACKET_DISCONNECT &&
            is_administrative(unread->packet.disconnect.reason_code))
            error(client->test, "the server ended the connection of %s for reasons of its own: %s",
                  client->name, describe_packet(client->test, &unread->packet));
}

/* Asks a silent server for a sign of life and waits once more: slowness is no refusal. */
static enum outcome wait_once_more(struct client *client, wanted_packet *wanted, const void *context,
                                   const struct received **received)
{
    struct test *t = client->test;
    double begun = now(t);
    bool asked = is_up(client);
    if (asked)
        send_pingreq(client);
    enum outcome outcome = receive_matching(client, begun + t->patience, wanted, context, received);
    if (outcome == RECEIVED_PACKET)
        note(t, "the server needed more than %.1f s for a %s", t->patience,
             packet_type_name((*received)->packet.type));
    const struct received *answer;
    struct mark pingresp = {.type = PACKET_PINGRESP};
    if (asked && receive_matching(client, outcome == RECEIVED_PACKET ? now(t) + t->patience : now(t),
                                  has_mark, &pingresp, &answer) == RECEIVED_PACKET)
        note(t, "a PINGREQ sent to see whether the server is alive was answered after %.3f s",
             answer->time - begun);
    else if (asked)
        note(t, "a PINGREQ sent to see whether the server is alive was not answered");
    return outcome;
}

static enum outcome await(struct client *client, wanted_packet *wanted, const void *context,
                          const struct received **received)
{
    struct test *t = client->test;
    enum outcome outcome = receive_matching(client, now(t) + t->patience, wanted, context, received);
    if (outcome == RECEIVED_TIMEOUT)
        outcome = wait_once_more(client, wanted, context, received);
    if (outcome != RECEIVED_PACKET)
        excuse_administration(client);
    return outcome;
}

/* Takes the packet with a mark, or fails with the statement that demands it. */
static const struct received *demand(struct client *client, enum packet_type type, uint16_t packet_identifier,
                                     enum statement five, enum statement three)
{
    struct test *t = client->test;
    const struct received *received;
    struct mark mark = {type, packet_identifier};
    enum outcome outcome = await(client, has_mark, &mark, &received);
    if (outcome == RECEIVED_PACKET)
        return received;
    const char *expected = packet_identifier == 0
                               ? text(t, "%s to %s", packet_type_name(type), client->name)
                               : text(t, "%s with Packet Identifier %u to %s", packet_type_name(type),
                                      packet_identifier, client->name);
    fail_statement(t, five, three, expected, "%s", describe_state(client, outcome));
}

/* ---- Single packets ------------------------------------------------------------------------------ */

const struct received *expect_packet(struct client *client, enum packet_type type)
{
    const struct received *received;
    enum outcome outcome = await(client, NULL, NULL, &received);
    if (outcome != RECEIVED_PACKET)
        fail_expected(client->test, text(client->test, "%s to %s", packet_type_name(type), client->name),
                      "%s", describe_state(client, outcome));
    if (received->packet.type != type)
        fail_expected(client->test, text(client->test, "%s to %s", packet_type_name(type), client->name),
                      "%s", describe_packet(client->test, &received->packet));
    return received;
}

const struct received *expect_connack_with(struct client *client,
                                           const struct connack_expectation *expectation)
{
    struct test *t = client->test;
    const struct received *received = expect_packet(client, PACKET_CONNACK);
    const struct connack *connack = &received->packet.connack;
    if (expectation->reason_code != ANY && connack->reason_code != expectation->reason_code)
        fail_expected(t, text(t, "CONNACK with code 0x%02X", (unsigned)expectation->reason_code), "%s",
                      describe_packet(t, &received->packet));
    if (expectation->session_present != ANY &&
        connack->session_present != (expectation->session_present != 0))
        fail_expected(t, text(t, "CONNACK with Session Present %d", expectation->session_present), "%s",
                      describe_packet(t, &received->packet));
    return received;
}

/* The statements that demand each kind of acknowledgement. */
static const struct {
    enum statement five;
    enum statement three;
} acknowledgement_statements[16] = {
    [PACKET_PUBACK] = {MQTT_4_3_2_4, MQTT3_4_3_2_2},
    [PACKET_PUBREC] = {MQTT_4_3_3_8, MQTT3_4_3_3_2},
    [PACKET_PUBREL] = {MQTT_4_3_3_4, MQTT3_4_3_3_1},
    [PACKET_PUBCOMP] = {MQTT_4_3_3_11, MQTT3_4_3_3_2},
};

static const struct received *take_acknowledgement(struct client *client, enum packet_type type,
                                                   uint16_t packet_identifier)
{
    return demand(client, type, packet_identifier, acknowledgement_statements[type].five,
                  acknowledgement_statements[type].three);
}

const struct received *expect_acknowledgement(struct client *client, enum packet_type type,
                                              uint16_t packet_identifier)
{
    struct test *t = client->test;
    const struct received *received = take_acknowledgement(client, type, packet_identifier);
    if (received->packet.acknowledgement.reason_code < 0x80)
        return received;
    if (type == PACKET_PUBACK || type == PACKET_PUBREC) /* the server may refuse a message */
        error(t, "the server refused a PUBLISH of %s: %s", client->name,
              describe_packet(t, &received->packet));
    fail_expected(t, text(t, "%s with success", packet_type_name(type)), "%s",
                  describe_packet(t, &received->packet));
}

static const struct received *expect_codes(struct client *client, const struct received *received,
                                           size_t count, enum statement five, enum statement three)
{
    struct test *t = client->test;
    if (received->packet.suback.reason_codes.length != count)
        fail_statement(t, five, three,
                       text(t, "%s with %zu Reason Codes", packet_type_name(received->packet.type), count),
                       "%s", describe_packet(t, &received->packet));
    return received;
}

const struct received *expect_suback(struct client *client, uint16_t packet_identifier, size_t count)
{
    const struct received *received =
        demand(client, PACKET_SUBACK, packet_identifier, MQTT_3_8_4_1, MQTT3_3_8_4_1);
    return expect_codes(client, received, count, MQTT_3_8_4_6, MQTT3_3_8_4_5);
}

const struct received *expect_unsuback(struct client *client, uint16_t packet_identifier, size_t count)
{
    const struct received *received =
        demand(client, PACKET_UNSUBACK, packet_identifier, MQTT_3_10_4_4, MQTT3_3_10_4_4);
    return client->version == PROTOCOL_5_0
               ? expect_codes(client, received, count, MQTT_3_11_3_1, MQTT3_3_10_4_6)
               : received;
}

void ping(struct client *client)
{
    send_pingreq(client);
    demand(client, PACKET_PINGRESP, 0, MQTT_3_12_4_1, MQTT3_3_12_4_1);
}

void expect_open(struct client *client)
{
    struct test *t = client->test;
    const struct received *received;
    struct mark pingresp = {.type = PACKET_PINGRESP};
    send_pingreq(client);
    enum outcome outcome = receive_matching(client, now(t) + 2 * t->patience, has_mark, &pingresp, &received);
    if (outcome == RECEIVED_PACKET)
        return;
    excuse_administration(client);
    fail_expected(t, text(t, "the connection of %s to stay open and a PINGREQ to be answered", client->name),
                  "%s", describe_state(client, outcome));
}

/* ---- Flows --------------------------------------------------------------------------------------- */

static uint8_t refused_or(struct client *client, const struct received *received, bool may_be_refused)
{
    uint8_t reason_code = received->packet.acknowledgement.reason_code;
    if (reason_code >= 0x80 && !may_be_refused)
        error(client->test, "set-up: the server refused a PUBLISH of %s: %s", client->name,
              describe_packet(client->test, &received->packet));
    return reason_code;
}

uint8_t expect_publish_flow(struct client *client, const struct publish_options *options)
{
    uint16_t packet_identifier = client_send_publish(client, options);
    if (options->qos == 0)
        return 0;
    enum packet_type first = options->qos == 1 ? PACKET_PUBACK : PACKET_PUBREC;
    const struct received *received = take_acknowledgement(client, first, packet_identifier);
    uint8_t reason_code = refused_or(client, received, options->may_be_refused);
    if (options->qos == 2 && reason_code < 0x80) {
        send_acknowledgement(client, PACKET_PUBREL, packet_identifier, 0);
        expect_acknowledgement(client, PACKET_PUBCOMP, packet_identifier);
    }
    return reason_code;
}

uint8_t expect_subscribe_flow(struct client *client, const char *filter,
                              const struct subscribe_options *options)
{
    struct test *t = client->test;
    uint16_t packet_identifier = client_send_subscribe(client, filter, options);
    const struct received *received = expect_suback(client, packet_identifier, 1);
    uint8_t code = received->packet.suback.reason_codes.data[0];
    if (code >= 0x80 && !options->may_be_refused)
        error(t, "set-up: the server refused a subscription of %s: %s", client->name,
              describe_packet(t, &received->packet));
    if (code < 0x80 && code > options->qos)
        fail_statement(t, MQTT_3_8_4_7, MQTT3_3_8_4_5, text(t, "a grant of at most QoS %d", options->qos),
                       "%s", describe_packet(t, &received->packet));
    if (code < options->qos)
        note(t, "the server granted QoS %u where %d was asked for", code, options->qos);
    return code;
}

uint8_t unsubscribe(struct client *client, const char *filter)
{
    uint16_t packet_identifier = send_unsubscribe(client, filter);
    const struct received *received = expect_unsuback(client, packet_identifier, 1);
    struct bytes codes = received->packet.suback.reason_codes;
    if (codes.length == 0)
        return 0;
    if (codes.data[0] >= 0x80)
        error(client->test, "the server refused to unsubscribe %s: %s", client->name,
              describe_packet(client->test, &received->packet));
    return codes.data[0];
}

void acknowledge(struct client *client, const struct received *received)
{
    const struct publish *publish = &received->packet.publish;
    if (publish->qos == 1)
        send_acknowledgement(client, PACKET_PUBACK, publish->packet_identifier, 0);
    if (publish->qos != 2)
        return;
    send_acknowledgement(client, PACKET_PUBREC, publish->packet_identifier, 0);
    take_acknowledgement(client, PACKET_PUBREL, publish->packet_identifier);
    send_acknowledgement(client, PACKET_PUBCOMP, publish->packet_identifier, 0);
}

/* ---- PUBLISH ------------------------------------------------------------------------------------- */

/* Whether it is a sentinel, of somebody else's barrier or a late copy (overlapping subscriptions may get
 * several). It is acknowledged: a server may have so few messages under way at a time that the next one waits
 * for that. */
static bool pass_over(struct client *client, const struct received *received)
{
    if (!is_sentinel(&received->packet.publish))
        return false;
    if (is_up(client))
        acknowledge(client, received);
    return true;
}

enum outcome receive_publish(struct client *client, double moment, const struct received **received)
{
    struct mark publish = {.type = PACKET_PUBLISH};
    enum outcome outcome;
    do
        outcome = receive_matching(client, moment, has_mark, &publish, received);
    while (outcome == RECEIVED_PACKET && pass_over(client, *received));
    return outcome;
}

/* The same with the usual patience. */
static enum outcome await_publish(struct client *client, const struct received **received)
{
    struct mark publish = {.type = PACKET_PUBLISH};
    enum outcome outcome;
    do
        outcome = await(client, has_mark, &publish, received);
    while (outcome == RECEIVED_PACKET && pass_over(client, *received));
    return outcome;
}

/* For what comes again after a reconnection: the text sets no time for it, and some servers send it only when
 * their interval for repetitions has passed. */
static enum outcome wait_for_repetition(struct client *client, const struct received **received)
{
    struct test *t = client->test;
    double begun = now(t), limit = REPETITION_LIMIT * t->patience;
    allow_time(t, limit);
    enum outcome outcome = receive_publish(client, begun + limit, received);
    if (outcome == RECEIVED_PACKET)
        note(t, "after the reconnection the server took %.0f s to send a message again",
             (*received)->time - begun + 2 * t->patience);
    return outcome;
}

bool is_text(struct bytes bytes, const char *wanted)
{
    return bytes_equal(bytes, bytes_of_text(wanted));
}

static const char *describe_expectation(struct test *t, const struct publish_expectation *wanted)
{
    const char *made = "PUBLISH";
    if (wanted->qos != ANY)
        made = text(t, "%s qos=%d", made, wanted->qos);
    if (wanted->retain != ANY)
        made = text(t, "%s retain=%d", made, wanted->retain);
    if (wanted->dup != ANY)
        made = text(t, "%s dup=%d", made, wanted->dup);
    if (wanted->topic != NULL)
        made = text(t, "%s topic=\"%s\"", made, wanted->topic);
    if (wanted->payload != NULL)
        made = text(t, "%s payload=\"%s\"", made, wanted->payload);
    if (wanted->payload_bytes.data != NULL)
        made = text(t, "%s payload of %zu certain bytes", made, wanted->payload_bytes.length);
    if (wanted->subscription_identifier != ANY)
        made = text(t, "%s subscription-identifier=%lld", made, (long long)wanted->subscription_identifier);
    if (wanted->earliest > 0)
        made = text(t, "%s, not before %.3f s", made, wanted->earliest);
    if (wanted->latest > 0)
        made = text(t, "%s, not after %.3f s", made, wanted->latest + t->latency);
    return made;
}

static bool has_subscription_identifier(const struct publish *publish, int64_t wanted)
{
    struct bytes rest = publish->properties.repeated;
    uint32_t identifier;
    unsigned count = 0;
    bool right = true;
    if (!properties_has(&publish->properties, ORDINAL_SUBSCRIPTION_IDENTIFIER))
        return wanted == 0;
    while (properties_next_subscription_identifier(&rest, &identifier)) {
        right = right && identifier == wanted;
        count++;
    }
    return right && count == 1;
}

static bool is_as_wanted(const struct received *received, const struct publish_expectation *wanted)
{
    const struct publish *publish = &received->packet.publish;
    bool five = received->packet.version == PROTOCOL_5_0;
    return (wanted->qos == ANY || publish->qos == wanted->qos) &&
           (wanted->retain == ANY || publish->retain == (wanted->retain != 0)) &&
           (wanted->dup == ANY || publish->dup == (wanted->dup != 0)) &&
           (wanted->topic == NULL || is_text(publish->topic, wanted->topic)) &&
           (wanted->payload == NULL || is_text(publish->payload, wanted->payload)) &&
           (wanted->payload_bytes.data == NULL || bytes_equal(publish->payload, wanted->payload_bytes)) &&
           (wanted->subscription_identifier == ANY || !five ||
            has_subscription_identifier(publish, wanted->subscription_identifier)) &&
           received->time >= wanted->earliest;
}

const struct received *expect_publish_with(struct client *client, const struct publish_expectation *wanted)
{
    struct test *t = client->test;
    const struct received *received;
    double latest = wanted->latest + t->latency;
    enum outcome outcome =
        wanted->latest > 0 ? receive_publish(client, latest, &received) : await_publish(client, &received);
    if (outcome == RECEIVED_TIMEOUT && wanted->latest <= 0 && (wanted->repeated || wanted->dup == 1))
        outcome = wait_for_repetition(client, &received);
    const char *expected = text(t, "%s to %s", describe_expectation(t, wanted), client->name);
    if (outcome != RECEIVED_PACKET) {
        excuse_administration(client);
        fail_expected(t, expected, "%s", describe_state(client, outcome));
    }
    if (!is_as_wanted(received, wanted) || (wanted->latest > 0 && received->time > latest))
        fail_expected(t, expected, "%s, at %.3f s", describe_packet(t, &received->packet), received->time);
    if (wanted->acknowledge)
        acknowledge(client, received);
    return received;
}

void expect_user_property(struct client *client, const struct properties *properties, size_t index,
                          const char *name, const char *value)
{
    struct test *t = client->test;
    struct string_pair pair = {bytes_of(NULL, 0), bytes_of(NULL, 0)};
    struct bytes rest = properties_has(properties, ORDINAL_USER_PROPERTY) ? properties->repeated : pair.name;
    bool found = true;
    for (size_t i = 0; i <= index && found; i++)
        found = properties_next_user_property(&rest, &pair);
    const char *expected = text(t, "User Property %zu to be \"%s\" = \"%s\"", index + 1, name, value);
    if (!found)
        fail_expected(t, expected, "fewer User Properties");
    if (!is_text(pair.name, name) || !is_text(pair.value, value))
        fail_expected(t, expected, "\"%.*s\" = \"%.*s\"", (int)pair.name.length, (const char *)pair.name.data,
                      (int)pair.value.length, (const char *)pair.value.data);
}

/* ---- The end of a connection --------------------------------------------------------------------- */

/* Reads up to the end of the connection. Returns how it ended; `*last` is the last CONNACK or DISCONNECT,
 * or NULL. */
static enum outcome read_to_end(struct client *client, double moment, const struct received **last)
{
    const struct received *received;
    enum outcome outcome;
    while ((outcome = receive_until(client, moment, &received)) == RECEIVED_PACKET) {
        const struct packet *packet = &received->packet;
        bool final = packet->type == PACKET_DISCONNECT || packet->type == PACKET_CONNACK;
        if (*last != NULL && (*last)->packet.type == PACKET_DISCONNECT)
            fail_statement(client->test, MQTT_3_14_4_1, STATEMENT_NONE, "nothing after a DISCONNECT", "%s",
                           describe_packet(client->test, packet));
        if (final)
            *last = received;
        else if (packet->type != PACKET_PINGRESP)
            note(client->test, "before the end %s still received %s", client->name,
                 describe_packet(client->test, packet));
    }
    return outcome;
}

/* Reads to the end with the usual patience, and once more for slow servers. */
static enum outcome await_end(struct client *client, const struct received **last)
{
    struct test *t = client->test;
    if (client->connection == NULL)
        error(t, "the test waits for the end of a connection of %s that it closed itself", client->name);
    enum outcome outcome = read_to_end(client, now(t) + t->patience, last);
    if (outcome != RECEIVED_TIMEOUT)
        return outcome;
    double asked = now(t);
    if (*last == NULL && is_up(client))
        send_pingreq(client);
    outcome = read_to_end(client, asked + t->patience, last);
    if (outcome == RECEIVED_CLOSED)
        note(t, "the server needed more than %.1f s to close the connection of %s", t->patience,
             client->name);
    return outcome;
}

static int code_of(const struct received *last)
{
    if (last == NULL)
        return ABSENT;
    return last->packet.type == PACKET_CONNACK ? last->packet.connack.reason_code
                                               : last->packet.disconnect.reason_code;
}

int expect_closed_with(struct client *client, const struct closed_expectation *wanted)
{
    struct test *t = client->test;
    const struct received *last = NULL;
    double latest = wanted->latest + t->latency;
    enum outcome outcome = wanted->latest > 0 ? read_to_end(client, latest, &last) : await_end(client, &last);
    const char *expected = text(t, "the server to close the connection of %s", client->name);
    if (wanted->earliest > 0 || wanted->latest > 0)
        expected = text(t, "%s between %.3f s and %.3f s", expected, wanted->earliest, latest);
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, expected, "the connection was open at %.3f s%s%s", now(t),
                      last == NULL ? "" : " in spite of ",
                      last == NULL ? "" : describe_packet(t, &last->packet));
    if (client->closed && client->closed_at < wanted->earliest)
        fail_expected(t, expected, "closed at %.3f s", client->closed_at);
    if (client->closed && wanted->latest > 0 && client->closed_at > latest)
        fail_expected(t, expected, "closed at %.3f s", client->closed_at);
    if (last != NULL)
        note(t, "before closing, the server sent %s", describe_packet(t, &last->packet));
    return code_of(last);
}

static bool is_named_code(const struct refusal_expectation *wanted, int code)
{
    return (wanted->reason_code == 0 && wanted->or_reason_code == 0) || code == wanted->reason_code ||
           (wanted->or_reason_code != 0 && code == wanted->or_reason_code);
}

/* Whether a statement that the test is about names this Reason Code for an error, and not just as one that may be
 * told. */
static bool is_prescribed(const struct test *t, int code)
{
    char name[8];
    size_t at = 0;
    enum statement statement;
    snprintf(name, sizeof name, "0x%02X", (unsigned)code);
    while ((statement = next_statement(t->definition, t->version, &at)) != STATEMENT_NONE) {
        const char *codes = statement_describe(statement)->reason_code;
        if (codes[0] != '>' && strstr(codes, name) != NULL && strstr(codes, "optional") == NULL)
            return true;
    }
    return false;
}

void judge_reason_code(struct test *t, int code, int named, const char *observed)
{
    const bool silent = code == REASON_UNSPECIFIED_ERROR || code == REASON_IMPLEMENTATION_SPECIFIC_ERROR;
    if (code == ABSENT || code == named)
        return;
    if (is_prescribed(t, named) && !silent) /* 4.13.1: what is sent is the code of the error */
        warn(t, "before closing, the server sent %s; the specification names 0x%02X for this", observed,
             (unsigned)named);
    else
        note(t, "before closing, the server sent %s; expected, if any, was 0x%02X", observed,
             (unsigned)named);
}

/* Judges the packet that came before the close. */
static void judge_refusal(struct client *client, const struct received *last,
                          const struct refusal_expectation *wanted)
{
    struct test *t = client->test;
    const char *observed = describe_packet(t, &last->packet);
    int code = code_of(last);
    bool five = last->packet.version == PROTOCOL_5_0;
    if (five && code < 0x80)
        fail_expected(t, "a Reason Code of 0x80 or greater with the refusal", "%s", observed);
    if (!five && client->version == PROTOCOL_5_0) {
        note(t, "the server refused in the form of MQTT 3.1.1: %s", observed);
        return;
    }
    if (is_named_code(wanted, code) || !five) {
        note(t, "before closing, the server sent %s", observed);
        return;
    }
    const char *expected = text(t, "Reason Code 0x%02X (%s)", (unsigned)wanted->reason_code,
                                reason_code_name(last->packet.type, (uint8_t)wanted->reason_code));
    if (wanted->code_required)
        fail_expected(t, expected, "%s", observed);
    judge_reason_code(t, code, wanted->reason_code, observed);
}

int expect_refused_with(struct client *client, const struct refusal_expectation *wanted)
{
    struct test *t = client->test;
    const struct received *last = NULL;
    enum outcome outcome = await_end(client, &last);
    const char *expected = text(t, "the server to refuse this and close the connection of %s", client->name);
    if (last != NULL && last->packet.type == PACKET_CONNACK && last->packet.connack.reason_code == 0)
        fail_expected(t, expected, "%s", describe_packet(t, &last->packet));
    if (outcome == RECEIVED_TIMEOUT && last == NULL)
        fail_expected(t, expected, "the connection was still open at %.3f s", now(t));
    if (outcome == RECEIVED_TIMEOUT)
        fail_statement(t, MQTT_4_13_2_1, MQTT3_3_2_2_5, expected,
                       "%s, but the connection was still open at %.3f s", describe_packet(t, &last->packet),
                       now(t));
    if (last != NULL)
        judge_refusal(client, last, wanted);
    else if (wanted->packet_required)
        fail_expected(t, "a packet with a Reason Code before the connection is closed", "closed without one");
    else
        note(t, "the server closed the connection without a packet");
    return code_of(last);
}

/* ---- Barriers ------------------------------------------------------------------------------------ */

/* Takes what comes before a sentinel; the number is returned, the first `capacity` are put into `list`.
 * Sentinels may come more than once, to a client whose subscriptions overlap: copies of earlier ones are
 * passed over. */
static size_t take_before(struct client *client, const char *sentinel, const struct received **list,
                          size_t capacity)
{
    struct test *t = client->test;
    struct mark mark = {.type = PACKET_PUBLISH};
    const struct received *received;
    enum outcome outcome;
    size_t count = 0;
    while ((outcome = await(client, has_mark, &mark, &received)) == RECEIVED_PACKET) {
        const struct publish *publish = &received->packet.publish;
        acknowledge(client, received);
        if (is_text(publish->payload, sentinel))
            return count;
        if (is_sentinel(publish))
            continue;
        if (count < capacity)
            list[count] = received;
        count++;
    }
    const char *problem = text(t, "a sentinel that had to reach %s did not come: %s", client->name,
                               describe_state(client, outcome));
    if (is_property(t->definition)) /* whatever a property rests on counts towards it */
        fail(t, "%s", problem);
    error(t, "%s", problem);
}

static void take_sentinel(struct client *client, const char *sentinel)
{
    struct test *t = client->test;
    const struct received *stray;
    if (take_before(client, sentinel, &stray, 1) > 0)
        fail_expected(t, text(t, "nothing to %s before the \"%s\"", client->name, sentinel), "%s",
                      describe_packet(t, &stray->packet));
}

static const char *new_sentinel(struct test *t)
{
    return text(t, SENTINEL_MARK "%.6f s", now(t));
}

void expect_nothing_before_with(struct client *client, const struct barrier_options *options)
{
    const char *sentinel = new_sentinel(client->test);
    publish(options->publisher, .topic = options->topic, .payload = sentinel, .qos = options->qos);
    take_sentinel(client, sentinel);
}

size_t collect_before_with(struct client *client, const struct received **list, size_t capacity,
                           const struct barrier_options *options)
{
    const char *sentinel = new_sentinel(client->test);
    publish(options->publisher, .topic = options->topic, .payload = sentinel, .qos = options->qos);
    return take_before(client, sentinel, list, capacity);
}

void expect_nothing_more(struct client *client)
{
    struct test *t = client->test;
    int qos = t->capabilities->maximum_qos > 0 ? 1 : 0;
    if (client->sentinel_topic == NULL) {
        client->sentinel_topic = topic(t, text(t, "sentinel/%s", client->client_identifier));
        subscribe(client, client->sentinel_topic, .qos = qos);
    }
    const char *sentinel = new_sentinel(t);
    struct client *herald =
        connect_client(t, .name = "herald", .clean_start = true, .broker = client->connected_with.broker);
    publish(herald, .topic = client->sentinel_topic, .payload = sentinel, .qos = qos);
    take_sentinel(client, sentinel);
    ping(client);
    const struct received *stray;
    if (receive_publish(client, now(t), &stray) == RECEIVED_PACKET)
        fail_expected(t, text(t, "nothing more to %s", client->name), "%s",
                      describe_packet(t, &stray->packet));
    disconnect(herald);
}

void expect_no_reaction(struct client *client, enum packet_type type)
{
    struct test *t = client->test;
    struct mark mark = {.type = type};
    const struct received *stray;
    ping(client);
    if (receive_matching(client, now(t), has_mark, &mark, &stray) == RECEIVED_PACKET)
        fail_expected(t, text(t, "no %s to %s", packet_type_name(type), client->name), "%s",
                      describe_packet(t, &stray->packet));
}
