/* 3.11 UNSUBACK */
#include "3_08_subscribe.h"

/* Where a filter had no subscription the table gives 0x11; 0x00 there is a doubtful answer, no forbidden
 * one. Any other code of the table may be right for a server's own reasons. */
static void judge_codes(struct test *t, const struct received *unsuback, const bool *existed, size_t count)
{
    const uint8_t *codes = unsuback->packet.suback.reason_codes.data;
    for (size_t i = 0; i < count; i++) {
        if (existed[i] && codes[i] == REASON_NO_SUBSCRIPTION_EXISTED)
            fail_expected(t, text(t, "0x00 as code %zu: that subscription existed", i + 1), "%s",
                          describe_packet(t, &unsuback->packet));
        if (!existed[i] && codes[i] == REASON_SUCCESS)
            warn(t, "code %zu of %s says success for a subscription that did not exist", i + 1,
                 describe_packet(t, &unsuback->packet));
    }
}

CONFORMANCE_TEST(unsuback_keeps_the_order_of_the_filters, V5, NEEDS_NOTHING,
                 "The codes of an UNSUBACK stand in the order of the Topic Filters", MQTT_3_11_3_1,
                 MQTT_3_11_3_2, D_3_11_3_1)
{
    static const bool orders[][4] = {{true, true, true, false},
                                     {false, true, true, true},
                                     {true, false, false, false},
                                     {true, true, false, false}};
    struct client *client = connect_client(t, .clean_start = true);
    for (size_t round = 0; round < 4; round++) {
        const char *filters[4];
        for (size_t i = 0; i < 4; i++) {
            filters[i] = topic(t, text(t, "%zu/%zu", round, i));
            if (orders[round][i])
                subscribe(client, filters[i]);
        }
        uint16_t identifier = send_unsubscribe(client, filters[0], filters[1], filters[2], filters[3]);
        judge_codes(t, expect_unsuback(client, identifier, 4), orders[round], 4);
    }
}

/* Each filter twice: as a sequence, the second finds nothing. */
CONFORMANCE_TEST(unsuback_answers_as_for_a_sequence, V5, NEEDS_NOTHING,
                 "A Topic Filter that comes twice in one UNSUBSCRIBE is deleted by the first", MQTT_3_10_4_6,
                 MQTT_3_11_3_1)
{
    static const bool existed[] = {true, false, true, false};
    const char *a = topic(t, "a");
    const char *b = topic(t, "b");
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a);
    subscribe(client, b);
    judge_codes(t, expect_unsuback(client, send_unsubscribe(client, a, a, b, b), 4), existed, 4);
}

CONFORMANCE_TEST(unsuback_holds_unsubscribe_codes_only, V5, NEEDS_NOTHING,
                 "An UNSUBACK holds one of the specified codes for every Topic Filter, whatever its kind",
                 MQTT_3_11_3_2)
{
    const char *a = topic(t, "a");
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a);
    uint16_t identifier =
        send_unsubscribe(client, a, topic(t, "a/#"), "#", "+", "/", text(t, "$share/g%u/%s", t->number, a),
                         "$SYS/#", text(t, "$etalon/%s", a));
    expect_unsuback(client, identifier, 8); /* the codec knows the table */
}

CONFORMANCE_TEST(
    unsuback_has_its_fields_in_order, V_ALL, NEEDS_NOTHING,
    "An UNSUBACK holds the Packet Identifier, and in 5.0 properties and one code per Topic Filter",
    D_3_11_2_1, MQTT_3_10_4_5, MQTT3_3_10_4_4, D3_3_11_1_1, D3_3_11_2_1, D3_3_11_3_1, D3_7_1_1_1)
{
    const char *a = topic(t, "a");
    const char *properties = is_v5(t) ? "00" : "";
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a);
    SEND_TEMPLATE(client, "a2 %02x 0a 0b %s {%s}", string_size(a) + 2 + (is_v5(t) ? 1U : 0U), properties, a);
    const struct received *unsuback = expect_packet(client, PACKET_UNSUBACK);
    const uint8_t *bytes = unsuback->bytes.data;
    require(t, bytes[0] == 0xb0, "the first byte of the UNSUBACK is 0x%02x", bytes[0]);
    if (is_v5(t) && bytes[4] != 0) {
        note(t, "the server adds properties: %s", describe_packet(t, &unsuback->packet));
        return;
    }
    size_t size = is_v5(t) ? 6 : 4;
    require(t, unsuback->bytes.length == size && bytes[1] == size - 2,
            "the UNSUBACK has %zu bytes instead of %zu", unsuback->bytes.length, size);
    require(t, bytes[2] == 0x0a && bytes[3] == 0x0b, "the Packet Identifier does not come first");
}

/* ---- Maximum Packet Size ------------------------------------------------------------------------- */

#define MOST_FILTERS 100

/* An UNSUBSCRIBE with `count` Topic Filters that were never subscribed to; NULL as subscribe_to_many. */
static const struct received *unsubscribe_from_many(struct client *client, const char *form, size_t count)
{
    struct test *t = client->test;
    const char *filters[MOST_FILTERS + 1] = {NULL};
    for (size_t i = 0; i < count; i++)
        filters[i] = text(t, form, topic(t, text(t, "%zu", i)));
    client_send_unsubscribe(client, filters);
    const struct received *answer;
    if (receive_until(client, now(t) + 2 * t->patience, &answer) != RECEIVED_PACKET ||
        answer->packet.type != PACKET_UNSUBACK)
        return NULL;
    return answer;
}

static const char *const forms[] = {"%s", "$SYS/%s", "%s/a#"};

CONFORMANCE_TEST(unsuback_respects_maximum_packet_size, V5, NEEDS_NOTHING,
                 "An UNSUBACK carries neither Reason String nor User Property beyond the Maximum Packet Size",
                 MQTT_3_11_2_1, MQTT_3_11_2_2, P_3_11_2_1_2_1)
{
    struct client *control = connect_client(t, .name = "control", .clean_start = true);
    size_t limit = control->connack->bytes.length;
    size_t count = limit > 5 ? limit - 5 : 1;
    if (count > MOST_FILTERS)
        skip(t, "the server's CONNACK has %zu bytes: too large for this test", limit);
    limit = count + 5; /* an UNSUBACK of this size has no properties */
    size_t provoked = 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct client *free_client = connect_client(t, .clean_start = true, .request_problem_information = 1);
        const struct received *usual = unsubscribe_from_many(free_client, forms[i], count);
        if (usual == NULL)
            continue;
        struct client *client = connect_client(t, .clean_start = true, .request_problem_information = 1,
                                               .maximum_packet_size = (int64_t)limit);
        const struct received *unsuback = unsubscribe_from_many(client, forms[i], count);
        if (unsuback == NULL && i == 0)
            fail(t, "an UNSUBSCRIBE with plain Topic Filters, whose UNSUBACK has room, was not answered");
        if (unsuback == NULL)
            continue;
        provoked += usual->bytes.length > limit;
        if (unsuback->bytes.length > limit)
            fail_expected(t, text(t, "an UNSUBACK of at most %zu bytes", limit), "%zu bytes: %s",
                          unsuback->bytes.length, describe_packet(t, &unsuback->packet));
    }
    note(t, provoked > 0 ? "without the limit the server adds properties to an UNSUBACK"
                         : "this server adds no properties to an UNSUBACK, limit or not");
}
