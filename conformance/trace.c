#include "trace.h"

#define HEX_BYTES 24U /* shown of each packet */

const char *trace_type(struct bytes bytes)
{
    return bytes.length == 0 ? "" : packet_type_name((enum packet_type)(bytes.data[0] >> 4));
}

/* The one place that the dissector will take: for now the type and the first bytes. */
static void print_packet(FILE *out, const struct exchange *exchange)
{
    struct bytes bytes = bytes_of(exchange->bytes, exchange->length);
    fprintf(out, "%-11s", trace_type(bytes));
    for (size_t i = 0; i < bytes.length && i < HEX_BYTES; i++)
        fprintf(out, " %02x", bytes.data[i]);
    if (exchange->size > HEX_BYTES)
        fprintf(out, " ... (%zu bytes)", exchange->size);
    fputc('\n', out);
}

void trace_print(FILE *out, const struct result *result, bool colour)
{
    static const char *const arrows[] = {"-->", "<--", " . "};
    for (size_t i = 0; i < result->exchange_count; i++) {
        const struct exchange *exchange = &result->exchanges[i];
        fprintf(out, "      %s%8.3f%s  %-12s %s ", colour ? "\033[2m" : "", exchange->time, colour ? "\033[0m" : "",
                exchange->client, arrows[exchange->direction]);
        if (exchange->direction == DIRECTION_EVENT)
            fprintf(out, "%s\n", exchange->text);
        else
            print_packet(out, exchange);
    }
}
