/* What the tests of PUBACK, PUBREC, PUBREL and PUBCOMP share; 3_04_acknowledgement.h is the manual. */
#include "3_04_acknowledgement.h"

static const unsigned first_bytes[] = {
    [DUE_PUBACK] = 0x40, [DUE_PUBREC] = 0x50, [DUE_PUBREL] = 0x62, [DUE_PUBCOMP] = 0x70};

static struct exchange begin_sending(struct test *t)
{
    struct exchange exchange = {.due = DUE_PUBREL, .topic = topic(t, "to")};
    exchange.client = connect_client(t, .name = "client", .clean_start = true);
    exchange.packet_identifier = make_due(exchange.client, DUE_PUBREL);
    return exchange;
}

struct exchange exchange_begin(struct test *t, enum due due)
{
    if (due == DUE_PUBREL)
        return begin_sending(t);
    int qos = due == DUE_PUBACK ? 1 : 2;
    struct exchange exchange = {.due = due, .topic = topic(t, text(t, "to/%u", t->client_count))};
    exchange.client = connect_client(t, .name = "client", .clean_start = true, .receive_maximum = 1);
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    if (subscribe(exchange.client, exchange.topic, .qos = qos) < qos)
        skip(t, "the server granted less than QoS %d", qos);
    publish(publisher, .topic = exchange.topic, .payload = "first", .qos = qos);
    publish(publisher, .topic = exchange.topic, .payload = "second", .qos = qos);
    const struct received *got =
        expect_publish(exchange.client, .payload = "first", .qos = qos, .acknowledge = false);
    exchange.packet_identifier = got->packet.publish.packet_identifier;
    if (due == DUE_PUBCOMP) {
        send_acknowledgement(exchange.client, PACKET_PUBREC, exchange.packet_identifier, 0);
        expect_pubrel(exchange.client, exchange.packet_identifier);
    }
    return exchange;
}

void exchange_acknowledge(const struct exchange *exchange, const char *tail)
{
    struct test *t = exchange->client->test;
    send_by_hand(exchange->client, first_bytes[exchange->due],
                 text(t, "%04x %s", exchange->packet_identifier, tail), NULL, NULL);
}

void exchange_expect_end(const struct exchange *exchange)
{
    expect_publish(exchange->client, .topic = exchange->topic, .payload = "second", .dup = 0);
    if (exchange->due == DUE_PUBREC)
        expect_no_reaction(exchange->client, PACKET_PUBREL);
}

void exchange_expect_success(const struct exchange *exchange)
{
    struct client *client = exchange->client;
    if (exchange->due == DUE_PUBREC)
        expect_pubrel(client, exchange->packet_identifier);
    else if (exchange->due == DUE_PUBREL)
        expect_pubcomp(client, exchange->packet_identifier);
    else
        exchange_expect_end(exchange);
}

void check_accepted_forms(struct test *t, enum due due)
{
    static const char *const tails[] = {
        "", "00", "00 00", "00 05 1f {ok}", "00 07 26 {n} {v}", "00 13 26 {n} {v} 1f {ok} 26 {n} {v}",
    };
    size_t count = is_v5(t) ? sizeof tails / sizeof *tails : 1;
    for (size_t i = 0; i < count; i++) {
        struct exchange exchange = exchange_begin(t, due);
        note(t, "behind the Packet Identifier: \"%s\"", tails[i]);
        if (is_v5(t) && due != DUE_PUBREL) /* the second message waits indeed */
            expect_no_reaction(exchange.client, PACKET_PUBLISH);
        exchange_acknowledge(&exchange, tails[i]);
        exchange_expect_success(&exchange);
        disconnect(exchange.client);
    }
}

void check_repeated_reason_string(struct test *t, enum due due)
{
    struct exchange control = exchange_begin(t, due);
    exchange_acknowledge(&control, "00 05 1f {ok}");
    exchange_expect_success(&control);
    struct exchange exchange = exchange_begin(t, due);
    exchange_acknowledge(&exchange, "00 0a 1f {ok} 1f {ok}");
    expect_refused(exchange.client, .reason_code = REASON_PROTOCOL_ERROR);
    exchange = exchange_begin(t, due);
    exchange_acknowledge(&exchange, "00 11 1f {ok} 26 {n} {v} 1f {no}");
    expect_refused(exchange.client, .reason_code = REASON_PROTOCOL_ERROR);
}

void check_form(struct client *client, const struct received *acknowledgement, const uint8_t *codes)
{
    struct test *t = client->test;
    const uint8_t *bytes = acknowledgement->bytes.data;
    size_t size = acknowledgement->bytes.length;
    const char *what = describe_packet(t, &acknowledgement->packet);
    size_t header = bytes[1] < 128 ? 2 : 3;
    if (!is_v5(t)) {
        require(t, size == 4, "%zu bytes instead of 4: %s", size, what);
        return;
    }
    uint8_t code = size > header + 2 ? bytes[header + 2] : REASON_SUCCESS;
    while (*codes != REASON_SUCCESS && *codes != code)
        codes++;
    require(t, *codes == code, "Reason Code 0x%02X: %s", code, what);
    if (size <= header + 3) {
        note(t, size == header + 2 ? "the server leaves out Reason Code and Property Length"
                                   : "the server leaves out the Property Length");
        return;
    }
    size_t length = bytes[header + 3] & 0x7F;
    size_t at = header + 4;
    if (bytes[header + 3] >= 128)
        length |= (size_t)bytes[at++] << 7;
    require(t, size == at + length, "the Property Length is %zu, %zu bytes follow: %s", length, size - at,
            what);
}

const struct received *provoke(struct client *client, enum packet_type type)
{
    struct test *t = client->test;
    const char *nobody = topic(t, "nobody");
    uint16_t id;
    if (type == PACKET_PUBACK) {
        id = send_publish(client, .topic = nobody, .payload = "m", .qos = 1);
    } else if (type == PACKET_PUBREC) {
        id = send_publish(client, .topic = nobody, .payload = "m", .qos = 2);
    } else if (type == PACKET_PUBREL) {
        id = make_due(client, DUE_PUBREC);
        send_acknowledgement(client, PACKET_PUBREC, id, 0);
    } else { /* there is no such exchange */
        id = 0x7b7b;
        send_acknowledgement(client, PACKET_PUBREL, id, 0);
    }
    const struct received *received;
    double limit = now(t) + 2 * t->patience;
    enum outcome outcome;
    do
        outcome = receive_until(client, limit, &received);
    while (outcome == RECEIVED_PACKET && received->packet.type != type);
    if (outcome != RECEIVED_PACKET)
        fail_expected(t, text(t, "%s to %s", packet_type_name(type), client->name), "%s",
                      describe_state(client, outcome));
    require(t, received->packet.acknowledgement.packet_identifier == id,
            "another Packet Identifier than %u: %s", id, describe_packet(t, &received->packet));
    return received;
}

void check_size_limit(struct test *t, enum packet_type type)
{
    struct client *free_client = connect_client(t, .name = "without limit", .clean_start = true);
    size_t size = provoke(free_client, type)->bytes.length;
    if (size <= 6) {
        note(t, "the server adds no property to %s", packet_type_name(type));
        return;
    }
    size_t connack = free_client->connack->bytes.length;
    size_t limit = connack > 120 ? connack : 120;
    if (limit >= size)
        limit = size - 1;
    struct client *client =
        send_connect(t, .name = "with limit", .clean_start = true, .maximum_packet_size = (int64_t)limit);
    const struct received *answer;
    if (receive(client, &answer) != RECEIVED_PACKET || answer->packet.type != PACKET_CONNACK ||
        answer->packet.connack.reason_code != 0)
        skip(t, "the server accepts no Maximum Packet Size of %zu", limit);
    const struct received *got = provoke(client, type);
    if (got->bytes.length > limit)
        fail_expected(t, text(t, "a %s of at most %zu bytes", packet_type_name(type), limit), "%zu bytes: %s",
                      got->bytes.length, describe_packet(t, &got->packet));
}
