/* book: what the broker has been told and what follows from it by the specification alone. Prefix: book_
 *
 * It is told every packet before the broker gets it. It knows nothing of queues, batches and records; what
 * a crash
 * leaves is the book as it was when the last committed batch was collected. */
#include "simulation.h"

#include <string.h>

static uint32_t next_sequence(struct world *world)
{
    return ++world->book.sequence;
}

static uint64_t after(uint64_t moment, uint32_t seconds)
{
    return seconds == UINT32_MAX ? NEVER : moment + (uint64_t)seconds * 1000;
}

void book_clear(struct world *world)
{
    memset(&world->book, 0, sizeof world->book);
    for (unsigned i = 0; i < ACTORS; i++)
        world->book.sessions[i].link = NOBODY;
    world->committed = world->book;
}

uint32_t book_retained(const struct world *world, const struct book *book, unsigned topic)
{
    const uint32_t number = book->retained[topic];
    return number && world->publications[number].deadline > world_ms(world) ? number : 0;
}

/* Routing */

/* The session may be gone before its client can come back. */
static bool fading(const struct world *world, const struct book_session *session)
{
    return !session->connected && session->ends_low <= world_ms(world) + 5;
}

static void entitle(struct world *world, unsigned actor, uint32_t number, uint8_t qos, uint16_t filters)
{
    const struct book_session *session = &world->book.sessions[actor];
    struct reception *reception = reception_of(world, actor, number);
    if (reception->epoch != session->epoch)
        *reception = (struct reception){.epoch = session->epoch, .qos = qos, .filters = filters};
    if (reception->routed > 0 && (reception->qos != qos || reception->filters != filters))
        reception->flags |= MIXED;
    reception->flags |= ENTITLED;
    reception->qos = qos;
    reception->filters = filters;
    if (reception->routed < UINT8_MAX)
        reception->routed++;
    if (!session->connected)
        world_mark(world, MARK_queued_away);
    if (qos > 0 && !reception->owed && !fading(world, session) && !world->publications[number].empty)
        reception->owed = world->book.sequence;
}

/* May get it, need not. */
static void allow(struct world *world, unsigned actor, uint32_t number)
{
    struct reception *reception = reception_of(world, actor, number);
    if (reception->epoch != world->book.sessions[actor].epoch)
        *reception = (struct reception){.epoch = world->book.sessions[actor].epoch};
    reception->flags |= ENTITLED | MIXED;
    reception->routed++;
}

static void route_to(struct world *world, unsigned actor, uint32_t number, uint16_t matching)
{
    const struct publication *publication = &world->publications[number];
    const struct book_session *session = &world->book.sessions[actor];
    uint8_t qos = 0;
    uint16_t identified = 0;
    bool any = false;
    const unsigned ordinary = (1U << FIRST_SHARED) - 1;
    for (unsigned left = matching & session->filters & ordinary; left; left &= left - 1) {
        const unsigned filter = (unsigned)__builtin_ctz(left);
        const struct book_subscription *subscription = &session->subscriptions[filter];
        if (subscription->no_local && publication->publisher == actor)
            continue;
        any = true;
        if (subscription->qos > qos)
            qos = subscription->qos;
        if (subscription->identified)
            identified = (uint16_t)(identified | 1U << filter);
    }
    if (any && (session->connected || qos > 0))
        entitle(world, actor, number, qos < publication->qos ? qos : publication->qos, identified);
}

static bool group_has_member(const struct world *world, unsigned group)
{
    for (unsigned i = 0; i < ACTORS; i++)
        if (world->book.sessions[i].exists && !fading(world, &world->book.sessions[i]) &&
            world->book.sessions[i].filters >> (FIRST_SHARED + group) & 1)
            return true;
    return false;
}

static void route(struct world *world, uint32_t number)
{
    struct publication *publication = &world->publications[number];
    const uint16_t matching = world->topic_masks[publication->topic];
    for (unsigned i = 0; i < ACTORS; i++)
        if (world->book.sessions[i].exists && (world->book.sessions[i].filters & matching))
            route_to(world, i, number, matching);
    for (unsigned group = 0; group < GROUPS; group++)
        if (publication->qos > 0 && matching >> (FIRST_SHARED + group) & 1 &&
            !publication->group_owed[group] && group_has_member(world, group))
            publication->group_owed[group] = world->book.sequence;
    publication->sequence = world->book.sequence;
}

/* Nobody owes anything of this group any more. */
static void group_excuse(struct world *world, unsigned group, bool only_qos_2)
{
    for (uint32_t i = 1; i <= world->publication_count; i++)
        if (!only_qos_2 || world->publications[i].qos == 2)
            world->publications[i].group_owed[group] = 0;
}

static void retain(struct world *world, uint32_t number)
{
    struct publication *publication = &world->publications[number];
    uint32_t *retained = &world->book.retained[publication->topic];
    if (*retained != number)
        publication->replaced = *retained;
    if (publication->empty && *retained)
        world_mark(world, MARK_retained_cleared);
    /* which of two Wills that are due in the same moment comes last is anybody's guess */
    const struct publication *other = &world->publications[*retained];
    const uint32_t doubtful = world->book.retained_unsure[publication->topic];
    const bool together =
        publication->will && *retained && other->will && other->published == world_ms(world);
    const bool still =
        publication->will && doubtful && world->publications[doubtful].published == world_ms(world);
    world->book.retained_unsure[publication->topic] = still ? doubtful : together ? *retained : 0;
    *retained = publication->empty ? 0 : number;
}

static void publish(struct world *world, uint32_t number)
{
    struct publication *publication = &world->publications[number];
    publication->published = world_ms(world);
    publication->deadline = publication->interval ? after(world_ms(world), publication->interval) : NEVER;
    if (publication->deadline < publication->earliest_deadline)
        publication->earliest_deadline = publication->deadline;
    if (publication->retain)
        retain(world, number);
    route(world, number);
}

/* Wills */

static void publish_will(struct world *world, struct book_session *session)
{
    const struct book_will will = session->will;
    session->will = (struct book_will){0};
    if (!will.publication)
        return;
    next_sequence(world);
    publish(world, will.publication);
    world_mark(world, MARK_will_published);
    if (will.delay > 0)
        world_mark(world, MARK_will_delayed);
}

/* Nobody knows exactly whether it was published: whoever gets it is right, and nobody has to. */
static void doubt_will(struct world *world, struct book_session *session, bool ended)
{
    const uint32_t number = session->will.publication;
    struct publication *publication = &world->publications[number];
    const uint16_t matching = world->topic_masks[session->will.topic];
    publication->published = world_ms(world);
    publication->deadline = after(world_ms(world), UINT32_MAX);
    for (unsigned i = 0; i < ACTORS; i++) {
        const struct reception *reception = reception_of(world, i, number);
        const bool often = reception->epoch == world->book.sessions[i].epoch && reception->routed > 100;
        if ((world->book.sessions[i].filters & matching) && !often)
            allow(world, i, number);
    }
    if (publication->retain)
        world->book.retained_unsure[publication->topic] = number;
    if (ended)
        session->will = (struct book_will){0};
}

/* Sessions */

static void end_session(struct world *world, unsigned actor)
{
    struct book_session *session = &world->book.sessions[actor];
    const uint16_t filters = session->ever; /* it may still hold what came by one that it has given up */
    session->filters = 0;
    if (session->will.open)
        doubt_will(world, session, true);
    else if (session->will.publication) {
        if (session->will.due_low != NEVER && session->will.due_low > world_ms(world))
            world_mark(world, MARK_will_at_session_end);
        publish_will(world, session);
    }
    *session = (struct book_session){.link = NOBODY};
    next_sequence(world);
    for (unsigned group = 0; group < GROUPS; group++) {
        if (!(filters >> (FIRST_SHARED + group) & 1))
            continue;
        const bool others = group_has_member(world, group);
        if (others)
            world_mark(world, MARK_shared_member_left);
        group_excuse(world, group, others);
    }
}

static void begin_session(struct world *world, unsigned actor)
{
    world->book.sessions[actor] =
        (struct book_session){.exists = true, .link = NOBODY, .epoch = ++world->epochs};
}

/* The client has gone at this moment, for certain. */
static void detach(struct world *world, unsigned actor)
{
    struct book_session *session = &world->book.sessions[actor];
    const uint64_t now = world_ms(world);
    next_sequence(world);
    session->connected = false;
    session->link = NOBODY;
    if (session->expiry == 0) {
        end_session(world, actor);
        return;
    }
    session->ends_low = session->ends_high = after(now, session->expiry);
    if (!session->will.publication)
        return;
    if (session->will.delay == 0) {
        publish_will(world, session);
        return;
    }
    session->will.due_low = session->will.due_high = after(now, session->will.delay);
}

void book_detach(struct world *world, struct link *link)
{
    struct book_session *session = &world->book.sessions[link->actor];
    if (session->exists && session->connected && session->link == link_number(world, link))
        detach(world, link->actor);
}

void book_detach_all(struct world *world)
{
    for (unsigned i = 0; i < ACTORS; i++)
        if (world->book.sessions[i].exists && world->book.sessions[i].connected)
            detach(world, i);
}

/* Time */

static uint64_t will_deadline(const struct book_session *session)
{
    if (!session->will.publication || session->connected)
        return NEVER;
    return session->will.open ? session->will.due_high : session->will.due_low;
}

static uint64_t session_deadline(const struct book_session *session)
{
    if (!session->exists || session->connected)
        return NEVER;
    const uint64_t will = will_deadline(session);
    return will < session->ends_high ? will : session->ends_high;
}

uint64_t book_deadline(const struct world *world)
{
    uint64_t deadline = NEVER;
    for (unsigned i = 0; i < ACTORS; i++) {
        const struct book_session *session = &world->book.sessions[i];
        if (!session->exists || session->connected)
            continue;
        const struct book_will *will = &session->will;
        /* between the two moments of a doubtful deadline it may have been met already */
        const bool over = session->ends_low < session->ends_high && session->ends_low <= world_ms(world);
        const bool sent = over || (will->due_low < will->due_high && will->due_low <= world_ms(world));
        if (!over && session->ends_high < deadline)
            deadline = session->ends_high;
        if (!sent && will->publication && will->due_high < deadline)
            deadline = will->due_high;
    }
    return deadline;
}

static void session_due(struct world *world, unsigned actor, uint64_t deadline)
{
    struct book_session *session = &world->book.sessions[actor];
    if (session->ends_high <= deadline) {
        world_mark(world, MARK_session_expired);
        end_session(world, actor);
    } else if (session->will.open) {
        doubt_will(world, session, true);
    } else if (session->will.due_low == session->will.due_high) {
        publish_will(world, session);
    } else {
        session->will.open = true;
        doubt_will(world, session, false);
    }
}

void book_time(struct world *world)
{
    for (;;) {
        uint64_t earliest = NEVER;
        unsigned actor = 0;
        for (unsigned i = 0; i < ACTORS; i++) {
            const uint64_t deadline = session_deadline(&world->book.sessions[i]);
            if (deadline < earliest) {
                earliest = deadline;
                actor = i;
            }
        }
        if (earliest > world_ms(world))
            break;
        session_due(world, actor, earliest);
    }
    for (unsigned i = 0; i < ACTORS;
         i++) { /* while a Will may be published any moment, who subscribes may get it */
        struct book_session *session = &world->book.sessions[i];
        if (session->will.open)
            doubt_will(world, session, false);
    }
}

/* Packets */

static void take_over(struct world *world, unsigned actor)
{
    struct book_session *session = &world->book.sessions[actor];
    struct link *old = &world->links[session->link];
    world_mark(world, MARK_takeover);
    if (old->in_flight > 0)
        world_mark(world, MARK_takeover_in_flight);
    old->close_foreseen = true;
    detach(world, actor);
}

static void take_connect(struct world *world, struct link *link, const struct note *note)
{
    struct book_session *session = &world->book.sessions[link->actor];
    if (session->exists && session->connected)
        take_over(world, link->actor);
    if (session->exists && note->clean)
        end_session(world, link->actor);
    link->expect_present = session->exists;
    if (!session->exists)
        begin_session(world, link->actor);
    if (session->will.open)
        doubt_will(world, session, true);
    else if (session->will.publication)
        world_mark(world, MARK_will_cancelled);
    session->connected = true;
    session->link = (uint8_t)link_number(world, link);
    session->expiry = note->expiry;
    session->ends_low = session->ends_high = NEVER;
    session->will = (struct book_will){.publication = note->publication,
                                       .topic = note->will_topic,
                                       .qos = note->will_qos,
                                       .retain = note->will_retain,
                                       .delay = note->will_delay,
                                       .expiry = note->will_expiry,
                                       .due_low = NEVER,
                                       .due_high = NEVER};
    link->epoch = session->epoch;
    link->receive_maximum = note->receive_maximum;
    link->connect_sequence = world->book.sequence;
}

static void take_publish(struct world *world, struct link *link, const struct note *note)
{
    struct book_session *session = &world->book.sessions[link->actor];
    const uint32_t bit = 1U << note->identifier;
    if (note->dup)
        world_mark(world, MARK_repeated_publish);
    if (note->qos == 2 && session->received & bit) {
        world_mark(world, MARK_suppressed);
        return;
    }
    if (note->qos == 2)
        session->received |= bit;
    world->publications[note->publication].repeated |= note->dup;
    publish(world, note->publication);
}

/* One of the Wills, or what was there before. */
static void allow_wills(struct world *world, unsigned actor, unsigned topic, uint32_t before)
{
    if (before)
        allow(world, actor, before);
    for (uint32_t number = 1; number <= world->publication_count; number++)
        if (world->publications[number].will && world->publications[number].topic == topic)
            allow(world, actor, number);
}

static void send_retained(struct world *world, unsigned actor, unsigned filter, uint8_t qos, bool identified)
{
    for (unsigned topic = 0; topic < TOPICS; topic++) {
        const uint32_t number = book_retained(world, &world->book, topic);
        const uint32_t doubtful = world->book.retained_unsure[topic];
        if (!(world->topic_masks[topic] >> filter & 1))
            continue;
        if (doubtful)
            allow_wills(world, actor, topic, number);
        if (doubtful || !number)
            continue;
        const uint8_t published = world->publications[number].qos;
        const uint16_t identifiers = (uint16_t)(identified ? 1U << filter : 0);
        entitle(world, actor, number, qos < published ? qos : published, identifiers);
    }
}

/* Whether the answer will rest on a change. */
static void note_asked(const struct world *world, struct link *link, const struct book_session *before)
{
    const struct book_session *now = &world->book.sessions[link->actor];
    const bool same = memcmp(now->subscriptions, before->subscriptions, sizeof now->subscriptions) == 0;
    link->asked = same ? 0 : world->book.sequence;
}

static void take_subscribe(struct world *world, struct link *link, const struct note *note)
{
    struct book_session *session = &world->book.sessions[link->actor];
    const struct book_session before = *session;
    for (unsigned i = 0; i < note->count; i++) {
        const uint8_t options = note->options[i];
        const unsigned filter = note->filters[i];
        struct book_subscription *subscription = &session->subscriptions[filter];
        const bool fresh = !subscription->live;
        *subscription = (struct book_subscription){.live = true,
                                                   .qos = options & 3,
                                                   .no_local = options >> 2 & 1,
                                                   .retain_as_published = options >> 3 & 1,
                                                   .identified = note->filter_mask != 0};
        session->filters = (uint16_t)(session->filters | 1U << filter);
        session->ever |= session->filters;
        const unsigned handling = options >> 4;
        if (filter < FIRST_SHARED && (handling == 0 || (handling == 1 && fresh)))
            send_retained(world, link->actor, filter, subscription->qos, subscription->identified);
    }
    note_asked(world, link, &before);
    if (link->actor == AUDITOR)
        for (unsigned topic = 0; topic < TOPICS; topic++) {
            world->audit_expected[topic] = book_retained(world, &world->book, topic);
            world->audit_unsure[topic] = world->book.retained_unsure[topic];
        }
}

static void take_unsubscribe(struct world *world, struct link *link, const struct note *note)
{
    struct book_session *session = &world->book.sessions[link->actor];
    const struct book_session before = *session;
    for (unsigned i = 0; i < note->count; i++) {
        const unsigned filter = note->filters[i];
        session->subscriptions[filter] = (struct book_subscription){0};
        session->filters = (uint16_t)(session->filters & ~(1U << filter));
        if (filter >= FIRST_SHARED && !group_has_member(world, filter - FIRST_SHARED))
            group_excuse(world, filter - FIRST_SHARED, false);
    }
    note_asked(world, link, &before);
}

static void take_disconnect(struct world *world, struct link *link, const struct note *note)
{
    struct book_session *session = &world->book.sessions[link->actor];
    if (note->has_expiry && note->expiry != session->expiry) {
        world_mark(world, MARK_expiry_changed);
        session->expiry = note->expiry;
    }
    if (note->code == 0 && session->will.publication) {
        world_mark(world, MARK_will_discarded);
        session->will = (struct book_will){0};
    }
    link->close_foreseen = true;
    detach(world, link->actor);
}

void book_take(struct world *world, struct link *link, const struct note *note)
{
    struct book_session *session = &world->book.sessions[link->actor];
    next_sequence(world);
    if (note->type == PACKET_CONNECT) {
        take_connect(world, link, note);
        return;
    }
    if (!session->exists || session->link != link_number(world, link))
        return; /* taken over or closed meanwhile: the broker reads no more of it */
    if (note->type == PACKET_PUBLISH)
        take_publish(world, link, note);
    else if (note->type == PACKET_PUBREL)
        session->received &= ~(1U << note->identifier);
    else if (note->type == PACKET_SUBSCRIBE)
        take_subscribe(world, link, note);
    else if (note->type == PACKET_UNSUBSCRIBE)
        take_unsubscribe(world, link, note);
    else if (note->type == PACKET_DISCONNECT)
        take_disconnect(world, link, note);
    else
        check_flow_acknowledged(world, link, note);
}

void book_refused(struct world *world, uint32_t sequence)
{
    for (uint32_t number = 1; number <= world->publication_count; number++) {
        for (unsigned i = 0; i < ACTORS; i++)
            if (world->receptions[i][number].owed >= sequence)
                world->receptions[i][number].owed = 0;
        for (unsigned group = 0; group < GROUPS; group++)
            if (world->publications[number].group_owed[group] >= sequence)
                world->publications[number].group_owed[group] = 0;
    }
}

/* The end of the broker */

static void shared_after_crash(struct world *world, const struct book *lost)
{
    for (unsigned group = 0; group < GROUPS; group++)
        for (unsigned i = 0; i < ACTORS; i++) {
            const struct book_session *before = &lost->sessions[i];
            const struct book_session *now = &world->book.sessions[i];
            const unsigned filter = FIRST_SHARED + group;
            /* what it had was not stored, or is passed on when nobody may be left */
            if ((before->exists && before->filters >> filter & 1 && before->expiry == 0) ||
                (now->exists && now->filters >> filter & 1 &&
                 (now->expiry != UINT32_MAX || now->epoch != before->epoch)))
                group_excuse(world, group, false);
        }
}

static void session_after_crash(struct world *world, unsigned actor, uint64_t low)
{
    struct book_session *session = &world->book.sessions[actor];
    const uint64_t now = world_ms(world);
    if (!session->exists || !session->connected)
        return;
    session->connected = false;
    session->link = NOBODY;
    session->ends_low = after(low, session->expiry);
    session->ends_high = session->expiry ? after(now, session->expiry) : now;
    if (!session->will.publication)
        return;
    world_mark(world, MARK_will_at_start);
    session->will.due_low = after(low, session->will.delay);
    if (session->ends_low < session->will.due_low)
        session->will.due_low = session->ends_low;
    if (session->will.due_low < now) /* nobody can publish it earlier */
        session->will.due_low = now;
    session->will.due_high = after(now, session->will.delay);
    if (session->ends_high < session->will.due_high)
        session->will.due_high = session->ends_high;
}

static void mark_downtime(struct world *world)
{
    const uint64_t now = world_ms(world);
    for (unsigned i = 0; i < ACTORS; i++) {
        const struct book_session *session = &world->book.sessions[i];
        if (!session->exists || session->connected)
            continue;
        if (session->ends_high <= now)
            world_mark(world, MARK_session_expired_down);
        if (session->will.publication && session->will.due_high <= now)
            world_mark(world, MARK_will_while_down);
    }
}

void book_restart(struct world *world, uint64_t low)
{
    const struct book lost = world->book;
    world->book = world->committed;
    book_refused(world, world->committed.sequence + 1);
    world->book.sequence = lost.sequence + 1; /* numbers are never used twice */
    shared_after_crash(world, &lost);
    for (unsigned i = 0; i < ACTORS; i++)
        if (world->book.sessions[i].exists && world->book.sessions[i].epoch != lost.sessions[i].epoch)
            world->revived[i] = world->book.sessions[i].epoch;
    mark_downtime(world);
    for (unsigned i = 0; i < ACTORS; i++)
        session_after_crash(world, i, low);
    book_time(world);
}
