/* 4.13 Handling errors: what becomes of a verdict, by version and by state. */
#include "broker_harness.h"

#include "mqtt/4_13_handling_errors.h"

START_TEST(return_codes_of_3_1_1) /* 3.1.1 table 3.1 */
{
    static const struct {
        uint8_t reason_code;
        uint8_t return_code;
    } table[] = {{0x84, 1}, {0x85, 2}, {0x88, 3}, {0x89, 3}, {0x8B, 3}, {0x97, 3}, {0x9F, 3},
                 {0x9C, 3}, {0x9D, 3}, {0x86, 4}, {0x87, 5}, {0x8A, 5}};
    for (unsigned code = 0; code < 256; code++) {
        unsigned expected = 0; /* [MQTT3-3.2.2-6] none fits */
        for (int i = 0; i < COUNT(table); i++)
            if (table[i].reason_code == code)
                expected = table[i].return_code;
        ck_assert_uint_eq(errors_return_code((enum reason_code)code), expected);
    }
}
END_TEST

static const struct {
    const char *five; /* what is wrong, in 5.0 */
    unsigned reason_code;
    const char *why;
    const char *three; /* and in 3.1.1 */
} errors[] = {
    {"36 [<'t'> 0001 [] 'x']", 0x81, "PUBLISH byte 0: ", "36 [<'t'> 0001 'x']"},
    {"32 [<'t'> 0000 [] 'x']", 0x81, "[MQTT-2.2.1-3]", "32 [<'t'> 0000 'x']"},
    {"82 02 0001", 0x81, "SUBSCRIBE byte", "82 02 0001"},
    {"82 [0001 [] <'#/a'> 00]", 0x82, "[MQTT-4.7.1-1]", "82 [0001 <'#/a'> 00]"},
    {"20 03 00 00 00", 0x82, "CONNACK", "20 02 00 00"},
    {"D0 00", 0x82, "PINGRESP", "D0 00"},
    {"00 00", 0x81, "", "00 00"},
    {"30 [<'t'> [23 0000] 'x']", 0x94, "[MQTT-3.3.2-8]", "30 [<'+'> 'x']"},
};

/* [MQTT-4.13.1-1] [S-4.13.1-3] [MQTT-4.13.2-1] [MQTT3-4.8.0-1] */
START_TEST(a_disconnect_says_what_is_wrong)
{
    struct harness *h = harness_create(NULL);
    struct client *bystander = client_join(h, PROTOCOL_5_0, "bystander");
    for (int i = 0; i < COUNT(errors); i++) {
        struct client *c = client_join(h, PROTOCOL_5_0, "c");
        client_send(c, errors[i].five);
        ck_assert(c->closed_by_broker);
        ck_assert_uint_eq(client_count(c, PACKET_DISCONNECT), 1);
        if (c->inbox[2] != errors[i].reason_code && !(errors[i].reason_code < 0x83 && c->inbox[2] < 0x83))
            ck_abort_msg("%s: Reason Code %02X; log: %s", errors[i].five, c->inbox[2], h->log);
        client_expect_disconnect(c, c->inbox[2], errors[i].why);
        c = client_join(h, PROTOCOL_3_1_1, "c"); /* has no DISCONNECT from the Server */
        client_send(c, errors[i].three);
        client_expect_closed(c, "");
    }
    client_send(bystander, "C0 00"); /* [D-4.13.1-2] */
    client_expect(bystander, "D0 00");
    harness_destroy(h);
}
END_TEST

START_TEST(an_explanation_that_does_not_fit) /* [MQTT-3.14.2-3] [MQTT-3.1.2-24] */
{
    struct harness *h = harness_create(NULL);
    struct client *c =
        client_connect(h, "10 [<'MQTT'> 05 02 0000 [27 00000014] <'a'>]", "20 06 00 00 03 22 000A");
    client_send(c, "36 [<'t'> 0001 [] 'x']");
    client_expect_closed(c, "E0 01 81");
    harness_destroy(h);
}
END_TEST

START_TEST(no_disconnect_before_connack) /* [MQTT-3.14.0-1] */
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_open(h);
    client_send(c, "E0 00");
    client_expect_closed(c, "");
    c = client_open(h);
    client_send(c, "10 FF FF FF FF 7F"); /* a CONNECT whose version is not known */
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

START_TEST(the_log_shows_no_tricks)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_connect(h, "10 [<'MQTT'> 04 02 0000 <'a' 1B '[2J' C3 A4>]", "20 02 00 00");
    client_send(c, "36");
    client_send(c, "00");
    ck_assert(c->closed_by_broker);
    ck_assert(!harness_logged(h, "\x1B"));
    ck_assert(harness_logged(h, "client 'a\\x1b[2J\\xc3\\xa4'"));
    harness_destroy(h);
}
END_TEST

Suite *suite_4_13_handling_errors(void);
Suite *suite_4_13_handling_errors(void)
{
    HARNESS_SUITE("4.13 Handling errors", return_codes_of_3_1_1, a_disconnect_says_what_is_wrong,
                  an_explanation_that_does_not_fit, no_disconnect_before_connack, the_log_shows_no_tricks);
}
