#include "target.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies `length` characters and ends them; false when there is no room. */
static bool copy_part(char *to, size_t size, const char *from, size_t length)
{
    if (length >= size)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

static bool parse_user(struct target *target, const char *from, size_t length)
{
    const char *colon = memchr(from, ':', length);
    size_t name_length = colon == NULL ? length : (size_t)(colon - from);
    target->has_user_name = true;
    target->has_password = colon != NULL;
    if (!copy_part(target->user_name, sizeof target->user_name, from, name_length))
        return false;
    return colon == NULL ||
           copy_part(target->password, sizeof target->password, colon + 1, length - name_length - 1);
}

static bool parse_host(struct target *target, const char *from, size_t length, const char **rest)
{
    const char *end = from + length;
    if (length > 0 && from[0] == '[') {
        const char *bracket = memchr(from, ']', length);
        if (bracket == NULL)
            return false;
        *rest = bracket + 1;
        return copy_part(target->host, sizeof target->host, from + 1, (size_t)(bracket - from) - 1);
    }
    const char *colon = memchr(from, ':', length);
    *rest = colon == NULL ? end : colon;
    return copy_part(target->host, sizeof target->host, from, (size_t)(*rest - from));
}

static bool parse_port(struct target *target, const char *from, const char *end, const char *usual)
{
    if (from == end)
        return copy_part(target->port, sizeof target->port, usual, strlen(usual));
    if (*from != ':' || !copy_part(target->port, sizeof target->port, from + 1, (size_t)(end - from) - 1))
        return false;
    char *last;
    long number = strtol(target->port, &last, 10);
    return *last == '\0' && target->port[0] >= '0' && target->port[0] <= '9' && number > 0 &&
           number <= UINT16_MAX;
}

/* `from` is what stands behind host and port. Blanks and the like would spoil the request. */
static bool parse_path(struct target *target, const char *from)
{
    if (!target->websocket)
        return from[0] == '\0' || from[1] == '\0';
    for (const char *at = from; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~' || *at == '#')
            return false;
    const char *path = from[0] == '\0' ? "/mqtt" : from;
    return copy_part(target->path, sizeof target->path, path, strlen(path));
}

static const struct scheme {
    const char *name;
    const char *transport;
    const char *port;
    bool encrypted;
    bool websocket;
} schemes[] = {
    {"mqtt", "TCP", "1883", false, false},
    {"mqtts", "TLS", "8883", true, false},
    {"ws", "WebSocket", "80", false, true},
    {"wss", "WebSocket over TLS", "443", true, true},
};

/* The scheme that `url` begins with; NULL: none of ours. */
static const struct scheme *find_scheme(const char *url)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i].name);
        if (strncmp(url, schemes[i].name, length) == 0 && strncmp(url + length, "://", 3) == 0)
            return &schemes[i];
    }
    return NULL;
}

/* What stands behind "SCHEME://". */
static bool parse_rest(struct target *target, const char *from, const char *usual_port)
{
    const char *end = from + strcspn(from, "/");
    bool good = parse_path(target, end);
    for (const char *at = end; at > from; at--) /* the last @ ends the user: a password may contain one */
        if (at[-1] == '@') {
            good = good && parse_user(target, from, (size_t)(at - 1 - from));
            from = at;
            break;
        }
    const char *rest = from;
    return good && parse_host(target, from, (size_t)(end - from), &rest) && target->host[0] != '\0' &&
           parse_port(target, rest, end, usual_port);
}

bool target_parse(struct target *target, const char *url, char *problem, unsigned size)
{
    const struct scheme *scheme = find_scheme(url);
    memset(target, 0, sizeof *target);
    if (scheme != NULL) {
        target->scheme = scheme->name;
        target->transport = scheme->transport;
        target->encrypted = scheme->encrypted;
        target->websocket = scheme->websocket;
    }
    if (scheme == NULL || !parse_rest(target, url + strlen(scheme->name) + 3, scheme->port)) {
        snprintf(problem, size,
                 "'%s' is not of the form mqtt://[user:password@]host[:port], mqtts://..., "
                 "ws://.../path or wss://.../path",
                 url);
        return false;
    }
    bool brackets = strchr(target->host, ':') != NULL;
    snprintf(target->url, sizeof target->url, "%s://%s%s%s%s%s:%s%s", target->scheme, target->user_name,
             target->has_user_name ? "@" : "", brackets ? "[" : "", target->host, brackets ? "]" : "",
             target->port, target->path);
    return true;
}
