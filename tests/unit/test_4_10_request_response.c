/* 4.10 Request / Response. */
#include "broker_harness.h"

START_TEST(response_information_for_who_asks) /* [MQTT-3.1.2-28] [D-3.1.2.11.6-1] [D-3.2.2.3.15-1] */
{
    struct broker_settings settings = harness_settings();
    settings.topic_alias_maximum = 0;
    settings.response_information = "replies/";
    struct harness *h = harness_create(&settings);
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [] <'a'>]", "20 [00 00 []]");
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [19 00] <'b'>]", "20 [00 00 []]");
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [19 01] <'c'>]", "20 [00 00 [1A <'replies/'>]]");
    client_connect(h, "10 [<'MQTT'> 04 02 0000 <'d'>]", "20 02 00 00");
    settings.response_information = NULL;
    broker_configure(h->broker, &settings);
    client_connect(h, "10 [<'MQTT'> 05 02 0000 [19 01] <'e'>]", "20 [00 00 []]");
    harness_destroy(h);
}
END_TEST

START_TEST(a_request_and_its_response) /* [MQTT-3.3.2-15] [MQTT-3.3.2-16] */
{
    struct harness *h = harness_create(NULL);
    struct client *requester = client_join(h, PROTOCOL_5_0, "requester");
    struct client *responder = client_join(h, PROTOCOL_5_0, "responder");
    client_subscribe(requester, "replies/1", 0);
    client_subscribe(responder, "service", 0);
    client_send(requester, "30 [<'service'> [08 <'replies/1'> 09 <00 01 02>] '?']");
    client_expect(responder, "30 [<'service'> [08 <'replies/1'> 09 <00 01 02>] '?']");
    client_send(responder, "30 [<'replies/1'> [09 <00 01 02>] '!']");
    client_expect(requester, "30 [<'replies/1'> [09 <00 01 02>] '!']");
    harness_destroy(h);
}
END_TEST

Suite *suite_4_10_request_response(void);
Suite *suite_4_10_request_response(void)
{
    HARNESS_SUITE("4.10 Request / Response", response_information_for_who_asks, a_request_and_its_response);
}
