#include "configuration_keywords.h"

#include <assert.h>
#include <string.h>

#include "../mqtt/1_5_data_representation.h"
#include "nearest.h"

/* Telling what is wrong. Always returns false, so that a reader can end with it. */

static bool complain(struct problem *problem, size_t offset, const char *before, const char *value,
                     const char *after)
{
    problem->offset = offset;
    problem->text = (struct line){0};
    line_text(&problem->text, before);
    if (value) {
        line_text(&problem->text, "\"");
        line_stranger(&problem->text, bytes_of_text(value));
        line_text(&problem->text, "\"");
    }
    line_text(&problem->text, after);
    return false;
}

static bool complain_of_range(struct problem *problem, const struct keyword *keyword, const char *value,
                              const char *unit)
{
    complain(problem, 0, "", value, " is out of range: ");
    if (keyword->zero)
        line_text(&problem->text, "0 (no limit) or ");
    line_number(&problem->text, keyword->minimum);
    line_text(&problem->text, " to ");
    line_number(&problem->text, keyword->maximum);
    line_text(&problem->text, unit);
    return false;
}

/* Putting a number to its place. */

void *keyword_place(struct configuration *configuration, const struct keyword *keyword)
{
    struct configuration_listeners *listeners = &configuration->listeners;
    if (!keyword->of_listener)
        return (char *)configuration + keyword->offset;
    struct configuration_listener *listener =
        listeners->count > 0 ? &listeners->items[listeners->count - 1] : &configuration->default_listener;
    return (char *)listener + keyword->offset;
}

static void store(struct configuration *configuration, const struct keyword *keyword, uint64_t number)
{
    void *place = keyword_place(configuration, keyword);
    const uint64_t scaled = number * (keyword->scale ? keyword->scale : 1);
    const uint8_t one = (uint8_t)scaled;
    const uint16_t two = (uint16_t)scaled;
    const uint32_t four = (uint32_t)scaled;
    const void *sources[] = {
        [sizeof one] = &one, [sizeof two] = &two, [sizeof four] = &four, [sizeof scaled] = &scaled};
    assert(keyword->width < sizeof sources / sizeof *sources && sources[keyword->width]);
    memcpy(place, sources[keyword->width], keyword->width);
}

static bool store_within(struct configuration *configuration, const struct keyword *keyword, uint64_t number,
                         const char *value, const char *unit, struct problem *problem)
{
    const bool fits = number >= keyword->minimum && number <= keyword->maximum;
    if (!fits && !(number == 0 && keyword->zero))
        return complain_of_range(problem, keyword, value, unit);
    store(configuration, keyword, number);
    return true;
}

/* The digits that `value` begins with. Returns how many they are; a number that is too large stays at
 * UINT64_MAX. */
static size_t take_digits(const char *value, uint64_t *number)
{
    size_t count = 0;
    *number = 0;
    for (; value[count] >= '0' && value[count] <= '9'; count++) {
        const uint64_t digit = (uint64_t)(value[count] - '0');
        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
    }
    return count;
}

static uint64_t multiply(uint64_t number, uint64_t factor)
{
    return number > UINT64_MAX / factor ? UINT64_MAX : number * factor;
}

static bool read_number(struct configuration *configuration, const struct keyword *keyword, const char *value,
                        struct problem *problem)
{
    uint64_t number;
    const size_t digits = take_digits(value, &number);
    if (digits == 0 || value[digits] != '\0')
        return complain(problem, digits, "", value, " is not a number");
    return store_within(configuration, keyword, number, value, "", problem);
}

/* In Mosquitto's meaning 0 takes the bound away. The core's counter then is the bound. */
static bool read_queue_length(struct configuration *configuration, const struct keyword *keyword,
                              const char *value, struct problem *problem)
{
    if (!read_number(configuration, keyword, value, problem))
        return false;
    if (configuration->settings.maximum_queued == 0)
        configuration->settings.maximum_queued = UINT32_MAX;
    return true;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* The factor of the unit called `name`; 0: there is none. */
static uint64_t factor_of(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i].name, name) == 0)
            return units[i].factor;
    }
    return 0;
}

static bool read_size(struct configuration *configuration, const struct keyword *keyword, const char *value,
                      struct problem *problem)
{
    static const struct unit units[] = {
        {"", 1}, {"k", 1U << 10}, {"K", 1U << 10}, {"M", 1U << 20}, {"G", 1U << 30}};
    uint64_t number;
    const size_t digits = take_digits(value, &number);
    const uint64_t factor = factor_of(units, sizeof units / sizeof *units, value + digits);
    if (digits == 0 || factor == 0)
        return complain(problem, digits, "", value,
                        " is not a size: bytes as a number, k or M may follow it");
    return store_within(configuration, keyword, multiply(number, factor), value, " bytes", problem);
}

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, WEEK = 7 * DAY, MONTH = 30 * DAY, YEAR = 365 * DAY };

static bool read_duration(struct configuration *configuration, const struct keyword *keyword,
                          const char *value, struct problem *problem)
{
    static const struct unit units[] = {{"m", MONTH}, {"s", 1},    {"min", MINUTE}, {"h", HOUR},
                                        {"d", DAY},   {"w", WEEK}, {"y", YEAR}};
    const size_t skipped = keyword->months ? 0 : 1;
    uint64_t number;
    const size_t digits = take_digits(value, &number);
    const uint64_t factor =
        factor_of(units + skipped, sizeof units / sizeof *units - skipped, value + digits);
    if (digits == 0 || factor == 0)
        return complain(problem, digits, "", value,
                        keyword->months
                            ? " is not a duration: a number with s, min, h, d, w, m (months) or y is needed, "
                              "for instance 14d"
                            : " is not a duration: a number with s, min, h, d, w or y is needed, for "
                              "instance 90s");
    return store_within(configuration, keyword, multiply(number, factor), value, " seconds", problem);
}

/* The position of `value` among the choices "a|b|c"; SIZE_MAX: it is none of them. */
static size_t choice_of(const char *choices, const char *value)
{
    const size_t length = strlen(value);
    size_t index = 0;
    for (const char *choice = choices;; choice++, index++) {
        const size_t end = strcspn(choice, "|");
        if (end == length && strncmp(choice, value, length) == 0)
            return index;
        choice += end;
        if (*choice == '\0')
            return SIZE_MAX;
    }
}

static bool complain_of_choice(struct problem *problem, const struct keyword *keyword, const char *value)
{
    complain(problem, 0, "", value, " is none of the possible values ");
    line_text(&problem->text, keyword->value);
    return false;
}

static bool read_choice(struct configuration *configuration, const struct keyword *keyword, const char *value,
                        struct problem *problem)
{
    const size_t index = choice_of(keyword->value, value);
    if (index == SIZE_MAX)
        return complain_of_choice(problem, keyword, value);
    store(configuration, keyword, index);
    return true;
}

static bool read_nodelay(struct configuration *configuration, const struct keyword *keyword,
                         const char *value, struct problem *problem)
{
    if (strcmp(value, "false") == 0)
        return complain(
            problem, 0,
            "false is not possible: output is gathered by the broker itself, so a delay in the kernel would "
            "only cost time; remove the line",
            NULL, "");
    return read_choice(configuration, keyword, value, problem);
}

/* Texts. */

/* They end up in UTF-8 Encoded Strings, section 1.5.4. */
static bool read_text(struct configuration *configuration, const struct keyword *keyword, const char *value,
                      struct problem *problem)
{
    const size_t length = strlen(value);
    size_t bad = 0;
    if (utf8_check(bytes_of(value, length), &bad) != UTF8_WELL_FORMED)
        return complain(problem, bad, "this text is not UTF-8", NULL, "");
    if (length >= keyword->width)
        return complain(problem, keyword->width, "", value, " is too long");
    char *place = keyword_place(configuration, keyword);
    memset(place, 0, keyword->width); /* configuration_keep compares all of it */
    memcpy(place, value, length);
    return true;
}

/* Lists of words. */

static bool is_path(const char *word, size_t length)
{
    return word[0] == '/' && memchr(word, '?', length) == NULL && memchr(word, '#', length) == NULL;
}

/* "null" is what the pages of files say. A slash at the end is a mistake that nobody would see. */
static bool is_origin(const char *word, size_t length)
{
    const char *authority = strstr(word, "://");
    if (length == 4 && memcmp(word, "null", 4) == 0)
        return true;
    if (!authority || authority == word || authority + 3 >= word + length)
        return false;
    authority += 3;
    return memchr(authority, '/', length - (size_t)(authority - word)) == NULL;
}

static bool read_words(struct configuration *configuration, const struct keyword *keyword, const char *value,
                       bool (*is_one)(const char *word, size_t length), const char *what,
                       struct problem *problem)
{
    size_t count = 0;
    for (const char *word = value + strspn(value, " \t"); *word; word += strspn(word, " \t")) {
        const size_t length = strcspn(word, " \t");
        struct line one = {0};
        line_bytes(&one, word, length);
        if (!is_one(word, length))
            return complain(problem, (size_t)(word - value), "", one.text, what);
        if (++count > CONFIGURATION_WORDS)
            return complain(problem, (size_t)(word - value), "there are too many of them: 16 are possible",
                            NULL, "");
        word += length;
    }
    return read_text(configuration, keyword, value, problem);
}

static bool read_paths(struct configuration *configuration, const struct keyword *keyword, const char *value,
                       struct problem *problem)
{
    return read_words(configuration, keyword, value, is_path,
                      " is no path: it begins with / and has neither ? nor #", problem);
}

static bool read_origins(struct configuration *configuration, const struct keyword *keyword,
                         const char *value, struct problem *problem)
{
    return read_words(configuration, keyword, value, is_origin,
                      " is no origin: scheme and host, perhaps a port, as in https://example.org:8443",
                      problem);
}

static bool read_address(struct configuration *configuration, const struct keyword *keyword,
                         const char *value, struct problem *problem)
{
    const size_t blank = strcspn(value, " \t");
    if (value[blank] != '\0')
        return complain(problem, blank, "", value, " is not one address");
    return read_text(configuration, keyword, value, problem);
}

static bool read_port(const char *value, size_t length, uint16_t *port)
{
    uint64_t number;
    if (length == 0 || take_digits(value, &number) != length || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool same_listener(const struct configuration_listener *a, const struct configuration_listener *b)
{
    if (a->path[0] || b->path[0])
        return strcmp(a->path, b->path) == 0;
    return a->port != 0 && a->port == b->port && strcmp(a->address, b->address) == 0;
}

static bool add_listener(struct configuration_listeners *listeners,
                         const struct configuration_listener *listener, struct problem *problem)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (same_listener(&listeners->items[i], listener))
            return complain(problem, 0,
                            listener->path[0] ? "this path has a listener already"
                                              : "this port and address have a listener already",
                            NULL, "");
    }
    if (listeners->count == CONFIGURATION_LISTENERS)
        return complain(problem, 0, "there are too many listeners: 16 are possible", NULL, "");
    memcpy(&listeners->items[listeners->count++], listener, sizeof *listener);
    return true;
}

/* `where`: of the address in the value. What has a slash is the path of a Unix socket, as in Mosquitto. */
static bool read_place(struct configuration_listener *listener, const char *address, size_t where,
                       struct problem *problem)
{
    const size_t length = strcspn(address, " \t");
    const bool path = memchr(address, '/', length) != NULL;
    if (address[length] != '\0')
        return complain(problem, where + length, "", address, " is not one address");
    if (path && listener->port != 0)
        return complain(problem, 0, "a Unix socket has no port: listener 0 PATH", NULL, "");
    if (path && length >= sizeof listener->path)
        return complain(problem, where, "the path of a Unix socket has 107 bytes at most", NULL, "");
    if (length >= sizeof listener->address)
        return complain(problem, where, "", address, " is too long for an address");
    memcpy(path ? listener->path : listener->address, address, length);
    return true;
}

static bool read_listener(struct configuration *configuration, const struct keyword *keyword,
                          const char *value, struct problem *problem)
{
    struct configuration_listener listener;
    const size_t digits = strcspn(value, " \t");
    const char *address = value + digits + strspn(value + digits, " \t");
    (void)keyword;
    memset(&listener, 0, sizeof listener); /* with its padding, see configuration_default */
    listener.maximum_connections = UINT32_MAX;
    listener.websockets.headers_size = CONFIGURATION_HEADERS_SIZE;
    if (!read_port(value, digits, &listener.port))
        return complain(problem, 0, "", value,
                        " does not begin with a port: a number from 0 (any free port) to 65535");
    return read_place(&listener, address, (size_t)(address - value), problem) &&
           add_listener(&configuration->listeners, &listener, problem);
}

/* Mosquitto's -1 is its default: no limit. */
static bool read_maximum_connections(struct configuration *configuration, const struct keyword *keyword,
                                     const char *value, struct problem *problem)
{
    if (strcmp(value, "-1") != 0)
        return read_number(configuration, keyword, value, problem);
    store(configuration, keyword, UINT32_MAX);
    return true;
}

static bool read_tls_version(struct configuration *configuration, const struct keyword *keyword,
                             const char *value, struct problem *problem)
{
    if (strcmp(value, "tlsv1.1") == 0 || strcmp(value, "tlsv1") == 0)
        return complain(problem, 0, "", value, " is not possible: versions before TLS 1.2 are not secure");
    return read_choice(configuration, keyword, value, problem);
}

/* The log. */

enum { ALL_LEVELS = 1U << LOG_ERROR | 1U << LOG_WARNING | 1U << LOG_NOTICE | 1U << LOG_INFO };

/* The levels of the lines of one file add up, as they do in Mosquitto; configuration_parse has emptied the
 * set before the first of them. */
static bool read_log_type(struct configuration *configuration, const struct keyword *keyword,
                          const char *value, struct problem *problem)
{
    const size_t index = choice_of(keyword->value, value);
    static const uint8_t levels[] = {1U << LOG_ERROR, 1U << LOG_WARNING, 1U << LOG_NOTICE,
                                     1U << LOG_INFO,  ALL_LEVELS,        0};
    if (index == SIZE_MAX)
        return complain_of_choice(problem, keyword, value);
    configuration->log_levels = index == sizeof levels - 1 ? 0 : configuration->log_levels | levels[index];
    return true;
}

static bool read_log_destination(struct configuration *configuration, const struct keyword *keyword,
                                 const char *value, struct problem *problem)
{
    struct configuration_log_destination *destination = &configuration->log_destination;
    const size_t index = choice_of("stderr|stdout|none", value);
    (void)keyword;
    if (index != SIZE_MAX) {
        *destination = (struct configuration_log_destination){.kind = (uint8_t)index};
        return true;
    }
    const size_t word = strcspn(value, " \t");
    const char *file = value + word + strspn(value + word, " \t");
    if (word == strlen("file") && strncmp(value, "file", word) == 0) {
        if (*file == '\0')
            return complain(problem, word, "the name of the file is missing: log_dest file PATH", NULL, "");
        *destination = (struct configuration_log_destination){.kind = LOG_TO_FILE};
        memcpy(destination->file, file, strlen(file) + 1);
        return true;
    }
    return complain(problem, 0, "", value, " is no place for the log: stderr, stdout, file PATH or none is");
}

/* The table. */

_Static_assert(STORE_SYNC == 0 && STORE_ASYNC == 1 && STORE_LAZY == 2,
               "the order of the choices of durability");

#define PLACE(member)                                                                                        \
    .offset = offsetof(struct configuration, member), .width = sizeof(((struct configuration *)NULL)->member)
#define OF_LISTENER(member)                                                                                  \
    .offset = offsetof(struct configuration_listener, member),                                               \
    .width = sizeof(((struct configuration_listener *)NULL)->member), .of_listener = true,                   \
    .reloadable = true
#define FROM(from, to) .minimum = from, .maximum = to
#define BOOLEAN "false|true"

static const struct keyword keywords[] = {
    {"listener", "PORT [ADDRESS|PATH]", NULL,
     "listen on this port (0: any free one) of all addresses or of this one, or on a Unix socket (port 0)",
     read_listener, PLACE(listeners), .repeatable = true},
    {"port", "PORT", "1883", "one more listener, on bind_address", read_number, PLACE(port),
     FROM(0, UINT16_MAX)},
    {"bind_address", "ADDRESS", NULL, "the address of the listener that port names", read_address,
     PLACE(bind_address)},
    {"protocol", "mqtt|websockets", "mqtt", "what is spoken on the listener", read_choice,
     OF_LISTENER(protocol)},
    {"websockets_path", "PATH...", NULL, "WebSocket: the paths at which clients may connect; without: any",
     read_paths, OF_LISTENER(websockets.paths)},
    {"websockets_origin", "ORIGIN...", NULL,
     "WebSocket: the sites whose pages may connect, as in https://example.org; without: any", read_origins,
     OF_LISTENER(websockets.origins)},
    {"websockets_headers_size", "BYTES", "8k", "WebSocket: the largest HTTP request", read_size,
     OF_LISTENER(websockets.headers_size), FROM(512, 1U << 20)},
    {"socket_domain", "any|ipv4|ipv6", "any", "the addresses that the listener may have", read_choice,
     OF_LISTENER(domain)},
    {"max_connections", "COUNT", "-1", "clients that the listener has at a time; -1: no limit",
     read_maximum_connections, OF_LISTENER(maximum_connections), FROM(1, UINT32_MAX - 1)},
    {"certfile", "PATH", NULL,
     "TLS: the certificate of the server, and behind it those between it and the CA", read_text,
     OF_LISTENER(tls.certfile)},
    {"keyfile", "PATH", NULL, "TLS: the private key of the certificate, without a passphrase", read_text,
     OF_LISTENER(tls.keyfile)},
    {"cafile", "PATH", NULL, "TLS: the CA certificates that the clients' certificates must come from",
     read_text, OF_LISTENER(tls.cafile)},
    {"capath", "PATH", NULL, "TLS: a folder of CA certificates with the names that openssl rehash gives",
     read_text, OF_LISTENER(tls.capath)},
    {"crlfile", "PATH", NULL, "TLS: revoked certificates of clients", read_text, OF_LISTENER(tls.crlfile)},
    {"require_certificate", BOOLEAN, "false", "TLS: only clients with a certificate get in", read_choice,
     OF_LISTENER(tls.require_certificate)},
    {"use_identity_as_username", BOOLEAN, "false",
     "TLS: the Common Name of the client's certificate is its user name", read_choice,
     OF_LISTENER(tls.use_identity)},
    {"use_subject_as_username", BOOLEAN, "false",
     "TLS: the whole subject of the client's certificate is its user name", read_choice,
     OF_LISTENER(tls.use_subject)},
    {"tls_version", "tlsv1.2|tlsv1.3", "tlsv1.2", "TLS: the oldest version that is allowed", read_tls_version,
     OF_LISTENER(tls.version)},
    {"ciphers", "TEXT", NULL, "TLS 1.2: the cipher suites, as OpenSSL writes them", read_text,
     OF_LISTENER(tls.ciphers)},
    {"ciphers_tls1.3", "TEXT", NULL, "TLS 1.3: the cipher suites, as OpenSSL writes them", read_text,
     OF_LISTENER(tls.ciphers_1_3)},
    {"allow_anonymous", BOOLEAN, NULL,
     "clients without user name may enter; without the line: if there is neither password_file nor "
     "scram_file",
     read_choice, PLACE(allow_anonymous), .reloadable = true},
    {"password_file", "PATH", NULL,
     "users and their passwords, as mosquitto_passwd writes them; the file is read again at SIGHUP",
     read_text, PLACE(password_file), .reloadable = true},
    {"scram_file", "PATH", NULL,
     "users who authenticate by SCRAM, and their keys, as `gsasl --mkpasswd` makes them; read again at "
     "SIGHUP",
     read_text, PLACE(scram_file), .reloadable = true},
    {"acl_file", "PATH", NULL,
     "what each user may read and publish, as Mosquitto has it; without it: everything; read again at SIGHUP",
     read_text, PLACE(acl_file), .reloadable = true},
    {"set_tcp_nodelay", BOOLEAN, "true", "known for Mosquitto's sake; always true", read_nodelay,
     PLACE(set_tcp_nodelay)},

    {"max_packet_size", "BYTES", "16M", "the largest Control Packet a client may send; 0: MQTT's own limit",
     read_size, PLACE(settings.maximum_packet_size), FROM(20, 268435460), .zero = true},
    {"packet_max_connect", "BYTES", "512k",
     "the same for CONNECT and AUTH of clients that are not accepted yet; 0: max_packet_size", read_size,
     PLACE(settings.maximum_first_packet), FROM(20, 268435460), .zero = true, .reloadable = true},
    {"max_user_properties", "COUNT", "1000", "User Properties in one packet; 0: no limit", read_number,
     PLACE(settings.maximum_user_properties), FROM(0, UINT32_MAX), .reloadable = true},
    {"max_topic_levels", "COUNT", "0", "levels of a Topic Name or Topic Filter; 0: no limit", read_number,
     PLACE(settings.maximum_topic_levels), FROM(0, UINT16_MAX + 1), .reloadable = true},
    {"max_topic_length", "COUNT", "0", "bytes of a Topic Name or Topic Filter; 0: MQTT's limit of 65535",
     read_number, PLACE(settings.maximum_topic_length), FROM(0, UINT16_MAX), .reloadable = true},
    {"global_max_clients", "COUNT", "1000000", "sessions, of clients that are connected or not; 0: no limit",
     read_number, PLACE(settings.maximum_sessions), FROM(0, UINT32_MAX), .reloadable = true},
    {"global_max_connections", "COUNT", "-1", "connections to all listeners together; -1: no limit",
     read_maximum_connections, PLACE(address_limits.connections), FROM(1, UINT32_MAX - 1),
     .reloadable = true},
    {"max_connections_per_address", "COUNT", "-1", "connections from one IP address; -1: no limit",
     read_maximum_connections, PLACE(address_limits.per_address), FROM(1, UINT32_MAX - 1),
     .reloadable = true},
    {"max_connection_rate", "COUNT", "-1", "new connections from one IP address in a second; -1: no limit",
     read_maximum_connections, PLACE(address_limits.rate), FROM(1, 1000000), .reloadable = true},
    {"max_failed_logins", "COUNT", "20",
     "wrong passwords for one user name from one IP address in a minute, ten times as many for all names; 0: "
     "no limit",
     read_number, PLACE(maximum_failed_logins), FROM(0, 60000), .reloadable = true},
    {"max_subscriptions_per_client", "COUNT", "10000", "subscriptions of one client; 0: no limit",
     read_number, PLACE(settings.maximum_subscriptions_of_session), FROM(0, UINT32_MAX), .reloadable = true},
    {"max_subscriptions", "COUNT", "4000000", "subscriptions of all clients together; 0: no limit",
     read_number, PLACE(settings.maximum_subscriptions), FROM(0, UINT32_MAX), .reloadable = true},
    {"max_retained_messages", "COUNT", "1000000", "retained messages; 0: no limit", read_number,
     PLACE(settings.maximum_retained), FROM(0, UINT32_MAX), .reloadable = true},
    {"max_retained_bytes", "BYTES", "1G", "bytes of the retained messages; 0: no limit", read_size,
     PLACE(settings.maximum_retained_bytes), FROM(0, UINT64_C(1) << 62), .reloadable = true},
    {"memory_limit", "BYTES", NULL,
     "beyond it, nothing more is taken that stays in memory; 0: no limit; without the line: half of what the "
     "machine, or the control group, has",
     read_size, PLACE(memory_limit), FROM(0, UINT64_C(1) << 62), .reloadable = true},
    {"receive_maximum", "COUNT", "1000",
     "QoS 1 and 2 messages that a client may have in flight to the broker", read_number,
     PLACE(settings.receive_maximum), FROM(1, UINT16_MAX)},
    {"max_inflight_messages", "COUNT", "1000", "messages in flight to one client; 0: what the client allows",
     read_number, PLACE(settings.maximum_inflight), FROM(0, UINT16_MAX), .reloadable = true},
    {"max_queued_messages", "COUNT", "1000",
     "messages that wait for one client beyond those in flight; 0: no limit", read_queue_length,
     PLACE(settings.maximum_queued), FROM(0, UINT32_MAX), .reloadable = true},
    {"max_queued_bytes", "BYTES", "64M",
     "bytes of the messages that wait for one client beyond those in flight; 0: no limit", read_size,
     PLACE(settings.maximum_queued_bytes), FROM(0, UINT64_C(1) << 62), .reloadable = true},
    {"max_queued_bytes_total", "BYTES", "1G",
     "bytes of all messages that wait or are in flight, each counted once; 0: no limit", read_size,
     PLACE(settings.maximum_held_bytes), FROM(0, UINT64_C(1) << 62), .reloadable = true},
    {"queue_full", "drop_newest|drop_oldest", "drop_newest", "what a full queue loses", read_choice,
     PLACE(settings.drop_oldest), .reloadable = true},
    {"output_limit", "BYTES", "1M",
     "output that may wait for a connection before QoS 0 messages to it are dropped", read_size,
     PLACE(settings.maximum_output), FROM(1024, UINT32_MAX), .reloadable = true},
    {"max_topic_alias", "COUNT", "10", "Topic Aliases that a client may use; 0: none", read_number,
     PLACE(settings.topic_alias_maximum), FROM(0, UINT16_MAX)},
    {"max_topic_alias_broker", "COUNT", "16", "Topic Aliases that the broker uses towards a client; 0: none",
     read_number, PLACE(settings.outgoing_topic_aliases), FROM(0, UINT16_MAX), .reloadable = true},
    {"max_keepalive", "SECONDS", "0",
     "the longest Keep Alive; longer ones get this Server Keep Alive; 0: no limit", read_number,
     PLACE(settings.server_keep_alive), FROM(0, UINT16_MAX), .reloadable = true},
    {"connect_timeout", "DURATION", "5s", "from the opening of a connection to its CONNECT", read_duration,
     PLACE(settings.connect_timeout), FROM(1, DAY), .scale = 1000, .reloadable = true},
    {"persistent_client_expiration", "DURATION", NULL,
     "the longest Session Expiry Interval; without it: no limit", read_duration,
     PLACE(settings.maximum_session_expiry), FROM(1, UINT32_MAX - 1), .months = true, .reloadable = true},
    {"message_expiry_maximum", "DURATION", NULL, "the longest Message Expiry Interval; without it: no limit",
     read_duration, PLACE(settings.maximum_message_expiry), FROM(1, UINT32_MAX - 1), .reloadable = true},

    {"max_qos", "COUNT", "2", "Maximum QoS", read_number, PLACE(settings.maximum_qos), FROM(0, 2)},
    {"retain_available", BOOLEAN, "true", "retained messages", read_choice, PLACE(settings.retain_available)},
    {"wildcard_subscriptions", BOOLEAN, "true", "wildcards in Topic Filters", read_choice,
     PLACE(settings.wildcard_available)},
    {"subscription_identifiers", BOOLEAN, "true", "Subscription Identifiers", read_choice,
     PLACE(settings.subscription_identifier_available)},
    {"shared_subscriptions", BOOLEAN, "true", "Shared Subscriptions", read_choice,
     PLACE(settings.shared_available)},
    {"overlapping_subscriptions", "merged|separate", "merged",
     "a message that matches several subscriptions of a client comes once, or once for each", read_choice,
     PLACE(settings.separate_overlapping), .reloadable = true},
    {"validate_payload_format", BOOLEAN, "true", "refuse a payload that is said to be UTF-8 and is not",
     read_choice, PLACE(settings.validate_payload_format), .reloadable = true},
    {"response_information", "TEXT", NULL, "Response Information for clients that ask for it", read_text,
     PLACE(response_information), .reloadable = true},
    {"server_reference", "TEXT", NULL, "serve nobody: send every client to this other server", read_text,
     PLACE(server_reference), .reloadable = true},
    {"server_redirection", "temporary|permanent", "temporary",
     "with server_reference: 0x9C Use another server, or 0x9D Server moved", read_choice,
     PLACE(settings.server_moved), .reloadable = true},

    {"user", "NAME", NULL,
     "whom the broker becomes, once ports and files are open, when root starts it; without: it stays who it "
     "is",
     read_text, PLACE(user)},

    {"persistence", BOOLEAN, "false",
     "keep sessions and retained messages on disk, beyond the end of the broker", read_choice,
     PLACE(persistence)},
    {"persistence_location", "PATH", "etalon.store",
     "the directory of the store, made when missing; seen from where the broker was started", read_text,
     PLACE(persistence_location)},
    {"durability", "sync|async|none", "sync",
     "what an acknowledgement promises: to survive power loss, the end of the program, nothing", read_choice,
     PLACE(durability)},

    {"sys_interval", "SECONDS", "10", "time between two updates of the $SYS topics; 0: none", read_number,
     PLACE(sys_interval), FROM(0, DAY), .reloadable = true},
    {"log_type", "error|warning|notice|information|all|none", NULL,
     "which lines are logged; several lines add up; without: error, warning and notice", read_log_type,
     PLACE(log_levels), .repeatable = true, .reloadable = true},
    {"log_dest", "stderr|stdout|none|file PATH", "stderr",
     "where the log goes; a file is opened again at SIGHUP", read_log_destination, PLACE(log_destination),
     .reloadable = true},
    {"log_timestamp", BOOLEAN, "true", "begin each line of the log with the seconds since 1970", read_choice,
     PLACE(log_timestamp), .reloadable = true},
    {"connection_messages", BOOLEAN, "true", "log who connects and disconnects, if log_type has information",
     read_choice, PLACE(connection_messages), .reloadable = true},
};
enum { KEYWORD_COUNT = sizeof keywords / sizeof *keywords };
_Static_assert(sizeof keywords / sizeof *keywords <= KEYWORDS_MAXIMUM, "KEYWORDS_MAXIMUM is too small");

/* What people bring from Mosquitto and cannot be had yet, or not in this way. */
#define NO_STORE_FILE "a store is a directory of several files: persistence_location names it"
#define NO_SAVING "there is no saving from time to time: every change is stored as it happens, see durability"
#define NO_PSK "there is no TLS with shared keys: only with certificates"
#define NO_ENGINES "private keys are read from files only: keyfile"
#define NO_PAGES "no files are served: a request that is no WebSocket gets a page that says so"
#define NO_WEBSOCKETS_LOG "the log has no levels of its own for WebSocket: log_type information has all of it"
#define NO_BRIDGES "there are no bridges yet"
#define NO_PLUGINS "there are no plug-ins"
#define NO_LOG_DETAIL "the log has no such option yet"
#define NO_PER_LISTENER "who may enter and do what is the same on all listeners"

static const struct {
    const char *name;
    const char *missing;
} missing[] = {
    {"persistence_file", NO_STORE_FILE},
    {"autosave_interval", NO_SAVING},
    {"autosave_on_changes", NO_SAVING},
    {"retained_persistence", "persistence true keeps retained messages as well"},
    {"dhparamfile", "not needed: the groups for Diffie-Hellman are chosen by OpenSSL; remove the line"},
    {"tls_engine", NO_ENGINES},
    {"tls_engine_kpass_sha1", NO_ENGINES},
    {"tls_keyform", NO_ENGINES},
    {"psk_file", NO_PSK},
    {"psk_hint", NO_PSK},
    {"clientid_prefixes", "Client Identifiers are free; acl_file can bind rights to them (%c)"},
    {"use_username_as_clientid",
     "a Session belongs to the user who made it, whatever its Client Identifier is"},
    {"mount_point", "every topic is the same on all listeners; ACLs can keep clients apart"},
    {"check_retain_source",
     "a retained message stays when its publisher loses rights; who gets it is up to acl_file"},
    {"http_dir", NO_PAGES},
    {"websockets_log_level", NO_WEBSOCKETS_LOG},
    {"connection", NO_BRIDGES},
    {"address", NO_BRIDGES},
    {"addresses", NO_BRIDGES},
    {"topic", NO_BRIDGES},
    {"auth_plugin", NO_PLUGINS},
    {"plugin", NO_PLUGINS},
    {"auth_plugin_deny_special_chars", NO_PLUGINS},
    {"log_facility", NO_LOG_DETAIL},
    {"log_timestamp_format", NO_LOG_DETAIL},
    {"per_listener_settings", NO_PER_LISTENER},
    {"bind_interface",
     "a listener is bound to an address: listener PORT ADDRESS, with that of the interface"},
    {"message_size_limit", "payloads have no limit of their own; max_packet_size limits the whole packet"},
    {"max_inflight_bytes", "messages in flight are limited by number only: max_inflight_messages"},
    {"queue_qos0_messages", "QoS 0 messages never wait for a client that is away"},
    {"upgrade_outgoing_qos", "a message is never sent at a higher QoS than it was published with"},
    {"allow_zero_length_clientid", "empty Client Identifiers are always accepted where MQTT allows them"},
    {"allow_duplicate_messages", "overlapping_subscriptions merged or separate says it here"},
    {"auto_id_prefix", "assigned Client Identifiers have no prefix"},
    {"include_dir", "a configuration is one file"},
    {"pid_file", "no pid file is written yet; the broker stays in the foreground"},
};
enum { MISSING_COUNT = sizeof missing / sizeof *missing };

const struct keyword *keyword_at(size_t index)
{
    return index < KEYWORD_COUNT ? &keywords[index] : NULL;
}

size_t keyword_find(const char *name)
{
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        if (strcmp(keywords[i].name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

const char *keyword_missing(const char *name)
{
    for (size_t i = 0; i < MISSING_COUNT; i++) {
        if (strcmp(missing[i].name, name) == 0)
            return missing[i].missing;
    }
    return NULL;
}

const char *keyword_nearest(const char *name)
{
    const char *nearest = NULL;
    const size_t length = strlen(name);
    if (length > NEAREST_LONGEST)
        return NULL;
    size_t least = length / 2 + 1; /* more than half of the letters wrong is no resemblance */
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        const size_t distance = nearest_distance(name, keywords[i].name);
        if (distance < least) {
            least = distance;
            nearest = keywords[i].name;
        }
    }
    return nearest;
}
