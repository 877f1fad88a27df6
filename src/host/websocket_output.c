#include "websocket_output.h"

#include <assert.h>
#include <stdlib.h>

#include "../mqtt/1_5_data_representation.h"

enum {
    OPCODE_BINARY = 2,
    OPCODE_CLOSE = 8,
    OPCODE_PONG = 10,
    FRAME_IS_WHOLE = 0x80,
    LENGTH_IN_2_BYTES = 126,
    LENGTH_IN_8_BYTES = 127,
    LONGEST_HEADER = 10,
    SMALLEST_PACKET = 2
};

void websocket_output_end(struct websocket_output *output)
{
    free((void *)(uintptr_t)output->late_pong.data);
    *output = (struct websocket_output){0};
}

/* RFC 6455 section 5.2. Returns how many bytes it has. */
static size_t write_header(uint8_t header[static LONGEST_HEADER], uint8_t opcode, size_t length)
{
    const size_t width = length < LENGTH_IN_2_BYTES ? 0 : length <= UINT16_MAX ? 2 : 8;
    const uint8_t markers[] = {[0] = (uint8_t)length, [2] = LENGTH_IN_2_BYTES, [8] = LENGTH_IN_8_BYTES};
    header[0] = (uint8_t)(FRAME_IS_WHOLE | opcode);
    header[1] = markers[width];
    for (size_t i = 0; i < width; i++)
        header[2 + i] = (uint8_t)((uint64_t)length >> (8 * (width - 1 - i)));
    return 2 + width;
}

static bool write_frame(struct buffer *down, uint8_t opcode, struct bytes payload)
{
    uint8_t *room = buffer_room(down, LONGEST_HEADER + payload.length);
    if (!room)
        return false;
    const size_t header = write_header(room, opcode, payload.length);
    if (payload.length > 0)
        memcpy(room + header, payload.data, payload.length);
    buffer_grew(down, header + payload.length);
    return true;
}

/* Between the beginning of a frame and its end. */
static bool is_within(const struct websocket_output *output)
{
    return output->left > 0 || output->head_length > 0;
}

/* Keeps a copy until the frame ends. */
static bool delay_pong(struct websocket_output *output, struct bytes payload)
{
    uint8_t *copy = malloc(payload.length + 1); /* never NULL for want of bytes */
    if (!copy)
        return false;
    if (payload.length > 0)
        memcpy(copy, payload.data, payload.length);
    free((void *)(uintptr_t)output->late_pong.data);
    output->late_pong = bytes_of(copy, payload.length);
    return true;
}

bool websocket_output_pong(struct websocket_output *output, struct bytes payload, struct buffer *down)
{
    return is_within(output) ? delay_pong(output, payload) : write_frame(down, OPCODE_PONG, payload);
}

static bool send_late_pong(struct websocket_output *output, struct buffer *down)
{
    const bool written = write_frame(down, OPCODE_PONG, output->late_pong);
    free((void *)(uintptr_t)output->late_pong.data);
    output->late_pong = bytes_of(NULL, 0);
    return written;
}

void websocket_output_close(struct websocket_output *output, struct bytes payload, struct buffer *down)
{
    if (!is_within(output))
        (void)write_frame(down, OPCODE_CLOSE, payload);
}

/* Packets. */

/* How many bytes the packet has that begins with `head`; 0: it does not tell yet. Section 2.1.4 */
static uint32_t packet_size(struct bytes head)
{
    uint32_t remaining = 0;
    size_t width = 0;
    const enum variable_byte_integer_finding finding =
        variable_byte_integer_scan(bytes_after(head, 1), &remaining, &width);
    assert(finding == INTEGER_COMPLETE || finding == INTEGER_INCOMPLETE); /* it is ours */
    return finding == INTEGER_COMPLETE ? (uint32_t)(1 + width) + remaining : 0;
}

/* What was kept of a head, and as much from `bytes` as may belong to it. */
static struct bytes join_head(const struct websocket_output *output, struct bytes bytes,
                              uint8_t joined[static WEBSOCKET_HEAD_SIZE])
{
    const size_t room = WEBSOCKET_HEAD_SIZE - (size_t)output->head_length;
    const size_t taken = bytes.length < room ? bytes.length : room;
    memcpy(joined, output->head, output->head_length);
    memcpy(joined + output->head_length, bytes.data, taken);
    return bytes_of(joined, output->head_length + taken);
}

/* Begins the frame of the packet that begins with what was kept and goes on in `bytes`; returns what is at `place`
 * then. When the size of the packet shows only later, the bytes are kept. */
static uint8_t *begin_frame(struct websocket_output *output, struct bytes *bytes, uint8_t *place)
{
    uint8_t joined[WEBSOCKET_HEAD_SIZE];
    const struct bytes head = join_head(output, *bytes, joined);
    const uint32_t size = head.length >= SMALLEST_PACKET ? packet_size(head) : 0;
    if (size == 0) {
        memcpy(output->head, head.data, head.length);
        output->head_length = (uint8_t)head.length;
        *bytes = bytes_after(*bytes, bytes->length);
        return place;
    }
    place += write_header(place, OPCODE_BINARY, size);
    memcpy(place, output->head, output->head_length);
    place += output->head_length;
    output->left = size - output->head_length;
    output->head_length = 0;
    return place;
}

/* Writes packets until one ends, at the latest, for which a Pong waits. There must be room for all. */
static uint8_t *write_packets(struct websocket_output *output, struct bytes *bytes, uint8_t *place)
{
    while (bytes->length > 0) {
        if (output->left == 0)
            place = begin_frame(output, bytes, place);
        const size_t count = output->left < bytes->length ? output->left : bytes->length;
        if (count == 0)
            break;
        memcpy(place, bytes->data, count);
        place += count;
        *bytes = bytes_after(*bytes, count);
        output->left -= (uint32_t)count;
        if (output->left == 0 && output->late_pong.data)
            break;
    }
    return place;
}

bool websocket_output_packets(struct websocket_output *output, struct bytes bytes, struct buffer *down)
{
    while (bytes.length > 0) {
        /* A header is never longer than the packet that it is for, but for one that has only begun. */
        uint8_t *room = buffer_room(down, 2 * bytes.length + LONGEST_HEADER + WEBSOCKET_HEAD_SIZE);
        if (!room)
            return false;
        const uint8_t *end = write_packets(output, &bytes, room);
        buffer_grew(down, (size_t)(end - room));
        if (!is_within(output) && output->late_pong.data && !send_late_pong(output, down))
            return false;
    }
    return true;
}
