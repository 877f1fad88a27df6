/* command_line: what the user asked for. Prefix: command_line_ */
#ifndef ETALON_HOST_COMMAND_LINE_H
#define ETALON_HOST_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAXIMUM_ADDRESSES = 16 };

/* The strings are borrowed from argv. */
struct command_line {
    const char *addresses[MAXIMUM_ADDRESSES];
    size_t address_count; /* 0: the loopback addresses */
    uint16_t port;        /* 0: any that is free */
    bool port_given;
    bool verbose;
    bool trace;
    const char *port_file;          /* NULL: none */
    const char *configuration_file; /* NULL: none */
    const char *data;               /* directory of the store; NULL: as the file says */
    bool check_configuration;       /* only check the file; it is given then */
};

/* Reads the arguments into `command_line`. Returns false when the program is to end at once with
 * `*exit_status`: --help and its like have then been answered on standard output (0), or the mistake has
 * been explained on standard error (2). */
bool command_line_parse(struct command_line *command_line, int argc, char **argv, int *exit_status);

#endif
