/* 4.1.1 Storing Session State: what is stored looks like this. Prefix: record_
 *
 * Everything that must survive a restart is a record in one of a few tables. Integers are big-endian, so that
 * the order of the keys is the order of the numbers. Numbers of sessions, messages and deliveries are given in
 * order and never mean two things at a time. Moments are milliseconds since 1970 (UTC); MOMENT_NEVER is never.
 *
 *   table           key                              value
 *   meta            name                             see enum meta in 4_01_1_records.c
 *   sessions        session 8                        flags, expiry, Client Identifier
 *   subscriptions   session 8 | Topic Filter         options, Subscription Identifier, share group
 *   messages        message 8                        flags, expiry, Topic Name, properties, payload
 *   deliveries      delivery 8                       session, message, Packet Identifier, QoS, state, ...
 *   received        session 8 | Packet Identifier 2  (nothing): QoS 2, PUBREL outstanding
 *   wills           session 8                        message, delay, expiry, due
 *
 * One message is stored once, however many deliveries refer to it. The deliveries of a session in the order of
 * their numbers are its messages in flight followed by its queue. Tables are read in this order: what a record
 * refers to comes before it. */
#ifndef ETALON_MQTT_4_01_1_RECORDS_H
#define ETALON_MQTT_4_01_1_RECORDS_H

#include <stdbool.h>

#include "../base/bytes.h"
#include "../base/changes.h"

/* Raised whenever an older program could not read what this one writes. */
#define RECORD_FORMAT 1U

#define MOMENT_NEVER UINT64_MAX

enum record_table {
    TABLE_META,
    TABLE_SESSIONS,
    TABLE_SUBSCRIPTIONS,
    TABLE_MESSAGES,
    TABLE_DELIVERIES,
    TABLE_RECEIVED,
    TABLE_WILLS,
    TABLE_COUNT
};

/* The table's name, as above: for file names, logs and dumps. */
const char *record_table_name(enum record_table table);

/* What one meta record says. */
enum meta {
    META_FORMAT, /* "format": RECORD_FORMAT */
    META_ALIVE   /* "alive": a moment at which the broker was still running; sessions that were connected when
                  * it ended without notice count from here */
};

struct record_meta {
    enum meta meta;
    uint64_t number;
};

struct record_session {
    uint64_t session;
    uint64_t expires_at;      /* moment; MOMENT_NEVER while `connected` */
    uint32_t expiry_interval; /* s, UINT32_MAX = never */
    bool connected;
    bool has_user_name;
    struct bytes user_name; /* whose session it is, 5.4.2 */
    struct bytes client_identifier;
};

struct record_subscription {
    uint64_t session;
    uint64_t group; /* number of the share group, 4.8.2; 0: not shared */
    uint32_t identifier;
    uint8_t qos;
    uint8_t retain_handling;
    bool no_local;
    bool retain_as_published;
    struct bytes topic_filter; /* whole: "$share/..." included */
};

struct record_message {
    uint64_t message;
    uint64_t expires_at; /* moment */
    uint8_t qos;
    bool retained; /* it is the retained message of its topic */
    struct bytes topic;
    struct bytes properties; /* wire form, without Property Length */
    struct bytes payload;
};

struct record_delivery {
    uint64_t delivery;
    uint64_t session;
    uint64_t message; /* 0: forgotten after PUBREC */
    uint64_t group;
    uint16_t packet_identifier; /* 0: queued */
    uint8_t qos;                /* 1 or 2 */
    uint8_t state;              /* enum sender_state */
    bool retain;
    bool sent;
    uint16_t identifier_count;
    /* Subscription Identifiers: record_put takes them from `native_identifiers`; record_read leaves that NULL and
     * sets `identifiers`, as stored, 4 bytes each, to be read with record_identifier. A record that was read can be
     * put again as it is: record_put takes `identifiers` when `native_identifiers` is NULL. */
    const uint32_t *native_identifiers;
    struct bytes identifiers;
};

struct record_received {
    uint64_t session;
    uint16_t packet_identifier;
};

struct record_will {
    uint64_t session;
    uint64_t message;
    uint64_t due;             /* moment; MOMENT_NEVER while the client is connected */
    uint32_t delay;           /* s */
    uint32_t expiry_interval; /* s, UINT32_MAX = none */
    uint8_t qos;
    bool retain;
};

struct record {
    enum record_table table;
    union {
        struct record_meta meta;
        struct record_session session;
        struct record_subscription subscription;
        struct record_message message;
        struct record_delivery delivery;
        struct record_received received;
        struct record_will will;
    };
};

/* Appends a CHANGE_PUT of the record. False: no memory, nothing has changed. */
bool record_put(struct changes *changes, const struct record *record);

/* Appends a CHANGE_DELETE of the record with the record's key (the members that are in the key suffice). */
bool record_delete(struct changes *changes, const struct record *record);

/* Appends a CHANGE_DELETE_PREFIX of all records of `table` whose key begins with the number `session`. */
bool record_delete_all(struct changes *changes, enum record_table table, uint64_t session);

/* Reads what record_put wrote; the record borrows from key and value. Trusts nothing: NULL when it is well
 * formed, else what is wrong with it (static text). It's also checked that topics, filters, properties and
 * identifiers are such as MQTT allows. */
const char *record_read(enum record_table table, struct bytes key, struct bytes value, struct record *record);

/* The Subscription Identifier number `index` (from 0) of a delivery. */
uint32_t record_identifier(const struct record_delivery *delivery, uint16_t index);

#endif
