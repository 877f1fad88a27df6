#include "transport.h"

#include <assert.h>
#include <stdlib.h>

struct transport *transport_create(void)
{
    return calloc(1, sizeof(struct transport));
}

void transport_add(struct transport *transport, struct filter *filter)
{
    assert(transport->count < TRANSPORT_FILTERS);
    transport->filters[transport->count++] = filter;
}

void transport_destroy(struct transport *transport)
{
    if (!transport)
        return;
    for (uint32_t i = 0; i < transport->count; i++)
        transport->filters[i]->class->destroy(transport->filters[i]);
    buffer_free(&transport->down);
    free(transport);
}

void transport_scratch_free(struct transport_scratch *scratch)
{
    for (int i = 0; i < TRANSPORT_FILTERS; i++) {
        buffer_free(&scratch->up[i]);
        buffer_free(&scratch->down[i]);
    }
}

/* What filter number `level` wants to be sent goes through those below it. */
static enum filter_outcome pass_down(struct transport *transport, struct transport_scratch *scratch,
                                     uint32_t level, struct bytes bytes)
{
    if (bytes.length == 0)
        return FILTER_GOES_ON;
    if (level == 0)
        return buffer_append(&transport->down, bytes) ? FILTER_GOES_ON : FILTER_FAILED;
    struct filter *below = transport->filters[level - 1];
    struct buffer *down = &scratch->down[level - 1];
    buffer_clear(down);
    const enum filter_outcome outcome = below->class->send(below, bytes, down);
    const enum filter_outcome passed = pass_down(transport, scratch, level - 1, buffer_all(down));
    return outcome == FILTER_GOES_ON ? passed : outcome;
}

/* Bytes that have come to filter number `level` from below go up through it and all above it. */
static enum filter_outcome pass_up(struct transport *transport, struct transport_scratch *scratch,
                                   uint32_t level, struct bytes bytes, struct buffer *top)
{
    struct filter *filter = transport->filters[level];
    const bool last = level + 1 == transport->count;
    struct buffer *up = last ? top : &scratch->up[level];
    struct buffer *down = &scratch->down[level];
    if (!last)
        buffer_clear(up);
    buffer_clear(down);
    const enum filter_outcome outcome = filter->class->receive(filter, bytes, up, down);
    enum filter_outcome others = pass_down(transport, scratch, level, buffer_all(down));
    if (others == FILTER_GOES_ON && !last && buffer_all(up).length > 0)
        others = pass_up(transport, scratch, level + 1, buffer_all(up), top);
    return outcome == FILTER_GOES_ON ? others : outcome;
}

enum filter_outcome transport_receive(struct transport *transport, struct transport_scratch *scratch,
                                      struct bytes bytes, struct buffer *up)
{
    assert(transport->count > 0);
    return pass_up(transport, scratch, 0, bytes, up);
}

enum filter_outcome transport_send(struct transport *transport, struct transport_scratch *scratch,
                                   struct bytes bytes)
{
    return pass_down(transport, scratch, transport->count, bytes);
}

void transport_close(struct transport *transport, struct transport_scratch *scratch)
{
    for (uint32_t level = transport->count; level-- > 0;) {
        struct filter *filter = transport->filters[level];
        struct buffer *down = &scratch->down[level];
        buffer_clear(down);
        filter->class->close(filter, down);
        (void)pass_down(transport, scratch, level, buffer_all(down)); /* a farewell that fails is none */
    }
}

const struct peer_identity *transport_identity(const struct transport *transport)
{
    for (uint32_t i = 0; transport && i < transport->count; i++) {
        struct filter *filter = transport->filters[i];
        const struct peer_identity *identity = filter->class->identity ? filter->class->identity(filter) : NULL;
        if (identity)
            return identity;
    }
    return NULL;
}

const char *transport_complaint(const struct transport *transport)
{
    for (uint32_t i = 0; i < transport->count; i++) {
        const char *complaint = transport->filters[i]->class->complaint(transport->filters[i]);
        if (complaint)
            return complaint;
    }
    return "out of memory";
}
