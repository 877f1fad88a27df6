/* 4.5 Message receipt: from one publication to everyone who is to have it. Prefix: routing_
 *
 * Overlapping subscriptions (3.3.4): a client whose subscriptions match more than once gets the message once,
 * at the highest QoS of them [MQTT-3.3.4-2] and with the Subscription Identifiers of all of them
 * [MQTT-3.3.4-4]. So the matches are collected first, one entry per session, and delivered afterwards. */
#ifndef ETALON_MQTT_4_05_MESSAGE_RECEIPT_H
#define ETALON_MQTT_4_05_MESSAGE_RECEIPT_H

#include "4_01_session_state.h"

/* A payload from this size on is shared by its recipients instead of being copied for each: from about here
 * on the copy costs more than one more entry for writev. */
enum { ROUTING_SHARE_FROM = 4096 }; /* bytes */

/* One session that is to have the message. */
struct recipient {
    struct session *session;
    uint64_t group;            /* of a Shared Subscription, see subscriptions_visitor; 0 = none */
    uint32_t first_identifier; /* index into routing.identifiers plus 1; 0 = none */
    uint8_t qos;               /* highest of the matching subscriptions */
    bool retain_as_published;
};

/* A Subscription Identifier in the list of one recipient. */
struct routed_identifier {
    uint32_t identifier;
    uint32_t next; /* index plus 1 */
};

/* Scratch space that is reused from one publication to the next, so that routing allocates nothing. */
struct routing {
    struct recipient *recipients;
    struct routed_identifier *identifiers;
    uint32_t *identifier_list; /* those of one recipient, gathered for its delivery */
    uint32_t list_capacity;
    uint32_t recipient_count, recipient_capacity;
    uint32_t identifier_count, identifier_capacity;
    uint32_t turn; /* a session's routing_slot is valid while its routing_turn equals this */
    bool out_of_memory;
};

/* Delivers a publication to every matching subscription. `*recipients` is the number of sessions that it was
 * for (those that had no room are counted too). False: out of memory; some may have been served. */
bool routing_publish(struct broker *broker, struct publication *publication, uint32_t *recipients);

/* Whether delivering the publication would change what is stored, 4.1.1. */
bool routing_needs_store(struct broker *broker, struct publication *publication);

/* 4.8.2: a member of a Shared Subscription has ended its session with a QoS 1 message unacknowledged or still
 * waiting: another member of the same group gets it [S-4.8.2-1]. Nobody, if there is none. */
void routing_pass_to_group(struct broker *broker, struct message *message, uint64_t group);

/* Frees the scratch space. */
void routing_clear(struct routing *routing);

#endif
