#include "diagnose.h"

#include <ctype.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "connection.h"
#include "result.h"

#define GLIMPSE_SIZE 512U
#define LOOK_LIMIT 2.0 /* seconds */
#define NETWORK_PROBLEM_SIZE 300U

/* What came back for a CONNECT. */
struct glimpse {
    bool connected;
    char problem[NETWORK_PROBLEM_SIZE]; /* why not */
    uint8_t bytes[GLIMPSE_SIZE];
    size_t length;
    bool closed;
};

/* Where the sentences go. */
struct finding {
    const struct target *target;
    char *text;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool say(const struct finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->text, finding->size, format, arguments);
    va_end(arguments);
    return true;
}

/* ---- Looking ------------------------------------------------------------------------------------------------- */

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t write_connect(const struct target *target, enum protocol_version version, uint8_t *to,
                            size_t size)
{
    struct packet packet = {.type = PACKET_CONNECT, .version = version};
    struct connect *connect = &packet.connect;
    connect->clean_start = true;
    connect->client_identifier = bytes_of_text("etalonlooks");
    connect->has_user_name = target->has_user_name;
    connect->user_name = bytes_of_text(target->user_name);
    connect->has_password = target->has_password;
    connect->password = bytes_of_text(target->password);
    struct writer writer = writer_into(to, size);
    return packet_encode(&packet, &writer);
}

/* Reads until something came, the end of the stream, or `limit`. */
static void read_glimpse(struct connection *connection, double limit, struct glimpse *glimpse)
{
    struct pollfd wait = {.fd = connection_socket(connection), .events = POLLIN};
    while (glimpse->length == 0 && !glimpse->closed) {
        ssize_t got = connection_read(connection, glimpse->bytes, sizeof glimpse->bytes);
        if (got > 0)
            glimpse->length = (size_t)got;
        else if (got != TRANSPORT_WOULD_BLOCK)
            glimpse->closed = true;
        double left = limit - seconds_now();
        if (left <= 0)
            return;
        if (got == TRANSPORT_WOULD_BLOCK && !connection_has_more(connection))
            (void)poll(&wait, 1, (int)(left * 1000) + 1);
    }
}

/* Sends a CONNECT through all layers that `wishes` name, or says why there is nobody to send it to. */
static void look(const struct target *target, const struct connection_wishes *wishes,
                 enum protocol_version version, double seconds, struct glimpse *glimpse)
{
    uint8_t bytes[1024];
    double limit = seconds_now() + seconds;
    *glimpse = (struct glimpse){.connected = false};
    struct connection *connection =
        connection_open(wishes, seconds, glimpse->problem, sizeof glimpse->problem);
    if (connection == NULL)
        return;
    const struct websocket_answer *answer = connection_answer(connection);
    if (answer != NULL && !answer->accepted) {
        snprintf(glimpse->problem, sizeof glimpse->problem, "%.200s", answer->problem);
    } else {
        glimpse->connected = true;
        connection_queue(connection, bytes, write_connect(target, version, bytes, sizeof bytes));
        (void)connection_flush(connection);
        read_glimpse(connection, limit, glimpse);
    }
    connection_close(connection, CONNECTION_ABRUPT);
}

/* ---- Naming what answers ----------------------------------------------------------------------------------------- */

static bool begins(const struct glimpse *glimpse, const char *text)
{
    return glimpse->length >= strlen(text) && memcmp(glimpse->bytes, text, strlen(text)) == 0;
}

static bool is_connack(const struct glimpse *glimpse)
{
    return glimpse->length >= 4 && glimpse->bytes[0] == 0x20 && glimpse->bytes[1] >= 2 &&
           glimpse->bytes[1] < 0x80 && glimpse->bytes[2] <= 1;
}

/* A record of TLS: an alert or a handshake. */
static bool is_tls(const struct glimpse *glimpse)
{
    return glimpse->length >= 3 && (glimpse->bytes[0] == 0x15 || glimpse->bytes[0] == 0x16) &&
           glimpse->bytes[1] == 0x03;
}

/* The first line, if it can be read, or else the first bytes. */
static void quote(const struct glimpse *glimpse, char *to, size_t size)
{
    size_t end = 0;
    while (end < glimpse->length && end < 60 && isprint(glimpse->bytes[end]))
        end++;
    bool readable = end > 0 && (end == glimpse->length || end == 60 || isspace(glimpse->bytes[end]));
    if (readable) {
        snprintf(to, size, "\"%.*s\"", (int)end, (const char *)glimpse->bytes);
        return;
    }
    size_t at = (size_t)snprintf(to, size, "bytes");
    for (size_t i = 0; i < glimpse->length && i < 8 && at < size; i++)
        at += (size_t)snprintf(to + at, size - at, " %02x", glimpse->bytes[i]);
}

static bool name_server(const struct finding *finding, const struct glimpse *glimpse)
{
    static const struct {
        const char *beginning;
        const char *what;
    } known[] = {{"SSH-", "an SSH server"},        {"220 ", "a mail or FTP server"},
                 {"220-", "a mail or FTP server"}, {"* OK", "a mail server"},
                 {"+OK", "a mail server"},         {"-ERR", "a Redis server"},
                 {"AMQP", "an AMQP broker"},       {"RFB ", "a VNC server"}};
    char said[100];
    quote(glimpse, said, sizeof said);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (begins(glimpse, known[i].beginning))
            return say(finding, "%s answers there (%s). Check host and port", known[i].what, said);
    return say(finding, "what answers there does not speak MQTT (%s). Check host and port", said);
}

/* ---- CONNACK ----------------------------------------------------------------------------------------------------- */

static bool judge_connack(const struct finding *finding, const struct glimpse *glimpse,
                          enum protocol_version version)
{
    unsigned code = glimpse->bytes[3];
    bool has_name = finding->target->has_user_name;
    if (code == 0)
        return false;
    if (code == 1 || code == REASON_UNSUPPORTED_PROTOCOL_VERSION)
        return say(finding,
                   "the broker does not speak MQTT %s (CONNACK 0x%02X). Choose another version with -V",
                   version_name(version), code);
    if (code == 4 || code == 5 || code == REASON_BAD_USER_NAME_OR_PASSWORD || code == REASON_NOT_AUTHORIZED)
        return has_name
                   ? say(finding,
                         "the broker refuses this user name and password (CONNACK 0x%02X). Check them", code)
                   : say(finding,
                         "the broker lets nobody in without user name and password (CONNACK 0x%02X). Give "
                         "them: %s://USER:PASSWORD@%s:%s%s",
                         code, finding->target->scheme, finding->target->host, finding->target->port,
                         finding->target->path);
    return say(finding, "the broker refuses to be connected to (CONNACK 0x%02X%s%s). Its log may say why",
               code, code >= 0x80 ? " " : "",
               code >= 0x80 ? reason_code_name(PACKET_CONNACK, (uint8_t)code) : "");
}

/* ---- The layers below --------------------------------------------------------------------------------------------- */

static bool judge_network(const struct finding *finding, const char *problem)
{
    if (strstr(problem, "cannot resolve") != NULL)
        return say(finding, "%s. Check the name, or give the address", problem);
    if (strstr(problem, "refused") != NULL)
        return say(finding, "%s. Nobody listens there: is the broker running, and is this its port?",
                   problem);
    return say(finding, "%s. Is the host up, and does a firewall let you through?", problem);
}

static bool say_tls(const struct finding *finding)
{
    return say(finding, "what answers there speaks TLS. Use %s://%s:%s%s",
               finding->target->websocket ? "wss" : "mqtts", finding->target->host, finding->target->port,
               finding->target->path);
}

/* What is there spoken to as if it were a broker without TLS and WebSocket, when it should have one or both. */
static bool judge_plain(const struct finding *finding, const struct glimpse *plain)
{
    const struct target *target = finding->target;
    if (is_connack(plain))
        return say(finding, "the broker there speaks MQTT without %s. Use mqtt://%s:%s",
                   target->websocket && target->encrypted ? "WebSocket and TLS"
                   : target->websocket                    ? "WebSocket"
                                                          : "TLS",
                   target->host, target->port);
    if (target->encrypted && begins(plain, "HTTP/"))
        return say(finding,
                   "what answers there speaks HTTP without TLS. Use ws://%s:%s%s if it is the WebSocket of a "
                   "broker",
                   target->host, target->port, target->path);
    if (!target->encrypted && is_tls(plain))
        return say_tls(finding);
    return plain->length > 0 && !begins(plain, "HTTP/") && !is_tls(plain) && name_server(finding, plain);
}

static bool judge_layers(const struct finding *finding, const char *problem)
{
    if (strstr(problem, "is not believed") != NULL)
        return say(finding,
                   "%s. Name its CA with --cafile, the name in it with --servername, or look at nothing with "
                   "--insecure",
                   problem);
    if (strstr(problem, "certificate required") != NULL || strstr(problem, "handshake failure") != NULL)
        return say(finding, "%s. The broker may want a certificate of yours: --cert and --key", problem);
    if (finding->target->websocket && strstr(problem, "TLS") == NULL)
        return say(finding, "no WebSocket is opened at %s: %s. Check the path of the URL",
                   finding->target->path, problem);
    return say(finding, "%s", problem);
}

/* Not all servers of TLS send an alert to who does not speak it. */
static bool speaks_tls(const struct target *target)
{
    char problem[NETWORK_PROBLEM_SIZE];
    struct tls_settings settings = {.insecure = true};
    struct tls_context *context = tls_context_create(&settings, problem, sizeof problem);
    if (context == NULL)
        return false;
    struct connection_wishes wishes = {.host = target->host, .port = target->port, .tls = context};
    struct connection *connection = connection_open(&wishes, LOOK_LIMIT, problem, sizeof problem);
    if (connection != NULL)
        connection_close(connection, CONNECTION_IN_ORDER);
    tls_context_destroy(context);
    return connection != NULL;
}

/* What came through all layers. */
static bool judge_answer(const struct finding *finding, const struct glimpse *glimpse,
                         enum protocol_version version)
{
    const struct target *target = finding->target;
    if (is_connack(glimpse))
        return judge_connack(finding, glimpse, version);
    if (is_tls(glimpse))
        return say_tls(finding);
    if (begins(glimpse, "HTTP/"))
        return say(finding,
                   "a web server answers there. If it is the WebSocket of a broker, use %s://%s:%s/PATH",
                   target->encrypted ? "wss" : "ws", target->host, target->port);
    if (glimpse->length > 0)
        return name_server(finding, glimpse);
    if (glimpse->closed && !target->encrypted && speaks_tls(target))
        return say_tls(finding);
    if (glimpse->closed)
        return say(finding, "the connection is closed there without an answer to CONNECT. %s",
                   target->encrypted || target->websocket
                       ? "Is a broker behind it?"
                       : "Is TLS wanted (mqtts://), or something other than MQTT?");
    return say(
        finding,
        "a connection is accepted there, but CONNECT is not answered. Is it a broker's port? A slow one "
        "needs a longer --timeout");
}

void diagnose_target(const struct target *target, enum protocol_version version, double seconds,
                     const char *found, char *problem, size_t size)
{
    struct finding finding = {target, problem, size};
    struct connection_wishes plain_wishes = {.host = target->host, .port = target->port};
    struct connection_wishes wishes = plain_wishes;
    struct glimpse plain;
    struct glimpse glimpse;
    seconds = seconds < LOOK_LIMIT ? seconds : LOOK_LIMIT; /* the probes have waited already */
    bool layered = target->encrypted || target->websocket;
    look(target, &plain_wishes, version, seconds, &plain);
    if (!plain.connected && judge_network(&finding, plain.problem))
        return;
    if (layered && judge_plain(&finding, &plain))
        return;
    wishes.tls = target->tls;
    if (target->websocket) {
        wishes.path = target->path;
        wishes.subprotocols = "mqtt";
    }
    glimpse = plain;
    if (layered)
        look(target, &wishes, version, seconds, &glimpse);
    if (!glimpse.connected && judge_layers(&finding, glimpse.problem))
        return;
    if (!judge_answer(&finding, &glimpse, version))
        say(&finding, "%s", found);
}
