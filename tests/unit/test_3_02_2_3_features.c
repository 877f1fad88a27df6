/* 3.2.2.3 CONNACK Properties: what is switched off is announced, and refused when it is used all the
 * same. */
#include "broker_harness.h"

#define CONNECT_5 "10 [<'MQTT'> 05 02 0000 [] <'a'>]"
#define CONNECT_4 "10 [<'MQTT'> 04 02 0000 <'a'>]"

static struct broker_settings settings;

static void begin(void)
{
    settings = harness_settings();
    settings.topic_alias_maximum = 0;
}

/* A connection of 5.0 under `settings`, announced as `properties`. */
static struct client *announced(struct harness **h, const char *properties)
{
    char notation[NOTATION_SIZE];
    *h = harness_create(&settings);
    octets_print(notation, "20 [00 00 [%s]]", properties);
    return client_connect(*h, CONNECT_5, notation);
}

/* [D-3.2.2.3.4-1] [D-3.2.2.3.5-1] [D-3.2.2.3.11-1] [D-3.2.2.3.12-1] [D-3.2.2.3.13-1] */
START_TEST(what_is_absent_is_supported)
{
    struct harness *h;
    begin();
    struct client *c = announced(&h, "");
    client_send(c, "82 [0001 [0B 05] <'+/#'> 02 <'$share/g/t'> 00]");
    client_expect(c, "90 [0001 [] 02 00]");
    client_send(c, "35 [<'a/b'> 0001 [] 'x']");
    client_expect(c, "34 [<'a/b'> 0001 [0B 05] 'x'] 50 02 0001");
    harness_destroy(h);
}
END_TEST

START_TEST(receive_maximum_is_announced) /* 3.2.2.3.3 */
{
    struct harness *h;
    begin();
    settings.receive_maximum = 7;
    announced(&h, "21 0007");
    harness_destroy(h);
}
END_TEST

START_TEST(maximum_packet_size) /* 3.2.2.3.6 [MQTT-3.2.2-15] */
{
    struct harness *h;
    begin();
    settings.maximum_packet_size = 32;
    struct client *c = announced(&h, "27 00000020");
    client_send(c, "30 [<'t'> [] 61*26]"); /* 2 + 3 + 1 + 26 */
    client_expect_silence(c);
    client_send(c, "30 1F"); /* refused by its fixed header, before the rest of it has come */
    client_expect_disconnect(c, 0x95, "[");
    harness_destroy(h);

    h = harness_create(&settings);
    c = client_connect(h, CONNECT_4, "20 02 00 00");
    client_send(c, "30 1F");
    client_expect_closed(c, "");
    struct client *connect = client_open(h); /* CONNECT is a packet like any other */
    client_send(connect, "10 1F");
    client_expect_closed(connect, "");
    harness_destroy(h);
}
END_TEST

START_TEST(maximum_qos) /* [MQTT-3.2.2-9] [MQTT-3.2.2-10] [MQTT-3.2.2-11] [R-3.2.2.3.4-1] */
{
    for (unsigned maximum = 0; maximum < 2; maximum++) {
        struct harness *h;
        char notation[NOTATION_SIZE];
        begin();
        settings.maximum_qos = (uint8_t)maximum;
        octets_print(notation, "24 %02X", maximum);
        struct client *c = announced(&h, notation);
        client_send(c, "82 [0001 [] <'t'> 02 <'u'> 01 <'v'> 00]");
        octets_print(notation, "90 [0001 [] %02X %02X 00]", maximum, maximum);
        client_expect(c, notation);
        client_send(c, maximum == 0 ? "32 [<'t'> 0001 [] 'x']" : "34 [<'t'> 0001 [] 'x']");
        client_expect_disconnect(c, 0x9B, "[MQTT-3.2.2-11]");

        struct client *four = client_connect(h, CONNECT_4, "20 02 00 00");
        client_send(four, "82 [0001 <'t'> 02]");
        octets_print(notation, "90 03 0001 %02X", maximum); /* [MQTT3-3.8.4-6] */
        client_expect(four, notation);
        client_send(four, maximum == 0 ? "32 [<'t'> 0001 'x']" : "34 [<'t'> 0001 'x']");
        client_expect_closed(four, "");
        ck_assert(harness_logged(h, "[MQTT3-3.3.5-2]"));
        harness_destroy(h);
    }
}
END_TEST

START_TEST(maximum_qos_binds_the_will) /* [MQTT-3.2.2-12] */
{
    struct harness *h;
    begin();
    settings.maximum_qos = 1;
    h = harness_create(&settings);
    struct client *c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 16 0000 [] <'a'> [] <'w'> <'bye'>]");
    client_expect_refusal(c, 0x9B, "[MQTT-3.2.2-12]");
    c = client_open(h);
    client_send(c, "10 [<'MQTT'> 04 16 0000 <'a'> <'w'> <'bye'>]");
    client_expect_closed(c, "");
    client_connect(h, "10 [<'MQTT'> 04 0E 0000 <'a'> <'w'> <'bye'>]", "20 02 00 00");
    harness_destroy(h);
}
END_TEST

START_TEST(retain_available) /* [MQTT-3.2.2-14] [MQTT-3.2.2-13] [S-3.2.2.3.5-1] */
{
    struct harness *h;
    begin();
    settings.retain_available = false;
    struct client *c = announced(&h, "25 00");
    client_send(c, "30 [<'t'> [] 'x']");
    client_expect_silence(c);
    client_send(c, "31 [<'t'> [] 'x']");
    client_expect_disconnect(c, 0x9A, "[MQTT-3.2.2-14]");
    ck_assert_uint_eq(broker_statistics(h->broker).retained_messages, 0);
    c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 26 0000 [] <'a'> [] <'w'> <'bye'>]");
    client_expect_refusal(c, 0x9A, "[MQTT-3.2.2-13]");
    c = client_open(h);
    client_send(c, "10 [<'MQTT'> 04 26 0000 <'a'> <'w'> <'bye'>]");
    client_expect_closed(c, "");
    c = client_connect(h, CONNECT_4, "20 02 00 00");
    client_send(c, "31 [<'t'> 'x']");
    client_expect_closed(c, "");
    ck_assert(harness_logged(h, "[MQTT3-3.3.5-2]"));
    harness_destroy(h);
}
END_TEST

START_TEST(wildcard_subscriptions) /* [P-3.2.2.3.11-2] [R-3.2.2.3.11-1] [MQTT3-3.8.3-2] */
{
    static const char *const filters[] = {"<'#'>", "<'+'>", "<'a/+/b'>", "<'a/#'>", "<'$share/g/+'>"};
    for (int i = 0; i < COUNT(filters); i++) {
        struct harness *h;
        char notation[NOTATION_SIZE];
        begin();
        settings.wildcard_available = false;
        struct client *c = announced(&h, "28 00");
        client_send(c, "82 [0001 [] <'t'> 01]");
        client_expect(c, "90 [0001 [] 01]");
        octets_print(notation, "82 [0001 [] <'u'> 00 %s 00]", filters[i]);
        client_send(c, notation);
        client_expect_disconnect(c, 0xA2, "[P-3.2.2.3.11-2]");

        struct client *four = client_connect(h, CONNECT_4, "20 02 00 00");
        octets_print(notation, "82 [0001 <'t'> 01 %s 01 <'v'> 02]", filters[i]);
        client_send(four, notation);
        client_expect(four, "90 [0001 01 80 02]");
        ck_assert_uint_eq(broker_statistics(h->broker).subscriptions, 2);
        harness_destroy(h);
    }
}
END_TEST

START_TEST(subscription_identifiers) /* [P-3.2.2.3.12-2] [R-3.2.2.3.12-1] */
{
    struct harness *h;
    begin();
    settings.subscription_identifier_available = false;
    struct client *c = announced(&h, "29 00");
    client_send(c, "82 [0001 [] <'t'> 01]");
    client_expect(c, "90 [0001 [] 01]");
    client_send(c, "82 [0001 [0B 01] <'t'> 01]");
    client_expect_disconnect(c, 0xA1, "[P-3.2.2.3.12-2]");
    harness_destroy(h);
}
END_TEST

START_TEST(shared_subscriptions) /* [P-3.2.2.3.13-2] [R-3.2.2.3.13-1] */
{
    struct harness *h;
    begin();
    settings.shared_available = false;
    struct client *c = announced(&h, "2A 00");
    client_send(c, "82 [0001 [] <'#'> 01]");
    client_expect(c, "90 [0001 [] 01]");
    client_send(c, "82 [0001 [] <'$share/g/t'> 01]");
    client_expect_disconnect(c, 0x9E, "[P-3.2.2.3.13-2]");
    struct client *four = client_connect(h, CONNECT_4, "20 02 00 00");
    client_send(four, "82 [0001 <'$share/g/t'> 01]"); /* an ordinary filter there */
    client_expect(four, "90 03 0001 01");
    harness_destroy(h);
}
END_TEST

START_TEST(everything_at_once)
{
    struct harness *h;
    begin();
    settings.topic_alias_maximum = 3;
    settings.receive_maximum = 1;
    settings.maximum_packet_size = 1000;
    settings.maximum_qos = 1;
    settings.retain_available = false;
    settings.wildcard_available = false;
    settings.subscription_identifier_available = false;
    settings.shared_available = false;
    h = harness_create(&settings);
    struct client *c = client_open(h);
    client_send(c, CONNECT_5);
    struct packet packet;
    check_decodes(&packet, PROTOCOL_5_0, SENDER_SERVER, bytes_of(c->inbox, c->inbox_length));
    const struct properties *properties = &packet.connack.properties;
    ck_assert_uint_eq(properties_number(properties, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0), 3);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_RECEIVE_MAXIMUM, 0), 1);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_MAXIMUM_PACKET_SIZE, 0), 1000);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_MAXIMUM_QOS, 2), 1);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_RETAIN_AVAILABLE, 1), 0);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_WILDCARD_SUBSCRIPTION_AVAILABLE, 1), 0);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_SUBSCRIPTION_IDENTIFIER_AVAILABLE, 1), 0);
    ck_assert_uint_eq(properties_number(properties, ORDINAL_SHARED_SUBSCRIPTION_AVAILABLE, 1), 0);
    harness_destroy(h);
}
END_TEST

START_TEST(new_settings_hold_from_now_on)
{
    struct harness *h;
    begin();
    struct client *c = announced(&h, "");
    settings.maximum_qos = 0;
    settings.receive_maximum = 9;
    broker_configure(h->broker, &settings);
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [] <'b'>]", "20 [00 00 [21 0009 24 00]]");
    client_subscribe(c, "t", 0);
    client_send(c, "82 [0002 [] <'t'> 02]");
    client_expect(c, "90 [0002 [] 00]");
    harness_destroy(h);
}
END_TEST

Suite *suite_3_02_2_3_features(void);
Suite *suite_3_02_2_3_features(void)
{
    HARNESS_SUITE("3.2.2.3 features", what_is_absent_is_supported, receive_maximum_is_announced,
                  maximum_packet_size, maximum_qos, maximum_qos_binds_the_will, retain_available,
                  wildcard_subscriptions, subscription_identifiers, shared_subscriptions, everything_at_once,
                  new_settings_hold_from_now_on);
}
