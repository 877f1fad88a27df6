/* log: lines on standard error, in the form that users of Mosquitto know: "SECONDS: text", seconds since
 * 1970. Prefix: log_ */
#ifndef ETALON_HOST_LOG_H
#define ETALON_HOST_LOG_H

#include "../mqtt/broker.h"

struct log {
    enum log_level level; /* lines of a lesser importance than this are left out */
};

/* Writes one line. Control characters are escaped, because a Client Identifier or a topic comes from a
 * stranger and must not be able to forge a line or to steer the terminal. A line that is too long is cut.
 * Nothing is reported when it cannot be written. */
void log_write(const struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
