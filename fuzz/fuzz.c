/* fuzz: what the harnesses share. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    abort();
}

struct bytes fuzz_exact_copy(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.length);
    if (copy == NULL && bytes.length == 0)
        copy = malloc(1);
    if (copy == NULL)
        exit(2);
    if (bytes.length > 0)
        memcpy(copy, bytes.data, bytes.length);
    return bytes_of(copy, bytes.length);
}

void fuzz_free(struct bytes bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

uint8_t input_byte(struct input *input)
{
    return input->at == input->end ? 0 : *input->at++;
}

uint16_t input_two_bytes(struct input *input)
{
    const unsigned high = input_byte(input);
    return (uint16_t)(high << 8 | input_byte(input));
}

struct bytes input_run(struct input *input, size_t length)
{
    const size_t left = (size_t)(input->end - input->at);
    const struct bytes run = bytes_of(input->at, length < left ? length : left);
    if (run.length > 0)
        input->at += run.length;
    return run;
}

struct bytes input_rest(struct input *input)
{
    return input_run(input, SIZE_MAX);
}

struct fuzz_connection fuzz_connection_of(uint8_t selector)
{
    static const enum protocol_version versions[] = {PROTOCOL_3_1, PROTOCOL_3_1_1, PROTOCOL_5_0,
                                                     PROTOCOL_UNKNOWN};
    return (struct fuzz_connection){.version = versions[selector & 3],
                                    .sender = selector & 4 ? SENDER_SERVER : SENDER_CLIENT};
}
