#include "configuration.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "configuration_keywords.h"

enum { DEFAULT_PORT = 1883, DEFAULT_SYS_INTERVAL = 10, DEFAULT_FAILED_LOGINS = 20 };

static const char default_location[] = "etalon.store";

/* Zeroed first, padding and all, because configuration_keep compares places byte by byte. */
void configuration_default(struct configuration *configuration)
{
    memset(configuration, 0, sizeof *configuration);
    configuration->settings = broker_default_settings();
    configuration->address_limits =
        (struct configuration_address_limits){UINT32_MAX, UINT32_MAX, UINT32_MAX};
    configuration->maximum_failed_logins = DEFAULT_FAILED_LOGINS;
    configuration->memory_limit = CONFIGURATION_MEMORY_HALF;
    configuration->port = DEFAULT_PORT;
    configuration->default_listener.maximum_connections = UINT32_MAX;
    configuration->default_listener.websockets.headers_size = CONFIGURATION_HEADERS_SIZE;
    configuration->sys_interval = DEFAULT_SYS_INTERVAL;
    configuration->log_levels = 1U << LOG_ERROR | 1U << LOG_WARNING | 1U << LOG_NOTICE;
    configuration->log_timestamp = true;
    configuration->connection_messages = true;
    configuration->set_tcp_nodelay = true;
    configuration->allow_anonymous = true;
    configuration->durability = STORE_SYNC;
    memcpy(configuration->persistence_location, default_location, sizeof default_location);
}

bool configuration_uses_tls(const struct configuration_listener *listener)
{
    return listener->tls.certfile[0] != '\0';
}

bool configuration_certifies(const struct configuration_listener *listener)
{
    return listener->tls.require_certificate && (listener->tls.use_identity || listener->tls.use_subject);
}

bool configuration_knows_users(const struct configuration *configuration)
{
    bool knows = configuration->password_file[0] || configuration->scram_file[0] ||
                 configuration_certifies(&configuration->default_listener);
    for (size_t i = 0; i < configuration->listeners.count; i++)
        knows = knows || configuration_certifies(&configuration->listeners.items[i]);
    return knows;
}

struct parser {
    struct configuration *configuration;
    const struct configuration_sink *sink;
    size_t line;
    size_t errors;
    size_t first_line[KEYWORDS_MAXIMUM];               /* where each keyword was first seen; 0: not yet */
    size_t listener_line[CONFIGURATION_LISTENERS + 1]; /* one more for that of `port` */
    size_t default_line; /* the first one that says something of the listener without a line */
    const char *default_keyword;
};

static void report(struct parser *parser, size_t line, size_t column, const char *text)
{
    const struct configuration_error error = {.line = line, .column = column, .text = text};
    parser->errors++;
    parser->sink->error(parser->sink->context, &error);
}

/* One line: its keyword and value as strings. */
struct entry {
    char name[CONFIGURATION_TEXT_SIZE];
    char value[CONFIGURATION_TEXT_SIZE];
    size_t name_column;
    size_t value_column;
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct bytes trim(struct bytes line)
{
    while (line.length > 0 && is_blank(line.data[line.length - 1]))
        line.length--;
    return line;
}

static size_t count_blanks(struct bytes line, size_t from)
{
    size_t count = 0;
    while (from + count < line.length && is_blank(line.data[from + count]))
        count++;
    return count;
}

static void copy_part(char *text, struct bytes line, size_t from, size_t to)
{
    if (to > from)
        memcpy(text, line.data + from, to - from);
    text[to - from] = '\0';
}

/* `line` is trimmed at its end, has no control characters and is not too long. */
static void split(struct bytes line, struct entry *entry)
{
    const size_t name = count_blanks(line, 0);
    size_t end = name;
    while (end < line.length && !is_blank(line.data[end]))
        end++;
    const size_t value = end + count_blanks(line, end);
    copy_part(entry->name, line, name, end);
    copy_part(entry->value, line, value, line.length);
    entry->name_column = name + 1;
    entry->value_column = value + 1;
}

static void report_unknown(struct parser *parser, const struct entry *entry)
{
    struct line text = {0};
    const char *why = keyword_missing(entry->name);
    const char *nearest = why ? NULL : keyword_nearest(entry->name);
    line_text(&text, why ? "" : "unknown keyword \"");
    line_stranger(&text, bytes_of_text(entry->name));
    line_text(&text, why ? " is not supported: " : "\"");
    line_text(&text, why ? why : "");
    line_text(&text, nearest ? "; the nearest known one is " : "");
    line_text(&text, nearest ? nearest : "");
    line_text(&text, why || nearest ? "" : "; see etalon --help-configuration");
    report(parser, parser->line, entry->name_column, text.text);
}

static void report_duplicate(struct parser *parser, const struct entry *entry, size_t first)
{
    struct line text = {0};
    line_text(&text, entry->name);
    line_text(&text, " was given in line ");
    line_number(&text, first);
    line_text(&text, " already, and there can be one only");
    report(parser, parser->line, entry->name_column, text.text);
}

static void report_value(struct parser *parser, const struct entry *entry, const struct problem *problem)
{
    struct line text = {0};
    line_text(&text, entry->name);
    line_text(&text, ": ");
    line_text(&text, problem->text.text);
    if (strstr(entry->value, " #"))
        line_text(&text, "; a comment needs a line of its own");
    report(parser, parser->line, entry->value_column + problem->offset, text.text);
}

static void report_missing_value(struct parser *parser, const struct entry *entry,
                                 const struct keyword *keyword)
{
    struct line text = {0};
    line_text(&text, keyword->name);
    line_text(&text, " needs a value: ");
    line_text(&text, keyword->value);
    report(parser, parser->line, entry->name_column + strlen(keyword->name), text.text);
}

/* Another listener, of which everything may be said anew. */
static void begin_listener(struct parser *parser)
{
    const struct keyword *keyword;
    parser->listener_line[parser->configuration->listeners.count - 1] = parser->line;
    for (size_t i = 0; (keyword = keyword_at(i)) != NULL; i++) {
        if (keyword->of_listener)
            parser->first_line[i] = 0;
    }
}

static void read_value(struct parser *parser, const struct entry *entry, const struct keyword *keyword)
{
    struct problem problem;
    const size_t listeners = parser->configuration->listeners.count;
    if (!keyword->read(parser->configuration, keyword, entry->value, &problem)) {
        report_value(parser, entry, &problem);
        return;
    }
    if (parser->configuration->listeners.count > listeners)
        begin_listener(parser);
    if (keyword->of_listener && listeners == 0 && parser->default_line == 0) {
        parser->default_line = parser->line;
        parser->default_keyword = keyword->name;
    }
}

static void take_entry(struct parser *parser, const struct entry *entry)
{
    const size_t index = keyword_find(entry->name);
    const struct keyword *keyword = keyword_at(index);
    if (!keyword) {
        report_unknown(parser, entry);
        return;
    }
    const size_t first = parser->first_line[index];
    if (first == 0)
        parser->first_line[index] = parser->line;
    if (first != 0 && !keyword->repeatable) {
        report_duplicate(parser, entry, first);
        return;
    }
    if (entry->value[0] == '\0') {
        report_missing_value(parser, entry, keyword);
        return;
    }
    if (first == 0 && strcmp(keyword->name, "log_type") == 0)
        parser->configuration->log_levels = 0;
    read_value(parser, entry, keyword);
}

/* Position of the first byte that no line of a text file has; SIZE_MAX: all are in order. */
static size_t find_control(struct bytes line)
{
    for (size_t i = 0; i < line.length; i++) {
        if ((line.data[i] < ' ' && line.data[i] != '\t') || line.data[i] == 0x7F)
            return i;
    }
    return SIZE_MAX;
}

static void report_control(struct parser *parser, struct bytes line, size_t where)
{
    struct line text = {0};
    line_text(&text, "control character 0x");
    line_hex_byte(&text, line.data[where]);
    line_text(&text, ": a configuration is a text file");
    report(parser, parser->line, where + 1, text.text);
}

static void take_line(struct parser *parser, struct bytes line)
{
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    line = trim(line);
    const size_t control = find_control(line);
    if (control != SIZE_MAX) {
        report_control(parser, line, control);
        return;
    }
    const size_t blanks = count_blanks(line, 0);
    if (blanks == line.length || line.data[blanks] == '#')
        return;
    if (line.length > CONFIGURATION_LONGEST_LINE) {
        report(parser, parser->line, CONFIGURATION_LONGEST_LINE + 1,
               "the line is too long: 1000 bytes are possible");
        return;
    }
    struct entry entry;
    split(line, &entry);
    take_entry(parser, &entry);
}

static void take_lines(struct parser *parser, struct bytes text)
{
    while (text.length > 0 && parser->errors < CONFIGURATION_MOST_MISTAKES) {
        const uint8_t *end = memchr(text.data, '\n', text.length);
        const size_t length = end ? (size_t)(end - text.data) : text.length;
        parser->line++;
        take_line(parser, bytes_of(text.data, length));
        text = bytes_after(text, end ? length + 1 : length);
    }
}

/* What several lines say together. */

static size_t line_of(const struct parser *parser, const char *name)
{
    const size_t index = keyword_find(name);
    assert(index != SIZE_MAX);
    return parser->first_line[index];
}

/* `port` and `bind_address` are one listener more. */
static void add_port(struct parser *parser)
{
    struct configuration *configuration = parser->configuration;
    struct configuration_listeners *listeners = &configuration->listeners;
    const size_t port_line = line_of(parser, "port");
    const size_t line = port_line ? port_line : line_of(parser, "bind_address");
    if (line == 0 || (line_of(parser, "bind_address") != 0 && configuration->bind_address[0] == '\0'))
        return; /* none, or one that was complained of already */
    if (listeners->count == CONFIGURATION_LISTENERS) {
        report(parser, line, 1, "there are too many listeners: 16 are possible, and this is one as well");
        return;
    }
    struct configuration_listener *added = &listeners->items[listeners->count];
    parser->listener_line[listeners->count++] = line;
    memcpy(added, &configuration->default_listener, sizeof *added);
    added->port = configuration->port;
    memcpy(added->address, configuration->bind_address, sizeof added->address);
}

/* Only what is certain without asking a name server. */
static bool is_loopback(const char *address)
{
    return strcmp(address, "::1") == 0 || strcmp(address, "localhost") == 0 ||
           (strncmp(address, "127.", 4) == 0 && strspn(address, "0123456789.") == strlen(address));
}

/* What is said before the first listener concerns none of those below it. Mosquitto opens one more for it, on
 * port 1883, which whoever has only put a line into the wrong place would not like. */
static void check_default_listener(struct parser *parser)
{
    struct line text = {0};
    if (parser->default_line == 0 || parser->configuration->listeners.count == 0 ||
        line_of(parser, "port") != 0 || line_of(parser, "bind_address") != 0)
        return;
    line_text(&text, parser->default_keyword);
    line_text(&text,
              " belongs below the line of its listener, and here is none above it; for one on port 1883 "
              "add \"port 1883\"");
    report(parser, parser->default_line, 1, text.text);
}

/* What is missing for the TLS of a listener; NULL: nothing is. */
static const char *tls_problem(const struct configuration_tls *tls)
{
    const bool authorities = tls->cafile[0] || tls->capath[0];
    const bool any = authorities || tls->crlfile[0] || tls->ciphers[0] || tls->ciphers_1_3[0] ||
                     tls->version != TLS_1_2 || tls->require_certificate || tls->keyfile[0];
    if (any && !tls->certfile[0])
        return "this listener has settings for TLS but no certfile: TLS needs certfile and keyfile";
    if (tls->certfile[0] && !tls->keyfile[0])
        return "this listener has a certfile but no keyfile: TLS needs both";
    if (tls->require_certificate && !authorities)
        return "require_certificate needs cafile or capath: the CA that the certificates come from";
    if (tls->crlfile[0] && !tls->require_certificate)
        return "crlfile means nothing without require_certificate true";
    if ((tls->use_identity || tls->use_subject) && !tls->require_certificate)
        return "use_identity_as_username and use_subject_as_username need require_certificate true";
    if (tls->use_identity && tls->use_subject)
        return "use_identity_as_username and use_subject_as_username exclude each other";
    return NULL;
}

static const char *listener_problem(const struct configuration_listener *listener)
{
    const bool any = listener->websockets.paths[0] || listener->websockets.origins[0];
    if (any && listener->protocol != PROTOCOL_WEBSOCKETS)
        return "this listener has settings for WebSocket, but not \"protocol websockets\"";
    return tls_problem(&listener->tls);
}

static void check_listeners(struct parser *parser)
{
    const struct configuration *configuration = parser->configuration;
    const char *problem = listener_problem(&configuration->default_listener);
    if (problem && configuration->listeners.count == 0)
        report(parser, parser->default_line, 1, problem);
    for (size_t i = 0; i < configuration->listeners.count; i++) {
        problem = listener_problem(&configuration->listeners.items[i]);
        if (problem)
            report(parser, parser->listener_line[i], 1, problem);
    }
}

/* Whether nobody from another machine gets in without a name. */
static bool is_safe(const struct configuration_listener *listener)
{
    return listener->path[0] || is_loopback(listener->address) || configuration_certifies(listener);
}

/* A listener for other machines would let anybody in, and the user shall have said that this is meant.
 * (Mosquitto lets nobody in then.) */
static void check_reach(struct parser *parser)
{
    const struct configuration *configuration = parser->configuration;
    for (size_t i = 0; i < configuration->listeners.count; i++) {
        if (!is_safe(&configuration->listeners.items[i]))
            report(
                parser, parser->listener_line[i], 1,
                "this listener can be reached from other machines, and whoever connects may read and publish "
                "everything; add a password_file, or \"allow_anonymous true\" if that is meant, or give the "
                "address 127.0.0.1");
    }
}

/* Where nothing is said, names are asked for as soon as there are any. A line that could not be read may be the very
 * one that is asked for, so `line_of` counts it, too. */
static void settle_anonymous(struct parser *parser)
{
    struct configuration *configuration = parser->configuration;
    const size_t line = line_of(parser, "allow_anonymous");
    configuration->anonymous_said = line != 0;
    if (line == 0)
        configuration->allow_anonymous =
            line_of(parser, "password_file") == 0 && line_of(parser, "scram_file") == 0;
    if (line == 0 && configuration->allow_anonymous)
        check_reach(parser);
    if (line != 0 && !configuration->allow_anonymous && parser->errors == 0 &&
        !configuration_knows_users(configuration))
        report(parser, line, 1,
               "allow_anonymous false without a password_file or scram_file: nobody could enter");
}

static void check_redirection(struct parser *parser)
{
    const size_t line = line_of(parser, "server_redirection");
    if (line != 0 && line_of(parser, "server_reference") == 0)
        report(parser, line, 1, "server_redirection means nothing without server_reference");
}

/* Without the line `persistence` nothing is stored, which must not come as a surprise to whoever has said where
 * or how. With `persistence false` it is meant: the store is switched off for now. */
static void check_store(struct parser *parser, const char *name)
{
    const size_t line = line_of(parser, name);
    if (line == 0 || parser->sink->store_given || line_of(parser, "persistence") != 0)
        return;
    struct line text = {0};
    line_text(&text, name);
    line_text(&text, " means nothing without persistence; add \"persistence true\" to keep state on disk");
    report(parser, line, 1, text.text);
}

bool configuration_parse(struct configuration *configuration, struct bytes text,
                         const struct configuration_sink *sink)
{
    struct parser parser = {.configuration = configuration, .sink = sink};
    configuration_default(configuration);
    take_lines(&parser, text);
    if (parser.errors == CONFIGURATION_MOST_MISTAKES) {
        report(&parser, parser.line, 1, "there are so many mistakes that the rest was not read");
        return false;
    }
    add_port(&parser);
    check_default_listener(&parser);
    check_listeners(&parser);
    check_redirection(&parser);
    check_store(&parser, "persistence_location");
    check_store(&parser, "durability");
    settle_anonymous(&parser);
    return parser.errors == 0;
}

struct broker_settings configuration_settings(const struct configuration *configuration)
{
    struct broker_settings settings = configuration->settings;
    if (settings.receive_maximum == UINT16_MAX)
        settings.receive_maximum = 0; /* MQTT's own default need not be announced, 3.2.2.3.3 */
    settings.response_information =
        configuration->response_information[0] ? configuration->response_information : NULL;
    settings.server_reference = configuration->server_reference[0] ? configuration->server_reference : NULL;
    return settings;
}

const char *configuration_store(const struct configuration *configuration)
{
    return configuration->persistence ? configuration->persistence_location : NULL;
}

bool configuration_store_in(struct configuration *configuration, const char *directory)
{
    const size_t length = strlen(directory);
    if (length >= sizeof configuration->persistence_location)
        return false;
    memset(configuration->persistence_location, 0, sizeof configuration->persistence_location);
    memcpy(configuration->persistence_location, directory, length);
    configuration->persistence = true;
    return true;
}

/* Whether a listener is where it was and speaks what it spoke; what else is said of it may have changed. */
static bool same_place(const struct configuration_listener *a, const struct configuration_listener *b)
{
    return a->port == b->port && a->protocol == b->protocol && a->domain == b->domain &&
           configuration_uses_tls(a) == configuration_uses_tls(b) && strcmp(a->address, b->address) == 0 &&
           strcmp(a->path, b->path) == 0;
}

static bool same_places(const struct configuration *a, const struct configuration *b)
{
    bool same =
        a->listeners.count == b->listeners.count && same_place(&a->default_listener, &b->default_listener);
    for (size_t i = 0; same && i < a->listeners.count; i++)
        same = same_place(&a->listeners.items[i], &b->listeners.items[i]);
    return same;
}

/* All that is said of listeners becomes as it was. */
static void restore_listeners(struct configuration *configuration, const struct configuration *running)
{
    memcpy(&configuration->listeners, &running->listeners, sizeof running->listeners);
    memcpy(&configuration->default_listener, &running->default_listener, sizeof running->default_listener);
}

void configuration_keep(struct configuration *configuration, const struct configuration *running,
                        void (*kept)(void *context, const char *keyword), void *context)
{
    const struct keyword *keyword;
    bool moved = false;
    for (size_t i = 0; (keyword = keyword_at(i)) != NULL; i++) {
        const bool listeners = keyword->offset == offsetof(struct configuration, listeners);
        char *place = (char *)configuration + keyword->offset;
        const char *old = (const char *)running + keyword->offset;
        if (keyword->of_listener || keyword->reloadable) /* the former comes with its listener */
            continue;
        if (listeners ? same_places(configuration, running) : memcmp(place, old, keyword->width) == 0)
            continue;
        if (listeners)
            restore_listeners(configuration, running);
        memcpy(place, old, keyword->width);
        kept(context, keyword->name);
        moved = moved || listeners;
    }
    /* That nothing needed to be said about strangers is true of listeners that are not there yet. */
    if (moved && !configuration->anonymous_said)
        configuration->allow_anonymous = configuration->allow_anonymous && running->allow_anonymous;
}

/* The manual. */

static void describe(const struct keyword *keyword, void (*line)(void *context, const char *text),
                     void *context)
{
    struct line text = {0};
    line_text(&text, keyword->name);
    line_text(&text, " ");
    line_text(&text, keyword->value);
    line(context, text.text);
    text = (struct line){0};
    line_text(&text, "    ");
    line_text(&text, keyword->help);
    line(context, text.text);
    text = (struct line){0};
    line_text(&text, "    ");
    if (keyword->fallback) {
        line_text(&text, "default ");
        line_text(&text, keyword->fallback);
        line_text(&text, "; ");
    }
    if (keyword->maximum > 0) {
        line_text(&text, keyword->zero ? "0 or " : "");
        line_number(&text, keyword->minimum);
        line_text(&text, " to ");
        line_number(&text, keyword->maximum);
        line_text(&text, "; ");
    }
    line_text(&text, keyword->repeatable ? "repeatable; " : "");
    line_text(&text, keyword->of_listener ? "of the listener above; " : "");
    line_text(&text, keyword->reloadable ? "changed by SIGHUP" : "changed by a restart");
    line(context, text.text);
}

void configuration_describe(void (*line)(void *context, const char *text), void *context)
{
    const struct keyword *keyword;
    for (size_t i = 0; (keyword = keyword_at(i)) != NULL; i++)
        describe(keyword, line, context);
}
