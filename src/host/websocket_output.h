/* websocket_output: frames of WebSocket that go to a client; chapter 6, RFC 6455 section 5. Prefix: websocket_output_
 *
 *      PUBACK PUBLISH .. | .. PINGRESP         as it comes from above, cut anywhere
 *      ▼▼
 *      82 04 PUBACK  82 2A PUBLISH .. | .. 82 02 PINGRESP
 *
 * Each MQTT Control Packet gets a frame of its own. The specification asks for none of that [MQTT-6.0.0-2]
 * [MQTT3-6.0.0-2], but there are clients that read only the first packet of a frame. A packet that comes in parts has
 * its frame begun by the first of them; what must not come between the parts (a Pong, a Close frame) waits or is left out. */
#ifndef ETALON_HOST_WEBSOCKET_OUTPUT_H
#define ETALON_HOST_WEBSOCKET_OUTPUT_H

#include "../base/buffer.h"

enum { WEBSOCKET_HEAD_SIZE = 5 /* of a packet: its first byte and the Remaining Length, 2.1 */ };

/* Zero-initialised: between two packets. */
struct websocket_output {
    struct bytes
        late_pong; /* owned; payload of a Pong that waits for the end of the frame; data is NULL: none does */
    uint32_t left; /* payload bytes of the frame at hand that have not come from above yet */
    uint8_t head_length;
    uint8_t head[WEBSOCKET_HEAD_SIZE]; /* the beginning of a packet that does not tell its size yet */
};

void websocket_output_end(struct websocket_output *output);

/* Appends `bytes`, a part of a stream of well-formed MQTT Control Packets, to `down` in frames. False: no memory, and
 * no use going on. */
bool websocket_output_packets(struct websocket_output *output, struct bytes bytes, struct buffer *down);

/* Answers a Ping with `payload` of at most 125 bytes, at once or right after the frame at hand. When another Pong waits
 * for that already, it is replaced, as section 5.5.3 of RFC 6455 allows. False: no memory. */
bool websocket_output_pong(struct websocket_output *output, struct bytes payload, struct buffer *down);

/* Appends a Close frame with `payload`, unless a frame is not complete: then none can be sent any more. One that there
 * is no memory for is left out, too. */
void websocket_output_close(struct websocket_output *output, struct bytes payload, struct buffer *down);

#endif
