/* completion: scripts that make a shell complete the suite's command line. */
#ifndef ETALON_CONFORMANCE_COMPLETION_H
#define ETALON_CONFORMANCE_COMPLETION_H

#include <stdbool.h>

/* Prints the script for "bash" or "zsh": with all options, and all groups, sections, statements and tests that this
 * program knows. False if there is no such shell. */
bool completion_print(const char *shell);

#endif
