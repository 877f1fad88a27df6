/* Checks the tables that spec/generate makes: every entry is found again, and samples of each kind are right.
 * Prints one line per check in the form of tests/spec/run. */
#include <stdio.h>
#include <string.h>

#include "property_table.h"
#include "reason_code.h"
#include "statement.h"

static int failures;

static void check(bool holds, const char *what)
{
    printf("%s tables: %s\n", holds ? "ok" : "FAIL", what);
    failures += !holds;
}

/* The id in brackets and lower case: what a user may paste from a log line. */
static void disguise(char *out, size_t size, const char *id)
{
    snprintf(out, size, "[%s]", id);
    for (; *out != '\0'; out++) {
        if (*out >= 'A' && *out <= 'Z')
            *out = (char)(*out - 'A' + 'a');
    }
}

static void check_statements(void)
{
    bool plain = true;
    bool disguised = true;
    for (int i = 1; i < STATEMENT_COUNT; i++) {
        char text[64];
        const char *id = statement_describe((enum statement)i)->id;
        disguise(text, sizeof text, id);
        plain = plain && statement_find(id) == (enum statement)i;
        disguised = disguised && statement_find(text) == (enum statement)i;
    }
    check(plain, "every statement is found by its id");
    check(disguised, "every statement is found in brackets and lower case");
    check(statement_find("MQTT-3.3.1-5") == MQTT_3_3_1_5, "a known id");
    check(statement_find("mqtt3-3.3.1-5") == MQTT3_3_3_1_5, "a known id of 3.1.1");
    check(statement_find("s3-3.8.3-1") == S3_3_8_3_1, "a rule of 3.1.1 without number");
    check(strcmp(statement_describe(MQTT_3_3_1_5)->level, "MUST") == 0, "a known level");
    check(strcmp(statement_describe(MQTT_3_3_1_5)->version, "5.0") == 0, "a row of 5.0");
    check(strcmp(statement_describe(MQTT3_3_3_1_5)->version, "3.1.1") == 0 &&
              strcmp(statement_describe(D3_6_1)->version, "3.1.1") == 0,
          "rows of 3.1.1");
    const char *unknown[] = {"", "[]", "[", "MQTT", "MQTT-3.3.1-", "MQTT-3.3.1-55", "[MQTT-3.3.1-5", "zzz"};
    bool none = statement_find(NULL) == STATEMENT_NONE;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        none = none && statement_find(unknown[i]) == STATEMENT_NONE;
    check(none, "what is not an id finds nothing");
    check(statement_describe(STATEMENT_COUNT)->id[0] == '\0', "out of range describes nothing, but not NULL");
}

static void check_properties(void)
{
    int found = 0;
    int uses = 0;
    for (uint32_t identifier = 0; identifier < 70000; identifier++) {
        const enum property_ordinal ordinal = property_find(identifier);
        if (ordinal == PROPERTY_COUNT)
            continue;
        found += (int)ordinal == found && (uint32_t)property_describe(ordinal)->identifier == identifier;
        for (int context = 0; context < CONTEXT_COUNT; context++)
            uses += property_use(ordinal, (enum property_context)context)->senders != 0;
    }
    check(found == 27, "27 properties, dense ordinals in the order of their identifiers");
    check(uses == 64, "64 pairs of property and place");
    const struct property_use *use = property_use(ORDINAL_TOPIC_ALIAS, CONTEXT_PUBLISH);
    check(use->minimum == 1 && use->maximum == 65535, "range of Topic Alias");
    check(use->wrong_value == MQTT_3_3_2_8, "Topic Alias is not 0");
    check(use->wrong_value_code == REASON_TOPIC_ALIAS_INVALID, "Topic Alias 0 has a Reason Code of its own");
    use = property_use(ORDINAL_SUBSCRIPTION_IDENTIFIER, CONTEXT_PUBLISH);
    check(use->senders == PROPERTY_FROM_SERVER && use->may_repeat && use->wrong_sender == MQTT_3_3_4_6,
          "Subscription Identifier in PUBLISH comes from the Server, any number of times");
    use = property_use(ORDINAL_SUBSCRIPTION_IDENTIFIER, CONTEXT_CONNECT);
    check(use->senders == 0 && use->wrong_sender == P_2_2_2_2_1, "a misplaced property is malformed");
    check(strcmp(property_context_name(CONTEXT_WILL), "Will") == 0, "name of a place");
}

static void check_reason_codes(void)
{
    int pairs = 0;
    for (unsigned pair = 0; pair < 20 * 256; pair++) {
        const uint8_t code = (uint8_t)(pair % 256);
        pairs += reason_code_allowed(pair / 256, code, true) || reason_code_allowed(pair / 256, code, false);
    }
    check(pairs == 96, "96 pairs of Reason Code and packet");
    check(reason_code_allowed(14, 0x04, false), "a Client may send 0x04");
    check(!reason_code_allowed(14, 0x04, true), "a Server may not send 0x04");
    check(strcmp(reason_code_name(14, 0), "Normal disconnection") == 0, "0x00 in DISCONNECT");
    check(strcmp(reason_code_name(9, 0), "Granted QoS 0") == 0, "0x00 in SUBACK");
    check(strcmp(reason_code_name(4, 0), "Success") == 0, "0x00 elsewhere");
    check(strcmp(reason_code_name(2, 0x8C), "Bad authentication method") == 0, "a code with one name");
    check(strcmp(reason_code_name(2, 0x03), "unknown") == 0, "a code without name");
}

int main(void)
{
    check_statements();
    check_properties();
    check_reason_codes();
    return failures == 0 ? 0 : 1;
}
