/* 5.4.2 Authorization. Prefix: authorization_ */
#include "5_4_2_authorization.h"

static bool ask(const struct broker *broker, const struct authorisation *question)
{
    return broker->environment.authorise(broker->environment.context, question);
}

static struct authorisation question_of(const struct session *session, enum access access, struct bytes topic)
{
    return (struct authorisation){.access = access,
                                  .client_identifier = session_client_identifier(session),
                                  .has_user_name = session->user_name != NULL,
                                  .user_name = session_user_name(session),
                                  .topic = topic};
}

/* The security component is the host's: [D-4.7.3-9, D3-4.7.3-9] */
bool authorization_publish(const struct broker *broker, const struct session *session, struct bytes topic,
                           uint8_t qos, bool retain)
{
    if (!broker->environment.authorise)
        return true;
    struct authorisation question = question_of(session, ACCESS_PUBLISH, topic);
    question.qos = qos;
    question.retain = retain;
    return ask(broker, &question);
}

bool authorization_subscribe(const struct broker *broker, const struct session *session,
                             struct bytes topic_filter, uint8_t qos)
{
    if (!broker->environment.authorise)
        return true;
    struct authorisation question = question_of(session, ACCESS_SUBSCRIBE, topic_filter);
    question.qos = qos;
    return ask(broker, &question);
}

bool authorization_receive(const struct broker *broker, const struct session *session, struct bytes topic)
{
    if (!broker->environment.authorise)
        return true;
    const struct authorisation question = question_of(session, ACCESS_RECEIVE, topic);
    return ask(broker, &question);
}

bool authorization_will(const struct broker *broker, const struct packet *connect,
                        struct bytes client_identifier, const struct bytes *user_name)
{
    const struct will *will = &connect->connect.will;
    if (!broker->environment.authorise || !will->present)
        return true;
    const struct authorisation question = {.access = ACCESS_PUBLISH,
                                           .client_identifier = client_identifier,
                                           .has_user_name = user_name != NULL,
                                           .user_name = user_name ? *user_name : (struct bytes){NULL, 0},
                                           .topic = will->topic,
                                           .qos = will->qos,
                                           .retain = will->retain};
    return ask(broker, &question);
}
