/* host_statistics: what the host has turned away, for $SYS. The core counts its own (broker_statistics). */
#ifndef ETALON_HOST_HOST_STATISTICS_H
#define ETALON_HOST_HOST_STATISTICS_H

#include <stdint.h>

/* Zero-initialised at the start. */
struct host_statistics {
    /* Connections closed at accept(), by the limit that was in the way. */
    uint64_t listeners_full;
    uint64_t all_full;
    uint64_t addresses_full;
    uint64_t addresses_fast;
    uint64_t no_descriptor;     /* ... and by that of open files, as far as they could be closed at all */
    uint64_t handshakes_failed; /* connections by TLS or WebSocket that ended before anything of MQTT came */
    uint64_t logins_busy;       /* refused because too many passwords wait to be checked */
    uint64_t logins_throttled;  /* ... and because too many were wrong */
};

#endif
