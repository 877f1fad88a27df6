/* 4.7 Topic Names and Topic Filters. Prefix: topic_
 * Rules on the text alone; what is subscribed to what is in 4_08_subscriptions. */
#ifndef ETALON_MQTT_4_07_TOPICS_H
#define ETALON_MQTT_4_07_TOPICS_H

#include "../base/bytes.h"
#include "../base/verdict.h"
#include "protocol.h"

#define TOPIC_MAXIMUM_LENGTH 65535U /* bytes, [MQTT-4.7.3-3] */

/* Checks a Topic Name: not empty, no wildcard characters, no U+0000 ([MQTT-4.7.3-1], [MQTT-4.7.3-2],
 * [MQTT-4.7.0-1]). `offset` is where the topic's first byte stands in its packet, for the verdict. UTF-8 was
 * checked before. */
struct verdict topic_name_check(struct bytes name, enum protocol_version version, size_t offset);

/* Checks a Topic Filter: not empty; `#` only alone in the last level, `+` only alone in a level
 * ([MQTT-4.7.1-1], [MQTT-4.7.1-2]); in 5.0 also the form $share/ShareName/filter ([MQTT-4.8.2-1],
 * [MQTT-4.8.2-2]). */
struct verdict topic_filter_check(struct bytes filter, enum protocol_version version, size_t offset);

/* Splits "$share/NAME/FILTER" (4.8.2). False when `filter` is not a Shared Subscription; outputs are then
 * untouched. */
bool topic_filter_shared(struct bytes filter, struct bytes *share_name, struct bytes *inner);

/* Whether a wildcard character occurs. */
bool topic_has_wildcard(struct bytes filter);

/* Whether `name` matches `filter`, level by level (4.7.1, 4.7.2). The direct definition, used by tests and by
 * one-off questions; routing walks a trie instead. A filter beginning with a wildcard does not match `$`
 * topics [MQTT-4.7.2-1]. */
bool topic_matches(struct bytes filter, struct bytes name);

/* Takes the next level from `*rest`; call while it returns true. The first call is with the whole topic and
 * `*done` false; an empty level is a level ([MQTT-4.7.3-4] no normalisation). */
bool topic_next_level(struct bytes *rest, bool *done, struct bytes *level);

#endif
