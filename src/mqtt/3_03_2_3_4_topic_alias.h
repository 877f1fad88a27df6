/* 3.3.2.3.4 Topic Alias, as set up by clients. Prefix: topic_alias_ */
#ifndef ETALON_MQTT_3_03_2_3_4_TOPIC_ALIAS_H
#define ETALON_MQTT_3_03_2_3_4_TOPIC_ALIAS_H

#include "3_packet.h"

struct topic_aliases; /* of one Network Connection; they end with it [MQTT-3.3.2-7] */

/* Puts the Topic Name that a PUBLISH means into `*topic`: learns a new alias, or looks one up when the topic
 * is empty. The name then borrows from the packet or from the aliases. `maximum` is the Topic Alias Maximum
 * that the Server announced. */
struct verdict topic_alias_resolve(struct topic_aliases **aliases, uint16_t maximum,
                                   const struct publish *publish, struct bytes *topic);

/* Frees the aliases; NULL is fine. */
void topic_alias_free(struct topic_aliases *aliases);

/* The other way round: aliases that we set up towards a client which allows them (Topic Alias Maximum of its
 * CONNECT). */
struct outgoing_aliases; /* of one Network Connection */

/* The alias for `topic`, 1 to `maximum`, or 0 when there is none to be had. `*known`: the client has been
 * told it, so that the Topic Name may be left out [MQTT-3.1.2-26] [MQTT-3.3.2-11]. `hash` is the keyed hash
 * of the topic. */
uint16_t outgoing_alias(struct outgoing_aliases **aliases, uint16_t maximum, struct bytes topic,
                        uint64_t hash, bool *known);

void outgoing_aliases_free(struct outgoing_aliases *aliases);

#endif
