/* dissect: Control Packets explained to people. Prefix: dissect_
 *
 * An observer of the codec, and no second codec: each field is shown as the decoder tells of it, with its
 * offset, its bytes, its name, its value and the section of MQTT 5.0 that describes it; a refusal is shown
 * at the byte where the decoder saw it, with the requirement in our words. The text goes to terminals and
 * files, so strings of strangers are escaped, and Passwords and Authentication Data are never shown, nor
 * bytes that may hold them. */
#ifndef ETALON_MQTT_DISSECT_H
#define ETALON_MQTT_DISSECT_H

#include "3_packet.h"

/* Where the text goes. `text` is called with runs of characters (UTF-8, not NUL-terminated) which live only
 * during the call; several calls make up a line. */
struct dissect_sink {
    void (*text)(void *context, const char *text, size_t length);
    void *context;
};

struct dissect_options {
    size_t indent;      /* blanks before every line */
    size_t value_limit; /* bytes of a string or of binary data that are shown at most; 0: all of them */
    bool titles;        /* a line with the names of the columns */
    bool no_bytes;      /* without the column of hexadecimal bytes */
    bool colour;        /* with ANSI escape sequences; never in a summary */
};

#define DISSECT_VALUE_LIMIT 48U

/* What options of NULL mean: no indent, values up to DISSECT_VALUE_LIMIT bytes, bytes shown, no titles, no
 * colour. */
static inline struct dissect_options dissect_defaults(void)
{
    return (struct dissect_options){.value_limit = DISSECT_VALUE_LIMIT};
}

/* Explains one Control Packet as a table, one line per field. `packet` should be exactly one packet
 * (dissect_next); if it is cut off, the text says how much is missing. `version` is the connection's; a
 * CONNECT tells its own. Returns what the decoder thinks of the packet. Every line ends with a newline. */
struct verdict dissect_packet(struct bytes packet, enum protocol_version version, enum sender sender,
                              const struct dissect_options *options, const struct dissect_sink *sink);

/* Explains one Control Packet in one line, without a newline:
 *     PUBLISH qos 1 retain id 7 topic "a/b" payload 3 bytes "old" */
struct verdict dissect_summary(struct bytes packet, enum protocol_version version, enum sender sender,
                               const struct dissect_options *options, const struct dissect_sink *sink);

/* Likewise into a buffer of `size` bytes, always ended by a NUL if `size` is not 0. What does not fit is cut
 * off behind the last whole line, or if not even one fits, behind the last whole character. Returns the
 * length that the whole text has, as snprintf does: it was cut off if that is `size` or more. */
size_t dissect_to_buffer(struct bytes packet, enum protocol_version version, enum sender sender,
                         const struct dissect_options *options, char *buffer, size_t size);
size_t dissect_summary_to_buffer(struct bytes packet, enum protocol_version version, enum sender sender,
                                 const struct dissect_options *options, char *buffer, size_t size);

/* Takes the next packet from the front of a stream, as far as its Remaining Length can be read; otherwise,
 * or if it is incomplete, all that is left. Length 0: the stream has ended. A CONNECT sets `*version` to its
 * protocol version as far as that is known, so that what follows it is understood. */
struct bytes dissect_next(struct bytes *stream, enum protocol_version *version);

/* Writes `text` in quotes, escaped as everything here is: what is not well-formed UTF-8, controls, and
 * characters that are invisible or turn the direction of text appear as \xNN. Shows at most `limit` bytes
 * (0: all). */
void dissect_text(struct bytes text, size_t limit, const struct dissect_sink *sink);

#endif
