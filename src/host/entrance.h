/* entrance: who may come in and what they may do there, as the files say that the configuration names.
 * Prefix: entrance_ */
#ifndef ETALON_HOST_ENTRANCE_H
#define ETALON_HOST_ENTRANCE_H

#include "acl.h"
#include "authenticator.h"
#include "configuration.h"
#include "scram.h"

struct entrance {
    struct authenticator authenticator;
    struct acl *acl; /* NULL: everybody may do everything */
};

/* What was read from the files; NULL: there is none. */
struct entrance_files {
    struct password_file *passwords;
    struct mechanism *mechanisms[AUTHENTICATOR_MECHANISMS]; /* up to the first NULL */
    struct acl *acl;
};

/* Reads the files of `configuration`. False: `complain` was told of all that is wrong, a line "FILE:LINE:
 * text" each; nothing is to be released. */
bool entrance_read(struct entrance_files *files, const struct configuration *configuration,
                   void (*complain)(void *context, const char *text), void *context);

/* Drops files that will not be used. */
void entrance_release(struct entrance_files *files);

/* Nobody gets in before entrance_apply. The key in `options` is drawn here. */
void entrance_begin(struct entrance *entrance, const struct authenticator_options *options);

/* From now on `configuration` and `files` hold, which become the entrance's. */
void entrance_apply(struct entrance *entrance, const struct configuration *configuration,
                    struct entrance_files *files);

/* broker_environment.authorise */
bool entrance_authorise(const struct entrance *entrance, const struct authorisation *question);

/* After the loop has ended. */
void entrance_end(struct entrance *entrance);

#endif
