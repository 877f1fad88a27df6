/* target: where the broker under test listens. */
#ifndef ETALON_CONFORMANCE_TARGET_H
#define ETALON_CONFORMANCE_TARGET_H

#include <stdbool.h>

struct target {
    char url[512]; /* as given, without the password */
    char host[256];
    char port[8];
    char user_name[128]; /* empty: none */
    char password[128];
    bool has_user_name;
    bool has_password;
};

/* Parses mqtt://[user[:password]@]host[:port][/]; IPv6 addresses stand in brackets. False with a sentence
 * in `problem` (size bytes) when it is no such URL. */
bool target_parse(struct target *target, const char *url, char *problem, unsigned size);

#endif
