/* text: numbers as characters, for code that must do without stdio. Prefix: text_ */
#ifndef ETALON_BASE_TEXT_H
#define ETALON_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_DECIMAL_SIZE 20 /* digits of the largest uint64_t */

/* Writes `value` in decimal, without a NUL; returns the number of characters, 1 to TEXT_DECIMAL_SIZE. */
static inline size_t text_decimal(char out[TEXT_DECIMAL_SIZE], uint64_t value)
{
    char reversed[TEXT_DECIMAL_SIZE];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

/* Writes `value` as two lower-case hexadecimal digits, without a NUL. */
static inline void text_hex_byte(char out[2], uint8_t value)
{
    static const char digits[] = "0123456789abcdef";
    out[0] = digits[value >> 4];
    out[1] = digits[value & 15];
}

#endif
