/* websocket: the WebSocket protocol of a client, RFC 6455, as bytes in and bytes out; chapter 6. It is of the
 * suite's own making, so that it can send what no library would, and judges what the server sends. */
#ifndef ETALON_CONFORMANCE_WEBSOCKET_H
#define ETALON_CONFORMANCE_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first byte of a frame: FIN and opcode, section 5.2 of the RFC. */
enum { WEBSOCKET_FIN = 0x80 };
enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10
};

/* ---- The opening handshake ----------------------------------------------------------------------- */

#define WEBSOCKET_KEY_SIZE 25    /* 16 bytes in Base64 and the zero behind them */
#define WEBSOCKET_NAME_LIMIT 128 /* of a subprotocol */

/* What the server answered. */
struct websocket_answer {
    int status;    /* of HTTP; 0: it sent no answer, or none that could be read */
    bool accepted; /* 101, with all that the RFC demands of it, the subprotocol excepted */
    bool chosen;   /* there was a header Sec-WebSocket-Protocol */
    char subprotocol[WEBSOCKET_NAME_LIMIT]; /* its value */
    char problem[200];                      /* why `accepted` is false, in words */
};

/* Makes a key, at random. */
void websocket_make_key(char key[static WEBSOCKET_KEY_SIZE]);

/* Writes the request into `text`; `subprotocols` is the value of the header, NULL: no such header. False when
 * there is no room. */
bool websocket_write_request(char *text, size_t size, const char *host, const char *path, const char *key,
                             const char *subprotocols);

/* The length of the answer's head in `data`, blank line included; 0: it is not whole yet. */
size_t websocket_head_length(const uint8_t *data, size_t length);

/* Judges the head of the answer to a request with this key. */
void websocket_judge_answer(struct websocket_answer *answer, const char *head, size_t length,
                            const char *key);

/* ---- Frames out ---------------------------------------------------------------------------------- */

#define WEBSOCKET_HEADER_LIMIT 14

/* Writes the header of a client's frame, with its mask, and returns its length. */
size_t websocket_write_header(uint8_t header[static WEBSOCKET_HEADER_LIMIT], uint8_t first, uint64_t length,
                              const uint8_t mask[static 4]);

/* Masks (or unmasks) in place. */
void websocket_mask(uint8_t *data, size_t length, const uint8_t mask[static 4]);

/* Four bytes at random. */
void websocket_make_mask(uint8_t mask[static 4]);

/* ---- Frames in ----------------------------------------------------------------------------------- */

enum websocket_event {
    WEBSOCKET_NEEDS_MORE, /* all that was given is used up */
    WEBSOCKET_DATA,       /* bytes of a data frame */
    WEBSOCKET_CONTROL,    /* a whole control frame: opcode and payload */
    WEBSOCKET_VIOLATION   /* the server broke the protocol; nothing more can be read */
};

/* The server's frames on their way in. Zero at first. */
struct websocket_reader {
    uint8_t header[10];
    size_t header_length;
    uint64_t left;  /* payload bytes of the present frame that have not come */
    uint8_t opcode; /* of the present frame */
    bool final;     /* likewise */
    bool in_payload;
    bool fragmented; /* a message has begun and not ended */
    uint8_t control[125];
    size_t control_length;
    unsigned data_frames; /* that have begun so far */
    bool text;            /* the violation is a data frame that is not binary */
    const char *problem;  /* WEBSOCKET_VIOLATION: what is wrong */
};

/* Takes bytes off the front of `*data`. WEBSOCKET_DATA: `*payload` and `*payload_length` are bytes in there.
 * WEBSOCKET_CONTROL: reader->opcode, ->control and ->control_length are the frame. */
enum websocket_event websocket_read(struct websocket_reader *reader, const uint8_t **data, size_t *length,
                                    const uint8_t **payload, size_t *payload_length);

/* The code in the payload of a Close frame; 0: none. */
unsigned websocket_close_code(const uint8_t *payload, size_t length);

#endif
