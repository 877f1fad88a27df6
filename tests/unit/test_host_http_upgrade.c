/* host/http_upgrade: the request that a WebSocket begins with; RFC 6455 section 4.2, RFC 9112. */
#include <stdio.h>

#include "host/http_upgrade.h"
#include "support.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define MQTT "Sec-WebSocket-Protocol: mqtt\r\n"
#define HOST "Host: broker.example:9001\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define GET "GET /mqtt HTTP/1.1\r\n"
#define GOOD GET HOST UPGRADE KEY VERSION MQTT "\r\n"

static const char *const paths[] = {"/mqtt", "/ws"};
static const char *const origins[] = {"https://example.org", "http://localhost:8000"};
static const struct http_upgrade_rules any,
    strict = {.paths = paths, .path_count = 2, .origins = origins, .origin_count = 2};

/* What came of a request. */
struct result {
    enum http_upgrade_outcome outcome;
    uint16_t status;
    const char *why;
    const char *subprotocol;
    size_t taken;
    char answer[1000];
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Reads `bytes` in pieces of `cut` bytes, each in a block of its own size. */
static struct result read_cut(const struct http_upgrade_rules *rules, struct bytes bytes, size_t cut)
{
    struct http_upgrade request;
    struct result result = {.outcome = HTTP_UPGRADE_INCOMPLETE};
    http_upgrade_begin(&request, rules);
    while (result.outcome == HTTP_UPGRADE_INCOMPLETE && result.taken < bytes.length) {
        const size_t length = smaller(cut, bytes.length - result.taken);
        uint8_t *block = octets_room(length);
        memcpy(block, bytes.data + result.taken, length);
        struct bytes piece = bytes_of(block, length);
        result.outcome = http_upgrade_receive(&request, &piece);
        result.taken += length - piece.length;
        free(block);
    }
    result.status = request.status;
    result.why = request.why;
    result.subprotocol = request.subprotocol;
    struct buffer answer = {0};
    if (result.outcome != HTTP_UPGRADE_INCOMPLETE) {
        ck_assert(http_upgrade_answer(&request, &answer));
        const struct bytes text = buffer_all(&answer);
        ck_assert_uint_lt(text.length, sizeof result.answer);
        if (text.length > 0)
            memcpy(result.answer, text.data, text.length);
    }
    buffer_free(&answer);
    http_upgrade_end(&request);
    return result;
}

/* However the bytes are cut, the result is the same. What may lie behind the request when it is refused is
 * nobody's business. */
static struct result read_bytes(const struct http_upgrade_rules *rules, struct bytes bytes)
{
    static const size_t cuts[] = {1, 2, 7, 100};
    const struct result whole = read_cut(rules, bytes, SIZE_MAX);
    for (int i = 0; i < COUNT(cuts); i++) {
        const struct result cut = read_cut(rules, bytes, cuts[i]);
        ck_assert_int_eq(cut.outcome, whole.outcome);
        ck_assert_uint_eq(cut.status, whole.status);
        ck_assert_str_eq(cut.answer, whole.answer);
        ck_assert(cut.why == whole.why && cut.subprotocol == whole.subprotocol);
        if (whole.outcome == HTTP_UPGRADE_ACCEPTED)
            ck_assert_uint_eq(cut.taken, whole.taken);
    }
    return whole;
}

static struct result read_text(const struct http_upgrade_rules *rules, const char *text)
{
    return read_bytes(rules, bytes_of_text(text));
}

static void accept_with(const struct http_upgrade_rules *rules, const char *text, const char *subprotocol)
{
    const struct result result = read_text(rules, text);
    ck_assert_msg(result.outcome == HTTP_UPGRADE_ACCEPTED, "%s\n%s", result.why, text);
    ck_assert_str_eq(result.subprotocol, subprotocol);
    ck_assert_uint_eq(result.taken, strlen(text));
}

/* The sample of RFC 6455 section 1.3. [MQTT-6.0.0-4] */
START_TEST(the_answer_to_a_request)
{
    const struct result result = read_text(&strict, GOOD);
    ck_assert_int_eq(result.outcome, HTTP_UPGRADE_ACCEPTED);
    ck_assert_str_eq(result.answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                    "Connection: Upgrade\r\n"
                                    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                    "Sec-WebSocket-Protocol: mqtt\r\n\r\n");
}
END_TEST

START_TEST(what_is_accepted)
{
    static const struct {
        const char *text;
        const char *subprotocol;
    } rows[] = {
        {GOOD, "mqtt"},
        {"GET /ws HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n", "mqtt"},
        {"GET /mqtt?token=/x HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n", "mqtt"},
        {"GET http://broker.example/mqtt HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n", "mqtt"},
        /* Names and these values in any case, blanks around values, lists. */
        {GET "HOST:x\r\nupgrade: \t WebSocket \t\r\nCONNECTION: keep-alive , uPgrade\r\n" KEY VERSION MQTT
             "\r\n",
         "mqtt"},
        {GET HOST
         "Upgrade: h2c, websocket\r\nConnection: keep-alive\r\nConnection: ,Upgrade\r\n" KEY VERSION MQTT
         "\r\n",
         "mqtt"},
        {GET "Host: [::1]:9001\r\n" UPGRADE KEY VERSION MQTT "\r\n", "mqtt"},
        /* mqtt is preferred, wherever it stands. */
        {GET HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol: mqttv3.1\r\n\r\n", "mqttv3.1"},
        {GET HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol: mqttv3.1, mqtt\r\n\r\n", "mqtt"},
        {GET HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol: mqtt, mqttv3.1\r\n\r\n", "mqtt"},
        {GET HOST UPGRADE KEY VERSION
         "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: mqttv3.1\r\n\r\n",
         "mqtt"},
        {GET HOST UPGRADE KEY VERSION
         "Sec-WebSocket-Protocol: chat,mqttv3.1\r\nSec-WebSocket-Protocol:mqtt\r\n\r\n",
         "mqtt"},
        /* Extensions are offered in vain, and what is unknown does not matter. */
        {GET HOST UPGRADE KEY VERSION MQTT
         "Sec-WebSocket-Extensions: permessage-deflate\r\nX: \x80\xFF\r\nCookie:\r\n\r\n",
         "mqtt"},
        {GET HOST UPGRADE KEY VERSION MQTT "Content-Length: 0\r\n\r\n", "mqtt"},
        {GET HOST UPGRADE KEY VERSION MQTT "Origin: https://example.org\r\n\r\n", "mqtt"},
        {GET HOST UPGRADE KEY VERSION MQTT "Origin: HTTP://LOCALHOST:8000\r\n\r\n", "mqtt"},
    };
    for (int i = 0; i < COUNT(rows); i++)
        accept_with(&strict, rows[i].text, rows[i].subprotocol);
}
END_TEST

START_TEST(without_rules_any_path_and_origin_will_do)
{
    accept_with(&any, "GET / HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "Origin: null\r\n\r\n", "mqtt");
    accept_with(&any, "GET https://host?q HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n", "mqtt");
}
END_TEST

START_TEST(what_is_refused)
{
    static const struct {
        uint16_t status;
        const char *text;
    } rows[] = {
        /* The request line */
        {400, "GET\r\n"},
        {400, "GET /\r\n"},
        {400, "GET / HTTP/1.1 \r\n"},
        {400, "GET  / HTTP/1.1\r\n"},
        {400, "GET / HTTP/1.1\n"},
        {400, "GET /\x01 HTTP/1.1\r\n"},
        {400, "GET /\xE9 HTTP/1.1\r\n"},
        {400, "GET /#a HTTP/1.1\r\n"},
        {400, "GET / HTTP/11\r\n"},
        {400, "GET / http/1.1\r\n"},
        {400, "GET / HTTP/1.1\r\r\n"},
        {400, "G@T / HTTP/1.1\r\n"},
        {404, "GET mqtt HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n"},
        {404, "GET * HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n"},
        {404, "GET /mqtt/ HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n"},
        {404, "GET /MQTT HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n"},
        {404, "GET / HTTP/1.1\r\n" HOST "\r\n"},
        {405, "POST /mqtt HTTP/1.1\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n"},
        {505, "GET /mqtt HTTP/1.0\r\n" HOST UPGRADE KEY VERSION MQTT "\r\n"},
        {505, "PRI * HTTP/2.0\r\n\r\n"},
        /* The form of headers */
        {400, GET "Host : x\r\n"},
        {400, GET "Host\r\n"},
        {400, GET ": x\r\n"},
        {400, GET "Ho st: x\r\n"},
        {400, GET "Host: x\n"},
        {400, GET "Host: x\r\n y\r\n"},
        {400, GET "Host: x\r\n\ty\r\n"},
        {400, GET "X: a\rb\r\n"},
        {400, GET "X: \x7F\r\n"},
        {400, GET HOST "\n"},
        /* Headers that count twice */
        {400, GET HOST HOST},
        {400, GET KEY KEY},
        {400, GET VERSION "sec-websocket-version: 13\r\n"},
        {400, GET "Origin: https://example.org\r\nOrigin: https://example.org\r\n"},
        {400, GET "Content-Length: 0\r\nContent-Length: 0\r\n"},
        /* Their contents */
        {400, GET UPGRADE KEY VERSION MQTT "\r\n"},
        {400, GET "Host:\r\n" UPGRADE KEY VERSION MQTT "\r\n"},
        {400, GET "Host: a b\r\n" UPGRADE KEY VERSION MQTT "\r\n"},
        {400, GET HOST UPGRADE KEY VERSION MQTT "Content-Length: 1\r\n\r\n"},
        {400, GET HOST UPGRADE KEY VERSION MQTT "Transfer-Encoding: chunked\r\n\r\n"},
        {426, GET HOST "\r\n"},
        {426, GET HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY VERSION MQTT "\r\n"},
        {426, GET HOST "Upgrade: websockets\r\nConnection: Upgrade\r\n" KEY VERSION MQTT "\r\n"},
        {400, GET HOST "Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY VERSION MQTT "\r\n"},
        {400, GET HOST "Upgrade: websocket\r\n" KEY VERSION MQTT "\r\n"},
        {403, GET HOST UPGRADE KEY VERSION MQTT "Origin: https://example.com\r\n\r\n"},
        {403, GET HOST UPGRADE KEY VERSION MQTT "Origin: https://example.org.evil\r\n\r\n"},
        {403, GET HOST UPGRADE KEY VERSION MQTT "Origin: null\r\n\r\n"},
        {403, GET HOST UPGRADE KEY VERSION MQTT "Origin:\r\n\r\n"},
        {426, GET HOST UPGRADE KEY MQTT "\r\n"},
        {426, GET HOST UPGRADE KEY "Sec-WebSocket-Version: 8\r\n" MQTT "\r\n"},
        {426, GET HOST UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n" MQTT "\r\n"},
        {400, GET HOST UPGRADE VERSION MQTT "\r\n"},
        {400, GET HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n" VERSION MQTT "\r\n"},
        {400, GET HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQQ=\r\n" VERSION MQTT "\r\n"},
        {400, GET HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ-==\r\n" VERSION MQTT "\r\n"},
        {400, GET HOST UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===\r\n" VERSION MQTT "\r\n"},
        {400, GET HOST UPGRADE "Sec-WebSocket-Key:\r\n" VERSION MQTT "\r\n"},
        /* [MQTT-6.0.0-3] */
        {400, GET HOST UPGRADE KEY VERSION "\r\n"},
        {400, GET HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol: chat\r\n\r\n"},
        {400, GET HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol: MQTT\r\n\r\n"},
        {400, GET HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol: mqtt mqttv3.1\r\n\r\n"},
        {400, GET HOST UPGRADE KEY VERSION "Sec-WebSocket-Protocol:\r\n\r\n"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const struct result result = read_text(&strict, rows[i].text);
        char status_line[40];
        snprintf(status_line, sizeof status_line, "HTTP/1.1 %u ", (unsigned)rows[i].status);
        ck_assert_msg(result.outcome == HTTP_UPGRADE_REFUSED, "not refused:\n%s", rows[i].text);
        ck_assert_msg(result.status == rows[i].status, "%u\n%s", result.status, rows[i].text);
        ck_assert(strncmp(result.answer, status_line, strlen(status_line)) == 0);
        ck_assert(strstr(result.answer, result.why) != NULL);
        ck_assert(strstr(result.answer, "This is an MQTT broker.") != NULL);
    }
}
END_TEST

/* Its own mistakes apart, a page says how to do it right, and nothing of what the request said. */
START_TEST(pages)
{
    const struct result plain = read_text(&any, GET HOST "X: <script>\r\n\r\n");
    ck_assert(strstr(plain.answer, "\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
                                   "Sec-WebSocket-Version: 13\r\n\r\nThis is") != NULL);
    ck_assert(strstr(plain.answer, "script") == NULL);
    const char *body = strstr(plain.answer, "\r\n\r\n") + 4;
    char length[40];
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", strlen(body));
    ck_assert(strstr(plain.answer, length) != NULL);

    const struct result head = read_text(&any, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_uint_eq(head.status, 405);
    ck_assert(strstr(head.answer, "\r\nAllow: GET\r\n") != NULL);
    ck_assert_str_eq(strstr(head.answer, "\r\n\r\n"), "\r\n\r\n");
}
END_TEST

/* Other protocols get no answer; the log says what came. */
START_TEST(what_is_no_http)
{
    static const struct {
        const char *octets;
        const char *why;
    } rows[] = {
        {"10 [<'MQTT'> 05 02 003C [] <'a'>]", "MQTT without WebSocket"},
        {"16 03 01 0200 01 0001FC 0303", "TLS"},
        {"00", "no HTTP"},
        {"0D 0A", "no HTTP"},
        {"'get / HTTP/1.1'", "no HTTP"},
        {"'[' FF", "no HTTP"},
        {"'@'", "no HTTP"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        const struct bytes bytes = octets(rows[i].octets);
        const struct result result = read_bytes(&any, bytes);
        ck_assert_int_eq(result.outcome, HTTP_UPGRADE_REFUSED);
        ck_assert_msg(strstr(result.why, rows[i].why) != NULL, "%s", result.why);
        ck_assert_str_eq(result.answer, "");
        octets_free(bytes);
    }
}
END_TEST

START_TEST(every_prefix_is_incomplete)
{
    const struct bytes good = bytes_of_text(GOOD);
    for (size_t length = 0; length < good.length; length++) {
        const struct result result = read_bytes(&strict, bytes_of(good.data, length));
        ck_assert_int_eq(result.outcome, HTTP_UPGRADE_INCOMPLETE);
    }
}
END_TEST

START_TEST(frames_may_follow)
{
    const struct bytes bytes = bytes_of_text(GOOD "\x82\x80");
    const struct result result = read_bytes(&strict, bytes);
    ck_assert_int_eq(result.outcome, HTTP_UPGRADE_ACCEPTED);
    ck_assert_uint_eq(result.taken, bytes.length - 2);
}
END_TEST

/* A header block of exactly `size` bytes. */
static struct bytes sized_request(size_t size)
{
    static const char front[] = GET HOST UPGRADE KEY VERSION MQTT "X: ", back[] = "\r\n\r\n";
    uint8_t *block = octets_room(size);
    memset(block, 'x', size);
    memcpy(block, front, sizeof front - 1);
    memcpy(block + size - (sizeof back - 1), back, sizeof back - 1);
    return bytes_of(block, size);
}

START_TEST(the_size_is_limited)
{
    const struct http_upgrade_rules small = {.maximum_size = 1000};
    static const struct {
        size_t size;
        bool limited;
        bool accepted;
    } rows[] = {{1000, true, true},
                {1001, true, false},
                {HTTP_UPGRADE_SIZE, false, true},
                {HTTP_UPGRADE_SIZE + 1, false, false}};
    for (int i = 0; i < COUNT(rows); i++) {
        const struct bytes bytes = sized_request(rows[i].size);
        const struct result result = read_bytes(rows[i].limited ? &small : &any, bytes);
        ck_assert_int_eq(result.outcome, rows[i].accepted ? HTTP_UPGRADE_ACCEPTED : HTTP_UPGRADE_REFUSED);
        ck_assert_uint_eq(result.status, rows[i].accepted ? 0 : 431);
        free((void *)(uintptr_t)bytes.data);
    }
}
END_TEST

/* A line that never ends is noticed when it is too long, not later. */
START_TEST(an_endless_line)
{
    uint8_t *block = octets_room(3 * HTTP_UPGRADE_SIZE);
    memset(block, 'A', 3 * HTTP_UPGRADE_SIZE);
    ck_assert_int_eq(read_bytes(&any, bytes_of(block, HTTP_UPGRADE_SIZE)).outcome, HTTP_UPGRADE_INCOMPLETE);
    ck_assert_uint_eq(read_bytes(&any, bytes_of(block, 3 * HTTP_UPGRADE_SIZE)).status, 431);
    ck_assert_uint_eq(read_cut(&any, bytes_of(block, 3 * HTTP_UPGRADE_SIZE), 1).taken, HTTP_UPGRADE_SIZE + 1);
    free(block);
}
END_TEST

START_TEST(the_number_of_headers_is_limited)
{
    enum { OURS = 6 };
    for (int more = HTTP_UPGRADE_LINES - OURS - 2; more <= HTTP_UPGRADE_LINES - OURS; more++) {
        struct buffer text = {0};
        ck_assert(buffer_append(&text, bytes_of_text(GET HOST UPGRADE KEY VERSION MQTT)));
        for (int i = 0; i < more; i++)
            ck_assert(buffer_append(&text, bytes_of_text("X: y\r\n")));
        ck_assert(buffer_append(&text, bytes_of_text("\r\n")));
        const struct result result = read_bytes(&any, buffer_all(&text));
        ck_assert_uint_eq(result.status, more + OURS + 1 <= HTTP_UPGRADE_LINES ? 0 : 431);
        buffer_free(&text);
    }
}
END_TEST

Suite *suite_host_http_upgrade(void);

Suite *suite_host_http_upgrade(void)
{
    Suite *suite = suite_create("host/http_upgrade");
    TCase *tcase = tcase_create("requests");
    tcase_add_test(tcase, the_answer_to_a_request);
    tcase_add_test(tcase, what_is_accepted);
    tcase_add_test(tcase, without_rules_any_path_and_origin_will_do);
    tcase_add_test(tcase, what_is_refused);
    tcase_add_test(tcase, pages);
    tcase_add_test(tcase, what_is_no_http);
    tcase_add_test(tcase, every_prefix_is_incomplete);
    tcase_add_test(tcase, frames_may_follow);
    tcase_add_test(tcase, the_size_is_limited);
    tcase_add_test(tcase, an_endless_line);
    tcase_add_test(tcase, the_number_of_headers_is_limited);
    suite_add_tcase(suite, tcase);
    return suite;
}
