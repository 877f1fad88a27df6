/* store_dump: records as JSON, one object a line. Prefix: dump_ */
#ifndef ETALON_HOST_STORE_DUMP_H
#define ETALON_HOST_STORE_DUMP_H

#include <stdio.h>

#include "../base/bytes.h"

struct dump_options {
    FILE *file;
    size_t payload_limit; /* bytes of each payload; SIZE_MAX: all */
};

/* Writes one record. One that cannot be read becomes an object with its bytes in hexadecimal and the member
 * "wrong"; the result is then false. Whether the file took it, ferror says. */
bool dump_record(const struct dump_options *options, uint8_t table, struct bytes key, struct bytes value);

#endif
