/* 2.1.3 Flags: servers that get one value of flags wrong */
#include "mutant.h"

/* Flags 15 of anything but a PUBLISH, and QoS 3 of that. */
static enum fate overlook_flags_15(struct passage *passage)
{
    return passage->verdict.refused && (passage->bytes[0] & 0x0F) == 0x0F ? pass_over(passage) : PASS;
}

MUTANT(flags_15_are_overlooked, V5 | V311, "The first byte is not looked at when all its flags are set",
       "every_flag_of_connect_is_checked every_flag_of_puback_is_checked "
       "every_flag_of_pubrec_is_checked every_flag_of_pubrel_is_checked "
       "every_flag_of_pubcomp_is_checked every_flag_of_subscribe_is_checked "
       "every_flag_of_unsubscribe_is_checked every_flag_of_disconnect_is_checked"
       " every_flag_of_publish_is_read every_first_byte_of_no_client_is_checked",
       MQTT_2_1_3_1, P_2_1_3_1, MQTT_3_6_1_1, MQTT_3_8_1_1, MQTT_3_10_1_1, MQTT_3_14_1_1, MQTT_3_3_1_4,
       P_3_3_1_2_1, MQTT3_2_2_2_1, MQTT3_2_2_2_2, MQTT3_3_6_1_1, MQTT3_3_8_1_1, MQTT3_3_10_1_1,
       MQTT3_3_14_1_1, MQTT3_3_3_1_4) = {
    .from_client = overlook_flags_15,
    .row = "flags 15",
};

MUTANT(flags_15_of_auth_are_overlooked, V5, "The same in AUTH", "every_flag_of_auth_is_checked",
       MQTT_3_15_1_1) = {
    .from_client = overlook_flags_15,
    .row = "AUTH with flags 15",
};

static enum fate overlook_type_0(struct passage *passage)
{
    return passage->bytes[0] == 0x0b ? pass_over(passage) : PASS;
}

MUTANT(a_reserved_type_is_overlooked, V5 | V311, "A packet of type 0 with flags 11 has no effect",
       "every_first_byte_of_no_client_is_checked", MQTT_4_13_1_1, P3_2_2_1_1) = {
    .from_client = overlook_type_0,
    .row = "packet type 0",
};

/* In 5.0 this is the type of AUTH. */
static enum fate overlook_type_15(struct passage *passage)
{
    return passage->bytes[0] == 0xf4 ? pass_over(passage) : PASS;
}

MUTANT(type_15_is_overlooked, V311, "A packet of type 15 with flags 4 has no effect",
       "every_first_byte_of_no_client_is_checked", P3_2_2_1_2) = {
    .from_client = overlook_type_15,
    .row = "packet type 15",
};

/* A server that takes DUP, QoS 2 and RETAIN together for an error. */
static enum fate refuse_all_flags(struct passage *passage)
{
    return passage->bytes[0] == 0x3d ? CLOSE : PASS;
}

MUTANT(flags_13_of_publish_are_refused, V5 | V311, "A PUBLISH may not have DUP, QoS 2 and RETAIN at once",
       "every_flag_of_publish_is_read", MQTT_3_3_4_1, MQTT3_3_3_4_1) = {
    .from_client = refuse_all_flags,
    .row = "flags 13",
};

/* The Connect Flags stand behind the name of the protocol and its level. */
static unsigned connect_flags(const struct passage *passage)
{
    const uint8_t *name = memmem(passage->bytes, passage->size, "MQTT", 4);
    const bool there =
        passage->bytes[0] >> 4 == PACKET_CONNECT && name != NULL && name + 5 < passage->bytes + passage->size;
    return there ? name[5] : 0;
}

static enum fate overlook_values(struct passage *passage)
{
    static const uint8_t values[] = {0x5f, 0x0a, 0x22, 0x9e, 0x40};
    const bool hit =
        passage->verdict.refused && memchr(values, (int)connect_flags(passage), sizeof values) != NULL;
    return hit ? pass_over(passage) : PASS;
}

MUTANT(some_wrong_connect_flags_are_overlooked, V5 | V311,
       "Five wrong values of the Connect Flags are not noticed, each against another rule",
       "every_value_of_connect_flags", P_3_1_2_3_1, MQTT_3_1_2_11, MQTT_3_1_2_13, P_3_1_2_6_1, MQTT3_3_1_2_3,
       MQTT3_3_1_2_13, MQTT3_3_1_2_14, MQTT3_3_1_2_15, MQTT3_3_1_2_22) = {
    .from_client = overlook_values,
    .row = "Connect Flags 0x5f|Connect Flags 0x0a|Connect Flags 0x22|Connect Flags 0x9e",
};

static enum fate refuse_value(struct passage *passage)
{
    return connect_flags(passage) == 0x34 ? CLOSE : PASS;
}

MUTANT(one_right_value_of_connect_flags_is_refused, V5 | V311,
       "Connect Flags 0x34 (no Clean Start, a Will of QoS 2 to be retained) are refused",
       "every_value_of_connect_flags", MQTT_3_1_4_5, MQTT3_3_1_4_4) = {
    .from_client = refuse_value,
    .row = "Connect Flags 0x34",
};

/* The Subscription Options are the last byte of the table's SUBSCRIBE, whose Packet Identifier is 5. */
static bool has_options(const struct passage *passage, unsigned options)
{
    return passage->bytes[0] == 0x82 && passage->bytes[3] == 5 &&
           passage->bytes[passage->size - 1] == options;
}

static enum fate overlook_options(struct passage *passage)
{
    const bool hit = has_options(passage, 0x81) || has_options(passage, 0x2f) || has_options(passage, 0x36);
    return hit && passage->verdict.refused ? pass_over(passage) : PASS;
}

MUTANT(some_wrong_options_are_overlooked, V5 | V311,
       "A reserved bit, QoS 3 and Retain Handling 3 are each overlooked in one value",
       "every_value_of_subscription_options", MQTT_3_8_3_5, P_3_8_3_1_1, P_3_8_3_1_2, MQTT3_3_8_3_4) = {
    .from_client = overlook_options,
    .row = "options 0x81|options 0x2f|options 0x36",
};

static enum fate refuse_options(struct passage *passage)
{
    const bool five = passage->connection->version == PROTOCOL_5_0;
    return has_options(passage, five ? 0x2e : 0x02) ? CLOSE : PASS;
}

MUTANT(some_right_options_are_refused, V5 | V311, "One right value of the Subscription Options is refused",
       "every_value_of_subscription_options", MQTT_3_8_4_1, MQTT3_3_8_4_1) = {
    .from_client = refuse_options,
    .row = "options 0x",
};
