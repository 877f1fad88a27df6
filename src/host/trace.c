#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../mqtt/dissect.h"

enum { INDENT = 4 };

static const char *version_name(enum protocol_version version)
{
    switch (version) {
    case PROTOCOL_3_1:
        return "MQTT 3.1";
    case PROTOCOL_3_1_1:
        return "MQTT 3.1.1";
    case PROTOCOL_5_0:
        return "MQTT 5.0";
    case PROTOCOL_UNKNOWN:
        break;
    }
    return "version not known yet";
}

static void put_text(void *context, const char *text, size_t length)
{
    fwrite(text, 1, length, context);
}

void trace_packet(void *context, enum sender sender, struct bytes client_identifier,
                  enum protocol_version version, struct bytes packet)
{
    (void)context;
    /* The block is gathered, so that it is one write and not one for every field. When there is no memory
     * for that it is left out: a trace may be incomplete, the broker goes on. */
    char *block = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&block, &length);
    if (!stream)
        return;
    struct dissect_sink sink = {.text = put_text, .context = stream};
    struct dissect_options options = dissect_defaults();
    options.indent = INDENT;
    fprintf(stream, "%lld: %s ", (long long)time(NULL), sender == SENDER_CLIENT ? "from" : "to");
    if (client_identifier.length == 0)
        fputs("a client without identifier yet", stream);
    else
        dissect_text(client_identifier, options.value_limit, &sink);
    fprintf(stream, ", %s:\n", version_name(version));
    dissect_packet(packet, version, sender, &options, &sink);
    fclose(stream);
    fwrite(block, 1, length, stderr);
    free(block);
}
