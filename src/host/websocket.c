#include "websocket.h"

#include <stdlib.h>
#include <wslay/wslay.h>

enum phase { PHASE_HTTP, PHASE_FRAMES, PHASE_OVER };

struct websocket {
    struct filter filter;
    const struct websocket_options *options;
    struct http_upgrade *request;   /* PHASE_HTTP */
    wslay_event_context_ptr frames; /* PHASE_FRAMES */
    const char *complaint;          /* static text; NULL: none */
    uint64_t message_length;        /* payload bytes of the message at hand, as announced so far */
    uint8_t phase;
    bool in_control_frame;
    bool no_memory;
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

/* Frames of ours. */

enum { FRAME_IS_WHOLE = 0x80, LENGTH_IN_2_BYTES = 126, LENGTH_IN_8_BYTES = 127, LONGEST_HEADER = 10 };

/* RFC 6455 section 5.2. Returns how many bytes it has. */
static size_t write_header(uint8_t header[static LONGEST_HEADER], enum wslay_opcode opcode, size_t length)
{
    const size_t width = length < LENGTH_IN_2_BYTES ? 0 : length <= UINT16_MAX ? 2 : 8;
    const uint8_t markers[] = {[0] = (uint8_t)length, [2] = LENGTH_IN_2_BYTES, [8] = LENGTH_IN_8_BYTES};
    header[0] = (uint8_t)(FRAME_IS_WHOLE | (uint8_t)opcode);
    header[1] = markers[width];
    for (size_t i = 0; i < width; i++)
        header[2 + i] = (uint8_t)((uint64_t)length >> (8 * (width - 1 - i)));
    return 2 + width;
}

static bool write_frame(struct buffer *down, enum wslay_opcode opcode, struct bytes payload)
{
    uint8_t header[LONGEST_HEADER];
    const size_t header_length = write_header(header, opcode, payload.length);
    uint8_t *room = buffer_room(down, header_length + payload.length);
    if (!room)
        return false;
    memcpy(room, header, header_length);
    if (payload.length > 0)
        memcpy(room + header_length, payload.data, payload.length);
    buffer_grew(down, header_length + payload.length);
    return true;
}

static bool write_close(struct buffer *down, uint16_t code)
{
    const uint8_t payload[] = {(uint8_t)(code >> 8), (uint8_t)code};
    return write_frame(down, WSLAY_CONNECTION_CLOSE, bytes_of(payload, sizeof payload));
}

/* Frames of the client: what wslay asks and tells while it reads. */

static ssize_t give_input(wslay_event_context_ptr frames, uint8_t *room, size_t size, int flags,
                          void *context)
{
    struct websocket *websocket = context;
    const size_t count = websocket->input.length < size ? websocket->input.length : size;
    (void)flags;
    if (count == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(room, websocket->input.data, count);
    websocket->input = bytes_after(websocket->input, count);
    return (ssize_t)count;
}

static ssize_t take_output(wslay_event_context_ptr frames, const uint8_t *data, size_t length, int flags,
                           void *context)
{
    struct websocket *websocket = context;
    (void)flags;
    if (buffer_append(websocket->down, bytes_of(data, length)))
        return (ssize_t)length;
    websocket->no_memory = true;
    wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/* wslay still finishes what it is at, of which nothing must go up. */
static void refuse(struct websocket *websocket, uint16_t code, const char *why)
{
    if (websocket->complaint)
        return;
    websocket->complaint = why;
    wslay_event_shutdown_read(websocket->frames);
    if (wslay_event_queue_close(websocket->frames, code, NULL, 0) == WSLAY_ERR_NOMEM)
        websocket->no_memory = true;
}

static void on_frame_start(wslay_event_context_ptr frames,
                           const struct wslay_event_on_frame_recv_start_arg *frame, void *context)
{
    struct websocket *websocket = context;
    const uint64_t maximum = websocket->options->maximum_message;
    (void)frames;
    websocket->in_control_frame = wslay_is_ctrl_frame(frame->opcode);
    if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1) /* which wslay lets pass */
        refuse(websocket, WSLAY_CODE_PROTOCOL_ERROR,
               "WebSocket: protocol error (half a code in a Close frame)");
    if (websocket->in_control_frame)
        return;
    if (frame->opcode != WSLAY_CONTINUATION_FRAME)
        websocket->message_length = 0;
    websocket->message_length +=
        frame->payload_length; /* of 63 bits, and it never grows beyond the maximum */
    /* Text is no MQTT [MQTT-6.0.0-1] [MQTT3-6.0.0-1]. */
    if (frame->opcode == WSLAY_TEXT_FRAME)
        refuse(websocket, WSLAY_CODE_UNSUPPORTED_DATA,
               "WebSocket: a text frame; MQTT comes in binary frames");
    else if (maximum > 0 && websocket->message_length > maximum)
        refuse(websocket, WSLAY_CODE_MESSAGE_TOO_BIG, "WebSocket: a message is too large");
}

/* A part of a frame's payload goes up as it is: where frames begin and end means nothing to MQTT
 * [MQTT-6.0.0-2] [MQTT3-6.0.0-2]. */
static void on_frame_chunk(wslay_event_context_ptr frames,
                           const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *context)
{
    struct websocket *websocket = context;
    if (websocket->complaint || websocket->in_control_frame)
        return;
    if (buffer_append(websocket->up, bytes_of(chunk->data, chunk->data_length)))
        return;
    websocket->no_memory = true;
    wslay_event_shutdown_read(frames);
}

/* A pong has been queued. It goes down at once, so that wslay's queue does not grow. */
static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *message,
                       void *context)
{
    (void)context;
    if (message->opcode == WSLAY_PING)
        (void)wslay_event_send(frames); /* take_output has noted it when it fails */
}

/* What wslay itself has found wrong, by the code of the Close frame that it has queued. */
static const char *complaint_of(uint16_t code)
{
    if (code == WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA)
        return "WebSocket: the reason in a Close frame is not UTF-8";
    if (code == WSLAY_CODE_MESSAGE_TOO_BIG)
        return "WebSocket: a message is too large";
    return "WebSocket: protocol error (a frame without mask, reserved bits or type, or out of order)";
}

/* The header of a frame was beyond understanding; wslay would say farewell without a code. */
static enum filter_outcome give_up(struct websocket *websocket)
{
    (void)write_close(websocket->down, WSLAY_CODE_PROTOCOL_ERROR);
    return fail(websocket, "WebSocket: protocol error (a frame header that is not well formed)");
}

static enum filter_outcome receive_frames(struct websocket *websocket)
{
    const int result = wslay_event_recv(websocket->frames);
    if (websocket->no_memory || result == WSLAY_ERR_NOMEM)
        return fail(websocket, "out of memory");
    if (result != 0)
        return give_up(websocket);
    if (wslay_event_send(websocket->frames) != 0)
        return fail(websocket, "out of memory");
    if (wslay_event_get_read_enabled(websocket->frames))
        return FILTER_GOES_ON;
    websocket->phase = PHASE_OVER;
    if (websocket->complaint)
        return FILTER_FAILED;
    if (wslay_event_get_close_received(websocket->frames))
        return FILTER_ENDED;
    return fail(websocket, complaint_of(wslay_event_get_status_code_sent(websocket->frames)));
}

static bool begin_frames(struct websocket *websocket)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = give_input,
        .send_callback = take_output,
        .on_frame_recv_start_callback = on_frame_start,
        .on_frame_recv_chunk_callback = on_frame_chunk,
        .on_msg_recv_callback = on_message,
    };
    if (wslay_event_context_server_init(&websocket->frames, &callbacks, websocket) != 0)
        return false;
    /* No message is ever gathered in memory; and how long one may be is decided here, in on_frame_start. */
    wslay_event_config_set_no_buffering(websocket->frames, 1);
    wslay_event_config_set_max_recv_msg_length(websocket->frames, INT64_MAX);
    return true;
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
    if (!answered || !begin_frames(websocket))
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
    return write_frame(down, WSLAY_BINARY_FRAME, bytes) ? FILTER_GOES_ON : fail(websocket, "out of memory");
}

static void websocket_close(struct filter *filter, struct buffer *down)
{
    struct websocket *websocket = websocket_of(filter);
    const bool going_away = websocket->options->going_away;
    if (websocket->phase == PHASE_FRAMES) {
        (void)write_close(down, going_away ? WSLAY_CODE_GOING_AWAY : WSLAY_CODE_NORMAL_CLOSURE);
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
    wslay_event_context_free(websocket->frames); /* which may be NULL */
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
