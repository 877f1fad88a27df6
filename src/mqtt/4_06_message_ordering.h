/* 4.6 Message ordering: the way of one message into one session. Prefix: ordering_
 *
 *   deliver ──▶ straight to the client, if nothing waits before it and the client may take it
 *          └──▶ else to the end of the session's queue ──(the window opens, the client reads)──▶ in flight, in order
 *
 * Every Topic is an Ordered Topic [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT3-4.6.0-5]: nothing overtakes what waits
 * in the queue. */
#ifndef ETALON_MQTT_4_06_MESSAGE_ORDERING_H
#define ETALON_MQTT_4_06_MESSAGE_ORDERING_H

#include "3_03_4_publish_forward.h"

/* Delivers a publication to a session at `forward->qos`: sends it, queues it, or drops it where the limits
 * say so (counted in the statistics). `forward` has no Packet Identifier yet. With `keep`, a QoS 0 message
 * that cannot be sent now is queued instead of dropped (retained messages that answer a SUBSCRIBE). False: no
 * memory. */
bool ordering_deliver(struct broker *broker, struct session *session, struct publication *publication,
                      const struct forward *forward, bool keep);

/* Moves what waits in the session's queue on to its client, as far as the window (4.9) and the client's
 * reading allow. */
void ordering_pump(struct broker *broker, struct session *session);

/* Puts back at the end of the queue a delivery that was read from the store. False: no memory. */
bool ordering_restore(struct session *session, struct delivery *delivery);

#endif
