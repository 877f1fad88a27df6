#include "4_03_qos_flows.h"

#include <assert.h>

#define TRANSITION(what, state)                                                                              \
    {                                                                                                        \
        .action = (what), .next = (state)                                                                    \
    }
#define WRONG TRANSITION(SENDER_PROTOCOL_ERROR, SENDER_QUEUED)

struct sender_transition qos_sender_transition(enum sender_state state, enum sender_event event)
{
    static const struct sender_transition table[SENDER_STATE_COUNT][SENDER_EVENT_COUNT] = {
        /* a queued message has no identifier, so nothing can refer to it */
        [SENDER_QUEUED] = {WRONG, WRONG, WRONG, WRONG},
        /* [MQTT-4.3.2-3] unacknowledged until the PUBACK comes, whatever its Reason Code */
        [SENDER_AWAIT_PUBACK] = {[SENDER_PUBACK] = TRANSITION(SENDER_DONE, SENDER_QUEUED),
                                 [SENDER_PUBREC] = WRONG,
                                 [SENDER_PUBREC_ERROR] = WRONG,
                                 [SENDER_PUBCOMP] = WRONG},
        /* [MQTT-4.3.3-3] unacknowledged until the PUBREC comes; [MQTT-4.3.3-4] one below 0x80 is answered
         * with PUBREL; [R-4.3.3-1] with 0x80 or above the flow has ended */
        [SENDER_AWAIT_PUBREC] = {[SENDER_PUBACK] = WRONG,
                                 [SENDER_PUBREC] = TRANSITION(SENDER_RELEASE, SENDER_AWAIT_PUBCOMP),
                                 [SENDER_PUBREC_ERROR] = TRANSITION(SENDER_DONE, SENDER_QUEUED),
                                 [SENDER_PUBCOMP] = WRONG},
        /* [MQTT-4.3.3-5] unacknowledged until the PUBCOMP comes; [MQTT-4.3.3-6] the PUBLISH is never sent
         * again */
        [SENDER_AWAIT_PUBCOMP] = {[SENDER_PUBACK] = WRONG,
                                  [SENDER_PUBREC] = TRANSITION(SENDER_RELEASE_AGAIN, SENDER_AWAIT_PUBCOMP),
                                  [SENDER_PUBREC_ERROR] = TRANSITION(SENDER_IGNORE, SENDER_AWAIT_PUBCOMP),
                                  [SENDER_PUBCOMP] = TRANSITION(SENDER_DONE, SENDER_QUEUED)},
    };
    assert(state < SENDER_STATE_COUNT && event < SENDER_EVENT_COUNT);
    return table[state][event];
}

enum receiver_action qos_receiver_action(enum receiver_state state, enum receiver_event event)
{
    static const uint8_t table[RECEIVER_STATE_COUNT][RECEIVER_EVENT_COUNT] = {
        /* [MQTT-4.3.2-5] [MQTT-4.3.3-9] [MQTT-4.3.3-12] a new message, whatever its DUP flag says; it goes on
         * when it comes, and not once more when it is released [D3-4.3.3-2] */
        [RECEIVER_FREE] = {[RECEIVER_PUBLISH_1] = RECEIVER_PASS_ON,
                           [RECEIVER_PUBLISH_2] = RECEIVER_PASS_ON,
                           [RECEIVER_PUBREL] = RECEIVER_NOT_FOUND},
        /* [MQTT-4.3.3-10] no duplicates until [MQTT-4.3.3-11] the client releases the identifier */
        [RECEIVER_AWAIT_PUBREL] = {[RECEIVER_PUBLISH_1] = RECEIVER_IN_USE,
                                   [RECEIVER_PUBLISH_2] = RECEIVER_REPEAT,
                                   [RECEIVER_PUBREL] = RECEIVER_COMPLETE},
    };
    assert(state < RECEIVER_STATE_COUNT && event < RECEIVER_EVENT_COUNT);
    return (enum receiver_action)table[state][event];
}
