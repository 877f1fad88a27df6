/* host/configuration: the parser of the configuration file. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/configuration.h"
#include "host/configuration_keywords.h"
#include "host/nearest.h"

/* The mistakes that a parser has told of. */
struct mistakes {
    size_t count;
    size_t line[8];
    size_t column[8];
    char text[8][400];
};

static void remember(void *context, const struct configuration_error *error)
{
    struct mistakes *mistakes = context;
    const size_t index = mistakes->count++;
    if (index >= 8)
        return;
    mistakes->line[index] = error->line;
    mistakes->column[index] = error->column;
    snprintf(mistakes->text[index], sizeof mistakes->text[index], "%s", error->text);
}

/* The text is given to the parser in a block of its exact size, so that a sanitizer sees a byte too far. */
static bool parse_bytes(struct configuration *configuration, const char *text, size_t length,
                        struct mistakes *mistakes)
{
    const struct configuration_sink sink = {.context = mistakes, .error = remember};
    *mistakes = (struct mistakes){0};
    char *copy = malloc(length ? length : 1);
    if (copy == NULL) /* no ck_assert in what runs by the ten thousand: each one is a message to the parent */
        ck_abort_msg("out of memory");
    memcpy(copy, text, length);
    const bool well = configuration_parse(configuration, bytes_of(copy, length), &sink);
    free(copy);
    if (well != (mistakes->count == 0))
        ck_abort_msg("%zu mistakes were told of", mistakes->count);
    return well;
}

static void accept_text(struct configuration *configuration, const char *text)
{
    struct mistakes mistakes;
    const bool well = parse_bytes(configuration, text, strlen(text), &mistakes);
    ck_assert_msg(well, "%s: %s", text, mistakes.text[0]);
}

static struct mistakes refuse_bytes(const char *text, size_t length)
{
    struct configuration configuration;
    struct mistakes mistakes;
    ck_assert_msg(!parse_bytes(&configuration, text, length, &mistakes), "accepted: %s", text);
    return mistakes;
}

/* Place by place, because what lies between them is anything. */
static bool same(const struct configuration *a, const struct configuration *b)
{
    const struct keyword *keyword;
    for (size_t i = 0; (keyword = keyword_at(i)) != NULL; i++) {
        struct configuration *one = (struct configuration *)(uintptr_t)a;
        struct configuration *other = (struct configuration *)(uintptr_t)b;
        if (memcmp(keyword_place(one, keyword), keyword_place(other, keyword), keyword->width) != 0)
            return false;
    }
    return true;
}

START_TEST(nothing_said_is_the_default)
{
    static const char *const texts[] = {"", "\n", "# comment", "  \t\r\n\r\n   # listener x\n", "#"};
    struct configuration defaults, configuration;
    configuration_default(&defaults);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        accept_text(&configuration, texts[i]);
        ck_assert(same(&configuration, &defaults));
    }
    ck_assert_uint_eq(defaults.listeners.count, 0);
    configuration = defaults;
    configuration.settings = broker_default_settings();
    defaults.settings = configuration_settings(&defaults);
    ck_assert(same(&configuration, &defaults));
}
END_TEST

/* What the manual calls the default, written into a file, changes nothing. */
START_TEST(stated_defaults_are_the_defaults)
{
    const struct keyword *keyword;
    size_t tried = 0;
    for (size_t i = 0; (keyword = keyword_at(i)) != NULL; i++) {
        static const char *const sociable[] = {"port", "server_redirection", "persistence_location",
                                               "durability"};
        bool company = false;
        for (size_t j = 0; j < sizeof sociable / sizeof *sociable; j++)
            company = company || strcmp(keyword->name, sociable[j]) == 0;
        if (!keyword->fallback || company)
            continue; /* they mean nothing, or something else, without other lines */
        struct configuration configuration, defaults;
        char text[200];
        snprintf(text, sizeof text, "%s %s\n", keyword->name, keyword->fallback);
        accept_text(&configuration, text);
        configuration_default(&defaults);
        ck_assert_msg(same(&configuration, &defaults), "%s", text);
        tried++;
    }
    ck_assert_uint_gt(tried, 20);
}
END_TEST

START_TEST(limits_are_taken_over) /* 5.4.8 */
{
    struct configuration configuration;
    configuration_default(&configuration);
    ck_assert(configuration.memory_limit == CONFIGURATION_MEMORY_HALF);
    ck_assert_uint_eq(configuration.address_limits.per_address, UINT32_MAX);
    accept_text(&configuration,
                "packet_max_connect 1k\nmax_user_properties 2\nmax_topic_levels 3\nmax_topic_length 44\nglobal_max_clients 4\n"
                "global_max_connections 5\nmax_connections_per_address 6\nmax_connection_rate 7\n"
                "max_subscriptions_per_client 8\nmax_subscriptions 9\nmax_retained_messages 10\n"
                "max_retained_bytes 5G\nmemory_limit 6G\nmax_queued_bytes 7G\nmax_queued_bytes_total 8G\n");
    const struct broker_settings settings = configuration_settings(&configuration);
    const uint64_t gigabyte = UINT64_C(1) << 30;
    ck_assert_uint_eq(settings.maximum_first_packet, 1024);
    ck_assert_uint_eq(settings.maximum_user_properties, 2);
    ck_assert_uint_eq(settings.maximum_topic_levels, 3);
    ck_assert_uint_eq(settings.maximum_topic_length, 44);
    ck_assert_uint_eq(settings.maximum_sessions, 4);
    ck_assert_uint_eq(configuration.address_limits.connections, 5);
    ck_assert_uint_eq(configuration.address_limits.per_address, 6);
    ck_assert_uint_eq(configuration.address_limits.rate, 7);
    ck_assert_uint_eq(settings.maximum_subscriptions_of_session, 8);
    ck_assert_uint_eq(settings.maximum_subscriptions, 9);
    ck_assert_uint_eq(settings.maximum_retained, 10);
    ck_assert_uint_eq(settings.maximum_retained_bytes, 5 * gigabyte);
    ck_assert_uint_eq(configuration.memory_limit, 6 * gigabyte);
    ck_assert_uint_eq(settings.maximum_queued_bytes, 7 * gigabyte);
    ck_assert_uint_eq(settings.maximum_held_bytes, 8 * gigabyte);
    accept_text(&configuration, "memory_limit 0\nmax_connection_rate -1\n");
    ck_assert_uint_eq(configuration.memory_limit, 0);
    ck_assert_uint_eq(configuration.address_limits.rate, UINT32_MAX);
}
END_TEST

/* Every number and size: its range, and one step beyond on both sides. */
START_TEST(ranges_are_kept)
{
    const struct keyword *keyword;
    size_t tried = 0;
    for (size_t i = 0; (keyword = keyword_at(i)) != NULL; i++) {
        if (keyword->maximum == 0)
            continue;
        const char *unit = strcmp(keyword->value, "DURATION") == 0 ? "s" : "";
        struct configuration configuration;
        char text[200];
        const char *company = strcmp(keyword->name, "port") == 0 ? "allow_anonymous true\n" : "";
        const uint64_t good[] = {keyword->minimum, keyword->maximum};
        for (size_t n = 0; n < 2; n++) {
            snprintf(text, sizeof text, "%s%s %llu%s\n", company, keyword->name, (unsigned long long)good[n],
                     unit);
            accept_text(&configuration, text);
        }
        snprintf(text, sizeof text, "%s %llu%s\n", keyword->name, (unsigned long long)keyword->maximum + 1,
                 unit);
        struct mistakes mistakes = refuse_bytes(text, strlen(text));
        ck_assert_ptr_nonnull(strstr(mistakes.text[0], "out of range"));
        if (keyword->minimum > 0) {
            snprintf(text, sizeof text, "%s %llu%s\n", keyword->name,
                     (unsigned long long)keyword->minimum - 1, unit);
            struct mistakes low = {0};
            ck_assert(parse_bytes(&configuration, text, strlen(text), &low) ==
                      (keyword->zero && keyword->minimum == 1));
        }
        tried++;
    }
    ck_assert_uint_gt(tried, 10);
}
END_TEST

START_TEST(values_reach_their_place)
{
    struct configuration c;
    accept_text(&c,
                "max_packet_size 2k\r\nreceive_maximum 7\nmax_inflight_messages 8\nmax_queued_messages 9\n"
                "queue_full drop_oldest\noutput_limit 3M\nmax_topic_alias 11\nmax_topic_alias_broker 12\n"
                "max_keepalive 13\nconnect_timeout 2min\npersistent_client_expiration 2m\n"
                "message_expiry_maximum 1w\nmax_qos 1\nretain_available false\nwildcard_subscriptions false\n"
                "subscription_identifiers false\nshared_subscriptions false\n"
                "overlapping_subscriptions separate\nvalidate_payload_format true\n"
                "response_information a b\nserver_reference x:1\nserver_redirection permanent\n"
                "sys_interval 0\nlog_timestamp false\nconnection_messages false\n");
    const struct broker_settings s = configuration_settings(&c);
    ck_assert_uint_eq(s.maximum_packet_size, 2048);
    ck_assert_uint_eq(s.receive_maximum, 7);
    ck_assert_uint_eq(s.maximum_inflight, 8);
    ck_assert_uint_eq(s.maximum_queued, 9);
    ck_assert(s.drop_oldest);
    ck_assert_uint_eq(s.maximum_output, 3U << 20);
    ck_assert_uint_eq(s.topic_alias_maximum, 11);
    ck_assert_uint_eq(s.outgoing_topic_aliases, 12);
    ck_assert_uint_eq(s.server_keep_alive, 13);
    ck_assert_uint_eq(s.connect_timeout, 120000);
    ck_assert_uint_eq(s.maximum_session_expiry, 60U * 24 * 3600);
    ck_assert_uint_eq(s.maximum_message_expiry, 7U * 24 * 3600);
    ck_assert_uint_eq(s.maximum_qos, 1);
    ck_assert(!s.retain_available && !s.wildcard_available);
    ck_assert(!s.subscription_identifier_available && !s.shared_available);
    ck_assert(s.separate_overlapping && s.validate_payload_format && s.server_moved);
    ck_assert_str_eq(s.response_information, "a b");
    ck_assert_str_eq(s.server_reference, "x:1");
    ck_assert_uint_eq(c.sys_interval, 0);
    ck_assert(!c.log_timestamp && !c.connection_messages);
}
END_TEST

START_TEST(listeners)
{
    struct configuration c;
    accept_text(&c,
                "listener 1 127.0.0.1\n\tlistener\t0   ::1 \nport 3\nbind_address localhost\nlistener 0 ::1");
    ck_assert_uint_eq(c.listeners.count, 4);
    ck_assert_uint_eq(c.listeners.items[0].port, 1);
    ck_assert_str_eq(c.listeners.items[0].address, "127.0.0.1");
    ck_assert_str_eq(c.listeners.items[1].address, "::1");
    ck_assert_uint_eq(c.listeners.items[3].port, 3);
    ck_assert_str_eq(c.listeners.items[3].address, "localhost");
    accept_text(&c, "listener 5\nallow_anonymous true\nlistener 6 example.org\n");
    ck_assert_str_eq(c.listeners.items[0].address, "");
    accept_text(&c, "bind_address 127.0.0.1\n");
    ck_assert_uint_eq(c.listeners.items[0].port, 1883);
}
END_TEST

static void count_kept(void *context, const char *keyword)
{
    strcat(context, keyword);
    strcat(context, " ");
}

START_TEST(settings_of_listeners)
{
    struct configuration c;
    accept_text(&c, "max_connections 7\nport 3\nbind_address ::1\nlistener 0 ::1\ncertfile /a b\nkeyfile k\n"
                    "tls_version tlsv1.3\nlistener 0 /run/x\nlistener 9\nsocket_domain ipv6\ncafile ca\n"
                    "certfile c\nkeyfile k\nrequire_certificate true\nuse_subject_as_username true\n");
    const struct configuration_listener *items = c.listeners.items;
    ck_assert_uint_eq(c.listeners.count, 4);
    ck_assert_str_eq(items[0].tls.certfile, "/a b");
    ck_assert_uint_eq(items[0].tls.version, TLS_1_3);
    ck_assert(configuration_uses_tls(&items[0]) && !configuration_certifies(&items[0]));
    ck_assert_uint_eq(items[0].maximum_connections, UINT32_MAX);
    ck_assert_str_eq(items[1].path, "/run/x");
    ck_assert(!configuration_uses_tls(&items[1]));
    ck_assert_uint_eq(items[2].domain, DOMAIN_IPV6);
    ck_assert(configuration_certifies(&items[2])); /* so nobody need say that everybody may enter */
    ck_assert_uint_eq(items[3].port, 3);
    ck_assert_uint_eq(items[3].maximum_connections, 7);
    accept_text(&c, "certfile c\nkeyfile k\n");
    ck_assert_uint_eq(c.listeners.count, 0);
    ck_assert(configuration_uses_tls(&c.default_listener));
}
END_TEST

START_TEST(settings_of_websockets)
{
    struct configuration c;
    accept_text(
        &c,
        "listener 1 ::1\nprotocol websockets\nwebsockets_path /a \t /b\nwebsockets_origin https://a:1 null\n"
        "websockets_headers_size 1k\nlistener 2 ::1\n");
    const struct configuration_listener *items = c.listeners.items;
    ck_assert_uint_eq(items[0].protocol, PROTOCOL_WEBSOCKETS);
    ck_assert_str_eq(items[0].websockets.paths, "/a \t /b");
    ck_assert_str_eq(items[0].websockets.origins, "https://a:1 null");
    ck_assert_uint_eq(items[0].websockets.headers_size, 1024);
    ck_assert_uint_eq(items[1].protocol, PROTOCOL_MQTT);
    ck_assert_str_eq(items[1].websockets.paths, "");
    ck_assert_uint_eq(items[1].websockets.headers_size, CONFIGURATION_HEADERS_SIZE);
}
END_TEST

START_TEST(settings_of_listeners_may_change)
{
    struct configuration running, fresh;
    char kept[200] = "";
    accept_text(&running, "listener 1 ::1\ncertfile a\nkeyfile k\n");
    accept_text(&fresh, "listener 1 ::1\ncertfile b\nkeyfile k\nmax_connections 5\n");
    configuration_keep(&fresh, &running, count_kept, kept);
    ck_assert_str_eq(kept, "");
    ck_assert_str_eq(fresh.listeners.items[0].tls.certfile, "b");
    ck_assert_uint_eq(fresh.listeners.items[0].maximum_connections, 5);
    accept_text(&fresh, "listener 1 ::1\ncertfile b\nkeyfile k\nlistener 2 ::1\n");
    configuration_keep(&fresh, &running, count_kept, kept);
    ck_assert_str_eq(kept, "listener ");
    ck_assert_str_eq(fresh.listeners.items[0].tls.certfile, "a");
    kept[0] = '\0';
    accept_text(&fresh, "listener 1 ::1\n"); /* without TLS: nothing that happens in passing */
    configuration_keep(&fresh, &running, count_kept, kept);
    ck_assert_str_eq(kept, "listener ");
    ck_assert_str_eq(fresh.listeners.items[0].tls.certfile, "a");
    kept[0] = '\0';
    accept_text(&running, "certfile a\nkeyfile k\n");
    accept_text(&fresh, "listener 2 ::1\n");
    configuration_keep(&fresh, &running, count_kept, kept);
    ck_assert_str_eq(kept, "listener ");
    ck_assert_uint_eq(fresh.listeners.count, 0);
    ck_assert_str_eq(fresh.default_listener.tls.certfile, "a");
}
END_TEST

START_TEST(queues_and_log)
{
    struct configuration c;
    accept_text(&c, "max_queued_messages 0\nlog_type error\nlog_type information\nlog_dest file /a b\n");
    ck_assert_uint_eq(c.settings.maximum_queued, UINT32_MAX);
    ck_assert_uint_eq(c.log_levels, 1U << LOG_ERROR | 1U << LOG_INFO);
    ck_assert_uint_eq(c.log_destination.kind, LOG_TO_FILE);
    ck_assert_str_eq(c.log_destination.file, "/a b");
    accept_text(&c, "log_type all\nlog_type none\nlog_dest none");
    ck_assert_uint_eq(c.log_levels, 0);
    ck_assert_uint_eq(c.log_destination.kind, LOG_TO_NOWHERE);
}
END_TEST

/* One mistake each: where it is said to be, and a word that the explanation has to contain. */
START_TEST(mistakes_are_placed_and_explained)
{
    static const struct {
        const char *text;
        size_t line;
        size_t column;
        const char *word;
    } cases[] = {
        {"\n max_qoss 1", 2, 2, "max_qos"},
        {"zzzzzzzzzzzzzz 1", 1, 1, "--help-configuration"},
        {"persistence yes", 1, 13, "false|true"},
        {"persistence true\ndurability fsync", 2, 12, "sync|async|none"},
        {"persistence true\npersistence_location", 2, 21, "needs a value: PATH"},
        {"# x\npersistence_location /x", 2, 1, "persistence true"},
        {"durability sync", 1, 1, "persistence true"},
        {"persistence_file x", 1, 1, "persistence_location"},
        {"autosave_interval 1", 1, 1, "durability"},
        {"autosave_on_changes true", 1, 1, "durability"},
        {"retained_persistence true", 1, 1, "persistence true"},
        {"cafile x", 1, 1, "no certfile"},
        {"certfile x", 1, 1, "no keyfile"},
        {"certfile x\nlistener 1 ::1", 1, 1, "belongs below"},
        {"listener 1 ::1\n\ncrlfile x", 1, 1, "no certfile"},
        {"listener 1 ::1\nuse_identity_as_username true", 1, 1, "require_certificate true"},
        {"listener 1 ::1\ncertfile x\nkeyfile y\ncrlfile z", 1, 1, "crlfile means nothing"},
        {"listener 1 ::1\ncertfile x\nkeyfile y\nrequire_certificate true", 1, 1, "cafile or capath"},
        {"listener 1 ::1\ncertfile x\nkeyfile y\nlistener 2 ::1\ncertfile x\nkeyfile y\ncertfile z", 7, 1,
         "line 5"},
        {"listener 1 ::1\ntls_version tlsv1.1", 2, 13, "not secure"},
        {"listener 1 ::1\ntls_version 1.2", 2, 13, "tlsv1.2|tlsv1.3"},
        {"listener 1 ::1\nmax_connections -2", 2, 17, "not a number"},
        {"listener 1 ::1\nmax_connections 0", 2, 17, "1 to"},
        {"listener 1 ::1\nsocket_domain ip", 2, 15, "any|ipv4|ipv6"},
        {"listener 1 /x", 1, 10, "has no port"},
        {"listener 0 /x\nlistener 0 /x", 2, 10, "path has a listener"},
        {"listener 0 /x y", 1, 14, "one address"},
        {"listener 1 ::1\nprotocol ws", 2, 10, "mqtt|websockets"},
        {"listener 1 ::1\nwebsockets_path /", 1, 1, "not \"protocol websockets\""},
        {"listener 1 ::1\nwebsockets_origin https://a", 1, 1, "not \"protocol websockets\""},
        {"protocol websockets\nwebsockets_path /a b /c", 2, 20, "\"b\" is no path"},
        {"protocol websockets\nwebsockets_path /a?b", 2, 17, "is no path"},
        {"protocol websockets\nwebsockets_origin null https://a/", 2, 24, "is no origin"},
        {"protocol websockets\nwebsockets_origin a https://b", 2, 19, "\"a\" is no origin"},
        {"protocol websockets\nwebsockets_origin ://a", 2, 19, "is no origin"},
        {"protocol websockets\nwebsockets_path / / / / / / / / / / / / / / / / /", 2, 49, "16"},
        {"websockets_headers_size 100", 1, 25, "512 to"},
        {"http_dir /x", 1, 1, "no files"},
        {"websockets_log_level 1", 1, 1, "log_type"},
        {"bind_interface eth0", 1, 1, "ADDRESS"},
        {"mount_point x", 1, 1, "every topic"},
        {"dhparamfile x", 1, 1, "not needed"},
        {"psk_file x", 1, 1, "shared keys"},
        {"password_file", 1, 14, "needs a value: PATH"},
        {"max_qos", 1, 8, "needs a value: COUNT"},
        {"max_qos  ", 1, 8, "needs a value"},
        {"max_qos one", 1, 9, "not a number"},
        {"max_qos 1 # why", 1, 10, "line of its own"},
        {"max_qos -1", 1, 9, "not a number"},
        {"max_qos 99999999999999999999999", 1, 9, "0 to 2"},
        {"max_qos 1\n\nmax_qos 1", 3, 1, "line 1"},
        {"max_packet_size 19", 1, 17, "0 (no limit) or 20"},
        {"max_packet_size 2kB", 1, 18, "not a size"},
        {"max_packet_size 99999999999999G", 1, 17, "out of range"},
        {"connect_timeout 5", 1, 18, "90s"},
        {"connect_timeout 5m", 1, 18, "min"},
        {"persistent_client_expiration 5x", 1, 31, "months"},
        {"retain_available 1", 1, 18, "false|true"},
        {"queue_full drop", 1, 12, "drop_newest|drop_oldest"},
        {"max_qos 1\nallow_anonymous false", 2, 1, "nobody could enter"},
        {"set_tcp_nodelay false", 1, 17, "gathered"},
        {"log_type debug", 1, 10, "error|warning"},
        {"log_dest syslog", 1, 10, "file PATH"},
        {"log_dest file", 1, 14, "name of the file"},
        {"listener x", 1, 10, "port"},
        {"listener 65536 ::1", 1, 10, "port"},
        {"listener 1 ::1 more", 1, 15, "one address"},
        {"listener 1 ::1\nlistener 1 ::1", 2, 10, "already"},
        {"bind_address a b", 1, 15, "one address"},
        {"# x\nlistener 1883", 2, 1, "allow_anonymous true"},
        {"listener 1883 127.example.org", 1, 1, "allow_anonymous true"},
        {"port 1883", 1, 1, "allow_anonymous true"},
        {"server_redirection permanent", 1, 1, "server_reference"},
        {"response_information \xC3\x28", 1, 22, "UTF-8"},
        {"max_qos 1\rmax_qos 1", 1, 10, "0x0d"},
        {"# \x7F", 1, 3, "0x7f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct mistakes mistakes = refuse_bytes(cases[i].text, strlen(cases[i].text));
        ck_assert_msg(mistakes.count == 1 && mistakes.line[0] == cases[i].line &&
                          mistakes.column[0] == cases[i].column && strstr(mistakes.text[0], cases[i].word),
                      "%s: %zu mistakes, %zu:%zu: %s", cases[i].text, mistakes.count, mistakes.line[0],
                      mistakes.column[0], mistakes.text[0]);
    }
}
END_TEST

START_TEST(every_mistake_is_told)
{
    static const char text[] = "max_qos 3\n\0\nlistener\nmax_keepalive 1\nfoo bar\nretain_available maybe\n";
    const struct mistakes mistakes = refuse_bytes(text, sizeof text - 1);
    ck_assert_uint_eq(mistakes.count, 5);
    static const size_t lines[] = {1, 2, 3, 5, 6};
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(mistakes.line[i], lines[i]);
    ck_assert_ptr_nonnull(strstr(mistakes.text[1], "0x00"));
}
END_TEST

START_TEST(long_lines)
{
    char text[CONFIGURATION_LONGEST_LINE + 2];
    struct configuration c;
    memset(text, 'a', sizeof text);
    memcpy(text, "response_information ", 21);
    struct mistakes mistakes;
    ck_assert(parse_bytes(&c, text, CONFIGURATION_LONGEST_LINE, &mistakes));
    ck_assert_uint_eq(strlen(c.response_information), CONFIGURATION_LONGEST_LINE - 21);
    mistakes = refuse_bytes(text, CONFIGURATION_LONGEST_LINE + 1);
    ck_assert_ptr_nonnull(strstr(mistakes.text[0], "too long"));
    memcpy(text, "bind_address aaaaaaaa", 21);
    mistakes = refuse_bytes(text, CONFIGURATION_LONGEST_LINE);
    ck_assert_ptr_nonnull(strstr(mistakes.text[0], "too long"));
    memcpy(text, "listener 1 aaaaaaaaaa", 21);
    mistakes = refuse_bytes(text, CONFIGURATION_LONGEST_LINE);
    ck_assert_ptr_nonnull(strstr(mistakes.text[0], "too long"));
    memset(text, 'k', sizeof text);
    mistakes = refuse_bytes(text, CONFIGURATION_LONGEST_LINE);
    ck_assert_ptr_nonnull(strstr(mistakes.text[0], "unknown keyword"));
}
END_TEST

START_TEST(too_many_listeners)
{
    char text[1000] = "";
    struct configuration c;
    for (int i = 0; i < CONFIGURATION_LISTENERS; i++)
        strcat(text, "listener 0 ::1\n");
    accept_text(&c, text);
    strcat(text, "listener 0 ::1\nport 1\nbind_address ::1\n");
    const struct mistakes mistakes = refuse_bytes(text, strlen(text));
    ck_assert_uint_eq(mistakes.count, 2);
    ck_assert_uint_eq(mistakes.line[0], 17);
    ck_assert_uint_eq(mistakes.line[1], 18);
}
END_TEST

START_TEST(a_file_that_is_something_else)
{
    char text[2 * 5000];
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "x\n", 2);
    const struct mistakes mistakes = refuse_bytes(text, sizeof text);
    ck_assert_uint_eq(mistakes.count, CONFIGURATION_MOST_MISTAKES + 1);
}
END_TEST

START_TEST(a_running_broker_keeps_what_it_cannot_change)
{
    struct configuration running, fresh;
    char kept[200] = "";
    accept_text(&running, "listener 1 ::1\nmax_qos 1\nmax_keepalive 5\n");
    accept_text(&fresh, "listener 2 ::1\nmax_qos 2\nmax_keepalive 6\nresponse_information r\n");
    configuration_keep(&fresh, &running, count_kept, kept);
    ck_assert_str_eq(kept, "listener max_qos ");
    ck_assert_uint_eq(fresh.listeners.items[0].port, 1);
    ck_assert_uint_eq(fresh.settings.maximum_qos, 1);
    ck_assert_uint_eq(fresh.settings.server_keep_alive, 6);
    ck_assert_str_eq(fresh.response_information, "r");
    kept[0] = '\0';
    configuration_keep(&fresh, &running, count_kept, kept);
    ck_assert_str_eq(kept, "");
}
END_TEST

START_TEST(the_store)
{
    struct configuration c;
    accept_text(&c, "");
    ck_assert_ptr_null(configuration_store(&c));
    accept_text(&c, "persistence true\n");
    ck_assert_str_eq(configuration_store(&c), "etalon.store");
    ck_assert_uint_eq(c.durability, STORE_SYNC);
    accept_text(&c, "persistence true\npersistence_location /a b\ndurability async\n");
    ck_assert_str_eq(configuration_store(&c), "/a b");
    ck_assert_uint_eq(c.durability, STORE_ASYNC);
    accept_text(&c, "durability none\npersistence true\n");
    ck_assert_uint_eq(c.durability, STORE_LAZY);
    accept_text(&c, "persistence_location /x\npersistence false\ndurability sync\n");
    ck_assert_ptr_null(configuration_store(&c));
}
END_TEST

START_TEST(the_store_of_the_command_line_wins)
{
    struct configuration c, other;
    char kept[200] = "";
    char longest[CONFIGURATION_TEXT_SIZE + 1];
    accept_text(&c, "persistence true\npersistence_location /a/longer/name\n");
    ck_assert(configuration_store_in(&c, "/x"));
    ck_assert_str_eq(configuration_store(&c), "/x");
    accept_text(&other, "persistence false\n");
    ck_assert(configuration_store_in(&other, "/x"));
    ck_assert_str_eq(configuration_store(&other), "/x");
    configuration_keep(&other, &c, count_kept, kept); /* so SIGHUP has nothing to say about it */
    ck_assert_str_eq(kept, "");
    memset(longest, 'x', sizeof longest);
    longest[CONFIGURATION_TEXT_SIZE] = '\0';
    ck_assert(!configuration_store_in(&c, longest));
    ck_assert_str_eq(configuration_store(&c), "/x");
    longest[CONFIGURATION_TEXT_SIZE - 1] = '\0';
    ck_assert(configuration_store_in(&c, longest));
    ck_assert_str_eq(configuration_store(&c), longest);
}
END_TEST

START_TEST(the_store_needs_a_restart)
{
    struct configuration running, fresh;
    char kept[200] = "";
    accept_text(&running, "persistence true\npersistence_location /abc\n");
    accept_text(&fresh, "persistence false\npersistence_location /d\ndurability none\n");
    configuration_keep(&fresh, &running, count_kept, kept);
    ck_assert_str_eq(kept, "persistence persistence_location durability ");
    ck_assert_str_eq(configuration_store(&fresh), "/abc");
    ck_assert_uint_eq(fresh.durability, STORE_SYNC);
}
END_TEST

/* Texts cut anywhere and bytes changed anywhere: no finding but that of the sanitizers. */
START_TEST(mangled_texts_do_no_harm)
{
    static const char text[] =
        "listener 0 127.0.0.1\nmax_packet_size 2k\r\nlog_dest file x\nserver_reference y\n"
        "persistent_client_expiration 3d\nport 9\nlog_type all\nacl_file\npassword_file p\n";
    char changed[sizeof text];
    uint32_t state = 1;
    for (int round = 0; round < 20000; round++) {
        memcpy(changed, text, sizeof text);
        for (int i = 0; i < 3; i++) {
            state = state * 1664525U + 1013904223U;
            changed[(state >> 8) % (sizeof text - 1)] = (char)(state >> 24);
        }
        struct configuration configuration;
        struct mistakes mistakes;
        parse_bytes(&configuration, changed, (state >> 4) % sizeof text, &mistakes);
    }
}
END_TEST

START_TEST(distances)
{
    ck_assert_uint_eq(nearest_distance("", ""), 0);
    ck_assert_uint_eq(nearest_distance("abc", ""), 3);
    ck_assert_uint_eq(nearest_distance("", "abc"), 3);
    ck_assert_uint_eq(nearest_distance("abc", "abc"), 0);
    ck_assert_uint_eq(nearest_distance("kitten", "sitting"), 3);
    ck_assert_ptr_null(keyword_nearest("xxxxxxxx"));
    ck_assert_str_eq(keyword_nearest("lisener"), "listener");
}
END_TEST

Suite *suite_host_configuration(void);

Suite *suite_host_configuration(void)
{
    Suite *suite = suite_create("host/configuration");
    TCase *values = tcase_create("values");
    tcase_add_test(values, nothing_said_is_the_default);
    tcase_add_test(values, stated_defaults_are_the_defaults);
    tcase_add_test(values, limits_are_taken_over);
    tcase_add_test(values, ranges_are_kept);
    tcase_add_test(values, values_reach_their_place);
    tcase_add_test(values, listeners);
    tcase_add_test(values, settings_of_listeners);
    tcase_add_test(values, settings_of_websockets);
    tcase_add_test(values, settings_of_listeners_may_change);
    tcase_add_test(values, queues_and_log);
    tcase_add_test(values, a_running_broker_keeps_what_it_cannot_change);
    tcase_add_test(values, the_store);
    tcase_add_test(values, the_store_of_the_command_line_wins);
    tcase_add_test(values, the_store_needs_a_restart);
    suite_add_tcase(suite, values);
    TCase *mistakes = tcase_create("mistakes");
    tcase_add_test(mistakes, mistakes_are_placed_and_explained);
    tcase_add_test(mistakes, every_mistake_is_told);
    tcase_add_test(mistakes, long_lines);
    tcase_add_test(mistakes, too_many_listeners);
    tcase_add_test(mistakes, a_file_that_is_something_else);
    tcase_add_test(mistakes, mangled_texts_do_no_harm);
    tcase_add_test(mistakes, distances);
    tcase_set_timeout(mistakes, 60);
    suite_add_tcase(suite, mistakes);
    return suite;
}
