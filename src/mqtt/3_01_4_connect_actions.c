/* 3.1.4 CONNECT Actions. Prefix: connect_ */
#include "../base/line.h"
#include "3_02_2_3_features.h"
#include "4_06_message_ordering.h"
#include "4_09_flow_control.h"
#include "4_10_request_response.h"
#include "4_11_server_redirection.h"
#include "4_12_enhanced_authentication.h"
#include "4_13_handling_errors.h"
#include "5_4_2_authorization.h"
#include "actions.h"

/* What the checks of a CONNECT have found out, before anything is changed. */
struct admission {
    struct bytes client_identifier;
    struct line assigned; /* the Client Identifier that we made up, if any */
    struct session_will *will;
    uint32_t session_expiry;
    uint16_t keep_alive;
};

/* 3.1.3.1 Client Identifier (ClientID) */

enum { LONGEST_IDENTIFIER_OF_3_1 = 23 };

/* Characters, that is bytes which do not continue one. */
static size_t characters(struct bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += (text.data[i] & 0xC0) != 0x80;
    return count;
}

/* [MQTT-3.1.3-6] [MQTT-3.2.2-16] [MQTT3-3.1.3-6] an identifier that no other session has */
static void assign_identifier(struct broker *broker, struct admission *admission)
{
    do {
        uint8_t random[10];
        broker->environment.random(broker->environment.context, random, sizeof random);
        admission->assigned = (struct line){0};
        line_text(&admission->assigned, "etalon-");
        for (size_t i = 0; i < sizeof random; i++)
            line_hex_byte(&admission->assigned, random[i]);
        admission->client_identifier = bytes_of(admission->assigned.text, admission->assigned.length);
    } while (session_find(broker, admission->client_identifier));
}

static struct verdict check_identifier(struct broker *broker, const struct packet *packet,
                                       struct admission *admission)
{
    const struct bytes identifier = packet->connect.client_identifier;
    /* all are allowed: [MQTT-3.1.3-5] [MQTT3-3.1.3-5] [D-3.1.3.1-1, D3-3.1.3.1-1] [D-3.1.3.1-2, D3-3.1.3.1-2] */
    admission->client_identifier = identifier;
    if (packet->version == PROTOCOL_3_1 && characters(identifier) > LONGEST_IDENTIFIER_OF_3_1)
        return refuse(MQTT3_3_1_3_9, REASON_CLIENT_IDENTIFIER_NOT_VALID, 0, /* spec/mqtt-3.1.md */
                      "Client Identifier has more than the 23 characters of MQTT 3.1");
    if (identifier.length == 0)
        assign_identifier(broker, admission);
    return accept();
}

/* 3.1.2.10, 3.2.2.3.14: the shorter of the client's Keep Alive and ours, where 0 is the longest. Only a 5.0
 * client can be told of ours; the others keep their own. */
static uint16_t keep_alive_in_force(const struct broker *broker, const struct packet *packet)
{
    const uint16_t longest = broker->settings.server_keep_alive;
    const uint16_t wanted = packet->connect.keep_alive;
    return packet->version == PROTOCOL_5_0 && longest != 0 && (wanted == 0 || wanted > longest) ? longest
                                                                                                : wanted;
}

/* 3.1.2.11.2; in 3.1 and 3.1.1 Clean Session says it: the session ends with its connection, or never */
static uint32_t session_expiry(const struct broker *broker, const struct packet *packet)
{
    const uint32_t longest = broker->settings.maximum_session_expiry;
    uint32_t wanted =
        packet->connect.clean_start ? 0 : SESSION_EXPIRY_NEVER; /* [MQTT3-3.1.2-4] [MQTT3-3.1.2-6] */
    if (packet->version == PROTOCOL_5_0)
        wanted = properties_number(&packet->connect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL,
                                   0); /* [D-3.1.2.11.2-1] */
    return longest != 0 && wanted > longest ? longest : wanted;
}

/* 4.1.1: what the store would have to take, and takes nothing at present */
static struct verdict check_store(struct broker *broker, const struct packet *packet,
                                  const struct admission *admission)
{
    if (!storing_in_trouble(broker))
        return accept();
    const struct session *session = session_find(broker, admission->client_identifier);
    if (admission->session_expiry == 0 && !packet->connect.will.present && !(session && session->durable))
        return accept();
    return refuse(
        MQTT_3_1_4_2, REASON_QUOTA_EXCEEDED, 0,
        "the Session cannot be stored at present, only one that ends with its connection is accepted");
}

/* [MQTT-3.1.4-2] */
static struct verdict check(struct broker *broker, const struct connection *connection,
                            const struct packet *packet, struct admission *admission)
{
    const struct connect *connect = &packet->connect;
    if (broker->shutting_down)
        return refuse(MQTT_3_1_4_2, REASON_SERVER_UNAVAILABLE, 0, /* CONNACK has no 0x8B [MQTT-3.2.2-8] */
                      "the Server is shutting down");
    GUARD(redirection_check(&broker->settings));
    GUARD(check_identifier(broker, packet, admission));
    GUARD(features_check_will(&broker->settings, packet));
    GUARD(will_check(&broker->settings, packet));
    GUARD(limits_check_connect(broker, connection, packet, admission->client_identifier));
    admission->keep_alive = keep_alive_in_force(broker, packet);
    admission->session_expiry = session_expiry(broker, packet);
    GUARD(check_store(broker, packet, admission));
    if (!connect->will.present)
        return accept();
    admission->will = will_create(&connect->will); /* [MQTT-3.1.2-7] [MQTT3-3.1.2-8] */
    if (!admission->will)
        return refuse(MQTT_3_1_4_2, REASON_QUOTA_EXCEEDED, 0, "no memory for the Will");
    return accept();
}

/* 3.1.2.4 Clean Start, 4.1 */

/* [MQTT-3.1.4-3] [MQTT3-3.1.4-2] the connection that holds the identifier now gives it up */
static void take_over(struct broker *broker, const struct session *session)
{
    struct connection *old = session->connection;
    /* 4.1.1: what a session leaves behind that isn't stored itself (its Will, and who gets that) is nothing
     * that the new CONNACK promises */
    const bool promised = session->durable;
    const bool changed = broker->storing.packet_changed;
    errors_disconnect(broker, old, REASON_SESSION_TAKEN_OVER, "its Client Identifier connected again");
    connection_detach(broker, old); /* [D-3.1.4-2] its Will as for any connection that ends */
    if (!promised)
        broker->storing.packet_changed = changed;
}

/* The session to be used: the stored one, if it's to be resumed and there is one [MQTT-3.1.2-5]
 * [MQTT3-3.1.2-4], else a new one [MQTT-3.1.4-4] [MQTT3-3.1.4-3] [MQTT-3.1.2-4] [MQTT-3.1.2-6]
 * [MQTT3-3.1.2-6]. Never present with Clean Start 1 [D-3.1.2.4-1]. NULL: no memory. */
static struct session *obtain_session(struct broker *broker, struct bytes client_identifier, bool clean_start,
                                      bool *present)
{
    struct session *session = session_find(broker, client_identifier);
    if (session && session->connection) {
        take_over(broker, session);
        session = session_find(broker, client_identifier); /* it may have ended with its connection */
    }
    if (session && clean_start) {
        session_end(broker, session);
        session = NULL;
    }
    *present = session != NULL;
    if (!session)
        storing_no_session(broker); /* 4.1.1: Session Present 0 is a promise, too */
    return session ? session : session_create(broker, client_identifier);
}

static void attach(struct broker *broker, struct connection *connection, struct session *session,
                   struct admission *admission)
{
    will_discard(broker, session); /* [MQTT-3.1.3-9] one whose delay was still running is not sent */
    session->will = admission->will;
    admission->will = NULL;
    session->connection = connection;
    session->expiry_interval = admission->session_expiry;
    session->expires_at = EXPIRES_NEVER;
    if (session->flows)
        session->flows->received_before = session->flows->received.count;
    timer_heap_cancel(&broker->timers, &session->timer);
    connection->session = session;
    storing_attached(broker, session);
    storing_will(broker, session); /* [MQTT-3.1.2-7] [MQTT3-3.1.2-8] */
}

/* 3.2 CONNACK */

static void connack_properties(const struct broker_settings *settings, const struct packet *connect,
                               const struct admission *admission, struct properties *properties)
{
    if (admission->assigned.length > 0) /* [MQTT-3.1.3-7] [MQTT-3.2.2-16] */
        properties_set_bytes(properties, ORDINAL_ASSIGNED_CLIENT_IDENTIFIER, admission->client_identifier);
    if (properties_number(&connect->connect.properties, ORDINAL_SESSION_EXPIRY_INTERVAL, 0) !=
        admission->session_expiry) /* [D-3.2.2.3.2-1] absent: the client's own */
        properties_set_number(properties, ORDINAL_SESSION_EXPIRY_INTERVAL, admission->session_expiry);
    if (connect->connect.keep_alive != admission->keep_alive) /* [MQTT-3.2.2-22] */
        properties_set_number(properties, ORDINAL_SERVER_KEEP_ALIVE, admission->keep_alive);
    features_announce(settings, properties);
    request_response_inform(settings, connect, properties);
}

/* Once per connection: a second CONNECT is refused in broker.c [MQTT-3.2.0-2]. [MQTT-3.1.4-5] [MQTT-3.2.0-1]
 * [MQTT3-3.1.4-4] [MQTT3-3.2.0-1] */
static void send_connack(struct broker *broker, struct connection *connection, const struct packet *connect,
                         const struct admission *admission, bool session_present)
{
    struct packet connack = {.type = PACKET_CONNACK, .flags = 0};
    connack.connack.reason_code = REASON_SUCCESS;
    /* [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT3-3.2.2-1] [MQTT3-3.2.2-2] [MQTT3-3.2.2-3]; be it that there is a
     * session, and nothing in it [D3-3.1.2.4-2]; 3.1 has no such flag */
    connack.connack.session_present = session_present && connection->version != PROTOCOL_3_1;
    properties_clear(&connack.connack.properties);
    if (connection_is_5_0(connection))
        connack_properties(&broker->settings, connect, admission, &connack.connack.properties);
    authentication_inform(connection, &connack.connack.properties);
    if (!connection_send(broker, connection, &connack))
        connection_close(broker, connection); /* it does not fit into the client's Maximum Packet Size */
    connection->connack_waits = held_bytes(&connection->held) > 0;
}

/* What the CONNECT says about this connection and no other, 3.1.2.11 [D-3.1.2.11.3-1]. Without the property:
 * Topic Alias Maximum 0 [D-3.1.2.11.5-1], Request Problem Information 1 [D-3.1.2.11.7-1]. */
static void configure(struct broker *broker, struct connection *connection, const struct packet *connect,
                      const struct admission *admission)
{
    const struct properties *properties = &connect->connect.properties;
    connection->send_maximum =
        flow_send_maximum((uint16_t)properties_number(properties, ORDINAL_RECEIVE_MAXIMUM, 0),
                          broker->settings.maximum_inflight);
    const uint32_t aliases = properties_number(properties, ORDINAL_TOPIC_ALIAS_MAXIMUM, 0);
    connection->alias_maximum =
        (uint16_t)(aliases < broker->settings.outgoing_topic_aliases /* [MQTT-3.1.2-26] [MQTT-3.1.2-27] */
                       ? aliases
                       : broker->settings.outgoing_topic_aliases);
    connection->problem_information =
        properties_number(properties, ORDINAL_REQUEST_PROBLEM_INFORMATION, 1) == 1;
    connection->keep_alive = admission->keep_alive;
    keep_alive_start(broker, connection); /* [D3-3.1.4-3]; messages follow when the session is attached */
}

struct verdict connect_actions(struct broker *broker, struct connection *connection,
                               const struct packet *packet)
{
    /* binds a refusal too [MQTT-3.1.2-24] [MQTT-3.2.2-19]; absent: no limit [D-3.1.2.11.4-1] */
    connection->maximum_packet_size =
        properties_number(&packet->connect.properties, ORDINAL_MAXIMUM_PACKET_SIZE, UINT32_MAX);
    return authentication_begin(broker, connection, packet);
}

/* 5.4.2: a session belongs to the user who made it; one that was made by nobody in particular to everybody. */
static bool may_have(const struct session *session, const struct bytes *user_name)
{
    return !session || !session->user_name ||
           (user_name && bytes_equal(session_user_name(session), *user_name));
}

/* What depends on who the client is [MQTT-3.1.4-2] [S-4.12-2, D3-3.1.3.4-1]. */
static struct verdict check_rights(struct broker *broker, const struct packet *packet,
                                   const struct admission *admission, const struct bytes *user_name)
{
    if (!may_have(session_find(broker, admission->client_identifier), user_name))
        return refuse(MQTT_3_1_4_2, REASON_NOT_AUTHORIZED, 0, "the Session belongs to another user");
    if (!authorization_will(broker, packet, admission->client_identifier, user_name))
        return refuse(MQTT_3_1_4_2, REASON_NOT_AUTHORIZED, 0, "not authorized to publish the Will");
    return accept();
}

struct verdict connect_accept(struct broker *broker, struct connection *connection,
                              const struct packet *packet, const struct bytes *user_name)
{
    struct admission admission = {0};
    struct verdict verdict = check(broker, connection, packet, &admission);
    if (!verdict.refused)
        verdict = check_rights(broker, packet, &admission, user_name);
    if (verdict.refused) {
        will_free(broker, admission.will);
        return verdict;
    }

    bool present = false;
    struct session *session =
        obtain_session(broker, admission.client_identifier, packet->connect.clean_start, &present);
    if (!session || !session_belongs_to(session, user_name)) {
        will_free(broker, admission.will);
        return refuse(MQTT_3_1_4_2, REASON_QUOTA_EXCEEDED, 0, "no memory for a session");
    }
    attach(broker, connection, session, &admission);
    configure(broker, connection, packet, &admission);
    connection->state = CONNECTION_ESTABLISHED;
    send_connack(broker, connection, packet, &admission, present);
    if (++broker->statistics.clients > broker->statistics.clients_maximum)
        broker->statistics.clients_maximum = broker->statistics.clients;
    broker_log(broker, LOG_INFO, connection, present ? "connected, session resumed" : "connected", NULL);
    retry_resume(broker, session);
    ordering_pump(broker, session);
    return accept();
}
