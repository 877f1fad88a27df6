/* Steps that the tests of 3.8 to 3.11, 4.7 and 4.8 share. */
#ifndef ETALON_CONFORMANCE_TESTS_3_08_SUBSCRIBE_H
#define ETALON_CONFORMANCE_TESTS_3_08_SUBSCRIBE_H

#include "3_03_publish.h"

/* Packet Identifier of the packets built by hand. */
#define BY_HAND 5

/* A SUBSCRIBE with one Topic Filter, the first byte and the options byte being the test's choice. */
static inline void send_raw_subscribe(struct client *client, unsigned first_byte, const char *filter,
                                      unsigned options)
{
    bool five = is_v5(client->test);
    SEND_TEMPLATE(client, "%02x %02x 00 05 %s {%s} %02x", first_byte,
                  string_size(filter) + 3 + (five ? 1U : 0U), five ? "00" : "", filter, options);
}

/* An UNSUBSCRIBE with one Topic Filter and a first byte of the test's choice. */
static inline void send_raw_unsubscribe(struct client *client, unsigned first_byte, const char *filter)
{
    bool five = is_v5(client->test);
    SEND_TEMPLATE(client, "%02x %02x 00 05 %s {%s}", first_byte, string_size(filter) + 2 + (five ? 1U : 0U),
                  five ? "00" : "", filter);
}

/* A well-formed string that is no valid Topic Filter: 5.0 and 3.1.1 oblige the client and lay down no
 * reaction of their own, so a SUBACK with a failure code is as right as the end of the connection. */
static inline void expect_filter_refused(struct client *client, const char *filter)
{
    struct test *t = client->test;
    const struct received *answer;
    const char *expected = text(t,
                                "the Topic Filter \"%.80s\" to be refused: SUBACK with a failure code, "
                                "or the connection closed",
                                filter);
    enum outcome outcome = receive_until(client, now(t) + 2 * t->patience, &answer);
    if (outcome == RECEIVED_CLOSED) {
        note(t, "\"%.80s\": the server closed the connection", filter);
        return;
    }
    if (outcome == RECEIVED_TIMEOUT)
        fail_expected(t, expected, "%s", describe_state(client, outcome));
    const struct packet *packet = &answer->packet;
    note(t, "\"%.80s\": the server answered %s", filter, describe_packet(t, packet));
    if (packet->type == PACKET_DISCONNECT) {
        expect_closed(client);
        return;
    }
    if (packet->type != PACKET_SUBACK || packet->suback.reason_codes.length != 1 ||
        packet->suback.reason_codes.data[0] < 0x80)
        fail_expected(t, expected, "%s", describe_packet(t, packet));
}

/* Sends a SUBSCRIBE with these Topic Filters, all at one QoS, and demands that all are granted. */
static inline void subscribe_all(struct client *client, const char *const *filters, size_t count, int qos)
{
    struct test *t = client->test;
    struct subscription_request *requests = test_allocate(t, count * sizeof *requests);
    for (size_t i = 0; i < count; i++)
        requests[i] =
            (struct subscription_request){.topic_filter = bytes_of_text(filters[i]), .qos = (uint8_t)qos};
    uint16_t identifier = send_subscribe_list(client, requests, count, ABSENT);
    const struct received *suback = expect_suback(client, identifier, count);
    for (size_t i = 0; i < count; i++)
        if (suback->packet.suback.reason_codes.data[i] >= 0x80)
            error(t, "set-up: the server refused \"%.80s\"", filters[i]);
}

#endif
