/* configuration: what the user's configuration file says. Prefix: configuration_
 *
 * One keyword and its value a line, in the manner of mosquitto.conf. The parser works on text in memory,
 * keeps nothing and knows no file; configuration_file reads one. docs/CONFIGURATION.md is the user's
 * manual, configuration_keywords.c the table of keywords. */
#ifndef ETALON_HOST_CONFIGURATION_H
#define ETALON_HOST_CONFIGURATION_H

#include "../mqtt/broker.h"
#include "store.h"

enum {
    CONFIGURATION_LISTENERS = 16,
    CONFIGURATION_LONGEST_LINE = 1000, /* bytes, without the line end */
    CONFIGURATION_TEXT_SIZE = CONFIGURATION_LONGEST_LINE + 1,
    CONFIGURATION_MOST_MISTAKES = 100, /* then the rest is not read: the file is something else */
    CONFIGURATION_ADDRESS_SIZE = 254   /* the longest host name and its NUL */
};

struct configuration_listener {
    uint16_t port;                            /* 0: any that is free */
    char address[CONFIGURATION_ADDRESS_SIZE]; /* "": every address of the machine */
};

struct configuration_listeners {
    size_t count;
    struct configuration_listener items[CONFIGURATION_LISTENERS];
};

enum log_destination { LOG_TO_STDERR, LOG_TO_STDOUT, LOG_TO_NOWHERE, LOG_TO_FILE };

struct configuration_log_destination {
    uint8_t kind;                       /* enum log_destination */
    char file[CONFIGURATION_TEXT_SIZE]; /* of LOG_TO_FILE */
};

/* Owns all its texts, so it may be copied. */
struct configuration {
    struct broker_settings settings;          /* without their texts: see configuration_settings */
    struct configuration_listeners listeners; /* none: the loopback addresses, port 1883 */
    uint16_t port; /* `port` and `bind_address`, when one was given, have become a listener */
    char bind_address[CONFIGURATION_ADDRESS_SIZE];
    char response_information[CONFIGURATION_TEXT_SIZE]; /* "": none */
    char server_reference[CONFIGURATION_TEXT_SIZE];     /* "": none */
    struct configuration_log_destination log_destination;
    uint32_t sys_interval; /* s between two updates of $SYS; 0: none */
    uint8_t log_levels;    /* bit N: lines of enum log_level N are written */
    bool log_timestamp;
    bool connection_messages;
    bool allow_anonymous;
    bool set_tcp_nodelay;
    bool persistence;
    uint8_t durability; /* enum store_durability */
    char persistence_location[CONFIGURATION_TEXT_SIZE];
};

struct configuration_error {
    size_t line;   /* from 1; 0: the text as a whole */
    size_t column; /* in bytes, from 1; 0: the line as a whole */
    const char *text;
};

/* Where mistakes are told, in the order of their lines as far as they are mistakes of one line. The error
 * lives during the call only. */
struct configuration_sink {
    void *context;
    void (*error)(void *context, const struct configuration_error *error);
};

/* The configuration of an empty file. */
void configuration_default(struct configuration *configuration);

/* Reads the lines of `text`, which may be any bytes. Every mistake is told to `sink` (up to
 * CONFIGURATION_MOST_MISTAKES); returns whether there was none. Otherwise `configuration` is filled but
 * must not be used: nothing is ever applied by halves. */
bool configuration_parse(struct configuration *configuration, struct bytes text,
                         const struct configuration_sink *sink);

/* The settings of the broker. Their texts are borrowed from `configuration`. */
struct broker_settings configuration_settings(const struct configuration *configuration);

/* The directory of the store; NULL: memory only. Borrowed from `configuration`. */
const char *configuration_store(const struct configuration *configuration);

/* Puts the store into `directory`, whatever the file says. False: the name is too long. */
bool configuration_store_in(struct configuration *configuration, const char *directory);

/* Brings what a running broker cannot change back to the value in `running`; tells `kept` of each keyword
 * for which this makes a difference. */
void configuration_keep(struct configuration *configuration, const struct configuration *running,
                        void (*kept)(void *context, const char *keyword), void *context);

/* Describes every keyword as text, line by line without line ends: what `etalon --help-configuration`
 * prints and docs/CONFIGURATION.md shows. */
void configuration_describe(void (*line)(void *context, const char *text), void *context);

#endif
