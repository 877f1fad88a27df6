/* 3.4 PUBACK */
#include "acknowledgement.h"

/* clang-format off */
static const struct accepted accepted[] = {
    ACKNOWLEDGEMENTS_ACCEPTED("40", "87")
};

static const struct refused refused[] = {
    ACKNOWLEDGEMENTS_REFUSED("40", "87")
};

static const struct cut cuts[] = {
    ACKNOWLEDGEMENT_CUTS("40", "87")
};
/* clang-format on */

/* The table of 3.4.2.1, [MQTT-3.4.2-1] */
static const struct codes codes[] = {
    {"40 03 0001 %02X", PROTOCOL_5_0, "00 80 83 87 90 91 97 99", "00 80 83 87 90 91 97 99 10", "",
     MQTT_3_4_2_1, 4},
    {"40 04 0001 %02X 00", PROTOCOL_5_0, "00 80 83 87 90 91 97 99", "00 80 83 87 90 91 97 99 10", "",
     MQTT_3_4_2_1, 4},
};

START_TEST(accepts)
{
    check_accepted(&accepted[_i]);
    check_mutations(&accepted[_i]);
}
END_TEST

START_TEST(refuses)
{
    check_refused(&refused[_i]);
}
END_TEST

START_TEST(every_cut)
{
    check_cuts(&cuts[_i]);
}
END_TEST

START_TEST(reason_codes)
{
    check_codes(&codes[_i]);
}
END_TEST

START_TEST(every_field)
{
    check_acknowledgement_fields("40", 0x87);
    check_acknowledgement_encoding(PACKET_PUBACK, "40", 0x87);
}
END_TEST

Suite *suite_3_04_puback(void)
{
    Suite *suite = suite_create("3.4 PUBACK");
    TCase *rules = tcase_create("rules");
    tcase_add_loop_test(rules, accepts, 0, COUNT(accepted));
    tcase_add_loop_test(rules, refuses, 0, COUNT(refused));
    tcase_add_loop_test(rules, every_cut, 0, COUNT(cuts));
    tcase_add_loop_test(rules, reason_codes, 0, COUNT(codes));
    tcase_add_test(rules, every_field);
    suite_add_tcase(suite, rules);
    return suite;
}
