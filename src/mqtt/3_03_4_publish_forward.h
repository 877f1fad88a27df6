/* 3.3 PUBLISH, as the Server sends it. Prefix: forward_
 *
 * The hot path: a PUBLISH is written straight into the connection's output, from a shared message or from the
 * packet that brought it, without an intermediate struct packet. Only what differs from one recipient to the
 * next is computed here. */
#ifndef ETALON_MQTT_3_03_4_PUBLISH_FORWARD_H
#define ETALON_MQTT_3_03_4_PUBLISH_FORWARD_H

#include "2_2_2_properties.h"
#include "4_01_session_state.h"

/* The properties of a PUBLISH or a Will that travel on unaltered and in order, as struct message keeps them:
 * all but those whose ordinals are set in `withheld`. Mostly the packet's own bytes serve; when something has
 * to be left out they are written anew into `*memory`, which the caller frees (NULL otherwise). False: no
 * memory. */
bool forward_properties(const struct properties *properties, uint32_t withheld, uint8_t **memory,
                        struct bytes *forwarded);

/* What differs from one recipient to the next. */
struct forward {
    const uint32_t *identifiers; /* Subscription Identifiers, 3.3.2.3.8 */
    uint64_t group;              /* the Shared Subscription it comes from, see struct delivery */
    uint16_t identifier_count;
    uint16_t packet_identifier; /* 0 at QoS 0 */
    uint8_t qos;
    bool retain;
    bool dup;
};

enum forward_outcome {
    FORWARD_SENT,
    /* larger than the client's Maximum Packet Size: act as if it had been sent [MQTT-3.1.2-25] */
    FORWARD_TOO_LARGE,
    FORWARD_FAILED /* no memory: the connection was aborted */
};

/* Sends the publication to `connection`. A payload beyond a measured size is referenced, not copied, when the
 * publication has a shared message. */
enum forward_outcome forward_publish(struct broker *broker, struct connection *connection,
                                     const struct publication *publication, const struct forward *forward);

#endif
