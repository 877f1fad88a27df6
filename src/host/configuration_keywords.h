/* configuration_keywords: the table of keywords and how their values are read. For configuration.c and the
 * tests. Prefix: keyword_ */
#ifndef ETALON_HOST_CONFIGURATION_KEYWORDS_H
#define ETALON_HOST_CONFIGURATION_KEYWORDS_H

#include "../base/line.h"
#include "configuration.h"

struct keyword;

/* What is wrong with a value, and where. */
struct problem {
    size_t offset; /* bytes into the value */
    struct line text;
};

/* Puts `value` (not empty, without blanks around it, no control characters but TAB) to its place. False:
 * `problem` says why not. */
typedef bool keyword_reader(struct configuration *configuration, const struct keyword *keyword,
                            const char *value, struct problem *problem);

struct keyword {
    const char *name;
    const char *value;    /* how the value is written, for the manual; the choices of read_choice */
    const char *fallback; /* the value that holds without the keyword; NULL: none that could be written */
    const char *help;
    keyword_reader *read;
    size_t offset; /* of the place in struct configuration; of_listener: in struct configuration_listener */
    size_t width;  /* of the place, bytes */
    uint64_t minimum;
    uint64_t maximum;
    uint32_t scale; /* what is stored is the number times this; 0 = 1 */
    bool zero;      /* 0 is allowed beside the range: no limit */
    bool months;    /* Mosquitto's "m" is a month */
    bool repeatable;
    bool reloadable;
    bool of_listener; /* holds for the listener whose line is above it, and may appear once for each */
};

/* Where a keyword's value is to be put: for one of a listener, in the listener that was begun last. */
void *keyword_place(struct configuration *configuration, const struct keyword *keyword);

/* The keyword at `index`; NULL behind the last one. */
const struct keyword *keyword_at(size_t index);

/* Index of a keyword; SIZE_MAX: not one of ours. */
size_t keyword_find(const char *name);

/* What is missing in Etalon for a keyword that Mosquitto knows and Etalon does not; NULL: not one of
 * these. */
const char *keyword_missing(const char *name);

/* The known name that resembles `name` most; NULL: none does. */
const char *keyword_nearest(const char *name);

enum { KEYWORDS_MAXIMUM = 128 };

#endif
