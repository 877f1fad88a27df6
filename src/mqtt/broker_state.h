/* broker_state: what one broker consists of. For the files of src/mqtt only; the host sees broker.h.
 *
 *   struct broker ──┬── sessions        Client Identifier ▶ session (4.1), which has its subscriptions, queue and messages in flight
 *                   ├── subscriptions   tree of Topic Filters ▶ subscribers (4.8)
 *                   ├── retained        tree of Topic Names ▶ message (3.3.1.3)
 *                   ├── connections     every Network Connection (4.2); those with something to do also in `ready`
 *                   └── timers          heap: Keep Alive, CONNECT time-out, session expiry, Will Delay */
#ifndef ETALON_MQTT_BROKER_STATE_H
#define ETALON_MQTT_BROKER_STATE_H

#include "../base/hash.h"
#include "../base/hash_map.h"
#include "3_03_1_3_retain.h"
#include "3_packet.h"
#include "4_01_1_storing.h"
#include "4_01_session_state.h"
#include "4_02_network_connection.h"
#include "4_05_message_receipt.h"
#include "5_4_8_abnormal_behaviour.h"
#include "broker.h"

/* Tells in which structure an expired timer is embedded. */
enum timer_kind { TIMER_CONNECTION, TIMER_SESSION, TIMER_RETAINED, TIMER_ALIVE };

struct broker {
    struct broker_settings settings;
    struct broker_environment environment;
    uint64_t now; /* ms; the time of the present step */
    struct hash_key client_identifier_key;
    struct hash_map sessions;
    struct subscriptions *subscriptions;
    struct retained_tree *retained;
    struct timer_heap timers;
    uint64_t retained_expiring; /* retained messages that have a timer */
    struct list connections;
    struct list ready;          /* connections that the host has to look after, oldest first */
    struct connection *closing; /* connections whose sessions are still to be told */
    struct output_pool output_pool;
    struct routing routing;
    struct bytes handling; /* the packet at hand */
    struct broker_statistics statistics;
    struct storing storing;               /* 4.1.1: what has changed and is to be stored */
    struct list answering;                /* struct flows whose answers to SUBSCRIBE need time, 3.8.4 */
    struct list unsubscribing;            /* UNSUBSCRIBEs that need time, 3.10.4 */
    uint64_t retained_bytes, held_bytes;  /* 5.4.8 */
    uint64_t next_complaint[LIMIT_COUNT]; /* ms; when it may be logged again */
    bool memory_short;
    bool shutting_down; /* nobody connects any more */
    bool ending;        /* broker_destroy: nobody is left who could get anything */
};

/* Makes room for the timers of all sessions, connections and retained messages, and for one more of each, so
 * that no deadline is ever lost for want of memory. False: no memory. */
bool broker_reserve_timers(struct broker *broker);

/* Writes a line of log, when the host wants one: `text` and then, if they say something, the client's
 * identifier or address and the verdict with its statement. `connection` and `verdict` may be NULL. */
void broker_log(struct broker *broker, enum log_level level, const struct connection *connection,
                const char *text, const struct verdict *verdict);

#endif
