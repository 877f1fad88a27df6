#include "report_matrix.h"

#include <stdlib.h>

enum verdict_kind verdict_on(const struct result *result, enum statement statement)
{
    bool other =
        result->verdict == VERDICT_FAIL && result->cited != STATEMENT_NONE && result->cited != statement;
    return other ? VERDICT_ERROR : result->verdict;
}

enum verdict_kind worse_verdict(enum verdict_kind left, enum verdict_kind right)
{
    static const int weights[VERDICT_COUNT] = {
        [VERDICT_SKIP] = 0, [VERDICT_PASS] = 1, [VERDICT_WARN] = 2, [VERDICT_ERROR] = 3, [VERDICT_FAIL] = 4};
    return weights[left] >= weights[right] ? left : right;
}

static size_t index_of(const struct matrix *matrix, enum statement statement, size_t run,
                       enum protocol_version version)
{
    return ((size_t)statement * matrix->runs + run) * VERSION_COUNT + version_index(version);
}

const struct matrix_cell *matrix_at(const struct matrix *matrix, enum statement statement, size_t run,
                                    enum protocol_version version)
{
    return &matrix->cells[index_of(matrix, statement, run, version)];
}

static void add(struct matrix *matrix, size_t run, const struct result *result, enum statement statement)
{
    enum verdict_kind verdict = verdict_on(result, statement);
    struct matrix_cell *cell = &matrix->cells[index_of(matrix, statement, run, result->version)];
    cell->verdict = cell->tested ? worse_verdict(cell->verdict, verdict) : verdict;
    cell->tested = true;
}

static void add_result(struct matrix *matrix, size_t run, const struct result *result)
{
    size_t at = 0;
    if (is_property(result->test))
        return;
    for (enum statement id; (id = next_statement(result->test, result->version, &at)) != STATEMENT_NONE;)
        add(matrix, run, result, id);
    if (result->cited != STATEMENT_NONE) /* perhaps none of its own */
        add(matrix, run, result, result->cited);
}

struct matrix matrix_make(const struct report_input *input)
{
    struct matrix matrix = {.runs = input->count,
                            .cells = allocate((size_t)STATEMENT_COUNT * input->count * VERSION_COUNT,
                                              sizeof(struct matrix_cell))};
    for (size_t run = 0; run < input->count; run++)
        for (size_t i = 0; i < input->runs[run]->count; i++)
            add_result(&matrix, run, &input->runs[run]->results[i]);
    return matrix;
}

void matrix_clear(struct matrix *matrix)
{
    free(matrix->cells);
    matrix->cells = NULL;
}

bool matrix_differs(const struct matrix *matrix, enum statement statement)
{
    for (unsigned v = 0; v < VERSION_COUNT; v++) {
        const struct matrix_cell *first = NULL;
        for (size_t run = 0; run < matrix->runs; run++) {
            const struct matrix_cell *cell = matrix_at(matrix, statement, run, version_of_index(v));
            if (first != NULL && cell->tested && cell->verdict != first->verdict)
                return true;
            first = cell->tested && first == NULL ? cell : first;
        }
    }
    return false;
}

bool matrix_has(const struct matrix *matrix, enum statement statement)
{
    const struct matrix_cell *cells = matrix_at(matrix, statement, 0, PROTOCOL_3_1);
    for (size_t i = 0; i < matrix->runs * VERSION_COUNT; i++)
        if (cells[i].tested)
            return true;
    return false;
}
