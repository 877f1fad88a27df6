/* report_text: texts as the formats of reports want them. Texts may hold anything that a broker sent, so
 * nothing in here trusts them: what is no well-formed UTF-8 appears as \xNN, byte by byte, in every format.
 */
#ifndef ETALON_CONFORMANCE_REPORT_TEXT_H
#define ETALON_CONFORMANCE_REPORT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* A copy, the caller's to free, that is well-formed UTF-8. With `printable`, control characters other than
 * tab and line feed, and the two that XML forbids (U+FFFE, U+FFFF), appear as \xNN, too. */
char *text_clean(const char *text, bool printable);

/* A JSON string with its quotes. `<` is written as an escape, so that the string may stand in HTML. */
void text_put_json(FILE *out, const char *text);

/* Character data of XML and HTML, and the value of an attribute in double quotes. */
void text_put_xml(FILE *out, const char *text);
void text_put_xml_attribute(FILE *out, const char *text);

/* Text within a line or a table cell of Markdown; line breaks become blanks. */
void text_put_markdown(FILE *out, const char *text);

/* What comes behind `ok 1 - ` in TAP: one line, without a directive. */
void text_put_tap(FILE *out, const char *text);

#endif
