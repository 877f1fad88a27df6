/* What happens to a WebSocket on its way: the heads of its HTTP handshake, and then its frames (RFC 6455).
 * For mutants of chapter 6. A connection that begins with "GET " is one; packets are not looked for in it. */
#include <stdio.h>
#include <stdlib.h>

#include "proxy.h"

#define MASKED 0x80
#define LONGEST_HEADER 14U

bool frames_expected(const struct half *half)
{
    static const char request[] = {'G', 'E', 'T', ' '};
    const struct link *link = half->link;
    return link->half[FROM_CLIENT].upgrading || link->half[FROM_CLIENT].upgraded ||
           (half->side == FROM_CLIENT && half->input.length >= sizeof request &&
            memcmp(queue_front(&half->input), request, sizeof request) == 0);
}

static struct half *other_half(struct half *half)
{
    return &half->link->half[half->side == FROM_CLIENT ? FROM_SERVER : FROM_CLIENT];
}

static const struct behaviour *behaviour_of(const struct half *half)
{
    return half->link->connection.proxy->mutant->behaviour;
}

/* ---- Heads --------------------------------------------------------------------------------------- */

/* False: the head has not come to its end. */
static bool deal_with_head(struct half *half)
{
    const struct behaviour *behaviour = behaviour_of(half);
    char *(*hook)(struct connection *, const char *) =
        half->side == FROM_CLIENT ? behaviour->head_from_client : behaviour->head_from_server;
    const uint8_t *end = memmem(queue_front(&half->input), half->input.length, "\r\n\r\n", 4);
    half->upgrading = true;
    if (end == NULL)
        return false;
    const size_t length = (size_t)(end - queue_front(&half->input)) + 4;
    char *head = allocate_or_die(length + 1);
    memcpy(head, queue_front(&half->input), length);
    char *changed = hook == NULL ? NULL : hook(&half->link->connection, head);
    proxy_send(other_half(half), changed == NULL ? head : changed, strlen(changed == NULL ? head : changed));
    free(changed);
    free(head);
    queue_take(&half->input, length);
    half->upgraded = true;
    return true;
}

char *replace_text(const char *text, const char *old, const char *new)
{
    const char *found = strstr(text, old);
    if (found == NULL)
        return NULL;
    const size_t size = strlen(text) - strlen(old) + strlen(new) + 1;
    char *made = allocate_or_die(size);
    snprintf(made, size, "%.*s%s%s", (int)(found - text), text, new, found + strlen(old));
    return made;
}

/* ---- Frames -------------------------------------------------------------------------------------- */

/* Reads the header of a frame. Returns its length, 0 while it is not whole. */
static size_t read_header(struct bytes input, struct frame *frame, const uint8_t **mask)
{
    if (input.length < 2)
        return 0;
    const uint8_t short_length = input.data[1] & 0x7F;
    const size_t width = short_length < 126 ? 0 : short_length == 126 ? 2 : 8;
    const bool masked = (input.data[1] & MASKED) != 0;
    const size_t size = 2 + width + (masked ? 4 : 0);
    if (input.length < size)
        return 0;
    frame->first = input.data[0];
    frame->length = width == 0 ? short_length : 0;
    for (size_t i = 0; i < width; i++)
        frame->length = frame->length << 8 | input.data[2 + i];
    *mask = masked ? input.data + 2 + width : NULL;
    return size;
}

static void apply_mask(uint8_t *data, size_t length, const uint8_t *mask)
{
    for (size_t i = 0; mask != NULL && i < length; i++)
        data[i] ^= mask[i % 4];
}

static void send_frame(struct half *half, const struct frame *frame, const uint8_t *mask)
{
    uint8_t header[LONGEST_HEADER];
    const size_t width = frame->length < 126 ? 0 : frame->length <= UINT16_MAX ? 2 : 8;
    header[0] = frame->first;
    header[1] = (uint8_t)((mask == NULL ? 0 : MASKED) | (width == 0   ? frame->length
                                                         : width == 2 ? 126
                                                                      : 127));
    for (size_t i = 0; i < width; i++)
        header[2 + i] = (uint8_t)(frame->length >> (8 * (width - 1 - i)));
    if (mask != NULL)
        memcpy(header + 2 + width, mask, 4);
    proxy_send(half, header, 2 + width + (mask == NULL ? 0 : 4));
    apply_mask(frame->payload, frame->length, mask);
    proxy_send(half, frame->payload, frame->length);
}

/* False: the frame is not whole yet. */
static bool deal_with_frame(struct half *half)
{
    const struct behaviour *behaviour = behaviour_of(half);
    enum fate (*hook)(struct frame *) =
        half->side == FROM_CLIENT ? behaviour->frame_from_client : behaviour->frame_from_server;
    struct frame frame = {.connection = &half->link->connection};
    const uint8_t *mask;
    uint8_t *start = queue_front(&half->input);
    const size_t header = read_header(bytes_of(start, half->input.length), &frame, &mask);
    if (header == 0 || half->input.length - header < frame.length)
        return false;
    const size_t size = header + frame.length;
    frame.payload = start + header;
    apply_mask(frame.payload, frame.length, mask);
    const enum fate fate = hook == NULL ? PASS : hook(&frame);
    if (fate == PASS)
        send_frame(other_half(half), &frame, mask);
    if (fate == CLOSE)
        proxy_close_link(half->link);
    queue_take(&half->input, size);
    return true;
}

void frames_read(struct half *half)
{
    if (half->link->connection.proxy->mutant == NULL) {
        half->link->half[FROM_CLIENT].upgrading = true;
        passage_end(half); /* nothing is to be changed: all of it goes on as it is */
        return;
    }
    while (half->input.length > 0)
        if (!(half->upgraded ? deal_with_frame(half) : deal_with_head(half)))
            return;
}
