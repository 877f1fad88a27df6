/* check_gate: nothing that promises something leaves the broker before what it rests on is committed. The
 * committed
 * book must know it already. */
#include "simulation.h"

static void broken(struct world *world, const struct link *link, const struct note *note, const char *what)
{
    world_violation(world, "gate", "%s of %s (Packet Identifier %u) left the broker, but %s is not committed",
                    packet_type_name((enum packet_type)note->type), actor_name(link->actor), note->identifier,
                    what);
}

/* Whether a session that outlives its connection still waits for a message which was not committed. */
static const char *owed_to_lasting(struct world *world, uint32_t number)
{
    for (unsigned i = 0; i < ACTORS; i++) {
        const struct book_session *session = &world->book.sessions[i];
        const struct reception *reception = reception_of(world, i, number);
        if (session->exists && session->expiry > 0 && reception->epoch == session->epoch &&
            reception->owed > world->committed.sequence &&
            reception->owed <= world->publications[number].sequence) /* not for a SUBSCRIBE since then */
            return actor_name(i);
    }
    return NULL;
}

static void check_acknowledged(struct world *world, const struct link *link, const struct note *note)
{
    const struct publication *publication = &world->publications[note->publication];
    if (!note->publication || publication->deadline <= world_ms(world) + 1000)
        return;
    const char *who = owed_to_lasting(world, note->publication);
    if (who)
        world_violation(
            world, "gate",
            "%s of %s for publication %u left the broker, but that %s waits for it is not committed",
            packet_type_name((enum packet_type)note->type), actor_name(link->actor), note->publication, who);
    const unsigned topic = publication->topic;
    if (publication->retain && world->book.retained[topic] == note->publication &&
        world->committed.retained[topic] != note->publication)
        broken(world, link, note, "the retained message");
}

static void check_received(struct world *world, const struct link *link, const struct note *note)
{
    const struct book_session *now = &world->book.sessions[link->actor];
    const struct book_session *before = &world->committed.sessions[link->actor];
    const uint32_t bit = 1U << (note->identifier & 31);
    if (now->epoch != link->epoch || now->expiry == 0)
        return;
    const bool committed = before->exists && before->epoch == now->epoch && (before->received & bit);
    if (note->type == PACKET_PUBREC && (now->received & bit) && !committed)
        broken(world, link, note, "the Packet Identifier");
    if (note->type == PACKET_PUBCOMP && !(now->received & bit) && committed)
        broken(world, link, note, "the release of the Packet Identifier");
}

static void check_subscribed(struct world *world, const struct link *link, const struct note *note)
{
    const struct book_session *now = &world->book.sessions[link->actor];
    if (now->epoch == link->epoch && now->expiry > 0 && link->asked > world->committed.sequence)
        broken(world, link, note, "the set of subscriptions");
}

/* A session that was to end by now ends after a crash, too. */
static bool over(const struct world *world, const struct book_session *session)
{
    const uint64_t since = world->gone_low + (uint64_t)session->expiry * 1000;
    return session->expiry != UINT32_MAX &&
           (session->connected ? since : session->ends_low) <= world_ms(world);
}

static void check_connected(struct world *world, const struct link *link, const struct note *note)
{
    const struct book_session *now = &world->book.sessions[link->actor];
    const struct book_session *before = &world->committed.sessions[link->actor];
    if (now->epoch != link->epoch || now->link != link_number(world, link))
        return;
    if (now->expiry > 0 && (!before->exists || before->epoch != now->epoch))
        broken(world, link, note, "the session");
    /* While the store is in trouble, nobody is refused for the end of some earlier session. */
    if (!world->trouble && before->exists && !over(world, before) && before->expiry > 0 &&
        before->epoch != now->epoch)
        broken(world, link, note, "the end of the session before");
    if (now->will.publication && before->will.publication != now->will.publication)
        broken(world, link, note, "the Will");
}

static void check_delivered(struct world *world, const struct link *link, const struct note *note)
{
    const struct book_session *session = &world->book.sessions[link->actor];
    if (!note->publication || session->epoch != link->epoch || session->expiry == 0)
        return;
    const struct reception *reception = reception_of(world, link->actor, note->publication);
    if (reception->epoch != link->epoch || reception->owed <= world->committed.sequence)
        return;
    if (reception->routed > 1) /* nobody can tell which copy this is */
        return;
    if (note->qos == 2)
        broken(world, link, note, "that the message is in flight");
    else if (note->qos == 1)
        world_mark(world, MARK_early);
}

void check_gate(struct world *world, const struct link *link, const struct note *note)
{
    if (note->type == PACKET_PUBACK || note->type == PACKET_PUBREC)
        check_acknowledged(world, link, note);
    if (note->type == PACKET_PUBREC || note->type == PACKET_PUBCOMP)
        check_received(world, link, note);
    else if (note->type == PACKET_SUBACK || note->type == PACKET_UNSUBACK)
        check_subscribed(world, link, note);
    else if (note->type == PACKET_CONNACK)
        check_connected(world, link, note);
    else if (note->type == PACKET_PUBLISH)
        check_delivered(world, link, note);
}
