/* 3 MQTT Control Packets: the one struct packet, framing, dispatch of decode and encode. Prefix: packet_
 *
 * Decoding is in place: a decoded packet borrows the input, and nothing is allocated. Whoever keeps something
 * beyond the life of the input copies it. */
#ifndef ETALON_MQTT_3_PACKET_H
#define ETALON_MQTT_3_PACKET_H

#include "2_2_2_properties.h"

/* 3.1.3.2 - 3.1.3.4 */
struct will {
    bool present; /* Will Flag, 3.1.2.5; the other members mean something only if it is set */
    uint8_t qos;
    bool retain;
    struct properties properties;
    struct bytes topic;
    struct bytes payload;
};

struct connect {      /* 3.1 */
    bool clean_start; /* Clean Session in 3.1 and 3.1.1 */
    bool has_user_name;
    bool has_password;
    uint16_t keep_alive; /* seconds */
    struct properties properties;
    struct bytes client_identifier;
    struct will will;
    struct bytes user_name;
    struct bytes password;
};

struct connack { /* 3.2 */
    bool session_present;
    uint8_t reason_code; /* 5.0: Reason Code; 3.1 and 3.1.1: return code 0..5 */
    struct properties properties;
};

struct publish { /* 3.3 */
    bool dup;
    uint8_t qos;
    bool retain;
    struct bytes topic;         /* may be empty in 5.0 with a Topic Alias */
    uint16_t packet_identifier; /* 0 at QoS 0 */
    struct properties properties;
    struct bytes payload;
};

struct acknowledgement { /* 3.4 PUBACK, 3.5 PUBREC, 3.6 PUBREL, 3.7 PUBCOMP */
    uint16_t packet_identifier;
    uint8_t reason_code; /* 0 in 3.1 and 3.1.1 */
    struct properties properties;
};

struct subscribe { /* 3.8 */
    uint16_t packet_identifier;
    struct properties properties;
    struct bytes payload; /* walk with subscribe_next */
    uint32_t count;       /* Topic Filters in the payload, at least 1 */
};

struct unsubscribe { /* 3.10 */
    uint16_t packet_identifier;
    struct properties properties;
    struct bytes payload; /* walk with unsubscribe_next */
    uint32_t count;
};

struct suback { /* 3.9 SUBACK and 3.11 UNSUBACK */
    uint16_t packet_identifier;
    struct properties properties;
    struct bytes reason_codes; /* one per Topic Filter; empty in an UNSUBACK of 3.1 and 3.1.1 */
};

struct disconnect { /* 3.14; reason_code 0 in 3.1 and 3.1.1 */
    uint8_t reason_code;
    struct properties properties;
};

struct auth { /* 3.15 */
    uint8_t reason_code;
    struct properties properties;
};

struct packet {
    enum packet_type type;
    enum protocol_version version; /* of the connection; a CONNECT sets it from its own content */
    uint8_t flags;                 /* low four bits of the first byte; encoding heeds only the DUP bit, where
                                    * 3.1 has one outside PUBLISH (spec/mqtt-3.1.md) */
    uint32_t remaining_length;
    size_t size; /* of the whole packet in bytes, fixed header included; set by decoding */
    union {
        struct connect connect;
        struct connack connack;
        struct publish publish;
        struct acknowledgement acknowledgement; /* PUBACK, PUBREC, PUBREL, PUBCOMP */
        struct subscribe subscribe;
        struct suback suback; /* SUBACK and UNSUBACK */
        struct unsubscribe unsubscribe;
        struct disconnect disconnect;
        struct auth auth;
    };
};

/* One entry of a SUBSCRIBE payload, 3.8.3. In 3.1 and 3.1.1 only `qos` can differ from 0. */
struct subscription_request {
    struct bytes topic_filter;
    uint8_t qos;   /* Maximum QoS (5.0), requested QoS (3.1.1) */
    bool no_local; /* 3.8.3.1 */
    bool retain_as_published;
    uint8_t retain_handling; /* 0, 1, 2 */
};

/* What framing found at the start of the input. */
enum framing {
    FRAMING_COMPLETE,   /* *size bytes hold one packet */
    FRAMING_INCOMPLETE, /* more input is needed; *size is 0 until the fixed header is complete */
    FRAMING_REFUSED     /* the verdict says why */
};

/* Looks at the fixed header (2.1.1) at the start of `input` and finds the size of the packet. Refuses as soon
 * as the bytes at hand allow it: a type or reserved flags that the version does not have [MQTT-2.1.3-1], a
 * Remaining Length of more than four bytes or in a form that is not minimal, and a packet larger than
 * `maximum_packet_size` (bytes; 0 = no limit) with 0x95. Before CONNECT, `version` is PROTOCOL_UNKNOWN. */
enum framing packet_frame(struct bytes input, enum protocol_version version, uint32_t maximum_packet_size,
                          size_t *size, struct verdict *verdict);

/* Decodes the one packet that fills `input` exactly (as framed before). `version` is the connection's; for
 * CONNECT it is ignored, and `packet->version` is set as soon as it is known, even when the packet is refused
 * later on. `observer` may be NULL. All rules that one packet alone can break are checked here. Any other
 * packet while `version` is PROTOCOL_UNKNOWN is refused: CONNECT comes first [MQTT-3.1.0-1].
 *
 * An empty Client Identifier that 3.1 or 3.1.1 does not allow is refused with 0x85, a protocol or version
 * that is not ours with 0x84; everything else with 0x81, 0x82, or 0x94 (Topic Alias 0). */
struct verdict packet_decode(struct packet *packet, enum protocol_version version, enum sender sender,
                             struct bytes input, const struct decode_observer *observer);

/* Bytes that packet_encode writes for this packet, fixed header included; 0 if larger than MQTT allows. */
size_t packet_encoded_size(const struct packet *packet);

/* Encodes in the form of `packet->version`: the shortest (a PUBACK with Reason Code 0x00 and no property is
 * four bytes). The caller is trusted to follow the specification's rules on values; returns the bytes
 * written, or 0 when `writer` has not enough room (nothing is then to be used of it). */
size_t packet_encode(const struct packet *packet, struct writer *writer);

/* Takes the next Topic Filter of a decoded SUBSCRIBE (begin with a copy of `payload`). False: none left. */
bool subscribe_next(struct bytes *rest, struct subscription_request *request);
/* Appends one Topic Filter with its options to a payload being built. */
void subscribe_write(struct writer *writer, const struct subscription_request *request);

/* Takes the next Topic Filter of a decoded UNSUBSCRIBE, likewise. 3.10.3 */
bool unsubscribe_next(struct bytes *rest, struct bytes *topic_filter);
void unsubscribe_write(struct writer *writer, struct bytes topic_filter);

/* The name in the specification's spelling, e.g. "PUBLISH"; "Reserved" for 0. Section 2.1.2 */
const char *packet_type_name(enum packet_type type);

#endif
