/* 4.10 Request / Response */
#include "../test.h"

CONFORMANCE_TEST(request_finds_its_response, V5, NEEDS_QOS1,
                 "Response Topic and Correlation Data travel with a request and bring its response back",
                 MQTT_3_3_2_15, MQTT_3_3_2_16)
{
    static const uint8_t correlation[] = {0x00, 0xff, 'x', 0x00};
    const struct bytes expected = {correlation, sizeof correlation};
    const char *service = topic(t, "service");
    const char *answers = topic(t, "answers/1");
    struct client *requester = connect_client(t, .name = "requester", .clean_start = true);
    struct client *responder = connect_client(t, .name = "responder", .clean_start = true);
    subscribe(requester, answers, .qos = 1);
    subscribe(responder, service, .qos = 1);
    publish(requester, .topic = service, .payload = "question", .qos = 1, .response_topic = answers,
            .correlation_data = expected);

    const struct received *request = expect_publish(responder, .topic = service, .payload = "question");
    const struct properties *properties = &request->packet.publish.properties;
    if (!is_text(properties_bytes(properties, ORDINAL_RESPONSE_TOPIC), answers))
        fail_statement(t, MQTT_3_3_2_15, STATEMENT_NONE, text(t, "Response Topic %s", answers), "%s",
                       describe_packet(t, &request->packet));
    struct bytes seen = properties_bytes(properties, ORDINAL_CORRELATION_DATA);
    publish(responder, .topic = answers, .payload = "answer", .qos = 1, .correlation_data = seen);
    const struct received *response = expect_publish(requester, .topic = answers, .payload = "answer");
    seen = properties_bytes(&response->packet.publish.properties, ORDINAL_CORRELATION_DATA);
    if (!bytes_equal(seen, expected))
        fail_statement(t, MQTT_3_3_2_16, STATEMENT_NONE, "the Correlation Data of the request", "%s",
                       describe_packet(t, &response->packet));
}

static const struct properties *connack_of(const struct client *client)
{
    return &client->connack->packet.connack.properties;
}

CONFORMANCE_TEST(response_information_is_given_on_request_only, V5, NEEDS_PROFILE,
                 "A server that has Response Information sends it to clients that ask, and to nobody else",
                 MQTT_3_1_2_28, D_3_1_2_11_6_1, D_3_1_2_11_6_2, D_3_2_2_3_15_1)
{
    struct broker *broker = start_broker(t, "response-information");
    struct client *asks = connect_client(t, .name = "asks", .broker = broker, .clean_start = true,
                                         .request_response_information = 1);
    if (!properties_has(connack_of(asks), ORDINAL_RESPONSE_INFORMATION)) /* positive control */
        skip(t, "this configuration does not give Response Information");
    struct client *declines = connect_client(t, .name = "declines", .broker = broker, .clean_start = true,
                                             .request_response_information = 0);
    struct client *silent = connect_client(t, .name = "silent", .broker = broker, .clean_start = true);
    struct client *const others[] = {declines, silent};
    for (size_t i = 0; i < 2; i++)
        if (properties_has(connack_of(others[i]), ORDINAL_RESPONSE_INFORMATION))
            fail_expected(t, "no Response Information", "%s got it unasked: %s", others[i]->name,
                          describe_packet(t, &others[i]->connack->packet));
}
