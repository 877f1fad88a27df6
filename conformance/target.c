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

static bool parse_port(struct target *target, const char *from, const char *end)
{
    if (from == end)
        return copy_part(target->port, sizeof target->port, "1883", 4);
    if (*from != ':' || !copy_part(target->port, sizeof target->port, from + 1, (size_t)(end - from) - 1))
        return false;
    char *last;
    long number = strtol(target->port, &last, 10);
    return *last == '\0' && target->port[0] >= '0' && target->port[0] <= '9' && number > 0 &&
           number <= UINT16_MAX;
}

bool target_parse(struct target *target, const char *url, char *problem, unsigned size)
{
    static const char scheme[] = "mqtt://";
    memset(target, 0, sizeof *target);
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) {
        snprintf(problem, size, "'%s' is not of the form mqtt://[user:password@]host[:port]", url);
        return false;
    }
    const char *from = url + sizeof scheme - 1;
    const char *end = from + strcspn(from, "/");
    bool good = end[0] == '\0' || end[1] == '\0';
    for (const char *at = end; at > from; at--) /* the last @ ends the user: a password may contain one */
        if (at[-1] == '@') {
            good = good && parse_user(target, from, (size_t)(at - 1 - from));
            from = at;
            break;
        }
    const char *rest = from;
    good = good && parse_host(target, from, (size_t)(end - from), &rest) && target->host[0] != '\0' &&
           parse_port(target, rest, end);
    if (!good)
        snprintf(problem, size, "'%s' is not of the form mqtt://[user:password@]host[:port]", url);
    bool brackets = strchr(target->host, ':') != NULL;
    snprintf(target->url, sizeof target->url, "mqtt://%s%s%s%s%s:%s", target->user_name,
             target->has_user_name ? "@" : "", brackets ? "[" : "", target->host, brackets ? "]" : "",
             target->port);
    return good;
}
