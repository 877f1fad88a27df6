/* dissect_text: how the dissector puts characters into a sink. Internal to dissect*.c. Prefix: printer_ */
#ifndef ETALON_MQTT_DISSECT_TEXT_H
#define ETALON_MQTT_DISSECT_TEXT_H

#include "dissect.h"

/* Collects runs of characters, so that a sink is not called for every few of them, and knows the column. */
struct printer {
    const struct dissect_sink *sink;
    const struct dissect_options *options;
    size_t column; /* characters since the start of the line */
    size_t used;   /* bytes in `pending` */
    char pending[128];
};

enum colour { COLOUR_NONE, COLOUR_DIM, COLOUR_BYTES, COLOUR_ERROR };

/* Both pointers are borrowed; `options` must not be NULL. End with printer_flush. */
struct printer printer_to(const struct dissect_sink *sink, const struct dissect_options *options);

void printer_flush(struct printer *printer);
void printer_run(struct printer *printer, const char *text, size_t length);
void printer_text(struct printer *printer, const char *text);
void printer_number(struct printer *printer, uint64_t number);
void printer_hex_byte(struct printer *printer, uint8_t byte);

/* "1 byte", "2 bytes": `unit` in the singular, with a plural in -s. */
void printer_count(struct printer *printer, uint64_t count, const char *unit);

/* A number with the prefix 0x and at least two digits. */
void printer_hex_number(struct printer *printer, uint64_t number);

/* Blanks up to `column`; two of them if the line is there already. */
void printer_pad(struct printer *printer, size_t column);

/* Words of `text`, each new line beginning at the column where this one did; lines end before `width` where
 * they can. */
void printer_wrapped(struct printer *printer, const char *text, size_t width);

void printer_newline(struct printer *printer);
void printer_colour(struct printer *printer,
                    enum colour colour); /* nothing unless the options ask for colour */

/* A string in quotes, and binary data: "3 bytes", then its text in quotes if it is text, else its bytes. At
 * most `options->value_limit` bytes are shown. */
void printer_quoted(struct printer *printer, struct bytes text);
void printer_binary(struct printer *printer, struct bytes data);

/* What a refusal says: the byte, what was seen, the statement and the Reason Code. */
void printer_verdict(struct printer *printer, const struct verdict *verdict);

/* Whether the packet ends before its Remaining Length does, and nothing else is wrong with its fixed header.
 * The decoder can then say no more. `*promised` is the size of the whole packet in bytes, 0 if that is not
 * known yet. */
bool dissect_is_cut_off(struct bytes packet, enum protocol_version version, size_t *promised);
void printer_cut_off(struct printer *printer, struct bytes packet, size_t promised);

#endif
