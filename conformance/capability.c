#include "capability.h"

#include <math.h>
#include <stdio.h>

#include "record.h"

/* ---- The probe: a test body that reports instead of judging -------------------------------------- */

static void refuse_version(struct test *t, struct capabilities *found, const char *why)
{
    snprintf(found->refusal, sizeof found->refusal, "%s", why);
    found->probed = true;
    record_capabilities(t, found);
    skip(t, "%s", why);
}

static uint32_t number(const struct connack *connack, enum property_ordinal ordinal, uint32_t absent)
{
    return properties_number(&connack->properties, ordinal, absent);
}

/* 5.0 says it all in the CONNACK, section 3.2.2.3. */
static void learn_from_connack(struct capabilities *found, const struct connack *connack)
{
    found->retain = number(connack, ORDINAL_RETAIN_AVAILABLE, 1) != 0;
    found->wildcard = number(connack, ORDINAL_WILDCARD_SUBSCRIPTION_AVAILABLE, 1) != 0;
    found->shared = number(connack, ORDINAL_SHARED_SUBSCRIPTION_AVAILABLE, 1) != 0;
    found->subscription_identifier = number(connack, ORDINAL_SUBSCRIPTION_IDENTIFIER_AVAILABLE, 1) != 0;
    found->maximum_qos = (uint8_t)number(connack, ORDINAL_MAXIMUM_QOS, 2);
    found->topic_alias_maximum = (uint16_t)number(connack, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0);
    found->receive_maximum = (uint16_t)number(connack, ORDINAL_RECEIVE_MAXIMUM, UINT16_MAX);
    found->maximum_packet_size = number(connack, ORDINAL_MAXIMUM_PACKET_SIZE, 0);
    found->server_keep_alive = (uint16_t)number(connack, ORDINAL_SERVER_KEEP_ALIVE, 0);
    found->session_expiry_maximum = number(connack, ORDINAL_SESSION_EXPIRY_INTERVAL, UINT32_MAX);
}

/* 3.1.1 has no such list. What it makes optional (the granted QoS, wildcards) shows in the SUBACK; what it
 * demands (retained messages) is taken for granted, so that its absence is found by a test and not hidden
 * by a skip. */
static void learn_from_suback(struct client *client, struct capabilities *found)
{
    uint8_t granted = subscribe(client, topic(client->test, "qos"), .qos = 2, .may_be_refused = true);
    uint8_t wildcard = subscribe(client, topic(client->test, "wildcard/#"), .qos = 0, .may_be_refused = true);
    found->retain = true;
    found->wildcard = wildcard < 0x80;
    found->maximum_qos = granted < 0x80 ? granted : 0;
    found->receive_maximum = UINT16_MAX;
    found->session_expiry_maximum = UINT32_MAX;
}

/* A server of 3.1.1 takes "$share/g/t" for any other filter. Only one that delivers a message for t has
 * the extension; the sentinel on an ordinary subscription tells when to stop waiting. */
static void learn_shared(struct client *client, struct capabilities *found)
{
    struct test *t = client->test;
    const char *shared = topic(t, "shared");
    const char *sentinel = topic(t, "shared-sentinel");
    if (subscribe(client, shared_filter(t, "g", shared), .may_be_refused = true) >= 0x80)
        return;
    subscribe(client, sentinel);
    publish(client, .topic = shared, .payload = "x");
    publish(client, .topic = sentinel, .payload = "x");
    const struct received *received;
    while (receive(client, &received) == RECEIVED_PACKET && received->packet.type == PACKET_PUBLISH) {
        found->shared = found->shared || is_text(received->packet.publish.topic, shared);
        if (is_text(received->packet.publish.topic, sentinel))
            return;
    }
}

static void probe_empty_identifier(struct test *t, struct capabilities *found)
{
    const struct received *received;
    struct client *client = send_connect(t, .client_identifier = "", .clean_start = true);
    found->assigns_client_identifier = receive(client, &received) == RECEIVED_PACKET &&
                                       received->packet.type == PACKET_CONNACK &&
                                       received->packet.connack.reason_code == 0;
}

#define MOST_PINGS 30
#define FEWEST_PINGS 10
#define PING_LIMIT 3.0 /* seconds after which no more than the fewest are sent */

/* How far away the server is: the mean and the longest of some round trips. Many, because what is late now and then
 * must have been seen. */
static void measure_round_trip(struct client *client, struct capabilities *found)
{
    struct test *t = client->test;
    double begun = now(t);
    unsigned count = 0;
    while (count < FEWEST_PINGS || (count < MOST_PINGS && now(t) < begun + PING_LIMIT)) {
        double asked = now(t);
        const struct received *answer;
        send_pingreq(client);
        if (receive(client, &answer) != RECEIVED_PACKET || answer->packet.type != PACKET_PINGRESP)
            return; /* to be judged by the tests of 3.12 */
        found->longest_round_trip = fmax(found->longest_round_trip, now(t) - asked);
        found->round_trip = (now(t) - begun) / ++count;
        if (count % FEWEST_PINGS == 0)
            record_capabilities(t, found);
    }
}

static void probe_version(struct test *t)
{
    struct capabilities found = {.probed = false};
    const struct received *received;
    struct client *client = send_connect(t, .clean_start = true, .session_expiry_interval = UINT32_MAX);
    enum outcome outcome = receive(client, &received);
    if (outcome != RECEIVED_PACKET)
        refuse_version(t, &found, text(t, "no CONNACK: %s", describe_state(client, outcome)));
    if (received->packet.type != PACKET_CONNACK || received->packet.connack.reason_code != 0)
        refuse_version(t, &found, text(t, "the server answers %s", describe_packet(t, &received->packet)));
    found.accepted = true;
    if (is_v5(t))
        learn_from_connack(&found, &received->packet.connack);
    else
        learn_from_suback(client, &found);
    record_capabilities(t, &found); /* what is known survives if the rest goes wrong */
    measure_round_trip(client, &found);
    if (!is_v5(t))
        learn_shared(client, &found);
    if (t->version != PROTOCOL_3_1) /* 3.1 has no empty Client Identifier */
        probe_empty_identifier(t, &found);
    found.probed = true;
    record_capabilities(t, &found);
}

/* ---- In the runner ------------------------------------------------------------------------------- */

static const uint16_t no_statements[] = {STATEMENT_NONE};
static const struct conformance_test probe = {.name = "probe",
                                              .title = "What the server offers",
                                              .file = "",
                                              .versions = V_ALL,
                                              .statements = no_statements,
                                              .body = probe_version};

bool probe_target(struct run *run, const struct runner_options *options, unsigned versions, char *problem,
                  size_t size)
{
    bool any = false;
    for (unsigned v = VERSION_COUNT; v-- > 0;) { /* from 5.0 down: the first refusal is the most telling */
        struct result result;
        struct capabilities *found = &run->capabilities[v];
        if ((versions & version_bit(version_of_index(v))) == 0)
            continue;
        run_probe(run, options, &probe, version_of_index(v), &result);
        if (!found->accepted && found->refusal[0] == '\0')
            snprintf(found->refusal, sizeof found->refusal, "%.150s", result.reason);
        if (!found->accepted && problem[0] == '\0')
            snprintf(problem, size, "%s", found->refusal);
        any = any || found->accepted;
        result_clear(&result);
    }
    return any;
}

static bool has_retain(const struct capabilities *c)
{
    return c->retain;
}
static bool has_wildcard(const struct capabilities *c)
{
    return c->wildcard;
}
static bool has_shared(const struct capabilities *c)
{
    return c->shared;
}
static bool has_identifier(const struct capabilities *c)
{
    return c->subscription_identifier;
}
static bool has_qos1(const struct capabilities *c)
{
    return c->maximum_qos >= 1;
}
static bool has_qos2(const struct capabilities *c)
{
    return c->maximum_qos >= 2;
}
static bool has_alias(const struct capabilities *c)
{
    return c->topic_alias_maximum > 0;
}
static bool has_no_alias(const struct capabilities *c)
{
    return c->topic_alias_maximum == 0;
}

static const struct {
    unsigned need;
    bool (*met)(const struct capabilities *capabilities);
    const char *reason;
} needs[] = {
    {NEEDS_RETAIN, has_retain, "the server offers no retained messages (Retain Available 0)"},
    {NEEDS_WILDCARD, has_wildcard, "the server offers no wildcard subscriptions"},
    {NEEDS_SHARED, has_shared, "the server offers no shared subscriptions"},
    {NEEDS_SUBSCRIPTION_IDENTIFIER, has_identifier, "the server offers no subscription identifiers"},
    {NEEDS_QOS1, has_qos1, "the server offers no QoS 1"},
    {NEEDS_QOS2, has_qos2, "the server offers no QoS 2"},
    {NEEDS_TOPIC_ALIAS, has_alias, "the server takes no topic aliases (Topic Alias Maximum 0)"},
    {NEEDS_NO_TOPIC_ALIAS, has_no_alias, "the server takes topic aliases"},
};

const char *unmet_need(const struct run *run, const struct runner_options *options,
                       const struct conformance_test *test, enum protocol_version version, char *reason,
                       size_t size)
{
    const struct capabilities *found = &run->capabilities[version_index(version)];
    if ((test->needs & (NEEDS_PROFILE | NEEDS_RESTART)) != 0 && options->profile == NULL) {
        snprintf(reason, size, "needs a broker profile (--profile)");
        return reason;
    }
    if ((test->needs & NEEDS_WEBSOCKET) != 0 && !run->target->websocket) {
        snprintf(reason, size, "needs WebSocket: a target ws://... or wss://...");
        return reason;
    }
    if (!found->accepted) {
        snprintf(reason, size, "the server does not take MQTT %s: %s", version_name(version), found->refusal);
        return reason;
    }
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if ((test->needs & needs[i].need) != 0 && !needs[i].met(found)) {
            snprintf(reason, size, "%s", needs[i].reason);
            return reason;
        }
    return NULL;
}
