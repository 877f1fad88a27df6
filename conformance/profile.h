/* profile: what stands in the text file of a broker's profile; broker.h tells what may stand there. `folder` is the
 * directory of the profile, as given with --profile. */
#ifndef ETALON_CONFORMANCE_PROFILE_H
#define ETALON_CONFORMANCE_PROFILE_H

#include <stdbool.h>

/* Whether a line that begins with `key` names this word. */
bool profile_names(const char *folder, const char *key, const char *word);

/* The word number `index` (from 0) behind `key` in the first line that begins with it; NULL when there is none. The
 * caller frees it. */
char *profile_word(const char *folder, const char *key, unsigned index);

/* The number behind `key`, from 1 to 3600; `otherwise` without such a line, 0 when it is no such number. */
double profile_number(const char *folder, const char *key, double otherwise);

#endif
