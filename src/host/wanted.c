#include "wanted.h"

void wanted_find(struct wanted *wanted, const struct command_line *command_line,
                 const struct configuration *configuration)
{
    const bool commanded = command_line->port_given || command_line->address_count > 0;
    *wanted = (struct wanted){.commanded = commanded || configuration->listeners.count == 0};
    if (wanted->commanded) {
        wanted->listeners[wanted->count++] = &configuration->default_listener;
        return;
    }
    for (size_t i = 0; i < configuration->listeners.count; i++)
        wanted->listeners[wanted->count++] = &configuration->listeners.items[i];
}

static bool prepare_one(struct wanted *wanted, size_t index,
                        void (*complain)(void *context, const char *text), void *context)
{
    struct line problem = {0};
    if (!configuration_uses_tls(wanted->listeners[index]))
        return true;
    wanted->contexts[index] = tls_context_create(wanted->listeners[index], &problem);
    if (wanted->contexts[index])
        return true;
    struct line text = wanted_describe(wanted, index);
    line_text(&text, ": ");
    line_text(&text, problem.text);
    complain(context, text.text);
    return false;
}

bool wanted_prepare(struct wanted *wanted, void (*complain)(void *context, const char *text), void *context)
{
    bool prepared = true;
    for (size_t i = 0; i < wanted->count; i++)
        prepared = prepare_one(wanted, i, complain, context) && prepared;
    if (!prepared)
        wanted_release(wanted);
    return prepared;
}

void wanted_release(struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        tls_context_release(wanted->contexts[i]);
        wanted->contexts[i] = NULL;
    }
}

struct line wanted_describe(const struct wanted *wanted, size_t index)
{
    const struct configuration_listener *listener = wanted->listeners[index];
    struct line text = {0};
    if (wanted->commanded) {
        line_text(&text, "the default listener");
    } else {
        line_text(&text, "listener ");
        line_number(&text, listener->port);
        line_text(&text, listener->path[0] || listener->address[0] ? " " : "");
        line_text(&text, listener->path[0] ? listener->path : listener->address);
    }
    const bool tls = configuration_uses_tls(listener);
    if (listener->protocol == PROTOCOL_WEBSOCKETS)
        line_text(&text, tls ? " (TLS, WebSocket)" : " (WebSocket)");
    else if (tls)
        line_text(&text, " (TLS)");
    return text;
}
