/* 4.3 Quality of Service levels and protocol flows, as transition tables. Prefix: qos_
 *
 * The Server is the sender as well as the receiver of messages [D-4.3-1, D3-4.3-1].
 *
 *  Server as the sender of an Application Message:
 *
 *                    QoS 1                                QoS 2
 *      PUBLISH ──▶ AWAIT_PUBACK ──PUBACK──▶ done     PUBLISH ──▶ AWAIT_PUBREC ──PUBREC──▶ AWAIT_PUBCOMP ──PUBCOMP──▶ done
 *                                                                     │ PUBREC >= 0x80
 *                                                                     ▼ done
 *
 *  Server as the receiver of a QoS 2 message, which is passed on when it comes; what is remembered is its
 *  identifier. To be in RECEIVER_AWAIT_PUBREL is to be in the session's `received` set:
 *
 *      FREE ──PUBLISH──▶ AWAIT_PUBREL ──PUBREL──▶ FREE */
#ifndef ETALON_MQTT_4_03_QOS_FLOWS_H
#define ETALON_MQTT_4_03_QOS_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

enum sender_state {
    SENDER_QUEUED,        /* has no Packet Identifier yet */
    SENDER_AWAIT_PUBACK,  /* QoS 1, 4.3.2 */
    SENDER_AWAIT_PUBREC,  /* QoS 2, 4.3.3 */
    SENDER_AWAIT_PUBCOMP, /* QoS 2 after PUBREC: the message may be forgotten, the identifier not */
    SENDER_STATE_COUNT
};

enum sender_event {
    SENDER_PUBACK,
    SENDER_PUBREC,
    SENDER_PUBREC_ERROR, /* PUBREC with Reason Code 0x80 or above */
    SENDER_PUBCOMP,
    SENDER_EVENT_COUNT
};

enum sender_action {
    SENDER_PROTOCOL_ERROR, /* an acknowledgement of the other QoS: the client confuses two flows */
    SENDER_IGNORE,         /* harmless repetition */
    SENDER_DONE,           /* the flow is complete, the identifier free */
    SENDER_RELEASE,        /* forget the message, answer PUBREL */
    SENDER_RELEASE_AGAIN,  /* the PUBREL may have been lost: answer with it again */
};

struct sender_transition {
    uint8_t action; /* enum sender_action */
    uint8_t next;   /* enum sender_state, meaningful for SENDER_RELEASE */
};

/* What to do when `event` arrives for a delivery in `state`. */
struct sender_transition qos_sender_transition(enum sender_state state, enum sender_event event);

enum receiver_state {
    RECEIVER_FREE,         /* nothing is known of this Packet Identifier */
    RECEIVER_AWAIT_PUBREL, /* its message was taken over, PUBREC was sent */
    RECEIVER_STATE_COUNT
};

enum receiver_event { RECEIVER_PUBLISH_1, RECEIVER_PUBLISH_2, RECEIVER_PUBREL, RECEIVER_EVENT_COUNT };

enum receiver_action {
    RECEIVER_PASS_ON,   /* a new message: pass it on, then answer PUBACK or PUBREC */
    RECEIVER_REPEAT,    /* a repetition: answer PUBREC, pass nothing on */
    RECEIVER_IN_USE,    /* another message still has the identifier: PUBACK 0x91 */
    RECEIVER_COMPLETE,  /* the identifier is free: PUBCOMP */
    RECEIVER_NOT_FOUND, /* PUBCOMP 0x92 */
};

/* What to do when `event` arrives with a Packet Identifier in `state`. */
enum receiver_action qos_receiver_action(enum receiver_state state, enum receiver_event event);

#endif
