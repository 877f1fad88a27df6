/* 3.1.2.11.2 When sessions end, and what expires with them */
#include "mutant.h"

static bool has_interval(const struct passage *passage, uint32_t seconds)
{
    return is_type(passage, PACKET_CONNECT) &&
           properties_number(&passage->packet.connect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0) ==
               seconds;
}

static enum fate set_interval(struct passage *passage, uint32_t seconds)
{
    passage->packet.connect.properties.value[ORDINAL_SESSION_EXPIRY_INTERVAL].number = seconds;
    return ENCODE;
}

static enum fate end_with_the_first(struct passage *passage)
{
    return has_interval(passage, 3) ? set_interval(passage, 1) : PASS;
}

MUTANT(sessions_end_with_the_first, V5, "Sessions with later intervals end together with the first",
       "session_expiry_intervals_run_side_by_side", MQTT_3_1_2_23, D_3_1_3_2_2_2) = {
    .from_client = end_with_the_first,
};

static enum fate wait_for_more(struct passage *passage)
{
    return has_interval(passage, 1) ? set_interval(passage, 9) : PASS;
}

MUTANT(sessions_are_cleared_away_late, V5, "A session outlives its interval by seconds",
       "session_expiry_intervals_run_side_by_side", MQTT_4_1_0_2, D_3_1_3_2_2_2) = {
    .from_client = wait_for_more,
    .properties = "session_expiry_is_noticed_within_a_second",
};

/* ---- Wills -------------------------------------------------------------------------------------------- */

static bool will_expires(const struct passage *passage)
{
    return is_type(passage, PACKET_CONNECT) && passage->packet.connect.will.present &&
           properties_has(&passage->packet.connect.will.properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL);
}

static enum fate lengthen_life(struct passage *passage)
{
    if (!will_expires(passage))
        return PASS;
    passage->packet.connect.will.properties.value[ORDINAL_MESSAGE_EXPIRY_INTERVAL].number += 50;
    return ENCODE;
}

MUTANT(will_outlives_its_expiry, V5, "A will waits longer than its Message Expiry Interval",
       "will_expiry_counts_from_its_publication", MQTT_3_3_2_5) = {
    .from_client = lengthen_life,
};

static enum fate take_life_away(struct passage *passage)
{
    if (!will_expires(passage))
        return PASS;
    remove_property(&passage->packet.connect.will.properties, ORDINAL_MESSAGE_EXPIRY_INTERVAL);
    return ENCODE;
}

MUTANT(will_never_expires, V5, "The Message Expiry Interval of a will is ignored",
       "will_expiry_counts_from_its_publication", MQTT_3_3_2_5, D_3_1_3_2_4_1) = {
    .from_client = take_life_away,
};
