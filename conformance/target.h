/* target: where the broker under test listens. */
#ifndef ETALON_CONFORMANCE_TARGET_H
#define ETALON_CONFORMANCE_TARGET_H

#include <stdbool.h>

struct tls_context;

struct target {
    char url[768];         /* as given, without the password */
    const char *scheme;    /* "mqtt", "mqtts", "ws" or "wss"; static */
    const char *transport; /* the same in words: "TCP", "TLS", "WebSocket", "WebSocket over TLS"; static */
    bool encrypted;
    bool websocket;
    char host[256];
    char port[8];
    char path[256];          /* of a WebSocket, with its query; else empty */
    struct tls_context *tls; /* set by who has the settings of TLS; NULL: none */
    char user_name[128];     /* empty: none */
    char password[128];
    bool has_user_name;
    bool has_password;
};

/* Parses SCHEME://[user[:password]@]host[:port][/path]; IPv6 addresses stand in brackets. Ports left out are
 * 1883 for mqtt, 8883 for mqtts, and those of HTTP for ws (80) and wss (443), as in any such URL. Only ws and
 * wss have a path; left out altogether it is /mqtt, where most brokers listen. False with a sentence in
 * `problem` (size bytes) when it is no such URL. */
bool target_parse(struct target *target, const char *url, char *problem, unsigned size);

#endif
