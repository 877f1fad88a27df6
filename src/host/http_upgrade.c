#include "http_upgrade.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>

/* What must be known of a request in the end; a bit of `facts` each. */
enum fact {
    FACT_HTTP_1_1 = 1 << 0,
    FACT_GET = 1 << 1,
    FACT_HOST = 1 << 2,
    FACT_NO_BODY = 1 << 3,
    FACT_PATH = 1 << 4,
    FACT_UPGRADE = 1 << 5,
    FACT_CONNECTION = 1 << 6,
    FACT_ORIGIN = 1 << 7,
    FACT_VERSION = 1 << 8,
    FACT_KEY = 1 << 9,
    FACT_SUBPROTOCOL = 1 << 10
};

/* In the order in which they are looked at: the first one that is missing decides. */
static const struct demand {
    uint16_t fact;
    uint16_t status;
    const char *why;
} demands[] = {
    {FACT_HTTP_1_1, 505, "a WebSocket needs HTTP/1.1"},
    {FACT_GET, 405, "a WebSocket begins with a GET request"},
    {FACT_HOST, 400, "there is no header Host, or its value is none"},
    {FACT_NO_BODY, 400, "a request for a WebSocket has no body"},
    {FACT_PATH, 404, "there is no WebSocket at this path"},
    {FACT_UPGRADE, 426, "this is a plain HTTP request: it lacks \"Upgrade: websocket\""},
    {FACT_CONNECTION, 400, "\"Connection: Upgrade\" is missing"},
    {FACT_ORIGIN, 403, "pages of this origin may not connect"},
    {FACT_VERSION, 426, "Sec-WebSocket-Version is not 13"},
    {FACT_KEY, 400, "Sec-WebSocket-Key is not 16 bytes in base64"},
    /* The reaction to a Client that leaves it out is not laid down [MQTT-6.0.0-3] [MQTT3-6.0.0-3]. */
    {FACT_SUBPROTOCOL, 400, "Sec-WebSocket-Protocol offers neither \"mqtt\" nor \"mqttv3.1\""},
};

void http_upgrade_begin(struct http_upgrade *request, const struct http_upgrade_rules *rules)
{
    *request = (struct http_upgrade){.rules = rules, .facts = FACT_NO_BODY};
    if (rules->origin_count == 0)
        request->facts |= FACT_ORIGIN;
}

void http_upgrade_end(struct http_upgrade *request)
{
    buffer_free(&request->line);
}

void http_upgrade_refuse(struct http_upgrade *request, uint16_t status, const char *why)
{
    request->status = status;
    request->why = why;
}

/* Characters. */

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Whether all bytes are letters, digits or among `others`, and there is one at least. */
static bool consists_of(struct bytes bytes, const char *others)
{
    for (size_t i = 0; i < bytes.length; i++) {
        const uint8_t c = bytes.data[i];
        if (!is_alphanumeric(c) && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return bytes.length > 0;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct bytes bytes)
{
    return consists_of(bytes, "!#$%&'*+-.^_`|~");
}

static bool is_visible(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.data[i] <= ' ' || bytes.data[i] >= 0x7F)
            return false;
    }
    return bytes.length > 0;
}

static bool is_text(struct bytes bytes, const char *text)
{
    return bytes_equal(bytes, bytes_of_text(text));
}

static bool is_text_of_any_case(struct bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && strncasecmp((const char *)bytes.data, text, bytes.length) == 0;
}

static struct bytes without_blanks(struct bytes bytes)
{
    while (bytes.length > 0 && (bytes.data[0] == ' ' || bytes.data[0] == '\t'))
        bytes = bytes_after(bytes, 1);
    while (bytes.length > 0 && (bytes.data[bytes.length - 1] == ' ' || bytes.data[bytes.length - 1] == '\t'))
        bytes.length--;
    return bytes;
}

/* Takes what stands in front of the next `separator` off `*rest`; all of it when there is none. */
static struct bytes take_until(struct bytes *rest, char separator)
{
    const uint8_t *end = rest->length == 0 ? NULL : memchr(rest->data, separator, rest->length);
    const struct bytes front = end == NULL ? *rest : bytes_of(rest->data, (size_t)(end - rest->data));
    *rest = bytes_after(*rest, end == NULL ? rest->length : front.length + 1);
    return front;
}

/* Whether a list "a, b" names `word`. */
static bool lists(struct bytes list, const char *word, bool (*same)(struct bytes bytes, const char *text))
{
    while (list.length > 0) {
        if (same(without_blanks(take_until(&list, ',')), word))
            return true;
    }
    return false;
}

/* Headers. A value that is not as it should be leaves the fact unknown. */

static void read_host(struct http_upgrade *request, struct bytes value)
{
    if (consists_of(value, ".-:[]_~%!$&'()*+,;="))
        request->facts |= FACT_HOST;
}

static void read_upgrade(struct http_upgrade *request, struct bytes value)
{
    if (lists(value, "websocket", is_text_of_any_case))
        request->facts |= FACT_UPGRADE;
}

static void read_connection(struct http_upgrade *request, struct bytes value)
{
    if (lists(value, "upgrade", is_text_of_any_case))
        request->facts |= FACT_CONNECTION;
}

static void read_version(struct http_upgrade *request, struct bytes value)
{
    if (is_text(value, "13"))
        request->facts |= FACT_VERSION;
}

static void read_key(struct http_upgrade *request, struct bytes value)
{
    const struct bytes digits = bytes_of(value.data, HTTP_UPGRADE_KEY_SIZE - 2);
    if (value.length != HTTP_UPGRADE_KEY_SIZE || !consists_of(digits, "+/") ||
        !is_text(bytes_after(value, digits.length), "=="))
        return;
    memcpy(request->key, value.data, HTTP_UPGRADE_KEY_SIZE);
    request->facts |= FACT_KEY;
}

/* The Server answers "mqtt" [MQTT-6.0.0-4] [MQTT3-6.0.0-4], whatever else was offered. Clients of MQTT
 * 3.1, from before that name was given, know "mqttv3.1" only. */
static void read_subprotocol(struct http_upgrade *request, struct bytes value)
{
    if (lists(value, "mqtt", is_text))
        request->subprotocol = "mqtt";
    else if (request->subprotocol == NULL && lists(value, "mqttv3.1", is_text))
        request->subprotocol = "mqttv3.1";
    if (request->subprotocol != NULL)
        request->facts |= FACT_SUBPROTOCOL;
}

/* Browsers write scheme and host in small letters; whoever configures them may not. */
static void read_origin(struct http_upgrade *request, struct bytes value)
{
    const struct http_upgrade_rules *rules = request->rules;
    bool listed = rules->origin_count == 0;
    for (size_t i = 0; i < rules->origin_count && !listed; i++)
        listed = is_text_of_any_case(value, rules->origins[i]);
    if (listed)
        request->facts |= FACT_ORIGIN;
}

static void read_content_length(struct http_upgrade *request, struct bytes value)
{
    if (!is_text(value, "0"))
        request->facts &= (uint16_t)~FACT_NO_BODY;
}

static void read_transfer_encoding(struct http_upgrade *request, struct bytes value)
{
    (void)value;
    request->facts &= (uint16_t)~FACT_NO_BODY;
}

enum { ORIGIN_ROW = 0 };

static const struct header {
    const char *name;
    bool repeatable; /* it is a list, of which each line is a part */
    void (*read)(struct http_upgrade *request, struct bytes value);
} headers[] = {
    [ORIGIN_ROW] = {"origin", false, read_origin},
    {"host", false, read_host},
    {"upgrade", true, read_upgrade},
    {"connection", true, read_connection},
    {"sec-websocket-key", false, read_key},
    {"sec-websocket-version", false, read_version},
    {"sec-websocket-protocol", true, read_subprotocol},
    {"content-length", false, read_content_length},
    {"transfer-encoding", false, read_transfer_encoding},
};

enum { HEADER_COUNT = sizeof headers / sizeof *headers, DEMAND_COUNT = sizeof demands / sizeof *demands };

/* Lines, without their ends. What they refuse with sets `why`. */

static void read_header(struct http_upgrade *request, struct bytes line)
{
    struct bytes rest = line;
    const struct bytes name = take_until(&rest, ':');
    if (line.data[0] == ' ' || line.data[0] == '\t') {
        http_upgrade_refuse(request, 400, "a header is continued on the next line");
        return;
    }
    if (name.length == line.length || !is_token(name)) {
        http_upgrade_refuse(request, 400, "a header line is not of the form \"name: value\"");
        return;
    }
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        if (!is_text_of_any_case(name, headers[i].name))
            continue;
        if ((request->seen & 1U << i) && !headers[i].repeatable)
            http_upgrade_refuse(request, 400, "a header that may come once has come twice");
        request->seen |= (uint16_t)(1U << i);
        headers[i].read(request, without_blanks(rest));
    }
}

/* What stands behind the authority of "http://host/path", which is how a proxy writes it. */
static struct bytes path_of(struct bytes target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        const size_t length = strlen(schemes[i]);
        if (target.length < length || strncasecmp((const char *)target.data, schemes[i], length) != 0)
            continue;
        const struct bytes authority = bytes_after(target, length);
        const uint8_t *path = authority.length == 0 ? NULL : memchr(authority.data, '/', authority.length);
        return path == NULL ? bytes_of("/", 1) : bytes_after(authority, (size_t)(path - authority.data));
    }
    return target;
}

/* Which of the paths it was is forgotten then: it makes no difference to MQTT [D-6-1, D3-6-1]. */
static bool path_allowed(const struct http_upgrade_rules *rules, struct bytes path)
{
    const struct bytes without_query = take_until(&path, '?');
    if (without_query.length == 0 || without_query.data[0] != '/')
        return false;
    for (size_t i = 0; i < rules->path_count; i++) {
        if (is_text(without_query, rules->paths[i]))
            return true;
    }
    return rules->path_count == 0;
}

static bool is_version(struct bytes version)
{
    return version.length == strlen("HTTP/1.1") && memcmp(version.data, "HTTP/", 5) == 0 &&
           version.data[5] >= '0' && version.data[5] <= '9' && version.data[6] == '.' &&
           version.data[7] >= '0' && version.data[7] <= '9';
}

static void read_request_line(struct http_upgrade *request, struct bytes line)
{
    struct bytes rest = line;
    const struct bytes method = take_until(&rest, ' ');
    const struct bytes target = take_until(&rest, ' ');
    if (!is_token(method) || !is_visible(target) || memchr(target.data, '#', target.length) != NULL ||
        !is_version(rest)) {
        http_upgrade_refuse(request, 400, "the first line is not that of an HTTP request");
        return;
    }
    request->head = is_text(method, "HEAD");
    if (is_text(method, "GET"))
        request->facts |= FACT_GET;
    if (is_text(rest, "HTTP/1.1"))
        request->facts |= FACT_HTTP_1_1;
    if (path_allowed(request->rules, path_of(target)))
        request->facts |= FACT_PATH;
}

/* The header block has ended. */
static enum http_upgrade_outcome decide(struct http_upgrade *request)
{
    /* The list of origins guards people against foreign pages in their browsers, which always say where a
     * page is from. What is no browser could write any origin, so that nothing is won by demanding one. */
    if (!(request->seen & 1U << ORIGIN_ROW))
        request->facts |= FACT_ORIGIN;
    for (size_t i = 0; i < DEMAND_COUNT; i++) {
        if (request->facts & demands[i].fact)
            continue;
        http_upgrade_refuse(request, demands[i].status, demands[i].why);
        return HTTP_UPGRADE_REFUSED;
    }
    return HTTP_UPGRADE_ACCEPTED;
}

/* Neither a line end of another kind nor anything else that two readers could take for different things. */
static bool has_controls(struct bytes line)
{
    for (size_t i = 0; i < line.length; i++) {
        if ((line.data[i] < ' ' && line.data[i] != '\t') || line.data[i] == 0x7F)
            return true;
    }
    return false;
}

/* `line` with its line feed. */
static enum http_upgrade_outcome read_line(struct http_upgrade *request, struct bytes line)
{
    const bool ends_well = line.length >= 2 && line.data[line.length - 2] == '\r';
    line.length -= ends_well ? 2 : 1;
    if (!ends_well || has_controls(line))
        http_upgrade_refuse(request, 400, "a line has a control character, or does not end with CR LF");
    else if (request->lines == 0)
        read_request_line(request, line);
    else if (line.length == 0)
        return decide(request);
    else if (request->lines == HTTP_UPGRADE_LINES)
        http_upgrade_refuse(request, 431, "there are too many headers");
    else
        read_header(request, line);
    request->lines++;
    return request->why ? HTTP_UPGRADE_REFUSED : HTTP_UPGRADE_INCOMPLETE;
}

/* Every method has a name of capital letters. */
static enum http_upgrade_outcome check_first_byte(struct http_upgrade *request, uint8_t byte)
{
    enum { TLS_HANDSHAKE = 0x16, MQTT_CONNECT = 0x10 };
    if (byte >= 'A' && byte <= 'Z')
        return HTTP_UPGRADE_INCOMPLETE;
    const char *why = "the client speaks no HTTP";
    if (byte == TLS_HANDSHAKE)
        why = "the client speaks TLS, and this listener does not";
    else if (byte == MQTT_CONNECT)
        why = "the client speaks MQTT without WebSocket, and this listener is for WebSocket";
    http_upgrade_refuse(request, 0, why);
    return HTTP_UPGRADE_REFUSED;
}

/* Takes what belongs to the line at hand, which may or may not end by it. */
static enum http_upgrade_outcome read_part(struct http_upgrade *request, struct bytes part)
{
    const uint32_t limit = request->rules->maximum_size ? request->rules->maximum_size : HTTP_UPGRADE_SIZE;
    if (request->size > limit || part.length > limit - request->size) {
        http_upgrade_refuse(request, 431, "the request is too large");
        return HTTP_UPGRADE_REFUSED;
    }
    request->size += (uint32_t)part.length;
    if (!buffer_append(&request->line, part)) {
        http_upgrade_refuse(request, 503, "out of memory");
        return HTTP_UPGRADE_REFUSED;
    }
    if (part.data[part.length - 1] != '\n')
        return HTTP_UPGRADE_INCOMPLETE;
    const enum http_upgrade_outcome outcome = read_line(request, buffer_all(&request->line));
    buffer_clear(&request->line);
    return outcome;
}

enum http_upgrade_outcome http_upgrade_receive(struct http_upgrade *request, struct bytes *bytes)
{
    enum http_upgrade_outcome outcome = HTTP_UPGRADE_INCOMPLETE;
    if (request->size == 0 && bytes->length > 0)
        outcome = check_first_byte(request, bytes->data[0]);
    while (outcome == HTTP_UPGRADE_INCOMPLETE && bytes->length > 0) {
        const uint8_t *end = memchr(bytes->data, '\n', bytes->length);
        const size_t length = end == NULL ? bytes->length : (size_t)(end - bytes->data) + 1;
        outcome = read_part(request, bytes_of(bytes->data, length));
        *bytes = bytes_after(*bytes, length);
    }
    return outcome;
}

/* Answers. */

static const char *phrase_of(uint16_t status)
{
    static const struct phrase {
        uint16_t status;
        const char *text;
    } phrases[] = {
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {426, "Upgrade Required"},
        {431, "Request Header Fields Too Large"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (phrases[i].status == status)
            return phrases[i].text;
    }
    return "Error";
}

/* Says nothing that came from the request: nobody can have others shown what he has written. */
static bool write_page(const struct http_upgrade *request, struct buffer *down)
{
    char page[400];
    char head[400];
    const uint16_t status = request->status;
    const int page_length = snprintf(
        page, sizeof page,
        "This is an MQTT broker. Connect with a WebSocket client that offers the subprotocol \"mqtt\".\n\n"
        "%u %s: %s.\n",
        (unsigned)status, phrase_of(status), request->why);
    const int head_length = snprintf(
        head, sizeof head,
        "HTTP/1.1 %u %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s\r\n",
        (unsigned)status, phrase_of(status), page_length,
        status == 426   ? "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n"
        : status == 405 ? "Allow: GET\r\nConnection: close\r\n"
                        : "Connection: close\r\n");
    return buffer_append(down, bytes_of(head, (size_t)head_length)) &&
           (request->head || buffer_append(down, bytes_of(page, (size_t)page_length)));
}

/* RFC 6455 section 4.2.2: the key and a constant, hashed, so that no cache or plain HTTP server gives this
 * answer by accident. */
static bool make_accept_key(const char key[static HTTP_UPGRADE_KEY_SIZE], char accept[static 32])
{
    static const char constant[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t input[HTTP_UPGRADE_KEY_SIZE + sizeof constant - 1];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    memcpy(input, key, HTTP_UPGRADE_KEY_SIZE);
    memcpy(input + HTTP_UPGRADE_KEY_SIZE, constant, sizeof constant - 1);
    if (EVP_Digest(input, sizeof input, digest, &length, EVP_sha1(), NULL) != 1 || length != 20)
        return false;
    EVP_EncodeBlock((unsigned char *)accept, digest, (int)length); /* 28 characters and a NUL */
    return true;
}

bool http_upgrade_answer(const struct http_upgrade *request, struct buffer *down)
{
    if (request->why != NULL)
        return request->status == 0 || write_page(request, down);
    char accept[32];
    char text[256];
    if (!make_accept_key(request->key, accept))
        return false;
    /* No Sec-WebSocket-Extensions: none is agreed on, whatever was offered. */
    const int length =
        snprintf(text, sizeof text,
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
                 accept, request->subprotocol);
    return buffer_append(down, bytes_of(text, (size_t)length));
}
