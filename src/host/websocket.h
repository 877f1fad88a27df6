/* websocket: the filter for MQTT over WebSocket; chapter 6, RFC 6455. Prefix: websocket_
 *
 *      HTTP ──101──▶ FRAMES ──Close frame──▶ over
 *       └──── error page ────────────────────▲
 *
 * What comes in frames goes up as it comes, whatever length a frame claims; what is to be sent goes down
 * as one frame a Control Packet (websocket_output.h). Pings are answered here, one pong each at most, never more bytes
 * than have come: the host stops reading from a client that lets them pile up. */
#ifndef ETALON_HOST_WEBSOCKET_H
#define ETALON_HOST_WEBSOCKET_H

#include "http_upgrade.h"
#include "transport.h"

/* Zero-initialised: everything is allowed. */
struct websocket_options {
    struct http_upgrade_rules upgrade;
    uint64_t maximum_message; /* payload bytes of a message, all of its fragments together; 0: any. Control
                               * Packets have a bound of their own, in the core */
    bool going_away; /* the broker ends: farewells say so (1001). May change while there are filters */
};

/* A filter that waits for the HTTP request. `options` are borrowed for the filter's life. NULL: no memory. */
struct filter *websocket_filter_create(const struct websocket_options *options);

#endif
