#include "websocket.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MASKED 0x80
#define RESERVED_BITS 0x70
#define SHORT_LIMIT 125U

/* What every server appends to the key before it hashes it, RFC 6455 section 1.3. */
static const char key_suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* ---- The opening handshake ----------------------------------------------------------------------- */

void websocket_make_key(char key[static WEBSOCKET_KEY_SIZE])
{
    uint8_t nonce[16] = {0};
    (void)RAND_bytes(nonce, sizeof nonce);
    EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce);
}

bool websocket_write_request(char *text, size_t size, const char *host, const char *path, const char *key,
                             const char *subprotocols)
{
    int made = snprintf(text, size,
                        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                        path, host, key, subprotocols == NULL ? "" : "Sec-WebSocket-Protocol: ",
                        subprotocols == NULL ? "" : subprotocols, subprotocols == NULL ? "" : "\r\n");
    return made > 0 && (size_t)made < size;
}

size_t websocket_head_length(const uint8_t *data, size_t length)
{
    const uint8_t *end = memmem(data, length, "\r\n\r\n", 4);
    return end == NULL ? 0 : (size_t)(end - data) + 4;
}

/* The value of a header, without blanks around it: its length, with the value at *value; -1: there is no such
 * header, -2: there are several. */
static int find_header(const char *head, size_t length, const char *name, const char **value)
{
    size_t name_length = strlen(name);
    int found = -1;
    const char *end = head + length;
    for (const char *line = memmem(head, length, "\r\n", 2); line != NULL && end - line > 4;) {
        line += 2;
        const char *line_end = memmem(line, (size_t)(end - line), "\r\n", 2);
        if ((size_t)(line_end - line) > name_length && strncasecmp(line, name, name_length) == 0 &&
            line[name_length] == ':') {
            const char *from = line + name_length + 1;
            const char *to = line_end;
            while (from < to && (*from == ' ' || *from == '\t'))
                from++;
            while (from < to && (to[-1] == ' ' || to[-1] == '\t'))
                to--;
            *value = from;
            found = found == -1 ? (int)(to - from) : -2;
        }
        line = line_end;
    }
    return found;
}

/* Whether a header names this word, among others separated by commas, in letters of either case. */
static bool header_lists(const char *head, size_t length, const char *name, const char *word)
{
    const char *value;
    int left = find_header(head, length, name, &value);
    size_t word_length = strlen(word);
    while (left > 0) {
        size_t part = 0;
        while (part < (size_t)left && value[part] != ',')
            part++;
        size_t shown = part;
        const char *from = value;
        for (; shown > 0 && (*from == ' ' || *from == '\t'); shown--)
            from++;
        while (shown > 0 && (from[shown - 1] == ' ' || from[shown - 1] == '\t'))
            shown--;
        if (shown == word_length && strncasecmp(from, word, word_length) == 0)
            return true;
        value += part + 1;
        left -= (int)part + 1;
    }
    return false;
}

static bool accepts_key(const char *head, size_t length, const char *key)
{
    char whole[WEBSOCKET_KEY_SIZE + sizeof key_suffix];
    uint8_t hash[EVP_MAX_MD_SIZE];
    char expected[64];
    const char *value;
    unsigned hash_length = 0;
    int whole_length = snprintf(whole, sizeof whole, "%s%s", key, key_suffix);
    if (EVP_Digest(whole, (size_t)whole_length, hash, &hash_length, EVP_sha1(), NULL) != 1)
        return false;
    int expected_length = EVP_EncodeBlock((unsigned char *)expected, hash, (int)hash_length);
    return find_header(head, length, "Sec-WebSocket-Accept", &value) == expected_length &&
           memcmp(value, expected, (size_t)expected_length) == 0;
}

/* What is wrong with the answer, or NULL. RFC 6455 section 4.1. */
static const char *fault_of(const struct websocket_answer *answer, const char *head, size_t length,
                            const char *key)
{
    const char *value;
    if (answer->status == 0)
        return "the answer is no HTTP/1.1";
    if (answer->status != 101)
        return "the server does not upgrade to WebSocket";
    if (!header_lists(head, length, "Upgrade", "websocket"))
        return "the answer has no header 'Upgrade: websocket'";
    if (!header_lists(head, length, "Connection", "Upgrade"))
        return "the answer has no header 'Connection: Upgrade'";
    if (!accepts_key(head, length, key))
        return "Sec-WebSocket-Accept does not fit the key";
    if (find_header(head, length, "Sec-WebSocket-Extensions", &value) != -1)
        return "the server uses extensions that nobody offered";
    if (find_header(head, length, "Sec-WebSocket-Protocol", &value) == -2)
        return "the server names subprotocols more than once";
    return NULL;
}

void websocket_judge_answer(struct websocket_answer *answer, const char *head, size_t length, const char *key)
{
    char line[64];
    const char *value;
    *answer = (struct websocket_answer){.status = 0};
    snprintf(line, sizeof line, "%.*s", (int)strcspn(head, "\r"), head);
    if (sscanf(line, "HTTP/1.1 %3d", &answer->status) != 1)
        answer->status = 0;
    int chosen = find_header(head, length, "Sec-WebSocket-Protocol", &value);
    answer->chosen = chosen != -1;
    if (chosen >= 0)
        snprintf(answer->subprotocol, sizeof answer->subprotocol, "%.*s", chosen, value);
    const char *fault = fault_of(answer, head, length, key);
    answer->accepted = fault == NULL;
    if (fault != NULL)
        snprintf(answer->problem, sizeof answer->problem, "%s (%s)", fault, line);
}

/* ---- Frames out ---------------------------------------------------------------------------------- */

void websocket_make_mask(uint8_t mask[static 4])
{
    (void)RAND_bytes(mask, 4);
}

void websocket_mask(uint8_t *data, size_t length, const uint8_t mask[static 4])
{
    for (size_t i = 0; i < length; i++)
        data[i] ^= mask[i % 4];
}

size_t websocket_write_header(uint8_t header[static WEBSOCKET_HEADER_LIMIT], uint8_t first, uint64_t length,
                              const uint8_t mask[static 4])
{
    size_t width = length <= SHORT_LIMIT ? 0 : length <= UINT16_MAX ? 2 : 8;
    header[0] = first;
    header[1] = (uint8_t)(MASKED | (width == 0 ? length : width == 2 ? 126U : 127U));
    for (size_t i = 0; i < width; i++)
        header[2 + i] = (uint8_t)(length >> (8 * (width - 1 - i)));
    memcpy(header + 2 + width, mask, 4);
    return 2 + width + 4;
}

/* ---- Frames in ----------------------------------------------------------------------------------- */

static bool is_control(uint8_t opcode)
{
    return opcode >= WEBSOCKET_CLOSE;
}

/* How long the header is, as far as its first two bytes tell. */
static size_t header_size(const struct websocket_reader *reader)
{
    uint8_t length = reader->header_length < 2 ? 0 : reader->header[1] & 0x7F;
    return length <= SHORT_LIMIT ? 2 : length == 126 ? 4 : 10;
}

/* What is wrong with the frame whose header is whole, or NULL. */
static const char *judge_frame(struct websocket_reader *reader)
{
    bool continues = reader->opcode == WEBSOCKET_CONTINUATION;
    if ((reader->header[0] & RESERVED_BITS) != 0)
        return "a frame with reserved bits set";
    if ((reader->header[1] & MASKED) != 0)
        return "a masked frame from a server";
    if (reader->opcode > WEBSOCKET_PONG || (reader->opcode > WEBSOCKET_BINARY && !is_control(reader->opcode)))
        return "a frame of a reserved opcode";
    if (is_control(reader->opcode))
        return !reader->final || reader->left > SHORT_LIMIT ? "a control frame that is fragmented or too long"
                                                            : NULL;
    if (continues != reader->fragmented)
        return continues ? "a continuation of nothing" : "a new message inside a fragmented one";
    reader->text = reader->opcode == WEBSOCKET_TEXT;
    return reader->text ? "a text frame" : NULL;
}

/* Takes the header apart. */
static enum websocket_event begin_frame(struct websocket_reader *reader)
{
    size_t width = header_size(reader) - 2;
    reader->final = (reader->header[0] & WEBSOCKET_FIN) != 0;
    reader->opcode = reader->header[0] & 0x0F;
    reader->left = width == 0 ? reader->header[1] & 0x7F : 0;
    for (size_t i = 0; i < width; i++)
        reader->left = reader->left << 8 | reader->header[2 + i];
    reader->control_length = 0;
    reader->header_length = 0;
    reader->problem = judge_frame(reader);
    if (reader->problem != NULL)
        return WEBSOCKET_VIOLATION;
    reader->in_payload = true;
    if (!is_control(reader->opcode)) {
        reader->fragmented = !reader->final;
        reader->data_frames++;
    }
    return WEBSOCKET_NEEDS_MORE;
}

static bool take_header(struct websocket_reader *reader, const uint8_t **data, size_t *length)
{
    while (*length > 0 && reader->header_length < header_size(reader)) {
        reader->header[reader->header_length++] = *(*data)++;
        (*length)--;
    }
    return reader->header_length >= header_size(reader);
}

static enum websocket_event take_control(struct websocket_reader *reader, const uint8_t **data,
                                         size_t *length)
{
    size_t taken = *length < reader->left ? *length : (size_t)reader->left;
    memcpy(reader->control + reader->control_length, *data, taken);
    reader->control_length += taken;
    reader->left -= taken;
    *data += taken;
    *length -= taken;
    reader->in_payload = reader->left > 0;
    return reader->in_payload ? WEBSOCKET_NEEDS_MORE : WEBSOCKET_CONTROL;
}

enum websocket_event websocket_read(struct websocket_reader *reader, const uint8_t **data, size_t *length,
                                    const uint8_t **payload, size_t *payload_length)
{
    for (;;) {
        if (reader->problem != NULL)
            return WEBSOCKET_VIOLATION;
        if (!reader->in_payload) {
            if (!take_header(reader, data, length))
                return WEBSOCKET_NEEDS_MORE;
            if (begin_frame(reader) == WEBSOCKET_VIOLATION)
                return WEBSOCKET_VIOLATION;
        }
        if (is_control(reader->opcode))
            return take_control(reader, data, length);
        size_t taken = *length < reader->left ? *length : (size_t)reader->left;
        *payload = *data;
        *payload_length = taken;
        reader->left -= taken;
        reader->in_payload = reader->left > 0;
        *data += taken;
        *length -= taken;
        if (taken > 0)
            return WEBSOCKET_DATA;
        if (reader->in_payload)
            return WEBSOCKET_NEEDS_MORE;
    }
}

unsigned websocket_close_code(const uint8_t *payload, size_t length)
{
    return length < 2 ? 0 : (unsigned)payload[0] << 8 | payload[1];
}
