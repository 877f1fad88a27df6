#include "groups.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "../src/host/nearest.h"
#include "selection.h"

static const struct group groups[] = {
    {.name = "conformance", .title = "what the specification demands: everything but properties"},
    {.name = "ordering",
     .title = "messages of one topic and QoS keep their order, through reconnections too",
     .files = {"4_06_*"},
     .names = {"fan_in_*", "takeover_amid_a_stream_*", "*_are_sent_again",
               "session_keeps_every_waiting_message_in_order", "transport_is_ordered_and_lossless",
               "queued_messages_in_order_*", "acknowledged_part_of_a_stream_*"}},
    {.name = "exactly-once",
     .title = "a QoS 2 message is delivered once, wherever the connection is lost",
     .files = {"4_03_3_*"},
     .names = {"repeated_publish_*",
               "repetition_without_dup_*",
               "several_qos_2_*",
               "publish_after_pubcomp_*",
               "publish_repeated_*",
               "publish_again_*",
               "pubrel_*_the_*",
               "pubrel_is_sent_again_*",
               "pubrel_again_*",
               "pubrel_on_*",
               "pubrec_from_*",
               "puback_does_not_acknowledge_qos_2",
               "qos_2_*",
               "queued_qos_2_*",
               "*_qos_2_messages_*",
               "*_of_qos_2",
               "shared_qos_2_*",
               "sent_qos_2_*",
               "exchange_*",
               "*pub*_with_error_*",
               "received_identifiers_*",
               "session_keeps_received_*",
               "waiting_messages_are_delivered_once",
               "acknowledged_messages_are_not_sent_again"}},
    {.name = "expiry",
     .title = "messages, sessions and delayed wills end when they are to: not before, not much later",
     .files = {"3_03_2_3_3_*", "3_01_2_11_02_*"},
     .names = {"message_*expir*", "will_expiry_*", "retained_message_expir*", "session_*expir*",
               "latest_session_expiry_*", "*_does_not_expire*", "exchange_goes_on_after_message_expiry",
               "will_delay_*", "will_waits_*", "will_due_*"}},
    {.name = "shared",
     .title = "shared subscriptions: each message to one member, whoever comes and goes",
     .files = {"4_08_2_*"},
     .names = {"shared_*", "share_name_*"}},
    {.name = "fan-out",
     .title = "one message to many subscribers, each with its own QoS and at its own pace",
     .names = {"every_subscriber_*", "message_reaches_*", "message_goes_to_all_*", "overlapping_*",
               "subscribers_are_served_separately", "errors_do_not_touch_other_clients", "will_goes_to_*",
               "shared_messages_pass_a_slow_member", "fan_out_*"}},
    {.name = "large",
     .title = "long topics, large packets, many levels, many messages under way",
     .names = {"long*", "number_of_levels_*", "queued_long_*", "*maximum_packet_size*",
               "packet_above_maximum_size_is_refused", "message_too_large_*", "remaining_length_*"},
     .on_request = true},
    {.name = "flow-control",
     .title = "Receive Maximum in both directions, and what waits behind it",
     .files = {"4_09_*", "3_03_4_receive_maximum*"},
     .names = {"*receive_maximum*", "send_quota_*", "refusing_pubrec_makes_room"}},
    {.name = "interop-3-5",
     .title = "clients of 3.1, 3.1.1 and 5.0 exchange messages, and sessions",
     .files = {"interop_3_5*"}},
    {.name = "tables",
     .title = "every value of every field, and every place to cut: thousands of packets, side by side",
     .files = {"*_every_*"}},
    {.name = "takeover",
     .title = "a second connection with the same Client Identifier: one remains, with the session",
     .names = {"*takeover*", "*takes_over", "refused_connect_takes_nothing_over",
               "will_is_published_on_takeover_*"}},
    {.name = "3.1", .title = "clients of MQTT 3.1: all tests as that version", .versions = V31},
    {.name = "durability", .title = "property: what was acknowledged survives the end of the broker"},
};
#define GROUP_COUNT (sizeof groups / sizeof groups[0])

const struct group *all_groups(size_t *count)
{
    *count = GROUP_COUNT;
    return groups;
}

const struct group *group_find(const char *name)
{
    for (size_t i = 0; i < GROUP_COUNT; i++)
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i];
    return NULL;
}

static const char *file_name(const struct conformance_test *test)
{
    const char *slash = strrchr(test->file, '/');
    return slash == NULL ? test->file : slash + 1;
}

static bool matches_any(const char *const *patterns, const char *value)
{
    for (; *patterns != NULL; patterns++)
        if (fnmatch(*patterns, value, 0) == 0)
            return true;
    return false;
}

bool group_has(const struct group *group, const struct conformance_test *test, enum protocol_version version)
{
    if ((test->versions & version_bit(version)) == 0)
        return false;
    return strcmp(test_group(test), group->name) == 0 || (group->versions & version_bit(version)) != 0 ||
           matches_any(group->files, file_name(test)) || matches_any(group->names, test->name);
}

const char *group_nearest(const char *word)
{
    const struct group *nearest = &groups[0];
    for (size_t i = 1; i < GROUP_COUNT; i++)
        if (nearest_distance(word, groups[i].name) < nearest_distance(word, nearest->name))
            nearest = &groups[i];
    return nearest->name;
}

/* ---- The list ------------------------------------------------------------------------------------ */

struct every_test {
    const struct conformance_test **tests;
    size_t count;
};

/* How many results a run of the group alone has. */
static size_t count_selected(const struct every_test *all, const struct group *group)
{
    size_t count;
    const struct wishes wishes = {.groups = (const char *[]){group->name}, .group_count = 1};
    struct result *results = select_tests(&wishes, all->tests, all->count, &count);
    for (size_t i = 0; i < count; i++)
        result_clear(&results[i]);
    free(results);
    return count;
}

/* Prints, for each pattern, what it takes; false when that is nothing. */
static bool print_patterns(const struct every_test *all, const struct group *group, bool of_files)
{
    bool good = true;
    const char *const *patterns = of_files ? group->files : group->names;
    for (; *patterns != NULL; patterns++) {
        size_t taken = 0;
        for (size_t i = 0; i < all->count; i++)
            taken += fnmatch(*patterns, of_files ? file_name(all->tests[i]) : all->tests[i]->name, 0) == 0;
        printf("               %5zu tests: %s %s\n", taken, of_files ? "file" : "name", *patterns);
        if (taken == 0)
            fprintf(stderr, "%s: groups.c: in group %s the pattern %s takes nothing\n", SUITE_NAME,
                    group->name, *patterns);
        good = good && taken > 0;
    }
    return good;
}

static bool knows_all_properties(const struct every_test *all)
{
    bool good = true;
    for (size_t i = 0; i < all->count; i++)
        if (group_find(test_group(all->tests[i])) == NULL) {
            fprintf(stderr, "%s: %s:%d: the group %s is not in groups.c\n", SUITE_NAME, all->tests[i]->file,
                    all->tests[i]->line, test_group(all->tests[i]));
            good = false;
        }
    return good;
}

bool groups_print(bool verbose)
{
    struct every_test all;
    all.tests = all_tests(&all.count);
    bool good = knows_all_properties(&all);
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        printf("%-13s %5zu  %s\n", groups[i].name, count_selected(&all, &groups[i]), groups[i].title);
        if (verbose) {
            good = print_patterns(&all, &groups[i], true) && good;
            good = print_patterns(&all, &groups[i], false) && good;
        }
    }
    free(all.tests);
    return good;
}
