#include "websocket.h"

#include <assert.h>
#include <stdlib.h>
#include <wslay/wslay.h>

#include "../mqtt/1_5_data_representation.h"
#include "websocket_output.h"

enum { LONGEST_CONTROL_PAYLOAD = 125 };

enum phase { PHASE_HTTP, PHASE_FRAMES, PHASE_OVER };

struct websocket {
    struct filter filter;
    const struct websocket_options *options;
    struct http_upgrade *request;   /* PHASE_HTTP */
    wslay_frame_context_ptr frames; /* NULL: a frame is not there even in part */
    const char *complaint;          /* static text; NULL: none */
    uint64_t frame_left;            /* payload bytes of the frame at hand that have not come yet */
    uint64_t message_length;        /* announced of the message at hand, when there is a maximum */
    uint32_t untaken;               /* bytes that `frames` has read and not told of yet */
    struct websocket_output output;
    uint8_t phase;
    bool in_message; /* it goes on with the next data frame */
    uint8_t control_length;
    uint8_t control[LONGEST_CONTROL_PAYLOAD]; /* of the control frame at hand */
    /* While a call lasts: */
    struct bytes input;
    struct buffer *up;
    struct buffer *down;
};

static struct websocket *websocket_of(struct filter *filter)
{
    return (struct websocket *)(void *)filter; /* its first member */
}

static enum filter_outcome fail(struct websocket *websocket, const char *why)
{
    websocket->phase = PHASE_OVER;
    websocket->complaint = why;
    return FILTER_FAILED;
}

/* A Close frame with `code`. */
static void write_close(struct websocket *websocket, uint16_t code)
{
    const uint8_t payload[] = {(uint8_t)(code >> 8), (uint8_t)code};
    websocket_output_close(&websocket->output, bytes_of(payload, sizeof payload), websocket->down);
}

/* Frames of the client. */

/* wslay asks for bytes. */
static ssize_t give_input(uint8_t *room, size_t size, int flags, void *context)
{
    struct websocket *websocket = context;
    const size_t count = websocket->input.length < size ? websocket->input.length : size;
    (void)flags;
    if (count == 0)
        return -1;
    memcpy(room, websocket->input.data, count);
    websocket->input = bytes_after(websocket->input, count);
    websocket->untaken += (uint32_t)count;
    return (ssize_t)count;
}

static enum filter_outcome close_with(struct websocket *websocket, uint16_t code, const char *why)
{
    write_close(websocket, code);
    return fail(websocket, why);
}

static enum filter_outcome begin_data_frame(struct websocket *websocket, const struct wslay_frame_iocb *frame)
{
    const uint64_t maximum = websocket->options->maximum_message;
    const bool continued = frame->opcode == WSLAY_CONTINUATION_FRAME;
    if (frame->opcode > WSLAY_BINARY_FRAME)
        return close_with(websocket, WSLAY_CODE_PROTOCOL_ERROR, "WebSocket: a frame of a reserved type");
    if (continued != websocket->in_message)
        return close_with(websocket, WSLAY_CODE_PROTOCOL_ERROR, "WebSocket: fragments out of order");
    if (frame->opcode == WSLAY_TEXT_FRAME) /* [MQTT-6.0.0-1] [MQTT3-6.0.0-1] */
        return close_with(websocket, WSLAY_CODE_UNSUPPORTED_DATA,
                          "WebSocket: a text frame; MQTT comes in binary frames");
    websocket->in_message = !frame->fin;
    if (!continued)
        websocket->message_length = 0;
    if (maximum > 0 && frame->payload_length > maximum - websocket->message_length)
        return close_with(websocket, WSLAY_CODE_MESSAGE_TOO_BIG, "WebSocket: a message is too large");
    websocket->message_length += maximum > 0 ? frame->payload_length : 0;
    return FILTER_GOES_ON;
}

enum { LENGTH_IN_2_BYTES = 126, MASK_SIZE = 4 };

/* As it was received. */
static uint32_t header_length(const struct wslay_frame_iocb *frame)
{
    const uint32_t length = frame->payload_length < LENGTH_IN_2_BYTES ? 2
                            : frame->payload_length <= UINT16_MAX     ? 4
                                                                      : 10;
    return length + (frame->mask ? MASK_SIZE : 0);
}

/* That control frames are whole and short, and lengths minimal, is seen to by wslay. */
static enum filter_outcome begin_frame(struct websocket *websocket, const struct wslay_frame_iocb *frame)
{
    websocket->frame_left = frame->payload_length;
    websocket->control_length = 0;
    websocket->untaken -= header_length(frame);
    if (!frame->mask)
        return close_with(websocket, WSLAY_CODE_PROTOCOL_ERROR, "WebSocket: a frame without mask");
    if (frame->rsv != 0)
        return close_with(websocket, WSLAY_CODE_PROTOCOL_ERROR, "WebSocket: reserved bits in a frame");
    if (!wslay_is_ctrl_frame(frame->opcode))
        return begin_data_frame(websocket, frame);
    if (frame->opcode > WSLAY_PONG)
        return close_with(websocket, WSLAY_CODE_PROTOCOL_ERROR, "WebSocket: a frame of a reserved type");
    return FILTER_GOES_ON;
}

/* A part of the payload. Of data frames it goes up as it is: where they begin and end means nothing to MQTT
 * [MQTT-6.0.0-2] [MQTT3-6.0.0-2]. */
static enum filter_outcome take_payload(struct websocket *websocket, const struct wslay_frame_iocb *frame)
{
    websocket->frame_left -= frame->data_length;
    websocket->untaken -= (uint32_t)frame->data_length;
    if (frame->data_length == 0)
        return FILTER_GOES_ON;
    if (!wslay_is_ctrl_frame(frame->opcode)) {
        const struct bytes payload = bytes_of(frame->data, frame->data_length);
        return buffer_append(websocket->up, payload) ? FILTER_GOES_ON : fail(websocket, "out of memory");
    }
    assert(frame->data_length <= sizeof websocket->control - websocket->control_length);
    memcpy(websocket->control + websocket->control_length, frame->data, frame->data_length);
    websocket->control_length = (uint8_t)(websocket->control_length + frame->data_length);
    return FILTER_GOES_ON;
}

/* RFC 6455 section 7.4, and what was registered since. */
static bool may_be_sent(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static enum filter_outcome answer_close(struct websocket *websocket)
{
    const struct bytes payload = bytes_of(websocket->control, websocket->control_length);
    const unsigned code = payload.length < 2 ? 0 : (unsigned)payload.data[0] << 8 | payload.data[1];
    size_t bad;
    if (payload.length > 0 && !may_be_sent(code))
        return close_with(websocket, WSLAY_CODE_PROTOCOL_ERROR,
                          "WebSocket: a Close frame with an impossible code");
    if (payload.length > 2 && utf8_check(bytes_after(payload, 2), &bad) != UTF8_WELL_FORMED)
        return close_with(websocket, WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA,
                          "WebSocket: the reason in a Close frame is not UTF-8");
    websocket->phase = PHASE_OVER;
    /* The code comes back as it came, if there was one. */
    websocket_output_close(&websocket->output, bytes_of(payload.data, payload.length ? 2 : 0),
                           websocket->down);
    return FILTER_ENDED;
}

static enum filter_outcome end_frame(struct websocket *websocket, uint8_t opcode)
{
    const struct bytes payload = bytes_of(websocket->control, websocket->control_length);
    if (opcode == WSLAY_CONNECTION_CLOSE)
        return answer_close(websocket);
    if (opcode == WSLAY_PING && !websocket_output_pong(&websocket->output, payload, websocket->down))
        return fail(websocket, "out of memory");
    return FILTER_GOES_ON;
}

/* What wslay has of a frame: at least its whole header, and some of its payload if it has any. */
static enum filter_outcome take_part(struct websocket *websocket, const struct wslay_frame_iocb *frame)
{
    enum filter_outcome outcome = FILTER_GOES_ON;
    if (websocket->frame_left == 0)
        outcome = begin_frame(websocket, frame);
    if (outcome == FILTER_GOES_ON)
        outcome = take_payload(websocket, frame);
    if (outcome == FILTER_GOES_ON && websocket->frame_left == 0)
        outcome = end_frame(websocket, frame->opcode);
    return outcome;
}

static bool begin_frames(struct websocket *websocket)
{
    static const struct wslay_frame_callbacks callbacks = {.recv_callback = give_input};
    return websocket->frames || wslay_frame_context_init(&websocket->frames, &callbacks, websocket) == 0;
}

/* It has a buffer of 4 KiB, and a connection without a frame at hand shall cost less. */
static void end_frames(struct websocket *websocket)
{
    wslay_frame_context_free(websocket->frames); /* which may be NULL */
    websocket->frames = NULL;
}

static enum filter_outcome receive_frames(struct websocket *websocket)
{
    enum filter_outcome outcome = FILTER_GOES_ON;
    if (!begin_frames(websocket))
        return fail(websocket, "out of memory");
    while (outcome == FILTER_GOES_ON) {
        struct wslay_frame_iocb frame = {0};
        const ssize_t count = wslay_frame_recv(websocket->frames, &frame);
        if (count == WSLAY_ERR_WANT_READ)
            break;
        if (count < 0)
            return close_with(websocket, WSLAY_CODE_PROTOCOL_ERROR,
                              "WebSocket: a frame header is not well formed");
        outcome = take_part(websocket, &frame);
    }
    if (websocket->frame_left == 0 && websocket->untaken == 0)
        end_frames(websocket);
    return outcome;
}

/* The request. */

static void forget_request(struct websocket *websocket)
{
    if (!websocket->request)
        return;
    http_upgrade_end(websocket->request);
    free(websocket->request);
    websocket->request = NULL;
}

static enum filter_outcome receive_request(struct websocket *websocket)
{
    const enum http_upgrade_outcome outcome = http_upgrade_receive(websocket->request, &websocket->input);
    if (outcome == HTTP_UPGRADE_INCOMPLETE)
        return FILTER_GOES_ON;
    const bool answered = http_upgrade_answer(websocket->request, websocket->down);
    const char *why = websocket->request->why;
    forget_request(websocket);
    if (outcome == HTTP_UPGRADE_REFUSED)
        return fail(websocket, why);
    if (!answered)
        return fail(websocket, "out of memory");
    websocket->phase = PHASE_FRAMES;
    return receive_frames(websocket);
}

/* The filter. */

static enum filter_outcome websocket_receive(struct filter *filter, struct bytes bytes, struct buffer *up,
                                             struct buffer *down)
{
    struct websocket *websocket = websocket_of(filter);
    websocket->input = bytes;
    websocket->up = up;
    websocket->down = down;
    if (websocket->phase == PHASE_HTTP)
        return receive_request(websocket);
    return websocket->phase == PHASE_FRAMES ? receive_frames(websocket) : FILTER_FAILED;
}

/* [MQTT-6.0.0-1] [MQTT3-6.0.0-1]: what goes to the client goes in binary frames, too. */
static enum filter_outcome websocket_send(struct filter *filter, struct bytes bytes, struct buffer *down)
{
    struct websocket *websocket = websocket_of(filter);
    if (websocket->phase != PHASE_FRAMES)
        return FILTER_FAILED; /* nothing may follow a Close frame */
    return websocket_output_packets(&websocket->output, bytes, down) ? FILTER_GOES_ON
                                                                     : fail(websocket, "out of memory");
}

static void websocket_close(struct filter *filter, struct buffer *down)
{
    struct websocket *websocket = websocket_of(filter);
    const bool going_away = websocket->options->going_away;
    websocket->down = down;
    if (websocket->phase == PHASE_FRAMES) {
        write_close(websocket, going_away ? WSLAY_CODE_GOING_AWAY : WSLAY_CODE_NORMAL_CLOSURE);
    } else if (websocket->phase == PHASE_HTTP && websocket->request->size > 0) {
        if (going_away)
            http_upgrade_refuse(websocket->request, 503, "the broker is ending");
        else
            http_upgrade_refuse(websocket->request, 408, "the request did not end in time");
        (void)http_upgrade_answer(websocket->request, down);
    }
    websocket->phase = PHASE_OVER;
}

static const char *websocket_complaint(const struct filter *filter)
{
    return ((const struct websocket *)(const void *)filter)->complaint;
}

static void websocket_destroy(struct filter *filter)
{
    struct websocket *websocket = websocket_of(filter);
    forget_request(websocket);
    end_frames(websocket);
    websocket_output_end(&websocket->output);
    free(websocket);
}

struct filter *websocket_filter_create(const struct websocket_options *options)
{
    static const struct filter_class class = {
        .name = "WebSocket",
        .receive = websocket_receive,
        .send = websocket_send,
        .close = websocket_close,
        .complaint = websocket_complaint,
        .destroy = websocket_destroy,
    };
    struct websocket *websocket = calloc(1, sizeof *websocket);
    struct http_upgrade *request = malloc(sizeof *request);
    if (!websocket || !request) {
        free(websocket);
        free(request);
        return NULL;
    }
    *websocket = (struct websocket){.filter.class = &class, .options = options, .request = request};
    http_upgrade_begin(request, &options->upgrade);
    return &websocket->filter;
}
