/* 2.4 Reason Code: every value in every packet of the client that has one. Those that the packet's table lists
 * for a client are to be taken. For all others the specification binds the sender and states no reaction. */
#include "2_1_forms.h"

/* Written down from tables 3-4 to 3-13; what only servers send is left out. Lists end with their length. */
struct codes {
    uint8_t list[20];
    size_t count;
};

static const struct codes of_receivers = {{0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}, 8};
static const struct codes of_releases = {{0x00, 0x92}, 2};
static const struct codes of_disconnect = {
    {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99}, 14};

static bool is_listed(const struct codes *codes, unsigned code)
{
    return memchr(codes->list, (int)code, codes->count) != NULL;
}

/* Both with and without the Property Length. */
static void judge_codes(struct test *t, enum form form, const struct codes *codes, enum statement statement)
{
    const unsigned first = form_bytes(t, form, "").data[0];
    const char *before = form == IN_DISCONNECT ? "" : "0000";
    struct table *table = table_begin(t, .packet = form_name(form), .situation = form_situation(form));
    table_add(table, .name = "without Reason Code", .demand = ROW_CONTROL,
              .bytes = bytes_by_hand(t, first, before, NULL, NULL));
    for (unsigned code = 0; code < 256; code++) {
        bool listed = is_listed(codes, code);
        struct row row = {.name = text(t, "Reason Code 0x%02x", code),
                          .bytes = bytes_by_hand(t, first, text(t, "%s %02x", before, code), NULL, NULL),
                          .demand = listed ? ROW_ACCEPTED : ROW_OPEN,
                          .will_wanted = form == IN_DISCONNECT && code != 0,
                          .five = statement};
        table_append(table, &row);
        row.name = text(t, "Reason Code 0x%02x and Property Length 0", code);
        row.bytes = bytes_by_hand(t, first, text(t, "%s %02x", before, code), "", NULL);
        if (listed)
            table_append(table, &row);
    }
    table_judge(table);
}

CONFORMANCE_TEST(every_reason_code_of_puback_is_taken, V5, NEEDS_QOS1,
                 "A PUBACK may have any Reason Code that its table lists, with or without properties",
                 MQTT_3_4_2_1, D_3_4_2_2_1_1)
{
    judge_codes(t, IN_PUBACK, &of_receivers, MQTT_3_4_2_1);
}

CONFORMANCE_TEST(every_reason_code_of_pubrec_is_taken, V5, NEEDS_QOS2,
                 "A PUBREC may have any Reason Code that its table lists, with or without properties",
                 MQTT_3_5_2_1, D_3_5_2_2_1_1)
{
    judge_codes(t, IN_PUBREC, &of_receivers, MQTT_3_5_2_1);
}

CONFORMANCE_TEST(every_reason_code_of_pubrel_is_taken, V5, NEEDS_QOS2,
                 "A PUBREL may have any Reason Code that its table lists, with or without properties",
                 MQTT_3_6_2_1, D_3_6_2_2_1_1)
{
    judge_codes(t, IN_PUBREL, &of_releases, MQTT_3_6_2_1);
}

CONFORMANCE_TEST(every_reason_code_of_pubcomp_is_taken, V5, NEEDS_QOS2,
                 "A PUBCOMP may have any Reason Code that its table lists, with or without properties",
                 MQTT_3_7_2_1, D_3_7_2_2_1_1)
{
    judge_codes(t, IN_PUBCOMP, &of_releases, MQTT_3_7_2_1);
}

CONFORMANCE_TEST(
    every_reason_code_of_disconnect_is_taken, V5, NEEDS_NOTHING,
    "A DISCONNECT may have any Reason Code that its table lists; all but 0x00 leave the Will in force",
    R_3_14_1, MQTT_3_14_4_3, MQTT_3_14_2_1, D_3_14_2_2_1_1)
{
    judge_codes(t, IN_DISCONNECT, &of_disconnect, R_3_14_1);
}

/* Only 0x19 begins something; what other codes do outside of an exchange is not stated. */
CONFORMANCE_TEST(
    every_reason_code_of_auth_is_taken_or_refused, V5, NEEDS_PROFILE,
    "An AUTH with Reason Code 0x19 begins a re-authentication; with other values it may be refused",
    R_4_12_1_1)
{
    struct table *table = table_begin(t, .packet = "AUTH", .situation = AUTHENTICATED);
    struct bytes good = form_bytes(t, IN_AUTH, "");
    table_add(table, .name = "with a User Property", .demand = ROW_CONTROL,
              .bytes = form_bytes(t, IN_AUTH, "26 {n} {v}"));
    for (unsigned code = 0; code < 256; code += code < 0x20 ? 1 : 0x1f) {
        uint8_t *bytes = test_allocate(t, good.length);
        memcpy(bytes, good.data, good.length);
        bytes[2] = (uint8_t)code;
        table_add(table, .name = text(t, "Reason Code 0x%02x", code), .bytes = bytes_of(bytes, good.length),
                  .demand = code == 0x19 ? ROW_ACCEPTED : ROW_OPEN, .five = R_4_12_1_1);
    }
    table_judge(table);
}
