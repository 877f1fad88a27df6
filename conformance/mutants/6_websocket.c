/* 6 WebSocket as a network transport */
#include <stdio.h>

#include "mutant.h"

enum { FIN = 0x80, OPCODE = 0x0F, CONTINUATION = 0, TEXT = 1, BINARY = 2, CONTROL = 8, PING = 9 };

static uint8_t opcode(const struct frame *frame)
{
    return frame->first & OPCODE;
}

static bool is_control(const struct frame *frame)
{
    return opcode(frame) >= CONTROL;
}

/* ---- Binary frames only --------------------------------------------------------------------------- */

static enum fate take_text(struct frame *frame)
{
    if (opcode(frame) == TEXT)
        frame->first = (uint8_t)((frame->first & FIN) | BINARY);
    return PASS;
}

MUTANT(text_frames_are_taken, V311 | V5, "Text frames are taken as if they were binary",
       "text_frame_ends_connection connect_in_text_frame_ends_connection "
       "fragmented_text_message_ends_connection",
       MQTT_6_0_0_1, MQTT3_6_0_0_1) = {
    .frame_from_client = take_text,
};

static enum fate ignore_text(struct frame *frame)
{
    return opcode(frame) == TEXT ? DROP : PASS;
}

MUTANT(text_frames_are_ignored, V311 | V5, "Text frames are dropped, and the connection goes on",
       "text_frame_ends_connection connect_in_text_frame_ends_connection", MQTT_6_0_0_1, MQTT3_6_0_0_1) = {
    .frame_from_client = ignore_text,
};

static enum fate send_large_as_text(struct frame *frame)
{
    if (opcode(frame) == BINARY && frame->length > UINT16_MAX)
        frame->first = (uint8_t)((frame->first & FIN) | TEXT);
    return PASS;
}

MUTANT(large_frames_are_text, V311 | V5, "Frames whose length takes eight bytes are text frames",
       "server_sends_binary_frames", MQTT_6_0_0_1, MQTT3_6_0_0_1) = {
    .frame_from_server = send_large_as_text,
};

/* ---- Frames and packets --------------------------------------------------------------------------- */

/* The length of the Control Packet at the start of these bytes; 0: it does not end there. */
static size_t packet_length(const uint8_t *bytes, size_t length)
{
    size_t remaining = 0;
    for (size_t i = 1; i < length && i <= 4; i++) {
        remaining |= (size_t)(bytes[i] & 0x7F) << (7 * (i - 1));
        if ((bytes[i] & 0x80) == 0)
            return 1 + i + remaining <= length ? 1 + i + remaining : 0;
    }
    return 0;
}

static enum fate drop_parts(struct frame *frame)
{
    size_t whole = 0;
    size_t length;
    if (is_control(frame))
        return PASS;
    while ((length = packet_length(frame->payload + whole, frame->length - whole)) != 0)
        whole += length;
    frame->length = whole;
    return PASS;
}

MUTANT(parts_of_packets_are_dropped, V311 | V5, "A packet that does not end with its frame is dropped",
       "connect_may_be_split packets_may_be_split_over_messages packets_may_be_split_over_fragments "
       "frame_may_end_within_the_next_packet control_frames_are_not_in_the_stream",
       MQTT_6_0_0_2, MQTT3_6_0_0_2) = {
    .frame_from_client = drop_parts,
};

static enum fate close_at_parts(struct frame *frame)
{
    const size_t before = frame->length;
    return drop_parts(frame) == PASS && frame->length == before ? PASS : CLOSE;
}

MUTANT(parts_of_packets_are_malformed, V311 | V5,
       "A packet that does not end with its frame is taken for malformed",
       "connect_may_be_split packets_may_be_split_over_messages packets_may_be_split_over_fragments "
       "frame_may_end_within_the_next_packet control_frames_are_not_in_the_stream",
       MQTT_6_0_0_2, MQTT3_6_0_0_2) = {
    .frame_from_client = close_at_parts,
};

static enum fate keep_first_packet(struct frame *frame)
{
    const size_t first = is_control(frame) ? 0 : packet_length(frame->payload, frame->length);
    if (first != 0)
        frame->length = first;
    return PASS;
}

MUTANT(one_packet_of_a_frame, V311 | V5, "Of several packets in a frame only the first is seen",
       "frame_may_hold_several_packets", MQTT_6_0_0_2, MQTT3_6_0_0_2) = {
    .frame_from_client = keep_first_packet,
};

static enum fate take_ping_for_data(struct frame *frame)
{
    if (opcode(frame) == PING)
        frame->first = CONTINUATION;
    return PASS;
}

MUTANT(pings_are_data, V311 | V5, "What a Ping carries is taken for a part of the stream",
       "control_frames_are_not_in_the_stream", MQTT_6_0_0_2, MQTT3_6_0_0_2) = {
    .frame_from_client = take_ping_for_data,
};

/* ---- The subprotocol ------------------------------------------------------------------------------ */

#define OFFER "Sec-WebSocket-Protocol: "
#define CHOICE "Sec-WebSocket-Protocol: mqtt\r\n"

struct offer {
    char line[200]; /* with the header's name and the line's end */
};

/* Copies the header with the client's offer; what it would be if it offered one only. */
static bool read_offer(const char *head, struct offer *offer, struct offer *first)
{
    const char *found = strstr(head, OFFER);
    if (found == NULL)
        return false;
    const size_t length = strcspn(found, "\r\n");
    const size_t one = strcspn(found, ",\r\n");
    snprintf(offer->line, sizeof offer->line, "%.*s\r\n", (int)length, found);
    snprintf(first->line, sizeof first->line, "%.*s\r\n", (int)one, found);
    return true;
}

/* The broker is told that "mqtt" is offered, the client that its first offer was taken. */
static char *note_first_offer(struct connection *connection, const char *head)
{
    struct offer offer;
    return read_offer(head, &offer, connection->context) ? replace_text(head, offer.line, CHOICE) : NULL;
}

static char *choose_first_offer(struct connection *connection, const char *head)
{
    const struct offer *first = connection->context;
    return first->line[0] == '\0' ? NULL : replace_text(head, CHOICE, first->line);
}

MUTANT(first_subprotocol_is_chosen, V311 | V5, "The first subprotocol on the list is chosen, whatever it is",
       "server_chooses_subprotocol_mqtt server_chooses_no_other_subprotocol", MQTT_6_0_0_4, MQTT3_6_0_0_4,
       MQTT_6_0_0_3, MQTT3_6_0_0_3) = {
    .head_from_client = note_first_offer,
    .head_from_server = choose_first_offer,
    .context_size = sizeof(struct offer),
};

static char *choose_nothing(struct connection *connection, const char *head)
{
    (void)connection;
    return replace_text(head, CHOICE, "");
}

MUTANT(no_subprotocol_is_chosen, V311 | V5, "The answer to the upgrade names no subprotocol",
       "server_chooses_subprotocol_mqtt", MQTT_6_0_0_4, MQTT3_6_0_0_4) = {
    .head_from_server = choose_nothing,
};

/* ---- The URI -------------------------------------------------------------------------------------- */

static char *look_at_uri(struct connection *connection, const char *head)
{
    bool *strange = connection->context;
    *strange = strncmp(head, "GET /mqtt ", 10) != 0;
    return NULL;
}

static enum fate drop_strange_messages(struct frame *frame)
{
    const bool *strange = frame->connection->context;
    const bool message = !is_control(frame) && frame->length > 0 && frame->payload[0] >> 4 == PACKET_PUBLISH;
    return *strange && message ? DROP : PASS;
}

MUTANT(messages_of_one_uri_only, V311 | V5, "Messages of clients that came by another URI go nowhere",
       "uri_makes_no_difference", D_6_1, D3_6_1) = {
    .head_from_client = look_at_uri,
    .frame_from_client = drop_strange_messages,
    .context_size = sizeof(bool),
};
