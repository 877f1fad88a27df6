/* 4.2 Network Connections (3.1.1: 4.2 and 7.1): an ordered, lossless stream of bytes */
#include "../test.h"

#define LARGE 60000 /* bytes of payload, more than one segment of any network */
#define PIECES 7

/* A payload in which every misplaced byte shows. */
static struct bytes pattern(struct test *t, size_t size)
{
    uint8_t *bytes = test_allocate(t, size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    return (struct bytes){bytes, size};
}

static size_t large_size(const struct test *t)
{
    uint32_t limit = t->capabilities->maximum_packet_size;
    return limit == 0 || limit > LARGE + 1000 ? LARGE : limit > 1000 ? limit - 1000 : 20;
}

CONFORMANCE_TEST(transport_is_ordered_and_lossless, V_ALL, NEEDS_QOS1,
                 "A large message arrives whole and unchanged, and the messages behind it after it, in order",
                 MQTT_4_2_1, MQTT3_7_1_1_1, D_4_2_1, D3_4_2_1, D3_7_1_1_2)
{
    const char *a = topic(t, "a");
    struct bytes payload = pattern(t, large_size(t));
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    struct client *subscriber = connect_client(t, .name = "subscriber", .clean_start = true);
    subscribe(subscriber, a, .qos = 1);
    send_publish(publisher, .topic = a, .payload_bytes = payload, .qos = 1);
    for (unsigned i = 1; i <= PIECES; i++)
        send_publish(publisher, .topic = a, .payload = text(t, "behind %u", i), .qos = 1);
    expect_publish(subscriber, .topic = a, .payload_bytes = payload);
    for (unsigned i = 1; i <= PIECES; i++)
        expect_publish(subscriber, .topic = a, .payload = text(t, "behind %u", i));
    ping(publisher);
}
