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
    CONFIGURATION_ADDRESS_SIZE = 254,  /* the longest host name and its NUL */
    CONFIGURATION_WORDS = 16,          /* in a list */
    CONFIGURATION_HEADERS_SIZE = 8192, /* bytes of an HTTP request, unless a listener says otherwise */
    CONFIGURATION_SOCKET_SIZE = 108    /* the longest path of a Unix socket and its NUL */
};

enum tls_version { TLS_1_2, TLS_1_3 };

/* Names of files, as the user wrote them; "": not given. */
struct configuration_tls {
    char cafile[CONFIGURATION_TEXT_SIZE];
    char capath[CONFIGURATION_TEXT_SIZE];
    char certfile[CONFIGURATION_TEXT_SIZE];
    char keyfile[CONFIGURATION_TEXT_SIZE];
    char crlfile[CONFIGURATION_TEXT_SIZE];
    char ciphers[CONFIGURATION_TEXT_SIZE];     /* of TLS 1.2; "": OpenSSL's choice */
    char ciphers_1_3[CONFIGURATION_TEXT_SIZE]; /* of TLS 1.3 */
    uint8_t version;                           /* enum tls_version: the oldest that is allowed */
    bool require_certificate;
    bool use_identity; /* as user name: the Common Name of the client's certificate */
    bool use_subject;  /* likewise: the whole subject */
};

/* Of a listener for WebSocket. Lists are words with blanks between them. */
struct configuration_websockets {
    char paths[CONFIGURATION_TEXT_SIZE];   /* "": any */
    char origins[CONFIGURATION_TEXT_SIZE]; /* "": any */
    uint32_t headers_size;                 /* bytes */
};

enum listener_protocol { PROTOCOL_MQTT, PROTOCOL_WEBSOCKETS };
enum listener_domain { DOMAIN_ANY, DOMAIN_IPV4, DOMAIN_IPV6 };

struct configuration_listener {
    uint16_t port;                            /* 0: any that is free */
    char address[CONFIGURATION_ADDRESS_SIZE]; /* "": every address of the machine */
    char path[CONFIGURATION_SOCKET_SIZE];     /* of a Unix socket, instead of port and address; "": TCP */
    uint8_t protocol;                         /* enum listener_protocol */
    uint8_t domain;                           /* enum listener_domain */
    uint32_t maximum_connections;             /* UINT32_MAX: no limit */
    struct configuration_tls tls;
    struct configuration_websockets websockets;
};

/* Whether the listener speaks TLS. */
bool configuration_uses_tls(const struct configuration_listener *listener);

/* Whether only clients get in whose certificate says which user they are. */
bool configuration_certifies(const struct configuration_listener *listener);

struct configuration_listeners {
    size_t count;
    struct configuration_listener items[CONFIGURATION_LISTENERS];
};

enum log_destination { LOG_TO_STDERR, LOG_TO_STDOUT, LOG_TO_NOWHERE, LOG_TO_FILE };

struct configuration_log_destination {
    uint8_t kind;                       /* enum log_destination */
    char file[CONFIGURATION_TEXT_SIZE]; /* of LOG_TO_FILE */
};

/* What one address, or all of them, may have. UINT32_MAX: no limit. */
struct configuration_address_limits {
    uint32_t connections; /* in all */
    uint32_t per_address;
    uint32_t rate; /* new ones from one address in a second */
};

#define CONFIGURATION_MEMORY_HALF UINT64_MAX /* memory_limit: half of what there is */

/* Owns all its texts, so it may be copied. */
struct configuration {
    struct broker_settings settings;          /* without their texts: see configuration_settings */
    struct configuration_listeners listeners; /* none: the loopback addresses, port 1883 */
    /* What is said of a listener before the first line `listener`: it holds for that of `port`, of the command
     * line, or of an empty file. */
    struct configuration_listener default_listener;
    uint16_t port; /* `port` and `bind_address`, when one was given, have become a listener */
    char bind_address[CONFIGURATION_ADDRESS_SIZE];
    char response_information[CONFIGURATION_TEXT_SIZE]; /* "": none */
    char server_reference[CONFIGURATION_TEXT_SIZE];     /* "": none */
    struct configuration_log_destination log_destination;
    struct configuration_address_limits address_limits;
    uint32_t maximum_failed_logins; /* for a name at an address, in a minute; 0: no limit */
    uint64_t memory_limit; /* bytes; 0: none; or CONFIGURATION_MEMORY_HALF */
    uint32_t sys_interval; /* s between two updates of $SYS; 0: none */
    uint8_t log_levels;    /* bit N: lines of enum log_level N are written */
    bool log_timestamp;
    bool connection_messages;
    bool allow_anonymous; /* clients without user name get in */
    bool anonymous_said;  /* ... or not, because the file says so */
    char password_file[CONFIGURATION_TEXT_SIZE]; /* "": nobody is known by a password */
    char scram_file[CONFIGURATION_TEXT_SIZE];    /* "": nobody is known by SCRAM */
    char acl_file[CONFIGURATION_TEXT_SIZE];      /* "": everybody may do everything */
    char user[CONFIGURATION_TEXT_SIZE];          /* whom root becomes; "": nobody else */
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
    bool store_given; /* the command line says where state is kept, so `persistence` need not */
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

/* Whether there is a way for clients to be known by name: passwords, or certificates at some listener. */
bool configuration_knows_users(const struct configuration *configuration);

/* Puts the store into `directory`, whatever the file says. False: the name is too long. */
bool configuration_store_in(struct configuration *configuration, const char *directory);

/* Brings what a running broker cannot change back to the value in `running`; tells `kept` of each keyword
 * for which this makes a difference. Listeners that are where they were may have other settings; when there are
 * others, all of it stays as in `running`. */
void configuration_keep(struct configuration *configuration, const struct configuration *running,
                        void (*kept)(void *context, const char *keyword), void *context);

/* Describes every keyword as text, line by line without line ends: what `etalon --help-configuration`
 * prints and docs/CONFIGURATION.md shows. */
void configuration_describe(void (*line)(void *context, const char *text), void *context);

#endif
