/* 3.14.4 DISCONNECT Actions */
#include "actions.h"

/* 3.14.2.2.2: a DISCONNECT may change the Session Expiry Interval, but not raise it from 0. */
static struct verdict change_expiry(struct session *session, const struct properties *properties,
                                    uint32_t maximum)
{
    if (!properties_has(properties, ORDINAL_SESSION_EXPIRY_INTERVAL))
        return accept(); /* [D-3.14.2.2.2-1] */
    const uint32_t interval = properties->value[ORDINAL_SESSION_EXPIRY_INTERVAL].number;
    if (session->expiry_interval == 0 &&
        interval != 0) /* [P-3.14.2.2.2-2] [R-3.14.2.2.2-1] [D-3.14.2.2.2-2] */
        return refuse(P_3_14_2_2_2_2, REASON_PROTOCOL_ERROR, 0,
                      "Session Expiry Interval is raised from the 0 that CONNECT had");
    session->expiry_interval = maximum && interval > maximum ? maximum : interval;
    return accept();
}

struct verdict disconnect_actions(struct broker *broker, struct connection *connection,
                                  const struct packet *packet)
{
    struct session *session = connection->session;
    if (!session) { /* [D-4.12-2] it gives up the authentication */
        connection_close(broker, connection);
        return accept();
    }
    if (connection_is_5_0(connection)) {
        GUARD(
            change_expiry(session, &packet->disconnect.properties, broker->settings.maximum_session_expiry));
    }
    if (packet->disconnect.reason_code == REASON_NORMAL_DISCONNECTION)
        will_discard(broker, session); /* [MQTT-3.14.4-3] [MQTT-3.1.2-10] [MQTT3-3.14.4-3] [MQTT3-3.1.2-10] */
    broker_log(broker, LOG_INFO, connection, "disconnects", NULL);
    /* [S-3.14.4-1, S3-3.14.4-1]; a Will that is still there is published [R-3.14-1] */
    connection_close(broker, connection);
    return accept();
}
