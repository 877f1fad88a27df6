/* Steps that the tests on durability share.
 *
 * The specification leaves it to a server what survives its end (4.1 of both versions, in comments): these
 * are properties. Their common promise is that what was acknowledged is there after the end of the broker, be
 * it in good order or by kill -9. What was not acknowledged may be there or not, and tests do not ask. */
#ifndef ETALON_CONFORMANCE_TESTS_DURABILITY_H
#define ETALON_CONFORMANCE_TESTS_DURABILITY_H

#include "3_01_session.h"

/* How the broker ends. */
enum ending { CLEAN_STOP, CRASH };

/* Declares two properties, NAME_after_stop and NAME_after_crash, and opens the body that both share. It sees
 * `t`, and `ending`, which it gives to end_broker or end_and_resume. */
#define DECLARE_DURABILITY_TEST(identifier, versions_, needs_, stop_, crash_, title_)                        \
    static void durability_body_##identifier(struct test *t, enum ending ending);                            \
    PROPERTY_TEST(identifier##_after_stop, "durability", versions_, (needs_) | stop_,                        \
                  title_ "; the broker was stopped in good order")                                           \
    {                                                                                                        \
        durability_body_##identifier(t, CLEAN_STOP);                                                         \
    }                                                                                                        \
    PROPERTY_TEST(identifier##_after_crash, "durability", versions_, (needs_) | crash_,                      \
                  title_ "; the broker was killed")                                                          \
    {                                                                                                        \
        durability_body_##identifier(t, CRASH);                                                              \
    }                                                                                                        \
    static void durability_body_##identifier(struct test *t, enum ending ending)

/* With a broker of its own, for what is about the moment of the end, or the time until the next start. */
#define LONE_DURABILITY_TEST(identifier, versions_, needs_, title_)                                          \
    DECLARE_DURABILITY_TEST(identifier, versions_, (needs_) | NEEDS_TIME, NEEDS_RESTART, NEEDS_RESTART, title_)

/* With a broker that others use, too: uses end_and_resume only, and nothing in it is about time. */
#define DURABILITY_TEST(identifier, versions_, needs_, title_)                                               \
    DECLARE_DURABILITY_TEST(identifier, versions_, needs_, SHARES_STOP, SHARES_CRASH, title_)

static inline void end_broker(struct broker *broker, enum ending ending)
{
    if (ending == CRASH)
        crash_broker(broker);
    else
        stop_broker(broker);
}

static inline void end_and_resume(struct broker *broker, enum ending ending)
{
    end_broker(broker, ending);
    resume_broker(broker);
}

/* A client of the test's own broker whose session lasts; `who` is its name and part of its Client
 * Identifier. */
#define join(test_broker, who, ...)                                                                          \
    connect_lasting_client((test_broker)->test, who, .broker = (test_broker), __VA_ARGS__)

/* One whose session ends with its connection. */
#define visit(test_broker, who, ...)                                                                         \
    connect_client((test_broker)->test, .name = (who), .clean_start = true, .broker = (test_broker),         \
                   __VA_ARGS__)

/* The same client again, after the broker's end: its session must be there. 3.1 cannot tell. */
#define come_back(test_broker, who, ...) demand_session(join(test_broker, who, __VA_ARGS__))

static inline struct client *demand_session(struct client *client)
{
    demand_session_present(client, true);
    return client;
}

/* A client that subscribes to `filter` and goes, so that messages wait for it. */
static inline void leave_subscription(struct broker *broker, const char *who, const char *filter, int qos)
{
    struct client *client = join(broker, who);
    subscribe(client, filter, .qos = qos);
    leave(client);
}

/* The next message that `publisher` sends is the next that comes: nothing else was on its way, and the
 * subscription works. */
static inline void expect_live(struct client *subscriber, struct client *publisher, const char *name, int qos)
{
    struct test *t = subscriber->test;
    const char *payload = text(t, "live at %.6f s", now(t));
    publish(publisher, .topic = name, .payload = payload, .qos = qos);
    expect_publish(subscriber, .topic = name, .payload = payload, .qos = qos);
}

/* A PUBLISH that comes again after the broker's end, as it was: the same Packet Identifier, and DUP. */
static inline void expect_again(struct client *client, const struct received *first)
{
    struct test *t = client->test;
    const struct publish *before = &first->packet.publish;
    const struct received *again = expect_publish(client, .payload_bytes = before->payload,
                                                  .qos = before->qos, .dup = true, .acknowledge = false);
    if (again->packet.publish.packet_identifier != before->packet_identifier)
        fail_expected(t, text(t, "Packet Identifier %u again", before->packet_identifier), "%s",
                      describe_packet(t, &again->packet));
    acknowledge(client, again);
}

#endif
