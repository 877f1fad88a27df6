/* bytes: a borrowed run of bytes. It owns nothing; whoever made it says how long the bytes live. */
#ifndef ETALON_BASE_BYTES_H
#define ETALON_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data; /* may be NULL only when length is 0 */
    size_t length;       /* in bytes */
};

/* The run that begins at `data`; nothing is copied. */
static inline struct bytes bytes_of(const void *data, size_t length)
{
    return (struct bytes){.data = data, .length = length};
}

/* The characters of a NUL-terminated string, without the NUL; nothing is copied. */
static inline struct bytes bytes_of_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

/* Whether both runs hold the same bytes (two empty runs are equal). */
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* What is left of `all` after its first `count` bytes; `count` must not exceed its length. */
static inline struct bytes bytes_after(struct bytes all, size_t count)
{
    return bytes_of(all.length == count ? NULL : all.data + count, all.length - count);
}

#endif
