/* 4.3.3 QoS 2 when connections are lost: before and after each of the four packets of both handshakes, from the
 * publisher to the server and from the server to the subscriber; each time in four ways. "Before" a packet that
 * the client sends: the connection ends within it (after DISCONNECT: without it). "After" such a packet: the
 * connection ends at once, so that the server may or may not have got it. "Before" a packet that the server
 * sends: it came, but the client did not get to handle it. */
#include "3_01_session.h"
#include "3_03_publish.h"

#define IDENTIFIER 77
#define IDENTIFIER_HEX "00 4d"

enum ending { BY_DISCONNECT, BY_CLOSE, BY_RESET, BY_TAKEOVER, ENDINGS };

static const char *const ending_names[ENDINGS] = {"orderly", "closed", "reset", "takeover"};

/* A takeover ends the connection when the client comes back. */
static void end_connection(struct client *client, enum ending ending)
{
    if (ending == BY_DISCONNECT)
        leave(client);
    if (ending == BY_CLOSE)
        close_abruptly(client);
    if (ending == BY_RESET)
        reset_connection(client);
}

/* Three of the four bytes of PUBREC, PUBREL or PUBCOMP: nothing that a server could act upon. Behind them no
 * DISCONNECT could be read. */
static void send_part_of_acknowledgement(struct client *client, unsigned first_byte, enum ending ending)
{
    if (ending != BY_DISCONNECT)
        SEND_TEMPLATE(client, "%02x 02 00", first_byte);
}

/* ---- From the publisher to the server ----------------------------------------------------------------- */

/* One message on its way to the server. */
struct publishing {
    const char *topic;
    const char *payload;
    enum ending ending;
    struct client *publisher;
};

static void send_message(const struct publishing *publishing, bool again)
{
    send_publish(publishing->publisher, .topic = publishing->topic, .payload = publishing->payload, .qos = 2,
                 .packet_identifier = IDENTIFIER, .dup = again);
}

static void send_pubrel(const struct publishing *publishing)
{
    send_acknowledgement(publishing->publisher, PACKET_PUBREL, IDENTIFIER, 0);
}

static bool is_pubcomp(const struct packet *packet, const void *context)
{
    const uint16_t *identifier = context;
    return packet->type == PACKET_PUBCOMP && packet->acknowledgement.packet_identifier == *identifier;
}

/* To a PUBREL that is sent again the server may answer that it knows of nothing (0x92): it was done. */
static void release_again(struct client *publisher, uint16_t identifier)
{
    struct test *t = publisher->test;
    const struct received *pubcomp;
    send_acknowledgement(publisher, PACKET_PUBREL, identifier, 0);
    enum outcome outcome =
        receive_matching(publisher, now(t) + 2 * t->patience, is_pubcomp, &identifier, &pubcomp);
    if (outcome != RECEIVED_PACKET)
        fail_expected(t, text(t, "PUBCOMP %u", identifier), "%s", describe_state(publisher, outcome));
    const uint8_t code = pubcomp->packet.acknowledgement.reason_code;
    require(t, code == 0 || code == REASON_PACKET_IDENTIFIER_NOT_FOUND, "%s",
            describe_packet(t, &pubcomp->packet));
}

static void finish_with_pubrel(const struct publishing *publishing)
{
    release_again(publishing->publisher, IDENTIFIER);
}

static void finish_with_publish(const struct publishing *publishing, bool again)
{
    send_message(publishing, again);
    expect_pubrec(publishing->publisher, IDENTIFIER);
    send_pubrel(publishing);
    expect_pubcomp(publishing->publisher, IDENTIFIER);
}

static void break_before_publish(const struct publishing *publishing)
{
    struct client *publisher = publishing->publisher;
    const bool five = is_v5(publisher->test);
    const unsigned size =
        string_size(publishing->topic) + 2 + (five ? 1 : 0) + (unsigned)strlen(publishing->payload);
    if (publishing->ending != BY_DISCONNECT) /* all but the payload */
        SEND_TEMPLATE(publisher, "34 %02x {%s} " IDENTIFIER_HEX " %s", size, publishing->topic,
                      five ? "00" : "");
}

static void break_after_publish(const struct publishing *publishing)
{
    send_message(publishing, false);
}

static void break_before_pubrec(const struct publishing *publishing)
{
    send_message(publishing, false);
    ping(publishing->publisher);
}

static void break_after_pubrec(const struct publishing *publishing)
{
    send_message(publishing, false);
    expect_pubrec(publishing->publisher, IDENTIFIER);
}

static void break_before_pubrel(const struct publishing *publishing)
{
    break_after_pubrec(publishing);
    send_part_of_acknowledgement(publishing->publisher, 0x62, publishing->ending);
}

static void break_after_pubrel(const struct publishing *publishing)
{
    break_after_pubrec(publishing);
    send_pubrel(publishing);
}

static void break_before_pubcomp(const struct publishing *publishing)
{
    break_after_pubrel(publishing);
    ping(publishing->publisher);
}

static void break_after_pubcomp(const struct publishing *publishing)
{
    break_after_pubrel(publishing);
    expect_pubcomp(publishing->publisher, IDENTIFIER);
}

static void go_on_with_publish(const struct publishing *publishing)
{
    finish_with_publish(publishing, false);
}

static void go_on_with_publish_again(const struct publishing *publishing)
{
    finish_with_publish(publishing, true);
}

/* Where a connection is lost, and how the client goes on in the next one. */
struct publisher_loss {
    void (*run)(const struct publishing *publishing);
    void (*go_on)(const struct publishing *publishing); /* NULL: nothing is left to be done */
};

static void lose_publisher(struct test *t, const struct publisher_loss *loss, enum ending ending)
{
    const char *name = ending_names[ending];
    struct publishing publishing = {.topic = topic(t, name), .payload = "m", .ending = ending};
    struct client *subscriber = connect_client(t, .name = text(t, "to %s", name), .clean_start = true);
    if (subscribe(subscriber, publishing.topic, .qos = 2) < 2)
        skip(t, "the server granted less than QoS 2");
    publishing.publisher = connect_lasting(t, name);
    loss->run(&publishing);
    end_connection(publishing.publisher, ending);
    publishing.publisher = resume(t, name);
    if (loss->go_on != NULL)
        loss->go_on(&publishing);
    expect_publish(subscriber, .topic = publishing.topic, .payload = "m", .qos = 2, .dup = 0);
    expect_nothing_before(subscriber, .publisher = publishing.publisher, .topic = publishing.topic, .qos = 2);
    publishing.payload = "new"; /* the identifier is free */
    finish_with_publish(&publishing, false);
    expect_publish(subscriber, .topic = publishing.topic, .payload = "new", .qos = 2, .dup = 0);
    expect_nothing_before(subscriber, .publisher = publishing.publisher, .topic = publishing.topic, .qos = 2);
}

static void lose_publisher_in_all_ways(struct test *t, const struct publisher_loss *loss)
{
    for (enum ending ending = BY_DISCONNECT; ending < ENDINGS; ending++)
        lose_publisher(t, loss, ending);
}

CONFORMANCE_TEST(
    publisher_lost_before_publish, V_ALL, NEEDS_QOS2,
    "A PUBLISH that the end of the connection cut off is nothing; sent on the next it arrives once",
    MQTT_4_3_3_8, MQTT3_4_3_3_2)
{
    lose_publisher_in_all_ways(
        t, &(struct publisher_loss){.run = break_before_publish, .go_on = go_on_with_publish});
}

CONFORMANCE_TEST(publisher_lost_after_publish, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message whose PUBLISH was the last packet, and comes again, is delivered once",
                 MQTT_4_3_3_10, MQTT3_4_3_3_2)
{
    lose_publisher_in_all_ways(
        t, &(struct publisher_loss){.run = break_after_publish, .go_on = go_on_with_publish_again});
}

CONFORMANCE_TEST(publisher_lost_before_pubrec, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message whose PUBREC was lost, and comes again, is delivered once", MQTT_4_3_3_10,
                 MQTT3_4_3_3_2)
{
    lose_publisher_in_all_ways(
        t, &(struct publisher_loss){.run = break_before_pubrec, .go_on = go_on_with_publish_again});
}

CONFORMANCE_TEST(
    publisher_lost_after_pubrec, V_ALL, NEEDS_QOS2,
    "A QoS 2 message whose exchange goes on with PUBREL on the next connection is delivered once",
    MQTT_4_3_3_11, MQTT3_4_3_3_2)
{
    lose_publisher_in_all_ways(
        t, &(struct publisher_loss){.run = break_after_pubrec, .go_on = finish_with_pubrel});
}

CONFORMANCE_TEST(publisher_lost_before_pubrel, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message whose PUBREL the end of the connection cut off is delivered once",
                 MQTT_4_3_3_11, MQTT3_4_3_3_2)
{
    lose_publisher_in_all_ways(
        t, &(struct publisher_loss){.run = break_before_pubrel, .go_on = finish_with_pubrel});
}

CONFORMANCE_TEST(publisher_lost_after_pubrel, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message whose PUBREL was the last packet, and comes again, is delivered once",
                 MQTT_4_3_3_11, MQTT_4_3_3_12, MQTT3_4_3_3_2)
{
    lose_publisher_in_all_ways(
        t, &(struct publisher_loss){.run = break_after_pubrel, .go_on = finish_with_pubrel});
}

CONFORMANCE_TEST(publisher_lost_before_pubcomp, V_ALL, NEEDS_QOS2,
                 "A PUBREL that comes again because its PUBCOMP was lost is answered, and delivers nothing",
                 MQTT_4_3_3_11, MQTT_4_3_3_12, MQTT3_4_3_3_2)
{
    lose_publisher_in_all_ways(
        t, &(struct publisher_loss){.run = break_before_pubcomp, .go_on = finish_with_pubrel});
}

CONFORMANCE_TEST(publisher_lost_after_pubcomp, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message whose exchange was complete stays delivered once; its identifier is free",
                 MQTT_4_3_3_12, MQTT3_4_3_3_2)
{
    lose_publisher_in_all_ways(t, &(struct publisher_loss){.run = break_after_pubcomp});
}

/* ---- From the server to the subscriber ---------------------------------------------------------------- */

/* A subscriber that keeps the rules of a receiver of QoS 2, and counts. */
struct receiving {
    const char *topic;
    const char *name;
    enum ending ending;
    struct client *publisher;
    const struct publisher_loss *on_the_way; /* where the publisher is lost, too; NULL: nowhere */
    struct client *subscriber;
    uint16_t identifier; /* of the message; 0: it has not come */
    bool holds;          /* PUBREL has not come: a PUBLISH under this identifier is no new message */
    unsigned delivered;
};

/* The publisher is lost on the way, and goes on. */
static void publish_with_loss(struct receiving *receiving)
{
    struct test *t = receiving->publisher->test;
    struct publishing publishing = {
        .topic = receiving->topic, .payload = "m", .ending = BY_CLOSE, .publisher = receiving->publisher};
    receiving->on_the_way->run(&publishing);
    end_connection(publishing.publisher, publishing.ending);
    receiving->publisher = publishing.publisher = resume(t, "source");
    if (receiving->on_the_way->go_on != NULL)
        receiving->on_the_way->go_on(&publishing);
}

static void publish_message(struct receiving *receiving)
{
    if (receiving->on_the_way != NULL)
        publish_with_loss(receiving);
    else
        publish(receiving->publisher, .topic = receiving->topic, .payload = "m", .qos = 2);
}

/* What a receiver makes of a PUBLISH. */
static void take_message(struct receiving *receiving, const struct received *publish)
{
    struct test *t = receiving->subscriber->test;
    const uint16_t identifier = publish->packet.publish.packet_identifier;
    require(t, is_text(publish->packet.publish.payload, "m") && publish->packet.publish.qos == 2,
            "an unexpected message came: %s", describe_packet(t, &publish->packet));
    if (!receiving->holds || identifier != receiving->identifier)
        receiving->delivered++;
    receiving->identifier = identifier;
    receiving->holds = true;
    if (receiving->delivered > 1)
        fail_expected(t, text(t, "one delivery, whatever is lost (%s)", receiving->name), "a second one: %s",
                      describe_packet(t, &publish->packet));
}

static const struct received *expect_message(const struct receiving *receiving)
{
    return expect_publish(receiving->subscriber, .topic = receiving->topic, .payload = "m", .qos = 2,
                          .acknowledge = false);
}

static void answer(const struct receiving *receiving, enum packet_type type)
{
    send_acknowledgement(receiving->subscriber, type, receiving->identifier, 0);
}

static void take_pubrel(struct receiving *receiving)
{
    expect_pubrel(receiving->subscriber, receiving->identifier);
    receiving->holds = false;
}

/* The message comes while the client is away; where it is not, it comes to a connection that is not read. */
static void miss_publish(struct receiving *receiving)
{
    if (receiving->ending == BY_TAKEOVER)
        publish_message(receiving);
}

static void lose_publish(struct receiving *receiving)
{
    publish_message(receiving);
    receiving->identifier = expect_message(receiving)->packet.publish.packet_identifier;
}

static void hold_message(struct receiving *receiving)
{
    publish_message(receiving);
    take_message(receiving, expect_message(receiving));
}

static void break_off_pubrec(struct receiving *receiving)
{
    hold_message(receiving);
    send_part_of_acknowledgement(receiving->subscriber, 0x50, receiving->ending);
}

static void leave_behind_pubrec(struct receiving *receiving)
{
    hold_message(receiving);
    answer(receiving, PACKET_PUBREC);
}

static void lose_pubrel(struct receiving *receiving)
{
    leave_behind_pubrec(receiving);
    expect_pubrel(receiving->subscriber, receiving->identifier);
}

static void leave_behind_pubrel(struct receiving *receiving)
{
    leave_behind_pubrec(receiving);
    take_pubrel(receiving);
}

static void break_off_pubcomp(struct receiving *receiving)
{
    leave_behind_pubrel(receiving);
    send_part_of_acknowledgement(receiving->subscriber, 0x70, receiving->ending);
}

static void leave_behind_pubcomp(struct receiving *receiving)
{
    leave_behind_pubrel(receiving);
    answer(receiving, PACKET_PUBCOMP);
}

/* What the server has to send first on the next connection. */
enum next {
    NEXT_PUBLISH,
    NEXT_PUBLISH_AGAIN,
    NEXT_PUBREL,
    NEXT_PUBLISH_AGAIN_OR_PUBREL,
    NEXT_PUBREL_OR_NOTHING
};

static bool is_publish_or_pubrel(const struct packet *packet, const void *context)
{
    (void)context;
    return packet->type == PACKET_PUBLISH || packet->type == PACKET_PUBREL;
}

/* PUBREL has to come, or, where the server may not have got PUBREC, PUBLISH and then PUBREL. */
static void finish_with_whatever_comes(struct receiving *receiving)
{
    struct client *subscriber = receiving->subscriber;
    struct test *t = subscriber->test;
    const struct received *first;
    enum outcome outcome =
        receive_matching(subscriber, now(t) + 2 * t->patience, is_publish_or_pubrel, NULL, &first);
    if (outcome != RECEIVED_PACKET)
        fail_expected(t, "PUBLISH or PUBREL again", "%s", describe_state(subscriber, outcome));
    note(t, "%s: PUBREC at the last moment was %s", receiving->name,
         first->packet.type == PACKET_PUBREL ? "taken" : "lost");
    if (first->packet.type == PACKET_PUBLISH) {
        require(t, first->packet.publish.dup, "a PUBLISH that comes again needs DUP: %s",
                describe_packet(t, &first->packet));
        take_message(receiving, first);
        answer(receiving, PACKET_PUBREC);
        take_pubrel(receiving);
    } else {
        require(t, first->packet.acknowledgement.packet_identifier == receiving->identifier,
                "an unexpected PUBREL came: %s", describe_packet(t, &first->packet));
    }
    answer(receiving, PACKET_PUBCOMP);
}

static void finish_with_message(struct receiving *receiving, bool again)
{
    struct test *t = receiving->subscriber->test;
    const uint16_t before = receiving->identifier;
    const struct received *message = expect_message(receiving);
    if (again && (!message->packet.publish.dup || message->packet.publish.packet_identifier != before))
        fail_expected(t, text(t, "PUBLISH with DUP and Packet Identifier %u again", before), "%s",
                      describe_packet(t, &message->packet));
    take_message(receiving, message);
    answer(receiving, PACKET_PUBREC);
    take_pubrel(receiving);
    answer(receiving, PACKET_PUBCOMP);
}

/* A client that had handled PUBREL does not know the identifier any more, and may say so in 5.0. */
static void finish_with_pubcomp(struct receiving *receiving)
{
    const uint8_t code = receiving->holds ? 0 : REASON_PACKET_IDENTIFIER_NOT_FOUND;
    expect_pubrel(receiving->subscriber, receiving->identifier);
    receiving->holds = false;
    send_acknowledgement(receiving->subscriber, PACKET_PUBCOMP, receiving->identifier,
                         is_v5(receiving->subscriber->test) ? code : 0);
}

static void finish(struct receiving *receiving, enum next next)
{
    if (next == NEXT_PUBLISH || next == NEXT_PUBLISH_AGAIN)
        finish_with_message(receiving, next == NEXT_PUBLISH_AGAIN);
    if (next == NEXT_PUBREL)
        finish_with_pubcomp(receiving);
    if (next == NEXT_PUBLISH_AGAIN_OR_PUBREL)
        finish_with_whatever_comes(receiving);
}

static bool is_pubrel_of(const struct packet *packet, const void *context)
{
    const uint16_t *identifier = context;
    return packet->type == PACKET_PUBREL && packet->acknowledgement.packet_identifier == *identifier;
}

static void expect_no_more_messages(struct receiving *receiving)
{
    expect_nothing_before(receiving->subscriber, .publisher = receiving->publisher, .topic = receiving->topic,
                          .qos = 2);
}

/* The same client again. What the server had to send is there when the sentinel has come. */
static void come_back(struct receiving *receiving, enum next next)
{
    struct test *t = receiving->publisher->test;
    const struct received *pubrel;
    receiving->subscriber = resume(t, receiving->name);
    finish(receiving, next);
    expect_no_more_messages(receiving);
    if (next != NEXT_PUBREL_OR_NOTHING)
        return;
    if (receive_matching(receiving->subscriber, now(t), is_pubrel_of, &receiving->identifier, &pubrel) ==
        RECEIVED_PACKET)
        answer(receiving, PACKET_PUBCOMP);
}

static void lose_subscriber(struct test *t, void (*run)(struct receiving *receiving), enum next next,
                            enum ending ending)
{
    const char *name = ending_names[ending];
    struct receiving receiving = {.topic = topic(t, name), .name = name, .ending = ending};
    receiving.publisher = connect_client(t, .name = text(t, "from %s", name), .clean_start = true);
    receiving.subscriber = connect_lasting(t, name);
    if (subscribe(receiving.subscriber, receiving.topic, .qos = 2) < 2)
        skip(t, "the server granted less than QoS 2");
    run(&receiving);
    end_connection(receiving.subscriber, ending);
    if (run == miss_publish && ending != BY_TAKEOVER)
        publish_message(&receiving);
    come_back(&receiving, next);
    ping(receiving.subscriber);
    close_abruptly(receiving.subscriber);
    receiving.subscriber = resume(t, name); /* it is over */
    expect_no_more_messages(&receiving);
    expect_no_reaction(receiving.subscriber, PACKET_PUBREL);
    require(t, receiving.delivered == 1, "the message was delivered %u times (%s)", receiving.delivered,
            name);
}

static void lose_subscriber_in_all_ways(struct test *t, void (*run)(struct receiving *receiving),
                                        enum next next)
{
    for (enum ending ending = BY_DISCONNECT; ending < ENDINGS; ending++)
        lose_subscriber(t, run, next, ending);
}

CONFORMANCE_TEST(subscriber_lost_before_publish, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message that did not reach its subscriber's connection comes once on the next",
                 MQTT_3_1_2_5, MQTT3_3_1_2_5, D_4_1_4)
{
    lose_subscriber_in_all_ways(t, miss_publish, NEXT_PUBLISH);
}

CONFORMANCE_TEST(subscriber_lost_after_publish, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message whose PUBLISH the client lost comes again, and once", MQTT_4_4_0_1,
                 MQTT3_4_4_0_1, MQTT_4_3_3_3, MQTT3_4_3_3_1)
{
    lose_subscriber_in_all_ways(t, lose_publish, NEXT_PUBLISH_AGAIN);
}

CONFORMANCE_TEST(subscriber_lost_before_pubrec, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message whose PUBREC was cut off comes again with DUP and its identifier",
                 MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_3_3, MQTT3_4_3_3_1)
{
    lose_subscriber_in_all_ways(t, break_off_pubrec, NEXT_PUBLISH_AGAIN);
}

CONFORMANCE_TEST(subscriber_lost_after_pubrec, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message whose PUBREC was the last packet is completed, and delivered once",
                 MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_3_5, MQTT3_4_3_3_1)
{
    lose_subscriber_in_all_ways(t, leave_behind_pubrec, NEXT_PUBLISH_AGAIN_OR_PUBREL);
}

CONFORMANCE_TEST(subscriber_lost_before_pubrel, V_ALL, NEEDS_QOS2,
                 "A PUBREL that the client lost comes again, and no PUBLISH in its stead", MQTT_4_3_3_6,
                 MQTT3_4_3_3_1, MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_3_5)
{
    lose_subscriber_in_all_ways(t, lose_pubrel, NEXT_PUBREL);
}

CONFORMANCE_TEST(subscriber_lost_after_pubrel, V_ALL, NEEDS_QOS2,
                 "A PUBREL that the client handled but did not answer comes again, and no PUBLISH",
                 MQTT_4_3_3_6, MQTT3_4_3_3_1, MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_3_5)
{
    lose_subscriber_in_all_ways(t, leave_behind_pubrel, NEXT_PUBREL);
}

CONFORMANCE_TEST(subscriber_lost_before_pubcomp, V_ALL, NEEDS_QOS2,
                 "A PUBREL whose PUBCOMP was cut off comes again, and no PUBLISH", MQTT_4_3_3_6,
                 MQTT3_4_3_3_1, MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_3_5)
{
    lose_subscriber_in_all_ways(t, break_off_pubcomp, NEXT_PUBREL);
}

CONFORMANCE_TEST(subscriber_lost_after_pubcomp, V_ALL, NEEDS_QOS2,
                 "After PUBCOMP as the last packet the message does not come again; PUBREL may", MQTT_4_3_3_6,
                 MQTT3_4_3_3_1, MQTT_4_4_0_1)
{
    lose_subscriber_in_all_ways(t, leave_behind_pubcomp, NEXT_PUBREL_OR_NOTHING);
}

/* ---- Several messages at once, each at another place -------------------------------------------------- */

#define SEVERAL 4

static const char *const payloads[SEVERAL] = {"1", "2", "3", "4"};

/* The first message is complete; of the others PUBCOMP, PUBREL and PUBREC are missing. */
static void begin_several(struct client *publisher, const char *topic_name)
{
    for (uint16_t i = 0; i < SEVERAL; i++)
        send_publish(publisher, .topic = topic_name, .payload = payloads[i], .qos = 2,
                     .packet_identifier = IDENTIFIER + i);
    for (uint16_t i = 0; i + 1 < SEVERAL; i++)
        expect_pubrec(publisher, IDENTIFIER + i);
    for (uint16_t i = 0; i < 2; i++)
        send_acknowledgement(publisher, PACKET_PUBREL, IDENTIFIER + i, 0);
    expect_pubcomp(publisher, IDENTIFIER);
    ping(publisher);
}

static void lose_publisher_of_several(struct test *t, enum ending ending)
{
    const char *name = ending_names[ending];
    const char *a = topic(t, name);
    struct client *subscriber = connect_client(t, .name = text(t, "to %s", name), .clean_start = true);
    if (subscribe(subscriber, a, .qos = 2) < 2)
        skip(t, "the server granted less than QoS 2");
    struct client *publisher = connect_lasting(t, name);
    begin_several(publisher, a);
    end_connection(publisher, ending);
    publisher = resume(t, name);
    release_again(publisher, IDENTIFIER + 1);
    release_again(publisher, IDENTIFIER + 2);
    send_publish(publisher, .topic = a, .payload = payloads[3], .qos = 2, .packet_identifier = IDENTIFIER + 3,
                 .dup = true);
    expect_pubrec(publisher, IDENTIFIER + 3);
    release_again(publisher, IDENTIFIER + 3);
    for (size_t i = 0; i < SEVERAL; i++)
        expect_publish(subscriber, .topic = a, .payload = payloads[i], .qos = 2, .dup = 0);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);
}

CONFORMANCE_TEST(publisher_lost_amid_several_exchanges, V_ALL, NEEDS_QOS2,
                 "Four QoS 2 exchanges, each interrupted at another place, deliver each message once",
                 MQTT_4_3_3_10, MQTT_4_3_3_11, MQTT_4_3_3_12, MQTT3_4_3_3_2)
{
    if (t->capabilities->receive_maximum < SEVERAL)
        skip(t, "the server's Receive Maximum is %u", t->capabilities->receive_maximum);
    for (enum ending ending = BY_DISCONNECT; ending < ENDINGS; ending++)
        lose_publisher_of_several(t, ending);
}

/* The same four places on the way to the subscriber. A server need not send several before the first PUBREC. */
static void lose_subscriber_of_several(struct test *t, enum ending ending)
{
    const char *name = ending_names[ending];
    const char *a = topic(t, name);
    uint16_t id[SEVERAL];
    struct client *publisher = connect_client(t, .name = text(t, "from %s", name), .clean_start = true);
    struct client *subscriber = connect_lasting(t, name);
    if (subscribe(subscriber, a, .qos = 2) < 2)
        skip(t, "the server granted less than QoS 2");
    for (size_t i = 0; i < SEVERAL; i++)
        publish(publisher, .topic = a, .payload = payloads[i], .qos = 2);
    for (size_t i = 0; i < SEVERAL; i++) {
        const struct received *got;
        if (receive_publish(subscriber, now(t) + t->patience, &got) != RECEIVED_PACKET)
            skip(t, "the server has only %zu messages under way at a time", i);
        require(t, is_text(got->packet.publish.payload, payloads[i]), "%s instead of message %s",
                describe_packet(t, &got->packet), payloads[i]);
        id[i] = got->packet.publish.packet_identifier;
    }
    for (size_t i = 0; i < SEVERAL - 1; i++) {
        send_acknowledgement(subscriber, PACKET_PUBREC, id[i], 0);
        expect_pubrel(subscriber, id[i]);
    }
    send_acknowledgement(subscriber, PACKET_PUBCOMP, id[0], 0);
    ping(subscriber);
    end_connection(subscriber, ending);
    subscriber = resume(t, name);
    for (size_t i = 1; i < SEVERAL - 1; i++) {
        expect_pubrel(subscriber, id[i]);
        send_acknowledgement(subscriber, PACKET_PUBCOMP, id[i], 0);
    }
    const struct received *last = expect_publish(subscriber, .payload = payloads[3], .qos = 2, .dup = 1);
    require(t, last->packet.publish.packet_identifier == id[3], "the Packet Identifier changed to %u",
            last->packet.publish.packet_identifier);
    expect_nothing_before(subscriber, .publisher = publisher, .topic = a, .qos = 2);
    expect_no_reaction(subscriber, PACKET_PUBREL);
}

CONFORMANCE_TEST(subscriber_lost_amid_several_exchanges, V_ALL, NEEDS_QOS2,
                 "Of four QoS 2 deliveries, each interrupted at another place, each goes on where it was",
                 MQTT_4_4_0_1, MQTT3_4_4_0_1, MQTT_4_3_3_6, MQTT3_4_3_3_1)
{
    for (enum ending ending = BY_DISCONNECT; ending < ENDINGS; ending++)
        lose_subscriber_of_several(t, ending);
}

/* ---- Both handshakes of one message ------------------------------------------------------------------- */

/* The places of both, from PUBLISH to PUBCOMP. */
static const struct publisher_loss publisher_losses[] = {
    {break_before_publish, go_on_with_publish},      {break_after_publish, go_on_with_publish_again},
    {break_before_pubrec, go_on_with_publish_again}, {break_after_pubrec, finish_with_pubrel},
    {break_before_pubrel, finish_with_pubrel},       {break_after_pubrel, finish_with_pubrel},
    {break_before_pubcomp, finish_with_pubrel},      {break_after_pubcomp, NULL},
};

static const struct {
    void (*run)(struct receiving *receiving);
    enum next next;
} subscriber_losses[] = {
    {lose_publish, NEXT_PUBLISH_AGAIN},
    {break_off_pubrec, NEXT_PUBLISH_AGAIN},
    {leave_behind_pubrec, NEXT_PUBLISH_AGAIN_OR_PUBREL},
    {lose_pubrel, NEXT_PUBREL},
    {leave_behind_pubrel, NEXT_PUBREL},
    {break_off_pubcomp, NEXT_PUBREL},
    {leave_behind_pubcomp, NEXT_PUBREL_OR_NOTHING},
};

CONFORMANCE_TEST(both_lost_at_every_place, V_ALL, NEEDS_QOS2,
                 "A QoS 2 message whose publisher and subscriber are both lost on its way is delivered once, "
                 "wherever that is",
                 MQTT_4_3_3_10, MQTT_4_3_3_11, MQTT3_4_3_3_2, MQTT_4_4_0_1, MQTT3_4_4_0_1)
{
    enum { PUBLISHERS = sizeof publisher_losses / sizeof *publisher_losses };
    enum { SUBSCRIBERS = sizeof subscriber_losses / sizeof *subscriber_losses };
    struct receiving receiving = {.topic = topic(t, "a"), .name = "sink"};
    receiving.publisher = connect_lasting(t, "source");
    receiving.subscriber = connect_lasting(t, "sink");
    if (subscribe(receiving.subscriber, receiving.topic, .qos = 2) < 2)
        skip(t, "the server granted less than QoS 2");
    for (size_t i = 0; i < PUBLISHERS; i++) {
        receiving.on_the_way = &publisher_losses[i];
        receiving.ending = i % 2 == 0 ? BY_CLOSE : BY_TAKEOVER;
        receiving.holds = false;
        receiving.delivered = 0;
        subscriber_losses[i % SUBSCRIBERS].run(&receiving);
        end_connection(receiving.subscriber, receiving.ending);
        come_back(&receiving, subscriber_losses[i % SUBSCRIBERS].next);
        ping(receiving.subscriber);
        require(t, receiving.delivered == 1, "message %zu was delivered %u times", i, receiving.delivered);
    }
}
