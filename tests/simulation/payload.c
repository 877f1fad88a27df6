/* payload: unambiguous payloads "number publisher n ..." and the way back. Prefix: payload_ */
#include <stdlib.h>
#include <string.h>

#include "simulation.h"

static uint8_t *decimal(uint8_t *at, uint32_t number)
{
    uint8_t digits[10];
    unsigned count = 0;
    do {
        digits[count++] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

uint16_t payload_write(const struct world *world, uint32_t number, uint8_t *buffer)
{
    const struct publication *publication = &world->publications[number];
    if (publication->empty)
        return 0;
    uint8_t *at = decimal(buffer, number);
    *at++ = ' ';
    *at++ = 'c';
    at = decimal(at, publication->publisher);
    *at++ = ' ';
    at = decimal(at, publication->number);
    *at++ = ' ';
    const uint16_t length = (uint16_t)(at - buffer);
    if (publication->size <= length)
        return length;
    memset(at, 'a' + (int)(number % 26), (size_t)(publication->size - length));
    return publication->size;
}

uint32_t payload_read(struct world *world, struct bytes payload)
{
    uint32_t number = 0;
    size_t i = 0;
    while (i < payload.length && i < 6 && payload.data[i] >= '0' && payload.data[i] <= '9')
        number = number * 10 + (uint32_t)(payload.data[i++] - '0');
    if (number == 0 || number > world->publication_count)
        return 0;
    uint8_t expected[WIRE_ROOM];
    const uint16_t length = payload_write(world, number, expected);
    return bytes_equal(payload, bytes_of(expected, length)) ? number : 0;
}
