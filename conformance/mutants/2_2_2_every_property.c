/* 2.2.2.2 Property: servers that get one row of the tables wrong, in every packet alike */
#include "mutant.h"

MUTANT(empty_user_property_is_refused, V5, "A User Property may not be empty",
       "every_property_of_connect_is_accepted every_property_of_will_is_accepted "
       "every_property_of_publish_is_accepted every_property_of_puback_is_accepted "
       "every_property_of_pubrec_is_accepted every_property_of_pubrel_is_accepted "
       "every_property_of_pubcomp_is_accepted every_property_of_subscribe_is_accepted "
       "every_property_of_unsubscribe_is_accepted every_property_of_disconnect_is_accepted "
       "every_property_of_auth_is_accepted",
       MQTT_3_1_4_5, D_3_3_2_1, D_3_4_2_1, D_3_5_2_1, D_3_6_2_1, D_3_7_2_1, MQTT_3_8_4_1, MQTT_3_10_4_4,
       MQTT_3_14_4_3, R_4_12_1_1) = {
    .resented = {0, BYTES("\x26\x00\x00\x00\x00")},
    .row = "User Property {} {}",
};

MUTANT(assigned_client_identifier_is_for_everybody, V5, "Any packet may have an Assigned Client Identifier",
       "every_foreign_property_of_connect_is_refused "
       "every_foreign_property_of_will_is_refused "
       "every_foreign_property_of_publish_is_refused "
       "every_foreign_property_of_puback_is_refused "
       "every_foreign_property_of_pubrec_is_refused "
       "every_foreign_property_of_pubrel_is_refused "
       "every_foreign_property_of_pubcomp_is_refused "
       "every_foreign_property_of_subscribe_is_refused "
       "every_foreign_property_of_unsubscribe_is_refused "
       "every_foreign_property_of_disconnect_is_refused "
       "every_foreign_property_of_auth_is_refused",
       P_2_2_2_2_1) = {
    .overlooked = {0, BYTES("\x12\x00\x01x")},
    .row = "Assigned Client Identifier",
};

MUTANT(subscription_identifier_is_for_publishers, V5, "A client may publish with a Subscription Identifier",
       "every_foreign_property_of_publish_is_refused", MQTT_3_3_4_6) = {
    .overlooked = {TYPE(PACKET_PUBLISH), BYTES("\x02\x0b\x01")},
    .row = "Subscription Identifier",
};

MUTANT(reason_string_may_be_repeated, V5, "Two equal Reason Strings do no harm",
       "every_repeated_property_of_puback_is_refused "
       "every_repeated_property_of_pubrec_is_refused "
       "every_repeated_property_of_pubrel_is_refused "
       "every_repeated_property_of_pubcomp_is_refused "
       "every_repeated_property_of_disconnect_is_refused "
       "every_repeated_property_of_auth_is_refused",
       P_3_4_2_2_2_1, P_3_5_2_2_2_1, P_3_6_2_2_2_1, P_3_7_2_2_2_1, P_3_14_2_2_3_1, P_3_15_2_2_4_1) = {
    .overlooked = {0, BYTES("\x1f\x00\x03why\x1f\x00\x03why")},
    .row = "Reason String twice",
};

MUTANT(content_type_may_be_repeated, V5, "Two equal Content Types do no harm",
       "every_repeated_property_of_will_is_refused every_repeated_property_of_publish_is_refused",
       P_3_1_3_2_5_1, P_3_3_2_3_9_1) = {
    .overlooked = {0, BYTES("\x03\x00\x04text\x03\x00\x04text")},
    .row = "Content Type twice",
};

MUTANT(receive_maximum_may_be_repeated_with_another_value, V5, "The last of two Receive Maximums counts",
       "every_repeated_property_of_connect_is_refused", P_3_1_2_11_3_1) = {
    .overlooked = {TYPE(PACKET_CONNECT), BYTES("\x21\x00\x0a\x21\x00\x01")},
    .row = "Receive Maximum twice, with another value",
};

MUTANT(subscription_identifiers_may_be_several, V5, "Two equal Subscription Identifiers do no harm",
       "every_repeated_property_of_subscribe_is_refused", P_3_8_2_1_2_2) = {
    .overlooked = {TYPE(PACKET_SUBSCRIBE), BYTES("\x0b\x01\x0b\x01")},
    .row = "Subscription Identifier twice",
};

MUTANT(user_property_may_not_be_repeated, V5, "A second User Property is refused",
       "every_repeated_property_of_unsubscribe_is_accepted", D_3_10_2_1_2_1) = {
    .resented = {TYPE(PACKET_UNSUBSCRIBE), BYTES("n\x00\x01v\x26\x00\x01o")},
    .row = "User Property twice",
};

MUTANT(half_a_user_property_will_do, V5, "A User Property may end behind its name",
       "every_wrong_property_value_of_connect_is_refused "
       "every_wrong_property_value_of_will_is_refused "
       "every_wrong_property_value_of_publish_is_refused "
       "every_wrong_property_value_of_puback_is_refused "
       "every_wrong_property_value_of_pubrec_is_refused "
       "every_wrong_property_value_of_pubrel_is_refused "
       "every_wrong_property_value_of_pubcomp_is_refused "
       "every_wrong_property_value_of_subscribe_is_refused "
       "every_wrong_property_value_of_unsubscribe_is_refused "
       "every_wrong_property_value_of_disconnect_is_refused",
       P_2_2_2_2_1) = {
    .overlooked = {0, BYTES("\x04\x26\x00\x01n")},
    .row = "User Property cut to 3 bytes",
};

MUTANT(half_a_user_property_of_auth_will_do, V5, "A User Property of AUTH may end within its value",
       "every_wrong_property_value_of_auth_is_refused", P_2_2_2_2_1) = {
    .overlooked = {TYPE(PACKET_AUTH), BYTES("\x26\x00\x01n\x00")},
    .row = "User Property cut to 4 bytes",
};

MUTANT(a_boolean_may_be_255, V5, "Request Response Information is true whenever it is not 0",
       "every_wrong_property_value_of_connect_is_refused", P_3_1_2_11_6_1) = {
    .overlooked = {TYPE(PACKET_CONNECT), BYTES("\x02\x19\xff")},
    .row = "Request Response Information 255",
};

static enum fate ignore_the_last_alias(struct passage *passage)
{
    const bool last =
        passage->bytes[0] >> 4 == PACKET_PUBLISH && has_bytes(passage, BYTES("\x03\x23\xff\xff"));
    return last ? DROP : PASS;
}

MUTANT(topic_alias_65535_is_ignored, V5, "Topic Alias 65,535 does no harm",
       "every_wrong_property_value_of_publish_is_refused", P_3_3_4_2) = {
    .from_client = ignore_the_last_alias,
    .row = "Topic Alias 65,535",
};

MUTANT(property_2b_exists, V5, "There is a property 0x2b",
       "every_unknown_property_of_connect_is_refused "
       "every_unknown_property_of_will_is_refused "
       "every_unknown_property_of_publish_is_refused "
       "every_unknown_property_of_puback_is_refused "
       "every_unknown_property_of_pubrec_is_refused "
       "every_unknown_property_of_pubrel_is_refused "
       "every_unknown_property_of_pubcomp_is_refused "
       "every_unknown_property_of_subscribe_is_refused "
       "every_unknown_property_of_unsubscribe_is_refused "
       "every_unknown_property_of_disconnect_is_refused "
       "every_unknown_property_of_auth_is_refused",
       P_2_2_2_2_1) = {
    .overlooked = {0, BYTES("\x2b\x00")},
    .row = "Property Identifier 0x2b",
};

MUTANT(long_property_lengths_are_cut, V5, "A Property Length beyond the end of the packet means all the rest",
       "every_wrong_property_length_of_connect_is_refused "
       "every_wrong_property_length_of_will_is_refused "
       "every_wrong_property_length_of_publish_is_refused "
       "every_wrong_property_length_of_puback_is_refused "
       "every_wrong_property_length_of_pubrec_is_refused "
       "every_wrong_property_length_of_pubrel_is_refused "
       "every_wrong_property_length_of_pubcomp_is_refused "
       "every_wrong_property_length_of_subscribe_is_refused "
       "every_wrong_property_length_of_unsubscribe_is_refused "
       "every_wrong_property_length_of_disconnect_is_refused",
       P_2_2_2_2_1) = {
    .overlooked = {0, BYTES("\x47\x26\x00\x01n")},
    .row = "Property Length too large by 64",
};

MUTANT(long_property_lengths_of_auth_are_cut, V5, "The same in AUTH alone",
       "every_wrong_property_length_of_auth_is_refused", P_2_2_2_2_1) = {
    .overlooked = {TYPE(PACKET_AUTH), BYTES("\x72\x15\x00\x0d")},
    .row = "Property Length too large by 64",
};

MUTANT(property_lengths_may_have_five_bytes, V5, "A Property Length may be padded to five bytes",
       "every_wrong_property_length_of_unsubscribe_is_refused", D_1_5_5_1) = {
    .overlooked = {TYPE(PACKET_UNSUBSCRIBE), BYTES("\x87\x80\x80\x80\x00")},
    .row = "Property Length of five bytes, in which it would be right",
};

MUTANT(endless_property_lengths_are_cut, V5, "A Property Length of 268,435,455 means all the rest",
       "every_wrong_property_length_of_pubrel_is_refused", MQTT_4_13_1_1) = {
    .overlooked = {TYPE(PACKET_PUBREL), BYTES("\xff\xff\xff\x7f\x26")},
    .row = "Property Length 268,435,455",
};
