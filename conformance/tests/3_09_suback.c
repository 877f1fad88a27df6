/* 3.9 SUBACK */
#include "3_08_subscribe.h"

/* ---- Payload ------------------------------------------------------------------------------------- */

/* To subscribe to what the server does not offer is an error of the client in 5.0. Before, $share/ was nobody's. */
static bool may_be_asked_for(const struct test *t, const char *filter)
{
    if (strncmp(filter, "$share/", strlen("$share/")) == 0)
        return t->capabilities->shared;
    return !is_v5(t) || t->capabilities->wildcard || strpbrk(filter, "+#") == NULL;
}

/* Filters of many kinds in one SUBSCRIBE; the answers may be anything that the table allows. */
CONFORMANCE_TEST(suback_holds_subscribe_codes_only, V_ALL, NEEDS_NOTHING,
                 "A SUBACK holds one of the specified codes for every Topic Filter, whatever its kind",
                 MQTT_3_9_3_2, MQTT3_3_9_3_2, MQTT_3_8_4_6, MQTT3_3_8_4_5, MQTT_3_8_4_7)
{
    const char *filters[] = {topic(t, "a"),   topic(t, "a/+"),
                             topic(t, "#"),   text(t, "$share/g%u/%s", t->number, topic(t, "a")),
                             "$SYS/#",        "$SYS/broker/uptime",
                             topic(t, "a b"), text(t, "/%s", topic(t, "a")),
                             "+/+/nothing",   text(t, "%s/\xf0\x9f\x90\x9d", topic(t, "bee")),
                             topic(t, "a//"), text(t, "$etalon/%s", topic(t, "a"))};
    struct subscription_request requests[sizeof filters / sizeof *filters];
    size_t count = 0;
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (may_be_asked_for(t, filters[i])) {
            requests[count] = (struct subscription_request){.topic_filter = bytes_of_text(filters[i]),
                                                            .qos = (uint8_t)(count % 3)};
            count++;
        }
    const struct received *suback =
        expect_suback(client, send_subscribe_list(client, requests, count, ABSENT), count);
    for (size_t i = 0; i < count; i++) {
        uint8_t code = suback->packet.suback.reason_codes.data[i];
        uint8_t wish = requests[i].qos;
        if (code <= 2 ? code > wish : !is_v5(t) && code != 0x80)
            fail_expected(t,
                          text(t, "for \"%.*s\" a grant of at most QoS %u, or a failure code",
                               (int)requests[i].topic_filter.length,
                               (const char *)requests[i].topic_filter.data, wish),
                          "0x%02X in %s", code, describe_packet(t, &suback->packet));
    }
}

/* The order shows where a grant above the wish would appear if it were another. */
CONFORMANCE_TEST(suback_keeps_the_order_of_the_filters, V_ALL, NEEDS_QOS2,
                 "The codes of a SUBACK stand in the order of the Topic Filters", MQTT_3_9_3_1, MQTT3_3_9_3_1,
                 D_3_9_3_1, D3_3_9_3_1)
{
    static const uint8_t orders[][4] = {{0, 1, 2, 2}, {2, 2, 1, 0}, {1, 0, 2, 0}, {0, 2, 0, 1}};
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t round = 0; round < 4; round++) {
        struct subscription_request requests[4];
        for (size_t i = 0; i < 4; i++)
            requests[i] = (struct subscription_request){
                .topic_filter = bytes_of_text(topic(t, text(t, "%zu/%zu", round, i))),
                .qos = orders[round][i]};
        const struct received *suback =
            expect_suback(client, send_subscribe_list(client, requests, 4, ABSENT), 4);
        for (size_t i = 0; i < 4; i++) {
            uint8_t code = suback->packet.suback.reason_codes.data[i];
            if (code < 0x80 && code > orders[round][i])
                fail_expected(t, text(t, "code %zu to be a grant of at most QoS %u", i + 1, orders[round][i]),
                              "%s", describe_packet(t, &suback->packet));
            if (code != orders[round][i])
                note(t, "the server granted less than was asked for: the order cannot be seen here");
        }
    }
}

/* ---- Variable header ----------------------------------------------------------------------------- */

CONFORMANCE_TEST(suback_has_its_fields_in_order, V_ALL, NEEDS_NOTHING,
                 "A SUBACK holds the Packet Identifier, properties in 5.0, then one code per Topic Filter",
                 D_3_9_2_1, MQTT_3_8_4_2, MQTT3_3_8_4_2, MQTT_3_8_4_6, MQTT3_3_8_4_5, D3_3_9_2_1, D3_7_1_1_1)
{
    struct client *client = connect_client(t, .clean_start = true);
    send_subscribe(client, topic(t, "a"), .packet_identifier = 0x0a0b);
    const struct received *suback = expect_packet(client, PACKET_SUBACK);
    const uint8_t *bytes = suback->bytes.data;
    require(t, bytes[0] == 0x90, "the first byte of the SUBACK is 0x%02x", bytes[0]);
    if (is_v5(t) && bytes[4] != 0) {
        note(t, "the server adds properties: %s", describe_packet(t, &suback->packet));
        return;
    }
    size_t size = is_v5(t) ? 6 : 5;
    require(t, suback->bytes.length == size && bytes[1] == size - 2,
            "the SUBACK has %zu bytes instead of %zu", suback->bytes.length, size);
    require(t, bytes[2] == 0x0a && bytes[3] == 0x0b, "the Packet Identifier does not come first");
    require(t, bytes[size - 1] == 0 || bytes[size - 1] >= 0x80, "the code is 0x%02x", bytes[size - 1]);
}

/* ---- Maximum Packet Size ------------------------------------------------------------------------- */

#define MOST_FILTERS 100

/* A SUBSCRIBE with `count` different Topic Filters of one form; returns the SUBACK, or NULL when the server
 * closed the connection instead. */
static const struct received *subscribe_to_many(struct client *client, const char *form, size_t count)
{
    struct test *t = client->test;
    struct subscription_request requests[MOST_FILTERS];
    for (size_t i = 0; i < count; i++)
        requests[i] = (struct subscription_request){
            .topic_filter = bytes_of_text(text(t, form, topic(t, text(t, "%zu", i))))};
    send_subscribe_list(client, requests, count, ABSENT);
    const struct received *answer;
    if (receive_until(client, now(t) + 2 * t->patience, &answer) != RECEIVED_PACKET ||
        answer->packet.type != PACKET_SUBACK)
        return NULL;
    return answer;
}

/* Topic Filters that servers are apt to refuse with a Reason String, the last one being plain. */
static const char *const forms[] = {"%s/a#", "$share/g/%s/#/a", "$share/%s", "$SYS/%s", "%s"};

/* As many Topic Filters as make a SUBACK without properties as large as the CONNACK: with this Maximum Packet
 * Size the session comes up, and nothing can be added to the SUBACK. */
CONFORMANCE_TEST(suback_respects_maximum_packet_size, V5, NEEDS_NOTHING,
                 "A SUBACK carries neither Reason String nor User Property beyond the Maximum Packet Size",
                 MQTT_3_9_2_1, MQTT_3_9_2_2, P_3_9_2_1_2_1)
{
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    size_t limit = control->connack->bytes.length;
    size_t count = limit > 5 ? limit - 5 : 1;
    if (count > MOST_FILTERS)
        skip(t, "the server's CONNACK has %zu bytes: too large for this test", limit);
    limit = count + 5;
    size_t provoked = 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct client *free_client = connect_client(t, .clean_start = true, .request_problem_information = 1);
        const struct received *usual = subscribe_to_many(free_client, forms[i], count);
        if (usual == NULL)
            continue;
        struct client *client = connect_client(t, .clean_start = true, .request_problem_information = 1,
                                               .maximum_packet_size = (int64_t)limit);
        const struct received *suback = subscribe_to_many(client, forms[i], count);
        if (suback == NULL && i + 1 == sizeof forms / sizeof *forms)
            fail(t, "a SUBSCRIBE with plain Topic Filters, whose SUBACK has room, was not answered");
        if (suback == NULL)
            continue;
        provoked += usual->bytes.length > limit;
        if (suback->bytes.length > limit)
            fail_expected(t, text(t, "a SUBACK of at most %zu bytes", limit), "%zu bytes: %s",
                          suback->bytes.length, describe_packet(t, &suback->packet));
    }
    note(t, provoked > 0 ? "without the limit the server adds properties to a SUBACK"
                         : "this server adds no properties to a SUBACK, limit or not");
}
