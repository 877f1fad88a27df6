/* 3.3.2.3.4 Topic Alias, as set up by clients. Prefix: topic_alias_ */
#ifndef ETALON_MQTT_3_03_2_3_4_TOPIC_ALIAS_H
#define ETALON_MQTT_3_03_2_3_4_TOPIC_ALIAS_H

#include "3_packet.h"

struct topic_aliases; /* of one Network Connection; they end with it [MQTT-3.3.2-7] */

/* Puts the Topic Name that a PUBLISH means into `*topic`: learns a new alias, or looks one up when the topic is empty. The
 * name then borrows from the packet or from the aliases. `maximum` is the Topic Alias Maximum that the Server announced. */
struct verdict topic_alias_resolve(struct topic_aliases **aliases, uint16_t maximum,
                                   const struct publish *publish, struct bytes *topic);

/* Frees the aliases; NULL is fine. */
void topic_alias_free(struct topic_aliases *aliases);

#endif
