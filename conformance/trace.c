#include "trace.h"

#include "../src/mqtt/dissect.h"

#define FIRST_SHOWN 12U   /* of an exchange that is too long to be read: so many entries from its beginning */
#define LAST_SHOWN 36U    /* and so many from its end, where the verdict fell */
#define LAST_EXPLAINED 4U /* of these are shown field by field, the others in one line each */

const char *trace_type(struct bytes bytes)
{
    return bytes.length == 0 ? "" : packet_type_name((enum packet_type)(bytes.data[0] >> 4));
}

void trace_packets(const struct exchange *exchange,
                   void (*each)(void *context, struct bytes packet, enum protocol_version version,
                                enum sender sender),
                   void *context)
{
    struct bytes rest = bytes_of(exchange->bytes, exchange->length);
    enum protocol_version version = exchange->version;
    enum sender sender = exchange->direction == DIRECTION_SENT ? SENDER_CLIENT : SENDER_SERVER;
    for (struct bytes packet; (packet = dissect_next(&rest, &version)).length > 0;)
        each(context, packet, version, sender);
}

static void put_text(void *context, const char *text, size_t length)
{
    fwrite(text, 1, length, context);
}

/* A packet as one line, and with `explain` field by field. Bytes that the suite sent in one go may be
 * several packets. */
static void print_packets(FILE *out, const struct exchange *exchange, bool explain, bool colour)
{
    struct bytes rest = bytes_of(exchange->bytes, exchange->length);
    enum protocol_version version = exchange->version;
    enum sender sender = exchange->direction == DIRECTION_SENT ? SENDER_CLIENT : SENDER_SERVER;
    struct dissect_sink sink = {.text = put_text, .context = out};
    struct dissect_options options = dissect_defaults();
    options.indent = 30;
    options.colour = colour;
    for (bool first = true; rest.length > 0; first = false) {
        struct bytes packet = dissect_next(&rest, &version);
        if (packet.length == 0)
            break;
        if (!first)
            fprintf(out, "%30s", "");
        dissect_summary(packet, version, sender, NULL, &sink);
        fputc('\n', out);
        if (explain)
            dissect_packet(packet, version, sender, &options, &sink);
    }
    if (exchange->length < exchange->size)
        fprintf(out, "%30s(%zu of %zu bytes were kept)\n", "", exchange->length, exchange->size);
}

static void print_exchange(FILE *out, const struct exchange *exchange, bool explain, bool colour)
{
    static const char *const arrows[] = {"-->", "<--", " . "};
    fprintf(out, "    %s%8.3f%s  %-11s %s ", colour ? "\033[2m" : "", exchange->time, colour ? "\033[0m" : "",
            exchange->client, arrows[exchange->direction]);
    if (exchange->direction == DIRECTION_EVENT)
        fprintf(out, "%s\n", exchange->text);
    else
        print_packets(out, exchange, explain, colour);
}

void trace_print(FILE *out, const struct result *result, bool whole, bool colour)
{
    size_t count = result->exchange_count;
    bool shown = whole || count <= FIRST_SHOWN + LAST_SHOWN;
    for (size_t i = 0; i < count; i++) {
        if (shown || i < FIRST_SHOWN || i >= count - LAST_SHOWN)
            print_exchange(out, &result->exchanges[i], whole || i + LAST_EXPLAINED >= count, colour);
        else if (i == FIRST_SHOWN)
            fprintf(out, "              ... %zu more; -v shows all ...\n", count - FIRST_SHOWN - LAST_SHOWN);
    }
}
