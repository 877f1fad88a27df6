#include "nearest.h"

#include <assert.h>
#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t nearest_distance(const char *word, const char *known)
{
    size_t columns = strlen(known);
    size_t row[NEAREST_LONGEST + 1];
    assert(columns <= NEAREST_LONGEST);
    for (size_t column = 0; column <= columns; column++)
        row[column] = column;
    for (size_t line = 1; word[line - 1] != '\0'; line++) {
        size_t diagonal = row[0];
        row[0] = line;
        for (size_t column = 1; column <= columns; column++) {
            size_t replaced = diagonal + (word[line - 1] != known[column - 1]);
            diagonal = row[column];
            row[column] = smaller(replaced, smaller(diagonal, row[column - 1]) + 1);
        }
    }
    return row[columns];
}
