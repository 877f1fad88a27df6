/* explain: what the suite knows of a requirement or of a test. */
#ifndef ETALON_CONFORMANCE_EXPLAIN_H
#define ETALON_CONFORMANCE_EXPLAIN_H

#include <stdbool.h>

/* Prints what is known of a statement ("MQTT-3.3.1-5", "mqtt3-3.3.1-5", "P-3.8.3-1"; in any case) or of a test, by
 * its name. False, after a message on standard error with the nearest names there are, if it is neither. */
bool explain(const char *what);

/* The id of a statement that is the most like this word; never NULL. */
const char *statement_nearest(const char *word);

#endif
