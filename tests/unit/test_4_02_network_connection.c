/* 4.2 Network Connections: input in any pieces, output in blocks, limits on both. */
#include "broker_harness.h"

#include "mqtt/broker_state.h"

START_TEST(one_byte_at_a_time)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_open(h);
    client_send_slowly(
        c, "10 [<'MQTT'> 05 02 0000 [] <'a'>] 82 [0001 [] <'t'> 02] 34 [<'t'> 0005 [01 01] 61*300] C0 00");
    client_expect(c,
                  "20 06 00 00 03 22 000A 90 [0001 [] 02] 34 [<'t'> 0001 [01 01] 61*300] 50 02 0005 D0 00");
    client_send_slowly(c, "80");
    client_expect_disconnect(c, 0x81, "[MQTT-"); /* at the first byte that is wrong */
    harness_destroy(h);
}
END_TEST

START_TEST(every_way_to_cut_a_stream_in_two)
{
    const struct bytes stream =
        octets("10 [<'MQTT'> 04 02 0000 <'a'>] 82 [0001 <'t'> 00] 30 [<'t'> 61*130] C0 00");
    for (size_t cut = 0; cut <= stream.length; cut++) {
        struct harness *h = harness_create(NULL);
        struct client *c = client_open(h);
        client_send_bytes(c, bytes_of(stream.data, cut));
        client_send_bytes(c, bytes_of(stream.data + cut, stream.length - cut));
        client_expect(c, "20 02 00 00 90 03 0001 00 30 [<'t'> 61*130] D0 00");
        harness_destroy(h);
    }
    octets_free(stream);
}
END_TEST

START_TEST(many_packets_in_one_input)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_3_1_1, "a");
    uint8_t pings[2 * 5000];
    for (size_t i = 0; i < sizeof pings; i += 2) {
        pings[i] = 0xC0;
        pings[i + 1] = 0;
    }
    client_send_bytes(c, bytes_of(pings, sizeof pings - 1)); /* and half of one */
    ck_assert_uint_eq(client_count(c, PACKET_PINGRESP), 4999);
    client_ignore(c);
    client_send(c, "00");
    client_expect(c, "D0 00");
    ck_assert_uint_eq(broker_statistics(h->broker).packets_received, 5001);
    harness_destroy(h);
}
END_TEST

START_TEST(an_error_in_the_rest_of_a_packet)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_5_0, "a");
    client_send(c, "30");
    client_send(c, "FF FF FF FF 01");
    client_expect_disconnect(c, 0x81, "[");
    c = client_join(h, PROTOCOL_5_0, "a");
    client_send(c, "82 05 0001");
    client_send(c, "00 00 00 C0 00"); /* the packet is complete, and wrong; the PINGREQ is not heard */
    ck_assert_uint_eq(client_count(c, PACKET_DISCONNECT), 1);
    ck_assert_uint_eq(client_count(c, PACKET_PINGRESP), 0);
    ck_assert(c->closed_by_broker);
    harness_destroy(h);
}
END_TEST

START_TEST(the_broker_closes_what_was_cut_off)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_5_0, "a");
    client_send(c, "30 7F 00 01 't' 00 'begun'");
    client_drop(c);
    struct client *unknown = client_open(h);
    client_send(unknown, "10 7F 00 04");
    client_drop(unknown);
    ck_assert_uint_eq(broker_statistics(h->broker).connections, 0);
    ck_assert(harness_logged(h, "client 'a' (peer-1): closed its connection without DISCONNECT"));
    harness_destroy(h);
}
END_TEST

START_TEST(output_comes_in_runs_that_can_be_sent_in_part)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_3_1_1, "a");
    struct client *other = client_join(h, PROTOCOL_3_1_1, "b");
    client_subscribe(c, "t", 0);
    client_subscribe(other, "t", 0);
    c->stalled = true;
    /* small and large ones alternate, the large ones shared with the other subscriber */
    client_send(
        other,
        "30 [<'t'> 61*100] 30 [<'t'> 62*5000] 30 [<'t'> 63*5000] 30 [<'t'> 64*3000] 30 [<'t'> 65*40000]");
    struct bytes vector[32];
    ck_assert_uint_eq(connection_output(c->connection, vector, 1), 1);
    ck_assert_uint_gt(connection_output(c->connection, vector, 32), 5);
    uint8_t *all = octets_room(60000);
    size_t length = 0;
    for (size_t step = 1; connection_output(c->connection, vector, 1) == 1; step = step % 997 + 1) {
        const size_t count = vector[0].length < step ? vector[0].length : step;
        ck_assert_uint_le(length + count, 60000);
        memcpy(all + length, vector[0].data, count);
        length += count;
        connection_sent(h->broker, c->connection, count);
    }
    const struct bytes expected =
        octets("30 [<'t'> 61*100] 30 [<'t'> 62*5000] 30 [<'t'> 63*5000] 30 [<'t'> 64*3000]"
               "30 [<'t'> 65*40000]");
    ck_assert(bytes_equal(bytes_of(all, length), expected));
    client_expect_bytes(other, expected);
    free(all);
    octets_free(expected);
    c->stalled = false;
    client_send(c, "C0 00");
    client_expect(c, "D0 00");
    harness_destroy(h);
}
END_TEST

START_TEST(one_connection_fills_many_blocks)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_3_1_1, "a");
    client_subscribe(c, "t", 0);
    for (int round = 0; round < 3; round++) { /* the later rounds find blocks in the pool */
        c->stalled = true;
        for (int i = 0; i < 400; i++)
            client_send(c, i % 2 ? "30 [<'t'> 61*1500]" : "30 [<'t'> 62*700]");
        client_read(c);
        ck_assert_uint_eq(client_count(c, PACKET_PUBLISH), 400);
        client_ignore(c);
    }
    harness_destroy(h);
}
END_TEST

START_TEST(the_pool_is_bounded)
{
    struct broker_settings settings = harness_settings();
    settings.maximum_output = 64U << 20;
    struct harness *h = harness_create(&settings);
    struct client *c = client_join(h, PROTOCOL_3_1_1, "a");
    client_subscribe(c, "t", 0);
    c->stalled = true;
    const struct bytes publish = octets("30 [<'t'> 61*4000]");
    for (int i = 0; i < 200 * 8; i++)
        client_send_bytes(c, publish);
    octets_free(publish);
    client_read(c);
    ck_assert_uint_eq(client_count(c, PACKET_PUBLISH), 1600);
    for (int i = 0; i < OUTPUT_SIZES; i++)
        ck_assert_uint_lt(h->broker->output_pool.count[i], 1600 / 8);
    harness_destroy(h);
}
END_TEST

START_TEST(a_packet_larger_than_any_pooled_block) /* SUBACK has a byte for each Topic Filter */
{
    enum { FILTERS = 40000 };
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_3_1_1, "a");
    uint8_t *body = octets_room(FILTERS * 4);
    for (size_t i = 0; i < FILTERS; i++)
        memcpy(body + 4 * i, "\x00\x01t\x00", 4);
    client_send(c, "82 82E209 0001"); /* 160,002 bytes */
    client_send_bytes(c, bytes_of(body, FILTERS * 4));
    free(body);
    const struct bytes expected = octets("90 [0001 00*40000]");
    client_expect_bytes(c, expected);
    octets_free(expected);
    client_send(c, "C0 00");
    client_expect(c, "D0 00");
    harness_destroy(h);
}
END_TEST

/* [MQTT-3.1.2-29]: without Request Problem Information the Reason Strings stay away, and only they do. */
START_TEST(answers_without_problem_information)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_connect(h, "10 [<'MQTT'> 05 02 0000 [17 00] <'a'>]", "20 06 00 00 03 22 000A");
    client_send(c, "82 [0001 [26 <'k'> <'v'>] <'t'> 01] C0 00 34 [<'t'> 0002 [26 <'k'> <'v'>] 'x']");
    client_expect(c, "90 [0001 [] 01] D0 00 32 [<'t'> 0001 [26 <'k'> <'v'>] 'x'] 50 02 0002");
    client_send(c, "A2 [0003 [] <'u'>] 62 02 0009");
    client_expect(c, "B0 [0003 [] 11] 70 03 0009 92");
    harness_destroy(h);
}
END_TEST

START_TEST(nothing_more_is_read_from_who_does_not_read) /* CONNECTION_OUTPUT_CEILING */
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_3_1_1, "a");
    client_subscribe(c, "t", 1);
    c->stalled = true;
    const struct bytes publish = octets("32 [<'t'> 0001 61*60000]");
    int sent = 0;
    while (connection_wants_input(c->connection) &&
           sent < 100000) { /* acknowledgements are never held back */
        client_send_bytes(c, publish);
        if (sent == 20)
            ck_assert_uint_gt(c->connection->output_size, harness_settings().maximum_output);
        sent++;
        if (sent > 30)
            break;
    }
    octets_free(publish);
    ck_assert_uint_lt(c->connection->output_size, CONNECTION_OUTPUT_CEILING);
    uint8_t pings[2 * 4096];
    for (size_t i = 0; i < sizeof pings; i++)
        pings[i] = i % 2 ? 0x00 : 0xC0;
    for (int i = 0; connection_wants_input(c->connection); i++) {
        ck_assert_int_lt(i, 1000);
        client_send_bytes(c, bytes_of(pings, sizeof pings));
    }
    ck_assert_uint_ge(c->connection->output_size, CONNECTION_OUTPUT_CEILING);
    ck_assert_uint_lt(c->connection->output_size, CONNECTION_OUTPUT_CEILING + sizeof pings);
    client_read(c);
    ck_assert(connection_wants_input(c->connection));
    client_ignore(c);
    client_send(c, "E0 00");
    client_expect_closed(c, "");
    harness_destroy(h);
}
END_TEST

START_TEST(a_closing_connection_sends_what_it_has)
{
    struct harness *h = harness_create(NULL);
    struct client *c = client_join(h, PROTOCOL_5_0, "a");
    c->stalled = true;
    client_send(c, "C0 00 80");
    ck_assert(connection_closing(c->connection));
    ck_assert(!connection_wants_input(c->connection));
    client_send(c, "C0 00"); /* not heard any more */
    client_read(c);
    ck_assert_uint_eq(client_count(c, PACKET_PINGRESP), 1);
    ck_assert_uint_eq(client_count(c, PACKET_DISCONNECT), 1);
    ck_assert(c->closed_by_broker);
    harness_destroy(h);
}
END_TEST

START_TEST(a_peer_without_a_name)
{
    const struct broker_settings settings = harness_settings();
    struct harness *h = harness_create(&settings);
    struct step accepted = {.kind = STEP_ACCEPTED, .host = &accepted};
    broker_step(h->broker, h->now, &accepted);
    ck_assert_ptr_nonnull(accepted.connection);
    ck_assert_ptr_eq(connection_host(accepted.connection), &accepted);
    struct step closed = {.kind = STEP_CLOSED, .connection = accepted.connection};
    broker_step(h->broker, h->now, &closed);
    ck_assert_ptr_null(broker_next_ready(h->broker)); /* what is freed is not ready */
    harness_destroy(h);
}
END_TEST

START_TEST(every_packet_is_traced)
{
    struct harness *h = harness_create_traced(NULL);
    struct client *c = client_join(h, PROTOCOL_5_0, "a");
    client_subscribe(c, "t", 2);
    client_send(c, "34 [<'t'> 0001 [] 61*5000] 62 02 0001 C0 00 A2 [0001 [] <'t'>]");
    client_send(c, "50 02 0001 E0 00");
    ck_assert_uint_eq(h->traced_received, 8);
    ck_assert_uint_eq(h->traced_sent, 8); /* CONNACK SUBACK PUBLISH PUBREC PUBCOMP PINGRESP UNSUBACK PUBREL */
    harness_destroy(h);
}
END_TEST

Suite *suite_4_02_network_connection(void);
Suite *suite_4_02_network_connection(void)
{
    HARNESS_SUITE("4.2 Network Connections", one_byte_at_a_time, every_way_to_cut_a_stream_in_two,
                  many_packets_in_one_input, an_error_in_the_rest_of_a_packet,
                  the_broker_closes_what_was_cut_off, output_comes_in_runs_that_can_be_sent_in_part,
                  one_connection_fills_many_blocks, the_pool_is_bounded,
                  a_packet_larger_than_any_pooled_block, answers_without_problem_information,
                  nothing_more_is_read_from_who_does_not_read, a_closing_connection_sends_what_it_has,
                  a_peer_without_a_name, every_packet_is_traced);
}
