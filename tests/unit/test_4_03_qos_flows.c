/* 4.3 Quality of Service levels and protocol flows: the Server as sender and as receiver, every state with every event. */
#include "broker_harness.h"

#include "mqtt/4_03_qos_flows.h"

static const struct {
    enum sender_state state;
    enum sender_event event;
    enum sender_action action;
    enum sender_state next; /* for SENDER_RELEASE */
} transitions[] = {
    {SENDER_QUEUED, SENDER_PUBACK, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_QUEUED, SENDER_PUBREC, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_QUEUED, SENDER_PUBREC_ERROR, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_QUEUED, SENDER_PUBCOMP, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_AWAIT_PUBACK, SENDER_PUBACK, SENDER_DONE, 0}, /* [MQTT-4.3.2-3] [MQTT3-4.3.2-1] */
    {SENDER_AWAIT_PUBACK, SENDER_PUBREC, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_AWAIT_PUBACK, SENDER_PUBREC_ERROR, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_AWAIT_PUBACK, SENDER_PUBCOMP, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_AWAIT_PUBREC, SENDER_PUBACK, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_AWAIT_PUBREC, SENDER_PUBREC, SENDER_RELEASE,
     SENDER_AWAIT_PUBCOMP},                                     /* [MQTT-4.3.3-4] [MQTT3-4.3.3-1] */
    {SENDER_AWAIT_PUBREC, SENDER_PUBREC_ERROR, SENDER_DONE, 0}, /* [R-4.3.3-1] */
    {SENDER_AWAIT_PUBREC, SENDER_PUBCOMP, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_AWAIT_PUBCOMP, SENDER_PUBACK, SENDER_PROTOCOL_ERROR, 0},
    {SENDER_AWAIT_PUBCOMP, SENDER_PUBREC, SENDER_RELEASE_AGAIN, SENDER_AWAIT_PUBCOMP},
    {SENDER_AWAIT_PUBCOMP, SENDER_PUBREC_ERROR, SENDER_IGNORE, SENDER_AWAIT_PUBCOMP},
    {SENDER_AWAIT_PUBCOMP, SENDER_PUBCOMP, SENDER_DONE, 0}, /* [MQTT-4.3.3-5] */
};

START_TEST(every_state_and_event)
{
    ck_assert_int_eq(COUNT(transitions), SENDER_STATE_COUNT * SENDER_EVENT_COUNT);
    for (int i = 0; i < COUNT(transitions); i++) {
        const struct sender_transition transition =
            qos_sender_transition(transitions[i].state, transitions[i].event);
        ck_assert_int_eq(transition.action, transitions[i].action);
        if (transition.action == SENDER_RELEASE || transition.action == SENDER_RELEASE_AGAIN)
            ck_assert_int_eq(transition.next, transitions[i].next);
    }
}
END_TEST

/* The same through the broker: a message is brought to a state, then the client sends the event. */

static struct harness *h;
static struct client *c;

/* A client with one message in flight, in the state that `qos` and `rest` lead to; the next message would
 * be 0002. */
static void begin(enum protocol_version version, unsigned qos, const char *rest)
{
    char notation[NOTATION_SIZE];
    const char *const properties = version == PROTOCOL_5_0 ? "[]" : "";
    h = harness_create(NULL);
    struct client *sender = client_join(h, PROTOCOL_3_1_1, "s");
    c = client_join(h, version, "c");
    client_subscribe(c, "t", qos);
    client_send(sender, qos == 1 ? "32 [<'t'> 0007 'x']" : "34 [<'t'> 0007 'x']");
    octets_print(notation, "%s [<'t'> 0001 %s 'x']", qos == 1 ? "32" : "34", properties);
    client_expect(c, notation);
    client_send(c, rest);
    client_ignore(c);
}

static const struct {
    const char *what;
    unsigned qos;
    const char *rest; /* of the way into the state */
    const char *event;
    const char *answer; /* NULL: the connection ends with 0x82 in 5.0, silently before */
    int versions;
} flows[] = {
    {"PUBACK completes QoS 1", 1, "", "40 02 0001", "", ALL},
    {"so does one with an error [MQTT-4.4.0-2]", 1, "", "40 03 0001 80", "", V5},
    {"PUBACK again", 1, "40 02 0001", "40 02 0001", "", ALL},
    {"PUBREC at QoS 1", 1, "", "50 02 0001", NULL, ALL},
    {"PUBREC with an error at QoS 1", 1, "", "50 03 0001 80", NULL, V5},
    {"PUBCOMP at QoS 1", 1, "", "70 02 0001", NULL, ALL},
    {"PUBREC at QoS 2 [MQTT-3.6.1-1]", 2, "", "50 02 0001", "62 02 0001", ALL},
    {"PUBREC with an error ends the flow [R-4.3.3-1]", 2, "", "50 03 0001 80", "", V5},
    {"PUBACK at QoS 2", 2, "", "40 02 0001", NULL, ALL},
    {"PUBCOMP before PUBREC", 2, "", "70 02 0001", NULL, ALL},
    {"PUBREC again", 2, "50 02 0001", "50 02 0001", "62 02 0001", ALL},
    {"PUBREC again, with an error", 2, "50 02 0001", "50 03 0001 97", "", V5},
    {"PUBACK after PUBREC", 2, "50 02 0001", "40 02 0001", NULL, ALL},
    {"PUBCOMP completes QoS 2", 2, "50 02 0001", "70 02 0001", "", ALL},
    {"so does one that does not find it", 2, "50 02 0001", "70 03 0001 92", "", V5},
    {"PUBCOMP again", 2, "50 02 0001 70 02 0001", "70 02 0001", "", ALL},
    {"PUBREC of a message that is no more: 5.0 says so", 2, "50 02 0001 70 02 0001", "50 02 0001",
     "62 03 0001 92", V5},
    {"3.1 and 3.1.1 cannot", 2, "50 02 0001 70 02 0001", "50 02 0001", "62 02 0001", V3},
    {"PUBREC with an error of nothing", 2, "50 03 0001 80", "50 03 0001 80", "", V5},
    {"PUBACK of nothing", 1, "", "40 02 0099", "", ALL},
    {"PUBCOMP of nothing", 1, "", "70 02 0099", "", ALL},
};

START_TEST(the_flows_as_the_client_sees_them)
{
    for (int i = 0; i < COUNT(flows); i++) {
        for (int v = 0; v < 3; v++) {
            if ((flows[i].versions >> v & 1) == 0)
                continue;
            begin(unit_versions[v], flows[i].qos, flows[i].rest);
            client_send(c, flows[i].event);
            if (flows[i].answer) {
                client_expect(c, flows[i].answer);
                client_expect_silence(c);
            } else if (v == 2) { /* [MQTT-4.3.2-4] [MQTT-4.3.3-8] */
                client_expect_disconnect(c, 0x82, flows[i].qos == 1 ? "[MQTT-4.3.2-4]" : "[MQTT-4.3.3-8]");
            } else {
                client_expect_closed(c, "");
            }
            harness_destroy(h);
        }
    }
}
END_TEST

START_TEST(qos_0_has_no_flow) /* [MQTT-4.3.1-1] [MQTT3-4.3.1-1] */
{
    h = harness_create(NULL);
    c = client_join(h, PROTOCOL_3_1_1, "c");
    client_subscribe(c, "t", 0);
    client_send(c, "34 [<'t'> 0001 'x'] 62 02 0001");
    client_expect(c, "30 [<'t'> 'x'] 50 02 0001 70 02 0001");
    harness_destroy(h);
}
END_TEST

START_TEST(the_identifier_is_free_afterwards) /* [D-4.3.2-1] [MQTT-4.3.2-1] [MQTT-4.3.3-1] */
{
    h = harness_create(NULL);
    c = client_join(h, PROTOCOL_3_1_1, "c");
    client_subscribe(c, "t", 1);
    char notation[NOTATION_SIZE];
    for (unsigned i = 0; i < 70000; i++) {
        client_send(c, "32 [<'t'> 0001 '']");
        const unsigned identifier = i % 65535 + 1; /* one after the other, and around */
        octets_print(notation, "32 [<'t'> %04X] 40 02 0001", identifier);
        client_expect(c, notation);
        octets_print(notation, "40 02 %04X", identifier);
        client_send(c, notation);
    }
    harness_destroy(h);
}
END_TEST

/* The Server as receiver. [MQTT-4.3.2-5] [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12] */
START_TEST(every_state_and_event_of_the_receiver)
{
    ck_assert_int_eq(qos_receiver_action(RECEIVER_FREE, RECEIVER_PUBLISH_1), RECEIVER_PASS_ON);
    ck_assert_int_eq(qos_receiver_action(RECEIVER_FREE, RECEIVER_PUBLISH_2), RECEIVER_PASS_ON);
    ck_assert_int_eq(qos_receiver_action(RECEIVER_FREE, RECEIVER_PUBREL), RECEIVER_NOT_FOUND);
    ck_assert_int_eq(qos_receiver_action(RECEIVER_AWAIT_PUBREL, RECEIVER_PUBLISH_1), RECEIVER_IN_USE);
    ck_assert_int_eq(qos_receiver_action(RECEIVER_AWAIT_PUBREL, RECEIVER_PUBLISH_2), RECEIVER_REPEAT);
    ck_assert_int_eq(qos_receiver_action(RECEIVER_AWAIT_PUBREL, RECEIVER_PUBREL), RECEIVER_COMPLETE);
}
END_TEST

Suite *suite_4_03_qos_flows(void);
Suite *suite_4_03_qos_flows(void)
{
    HARNESS_SUITE("4.3 QoS flows", every_state_and_event, every_state_and_event_of_the_receiver,
                  the_flows_as_the_client_sees_them, qos_0_has_no_flow, the_identifier_is_free_afterwards);
}
