/* wire: Control Packets as a client writes them, from the specification and without the broker's codec.
 * Prefix: wire_ */
#ifndef ETALON_SIMULATION_WIRE_H
#define ETALON_SIMULATION_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_ROOM = 8192, WIRE_HEADER = 5 };

/* A packet: its bytes are those from `begin` to `end`. The room in front is for the fixed header, whose
 * size is
 * known last. */
struct wire {
    uint16_t begin;
    uint16_t end;
    uint8_t data[WIRE_ROOM];
};

struct wire_connect {
    const char *client_identifier;
    bool five, clean;
    uint32_t expiry;          /* s; 5.0 */
    uint16_t receive_maximum; /* 5.0; 0: not said */
    const char *will_topic;   /* NULL: no Will */
    const uint8_t *will_payload;
    uint16_t will_length;
    uint8_t will_qos;
    bool will_retain;
    uint32_t will_delay;  /* s; 5.0 */
    uint32_t will_expiry; /* s; 0: none; 5.0 */
};

struct wire_publish {
    const char *topic;
    const uint8_t *payload;
    uint16_t length;
    uint16_t identifier;
    uint8_t qos;
    bool five, dup, retain;
    uint32_t expiry; /* s; 0: none */
};

struct wire_filter {
    const char *filter;
    uint8_t options; /* the byte behind it; not sent in UNSUBSCRIBE */
};

void wire_connect(struct wire *wire, const struct wire_connect *connect);
void wire_publish(struct wire *wire, const struct wire_publish *publish);
/* PUBACK, PUBREC, PUBREL, PUBCOMP; `reason_code` is written in 5.0, and only when it is not 0. */
void wire_acknowledge(struct wire *wire, unsigned type, uint16_t identifier, uint8_t reason_code);
/* `subscription_identifier` 0: none. */
void wire_subscribe(struct wire *wire, bool five, uint16_t identifier, uint32_t subscription_identifier,
                    const struct wire_filter *filters, unsigned count);
void wire_unsubscribe(struct wire *wire, bool five, uint16_t identifier, const struct wire_filter *filters,
                      unsigned count);
/* `expiry` is written when `has_expiry`; both and the Reason Code in 5.0 only. */
void wire_disconnect(struct wire *wire, bool five, uint8_t reason_code, bool has_expiry, uint32_t expiry);
void wire_ping(struct wire *wire);

#endif
