/* 3.1.2.10 Keep Alive. Prefix: keep_alive_
 *
 * Receiving a packet only notes the time. The timer looks at that note when it runs out and, if the client
 * was heard meanwhile, goes on to the moment at which it would be too late: so a busy connection costs the
 * timer heap nothing. */
#include "4_13_handling_errors.h"
#include "actions.h"

/* One and a half times the Keep Alive, in ms. */
static uint64_t patience(const struct connection *connection)
{
    return (uint64_t)connection->keep_alive * 1500;
}

void keep_alive_start(struct broker *broker, struct connection *connection)
{
    if (connection->keep_alive ==
        0) /* [D-3.1.2.10-1, D3-3.1.2.10-2]; nor for another reason [D3-3.1.2.10-3] */
        timer_heap_cancel(&broker->timers, &connection->timer);
    else
        timer_heap_set(&broker->timers, &connection->timer, broker->now + patience(connection));
}

void keep_alive_timer_expired(struct broker *broker, struct connection *connection)
{
    if (connection->state < CONNECTION_ESTABLISHED) { /* [S-3.1.4-1, S3-3.1.4-1] */
        const bool came = connection->state == CONNECTION_AUTHENTICATES;
        broker_log(broker, LOG_INFO, connection,
                   came ? "was not authenticated in time, connection closed"
                        : "sent no CONNECT in time, connection closed",
                   NULL);
        broker->statistics.connects_late++;
        connection_close(broker, connection);
        return;
    }
    const uint64_t deadline = connection->last_received + patience(connection);
    if (deadline > broker->now)
        timer_heap_set(&broker->timers, &connection->timer, deadline);
    else /* [MQTT-3.1.2-22] [MQTT3-3.1.2-24]; its Will is published [D-3.1.2.5-2, D3-3.1.2.5-2] */
        errors_disconnect(broker, connection, REASON_KEEP_ALIVE_TIMEOUT,
                          "was silent for 1.5 times its Keep Alive");
}
