/* report_prose: a result in words, for the forms of report that hold plain text. */
#ifndef ETALON_CONFORMANCE_REPORT_PROSE_H
#define ETALON_CONFORMANCE_REPORT_PROSE_H

#include <stdio.h>

#include "result.h"

/* Requirement, expected, observed, notes, source and exchange, as the terminal shows them. The text may hold
 * bytes of strangers. */
void prose_print(FILE *out, const struct result *result);

/* The same as a string, the caller's to free. */
char *prose_of(const struct result *result);

/* The exchange alone; "" if there was none. */
char *prose_exchange(const struct result *result);

/* One sentence: why the verdict is what it is, e.g. "expected …; observed …". Never NULL; "" for a pass
 * without warning. Borrowed from the result. */
const char *prose_reason(const struct result *result);

/* What stands before each sentence of run->losses, in every form; where the sentence is set off from it by markup, its
 * writer puts them together, and otherwise prose_loss does: one line without an end, the caller's to free. */
#define PROSE_LOST "The server was lost:"
char *prose_loss(const struct run *run, size_t number);

/* The title that MQTT 5.0, or for the other versions MQTT 3.1.1, gives this section; "" when there is none. */
const char *prose_section_title(const char *section, enum protocol_version version);

#endif
