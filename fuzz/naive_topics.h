/* naive_topics: the rules of section 4.7 once more, written from the specification and for nothing but
 * clarity. The opinion that the codec's checks and the trees are compared with. Prefix: naive_ */
#ifndef ETALON_FUZZ_NAIVE_TOPICS_H
#define ETALON_FUZZ_NAIVE_TOPICS_H

#include "base/bytes.h"

/* 4.7.0, 4.7.3 */
bool naive_is_topic_name(struct bytes name);

/* 4.7.1 and, when `shared` is (5.0), 4.8.2 */
bool naive_is_topic_filter(struct bytes filter, bool shared);

/* Whether a valid filter begins with "$share/" and so is a Shared Subscription in 5.0; `inner` is then its
 * filter. */
bool naive_is_shared(struct bytes filter, struct bytes *inner);

/* 4.7.1, 4.7.2: for a valid name and a valid filter that is not shared. */
bool naive_matches(struct bytes filter, struct bytes name);

#endif
