/* 4.11 Server redirection. */
#include "broker_harness.h"

static void redirected(bool moved, unsigned reason_code) /* [R-4.11-1] [S-4.11-1] [R-3.2.2.3.16-1] */
{
    struct broker_settings settings = harness_settings();
    settings.server_reference = "other.example:1883";
    settings.server_moved = moved;
    struct harness *h = harness_create(&settings);
    struct client *c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 02 0000 [] <'a'>]");
    const size_t length = strlen(settings.server_reference);
    const uint8_t *found = memmem(c->inbox, c->inbox_length, settings.server_reference, length);
    ck_assert_ptr_nonnull(found);
    ck_assert_mem_eq(found - 3, "\x1C\x00\x12", 3);
    client_expect_refusal(c, reason_code, "[R-4.11-1]");
    c = client_open(h);
    client_send(c, "10 [<'MQTT'> 04 02 0000 <'a'>]"); /* 3.1.1 can only say: unavailable */
    client_expect_closed(c, "20 02 00 03");
    c = client_open(h);
    client_send(c, "10 [<'MQTT'> 05 03 0000 [] <'a'>]"); /* another refusal has no reference */
    ck_assert_ptr_null(memmem(c->inbox, c->inbox_length, settings.server_reference, length));
    client_expect_refusal(c, 0x81, "[MQTT-3.1.2-3]");
    ck_assert_uint_eq(broker_statistics(h->broker).sessions, 0);
    harness_destroy(h);
}

START_TEST(use_another_server)
{
    redirected(false, 0x9C);
}
END_TEST

START_TEST(server_moved)
{
    redirected(true, 0x9D);
}
END_TEST

Suite *suite_4_11_server_redirection(void);
Suite *suite_4_11_server_redirection(void)
{
    HARNESS_SUITE("4.11 Server redirection", use_another_server, server_moved);
}
