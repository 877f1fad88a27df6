/* 1.5.4 UTF-8 Encoded String: servers that take one class of bytes for UTF-8 */
#include "mutant.h"

MUTANT(surrogates_are_overlooked, V5 | V311, "U+D800 in three bytes passes for a character",
       "every_string_of_connect_is_checked every_string_of_will_is_checked "
       "every_string_of_publish_is_checked every_string_of_subscribe_is_checked "
       "every_string_of_unsubscribe_is_checked",
       MQTT_1_5_4_1, P_1_5_7_1, MQTT3_1_5_3_1) = {
    .overlooked = {0, BYTES("a\xed\xa0\x80")},
    .row = "61 ed a0 80",
};

MUTANT(surrogates_in_properties_are_overlooked, V5,
       "The same in packets that have strings only among their properties",
       "every_string_of_puback_is_checked every_string_of_pubrec_is_checked "
       "every_string_of_pubrel_is_checked every_string_of_pubcomp_is_checked "
       "every_string_of_disconnect_is_checked every_string_of_auth_is_checked",
       MQTT_1_5_4_1, P_1_5_7_1) = {
    .overlooked = {0, BYTES("a\xed\xa0\x80")},
    .row = "61 ed a0 80",
};

MUTANT(two_null_characters_are_overlooked, V5 | V311, "Two U+0000 at the end of a string are padding",
       "every_string_of_connect_is_checked every_string_of_will_is_checked "
       "every_string_of_publish_is_checked every_string_of_subscribe_is_checked "
       "every_string_of_unsubscribe_is_checked",
       MQTT_1_5_4_2, MQTT3_1_5_3_2) = {
    .overlooked = {0, BYTES("\x00\x03"
                            "a\x00\x00")},
    .row = "61 00 00",
};

MUTANT(two_null_characters_in_properties_are_overlooked, V5,
       "The same in packets that have strings only among their properties",
       "every_string_of_puback_is_checked every_string_of_pubrec_is_checked "
       "every_string_of_pubrel_is_checked every_string_of_pubcomp_is_checked "
       "every_string_of_disconnect_is_checked every_string_of_auth_is_checked",
       MQTT_1_5_4_2) = {
    .overlooked = {0, BYTES("\x00\x03"
                            "a\x00\x00")},
    .row = "61 00 00",
};
