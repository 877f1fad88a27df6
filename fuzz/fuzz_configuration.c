/* fuzz_configuration: any bytes as a configuration file. Every mistake has a place within the text, nothing
 * is accepted silently, and a comment in front moves the mistakes by a line and changes nothing else. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "host/configuration.h"

struct place {
    size_t line;
    size_t column;
};

struct mistakes {
    struct bytes text;
    size_t count;
    struct place places[CONFIGURATION_MOST_MISTAKES + CONFIGURATION_LISTENERS + 8];
};

/* The bytes of line `number`, counted from 1, with its end; false: there is none. */
static bool find_line(struct bytes text, size_t number, size_t *length)
{
    for (size_t line = 1;; line++) {
        const uint8_t *end = text.length == 0 ? NULL : memchr(text.data, '\n', text.length);
        *length = end == NULL ? text.length : (size_t)(end - text.data) + 1;
        if (line == number)
            return true;
        if (end == NULL)
            return false;
        text = bytes_after(text, *length);
    }
}

/* What is said goes to a terminal. */
static void check_text(const char *text)
{
    REQUIRE(text[0] != '\0');
    for (; *text != '\0'; text++)
        REQUIRE((uint8_t)*text >= 0x20 && *text != 0x7F);
}

static void remember(void *context, const struct configuration_error *error)
{
    struct mistakes *mistakes = context;
    size_t length = 0;
    check_text(error->text);
    if (error->line > 0)
        REQUIRE(find_line(mistakes->text, error->line, &length));
    REQUIRE(error->column <= length + 1);
    REQUIRE(mistakes->count < sizeof mistakes->places / sizeof *mistakes->places);
    mistakes->places[mistakes->count++] = (struct place){error->line, error->column};
}

static bool parse(struct configuration *configuration, struct bytes text, struct mistakes *mistakes)
{
    const struct configuration_sink sink = {.context = mistakes, .error = remember};
    mistakes->text = text;
    mistakes->count = 0;
    const bool well = configuration_parse(configuration, text, &sink);
    REQUIRE(well == (mistakes->count == 0));
    return well;
}

static struct bytes behind_comment(struct bytes text)
{
    uint8_t *longer = malloc(text.length + 2);
    if (longer == NULL)
        exit(2);
    memcpy(longer, "#\n", 2);
    if (text.length > 0)
        memcpy(longer + 2, text.data, text.length);
    return bytes_of(longer, text.length + 2);
}

static void count_kept(void *context, const char *keyword)
{
    REQUIRE(keyword[0] != '\0');
    ++*(size_t *)context;
}

/* The broker's settings have padding, of which nothing is known; a host that is told to take over the other
 * configuration finds nothing in them that it would have to keep. */
static void require_same(const struct configuration *first, struct configuration *second)
{
    const size_t from = offsetof(struct configuration, listeners);
    size_t kept = 0;
    REQUIRE(memcmp((const char *)first + from, (const char *)second + from, sizeof *first - from) == 0);
    configuration_keep(second, first, count_kept, &kept);
    REQUIRE(kept == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct configuration first, second, running;
    static struct mistakes here, there;
    const struct bytes text = fuzz_exact_copy(bytes_of(data, size));
    const struct bytes longer = behind_comment(text);
    const bool well = parse(&first, text, &here);
    REQUIRE(parse(&second, longer, &there) == well);
    REQUIRE(here.count == there.count);
    for (size_t i = 0; i < here.count; i++) {
        REQUIRE(there.places[i].line == here.places[i].line + (here.places[i].line > 0));
        REQUIRE(there.places[i].column == here.places[i].column);
    }
    if (well) {
        size_t kept = 0;
        require_same(&first, &second);
        configuration_default(&running);
        configuration_keep(&first, &running, count_kept, &kept);
        (void)configuration_settings(&first);
    }
    fuzz_free(text);
    fuzz_free(longer);
    return 0;
}
