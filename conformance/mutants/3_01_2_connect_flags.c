/* 3.1.2.1 to 3.1.2.9 CONNECT: Protocol Name, Protocol Version, Connect Flags */
#include "mutant.h"

MUTANT(any_protocol_name, V_ALL, "The protocol name is not looked at", "wrong_protocol_name_is_refused",
       MQTT_3_1_2_1, MQTT3_3_1_2_1, D3_3_1_2_1_1) = {
    .tolerate = {MQTT_3_1_2_1},
};

MUTANT(any_protocol_version, V_ALL, "Protocol versions that do not exist are served",
       "unknown_protocol_version_is_refused", MQTT_3_1_2_2, MQTT3_3_1_2_2) = {
    .tolerate = {MQTT_3_1_2_2, MQTT3_3_1_2_2},
};

static bool was_refused(const struct connection *connection)
{
    return !connection->accepted && connection->seen[FROM_SERVER][PACKET_CONNACK] > 0;
}

MUTANT(open_after_refusing_connack, V_ALL, "After a CONNACK that refuses the connection stays open",
       "unknown_protocol_version_is_refused", MQTT_3_2_2_7, MQTT3_3_2_2_5, MQTT_3_1_2_2, MQTT3_3_1_2_2) = {
    .keep_open = was_refused,
    .spoils = "reserved_connect_flag_is_refused", /* whose CONNECT is refused in the same way */
};

MUTANT(reserved_connect_flag_is_ignored, V_ALL, "The reserved Connect Flag is not looked at",
       "reserved_connect_flag_is_refused", MQTT_3_1_2_3, MQTT3_3_1_2_3, MQTT_3_1_4_1, MQTT3_3_1_4_1,
       P_3_1_2_3_1) = {
    .tolerate = {MQTT_3_1_2_3, MQTT3_3_1_2_3},
};

static enum fate refuse_with_connack(struct passage *passage)
{
    const struct packet connack = {.type = PACKET_CONNACK, .connack.reason_code = 2};
    if (passage->packet.type != PACKET_CONNECT || !passage->verdict.refused)
        return PASS;
    send_to_client(passage->connection, &connack);
    return CLOSE;
}

MUTANT(malformed_connect_gets_connack, V311,
       "A CONNECT that is not valid gets a CONNACK before the connection ends",
       "reserved_connect_flag_is_refused will_qos_3_is_refused missing_password_is_refused",
       MQTT3_3_1_4_1) = {
    .from_client = refuse_with_connack,
};

MUTANT(will_qos_without_will, V_ALL, "Will QoS may be anything while the Will Flag is 0",
       "will_qos_without_will_is_refused", MQTT_3_1_2_11, MQTT3_3_1_2_13, MQTT3_3_1_2_11) = {
    .tolerate = {MQTT_3_1_2_11, MQTT3_3_1_2_13},
};

MUTANT(will_retain_without_will, V_ALL, "Will Retain may be 1 while the Will Flag is 0",
       "will_retain_without_will_is_refused", MQTT_3_1_2_13, MQTT3_3_1_2_15, MQTT3_3_1_2_11) = {
    .tolerate = {MQTT_3_1_2_13, MQTT3_3_1_2_15},
};

MUTANT(will_qos_3, V_ALL, "Will QoS 3 is accepted", "will_qos_3_is_refused", MQTT_3_1_2_12, MQTT3_3_1_2_14,
       P_3_1_2_6_1) = {
    .tolerate = {MQTT_3_1_2_12, MQTT3_3_1_2_14},
};

MUTANT(will_fields_may_be_missing, V_ALL,
       "A CONNECT with Will Flag 1 is accepted without all fields of the will",
       "missing_will_fields_are_refused", MQTT_3_1_2_9, MQTT3_3_1_2_9) = {
    .tolerate = {MQTT_3_1_2_9, MQTT3_3_1_2_9},
};

MUTANT(user_name_may_be_missing, V_ALL, "A CONNECT with User Name Flag 1 is accepted without a User Name",
       "missing_user_name_is_refused", MQTT_3_1_2_17, MQTT3_3_1_2_19) = {
    .tolerate = {MQTT_3_1_2_17, MQTT3_3_1_2_19},
};

MUTANT(password_may_be_missing, V_ALL, "A CONNECT with Password Flag 1 is accepted without a Password",
       "missing_password_is_refused", MQTT_3_1_2_19, MQTT3_3_1_2_21) = {
    .tolerate = {MQTT_3_1_2_19, MQTT3_3_1_2_21},
};

MUTANT(user_name_without_flag, V_ALL,
       "What follows the payload of a CONNECT with User Name Flag 0 is ignored",
       "user_name_without_its_flag_is_refused will_fields_without_will_flag_are_refused "
       "bytes_behind_the_payload_are_refused",
       MQTT_3_1_2_16, MQTT3_3_1_2_18, MQTT3_3_1_2_11) = {
    .tolerate = {MQTT_3_1_2_16, MQTT3_3_1_2_18},
};

MUTANT(password_without_flag, V_ALL,
       "What follows the User Name of a CONNECT with Password Flag 0 is ignored",
       "password_without_its_flag_is_refused", MQTT_3_1_2_18, MQTT3_3_1_2_20) = {
    .tolerate = {MQTT_3_1_2_18, MQTT3_3_1_2_20},
};

MUTANT(password_without_user_name, V311, "A Password without User Name is accepted as in 5.0",
       "password_without_user_name_is_refused", MQTT3_3_1_2_22) = {
    .tolerate = {MQTT3_3_1_2_22},
};

static enum fate name_another_reason(struct passage *passage)
{
    if (passage->bytes[0] == 0x20 && passage->size == 4 && passage->bytes[3] == 1)
        passage->bytes[3] = 3;
    return PASS;
}

MUTANT(unknown_version_is_called_unavailable, V_ALL,
       "Return code 3 says that the version of a CONNECT is not served",
       "unknown_protocol_version_is_refused", R3_3_2_2_3_1, MQTT3_3_1_2_2) = {
    .from_server = name_another_reason,
};

/* ---- MQTT 3.1 ------------------------------------------------------------------------------------ */

MUTANT(any_name_with_any_level, V_ALL, "A CONNECT is served whatever its name and level are",
       "name_and_level_belong_together", MQTT3_3_1_2_2, MQTT3_3_1_2_1) = {
    .tolerate = {MQTT_3_1_2_1, MQTT_3_1_2_2, MQTT3_3_1_2_1, MQTT3_3_1_2_2},
};

/* The Connect Flags of a CONNECT of 3.1, which stand behind "MQIsdp" and the level; 0 elsewhere. */
static unsigned flags_of_3_1(const struct passage *passage)
{
    return is_type(passage, PACKET_CONNECT) && passage->size > 11 ? passage->bytes[11] : 0;
}

static enum fate look_at_will_flags(struct passage *passage)
{
    const unsigned flags = flags_of_3_1(passage);
    return (flags & 0x38) != 0 && (flags & 0x04) == 0 ? CLOSE : PASS;
}

MUTANT(flags_of_no_will_are_refused_in_3_1, V31, "What 3.1.1 forbids is refused in 3.1, too",
       "flags_of_no_will_are_disregarded", MQTT3_3_1_4_4) = {
    .from_client = look_at_will_flags,
};

static enum fate look_for_credentials(struct passage *passage)
{
    return (flags_of_3_1(passage) & 0x80) != 0 && !passage->packet.connect.has_user_name ? CLOSE : PASS;
}

MUTANT(missing_credentials_are_refused_in_3_1, V31,
       "A CONNECT of 3.1 without the fields of its flags is refused", "credentials_may_be_missing_in_3_1",
       MQTT3_3_1_4_4) = {
    .from_client = look_for_credentials,
};
