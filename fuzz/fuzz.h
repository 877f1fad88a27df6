/* fuzz: what the harnesses share. Prefix: fuzz_ / input_
 *
 * Every harness defines LLVMFuzzerTestOneInput. libFuzzer calls it with inputs that it invents (make fuzz),
 * replay.c with the files of the corpus (make test). A broken expectation aborts: both take that as a
 * finding. */
#ifndef ETALON_FUZZ_H
#define ETALON_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "mqtt/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with a message, unless `condition` holds. */
#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fuzz_fail(__FILE__, __LINE__, #condition);                                                       \
    } while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* A copy in a heap block of exactly this size, so that AddressSanitizer sees a read of one byte too many. The
 * caller frees `data`, which is never NULL. */
struct bytes fuzz_exact_copy(struct bytes bytes);
void fuzz_free(struct bytes bytes);

/* The input, taken from the front; behind its end it is all zeros. */
struct input {
    const uint8_t *at;
    const uint8_t *end;
};

uint8_t input_byte(struct input *input);
uint16_t input_two_bytes(struct input *input);
struct bytes input_run(struct input *input, size_t length); /* as much of it as there is */
struct bytes input_rest(struct input *input);

/* The connection that a selector byte stands for: bits 0 and 1 the version, bit 2 the sender. */
struct fuzz_connection {
    enum protocol_version version;
    enum sender sender;
};
struct fuzz_connection fuzz_connection_of(uint8_t selector);

#endif
