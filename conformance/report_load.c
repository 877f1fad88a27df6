#include "report_load.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"

/* What a run borrows, when it was loaded, lives beside it. */
struct loaded {
    struct run run;
    struct target target;
    char **texts; /* all that the run and its tests point to */
    size_t text_count;
    struct conformance_test **tests;
    size_t test_count;
};

struct loader {
    struct loaded *loaded;
    const char *path;
    size_t *unknown;
    char *problem;
    size_t size;
};

/* Says what is wrong at `where`, unless something was said before: the first problem is the cause. */
PRINTF_LIKE(3, 4) static bool complain(struct loader *loader, const char *where, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = snprintf(loader->problem, loader->size, "%s: %s: ", loader->path, where);
    if (length > 0 && (size_t)length < loader->size)
        vsnprintf(loader->problem + length, loader->size - (size_t)length, format, arguments);
    va_end(arguments);
    return false;
}

static const char *kept(struct loader *loader, const char *text)
{
    struct loaded *loaded = loader->loaded;
    if ((loaded->text_count & (loaded->text_count - 1)) == 0) /* room doubles at powers of two */
        loaded->texts = grow(loaded->texts, (loaded->text_count + 1) * 2, sizeof *loaded->texts);
    return loaded->texts[loaded->text_count++] = copy_text(text, strlen(text));
}

/* ---- Members: `where` names the object; an absent member is what older schemas did not have. ---- */

static bool take_text(struct loader *loader, const char *where, const json_t *object, const char *name,
                      const char **text)
{
    const json_t *member = json_object_get(object, name);
    *text = member == NULL ? "" : json_string_value(member);
    return *text != NULL || complain(loader, where, "\"%s\" is to be a string", name);
}

/* Likewise, a copy that belongs to a result. */
static bool copy_member(struct loader *loader, const char *where, const json_t *object, const char *name,
                        char **text)
{
    const char *value;
    if (!take_text(loader, where, object, name, &value))
        return false;
    free(*text);
    *text = copy_text(value, strlen(value));
    return true;
}

static bool keep_member(struct loader *loader, const char *where, const json_t *object, const char *name,
                        const char **text)
{
    if (!take_text(loader, where, object, name, text))
        return false;
    *text = kept(loader, *text);
    return true;
}

static bool take_number(struct loader *loader, const char *where, const json_t *object, const char *name,
                        double *number)
{
    const json_t *member = json_object_get(object, name);
    if (member != NULL && !json_is_number(member))
        return complain(loader, where, "\"%s\" is to be a number", name);
    *number = member == NULL ? 0 : json_number_value(member);
    return *number >= 0 || complain(loader, where, "\"%s\" is negative", name);
}

static bool take_whole(struct loader *loader, const char *where, const json_t *object, const char *name,
                       json_int_t limit, json_int_t *number)
{
    const json_t *member = json_object_get(object, name);
    if (member != NULL && !json_is_integer(member))
        return complain(loader, where, "\"%s\" is to be a whole number", name);
    *number = json_integer_value(member);
    return (*number >= 0 && *number <= limit) ||
           complain(loader, where, "\"%s\" is to be between 0 and %lld", name, (long long)limit);
}

/* An absent array is empty. */
static bool take_array(struct loader *loader, const char *where, const json_t *object, const char *name,
                       const json_t **array)
{
    *array = json_object_get(object, name);
    return *array == NULL || json_is_array(*array) ||
           complain(loader, where, "\"%s\" is to be an array", name);
}

static bool require_member(struct loader *loader, const char *where, const json_t *object, const char *name)
{
    return json_object_get(object, name) != NULL || complain(loader, where, "\"%s\" is missing", name);
}

static bool take_version(struct loader *loader, const char *where, const json_t *object,
                         enum protocol_version *version)
{
    const char *name;
    if (!require_member(loader, where, object, "version") ||
        !take_text(loader, where, object, "version", &name))
        return false;
    for (unsigned v = 0; v < VERSION_COUNT; v++)
        if (strcmp(name, version_name(version_of_index(v))) == 0) {
            *version = version_of_index(v);
            return true;
        }
    return complain(loader, where, "\"version\" is to be 3.1, 3.1.1 or 5.0, and not \"%.20s\"", name);
}

/* ---- The exchange ---- */

static int digit_of(char character)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = character == '\0' ? NULL : strchr(digits, character);
    return found == NULL ? -1 : (int)(found - digits);
}

static bool take_bytes(struct loader *loader, const char *where, const json_t *object,
                       struct exchange *exchange)
{
    const char *hex;
    if (!take_text(loader, where, object, "hex", &hex))
        return false;
    size_t length = strlen(hex);
    exchange->bytes = allocate(length / 2 + 1, 1);
    exchange->length = length / 2;
    for (size_t i = 0; i < length; i++) {
        int digit = digit_of(hex[i]);
        if (digit < 0 || length % 2 != 0)
            return complain(loader, where, "\"hex\" is to be pairs of hexadecimal digits");
        exchange->bytes[i / 2] = (uint8_t)(exchange->bytes[i / 2] << 4 | digit);
    }
    return true;
}

static bool take_direction(struct loader *loader, const char *where, const json_t *object,
                           enum direction *direction)
{
    static const char *const names[] = {"sent", "received", "event"};
    const char *name;
    if (!take_text(loader, where, object, "direction", &name))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *direction = (enum direction)i;
            return true;
        }
    return complain(loader, where, "\"direction\" is to be sent, received or event, and not \"%.20s\"", name);
}

static bool take_exchange(struct loader *loader, const char *test, size_t index, const json_t *object,
                          struct exchange *exchange)
{
    char where[80];
    json_int_t size = 0;
    snprintf(where, sizeof where, "%s.exchange[%zu]", test, index);
    if (!json_is_object(object))
        return complain(loader, where, "is to be an object");
    exchange->version = PROTOCOL_5_0;
    bool good = take_number(loader, where, object, "time", &exchange->time) &&
                take_direction(loader, where, object, &exchange->direction) &&
                copy_member(loader, where, object, "client", &exchange->client) &&
                copy_member(loader, where, object, "text", &exchange->text) &&
                take_bytes(loader, where, object, exchange);
    if (!good || exchange->direction == DIRECTION_EVENT)
        return good;
    good = take_version(loader, where, object, &exchange->version) &&
           take_whole(loader, where, object, "size", INT64_MAX, &size);
    exchange->size = (size_t)size;
    return good && (exchange->size >= exchange->length ||
                    complain(loader, where, "\"hex\" has more bytes than \"size\" says"));
}

static bool take_exchanges(struct loader *loader, const char *where, const json_t *object,
                           struct result *result)
{
    const json_t *array;
    if (!take_array(loader, where, object, "exchange", &array))
        return false;
    size_t count = json_array_size(array);
    result->exchanges = allocate(count, sizeof *result->exchanges);
    result->exchange_count = count;
    for (size_t i = 0; i < count; i++)
        result->exchanges[i] =
            (struct exchange){.client = copy_text("", 0), .text = copy_text("", 0), .bytes = NULL};
    for (size_t i = 0; i < count; i++)
        if (!take_exchange(loader, where, i, json_array_get(array, i), &result->exchanges[i]))
            return false;
    return true;
}

/* ---- Tests ---- */

static bool take_verdict(struct loader *loader, const char *where, const json_t *object,
                         struct result *result)
{
    const char *word;
    if (!require_member(loader, where, object, "verdict") ||
        !take_text(loader, where, object, "verdict", &word))
        return false;
    for (int i = 0; i < VERDICT_COUNT; i++) {
        result->verdict = (enum verdict_kind)i;
        if (strcmp(word, result_word(result)) == 0)
            return true;
    }
    return complain(loader, where, "\"verdict\" is no verdict of a %s test: \"%.30s\"",
                    is_property(result->test) ? "property" : "conformance", word);
}

static bool take_statements(struct loader *loader, const char *where, const json_t *object,
                            struct conformance_test *test)
{
    const json_t *array;
    size_t count = 0;
    if (!take_array(loader, where, object, "statements", &array))
        return false;
    uint16_t *statements = allocate(json_array_size(array) + 1, sizeof *statements);
    test->statements = statements; /* ends with STATEMENT_NONE, which is 0 */
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *id = json_string_value(json_array_get(array, i));
        if (id == NULL)
            return complain(loader, where, "\"statements\" is to be an array of strings");
        enum statement statement = statement_find(id);
        if (statement != STATEMENT_NONE)
            statements[count++] = (uint16_t)statement;
        else
            ++*loader->unknown;
    }
    return true;
}

static bool take_notes(struct loader *loader, const char *where, const json_t *object, struct result *result)
{
    const json_t *array;
    if (!take_array(loader, where, object, "notes", &array))
        return false;
    result->notes = allocate(json_array_size(array), sizeof *result->notes);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text == NULL)
            return complain(loader, where, "\"notes\" is to be an array of strings");
        result->notes[result->note_count++] = copy_text(text, strlen(text));
    }
    return true;
}

static bool take_cited(struct loader *loader, const char *where, const json_t *object, struct result *result)
{
    const char *id;
    if (!take_text(loader, where, object, "violated", &id))
        return false;
    result->cited = statement_find(id);
    *loader->unknown += id[0] != '\0' && result->cited == STATEMENT_NONE;
    return true;
}

/* The group makes a test one of a property. */
static bool take_group(struct loader *loader, const char *where, const json_t *object,
                       struct conformance_test *test)
{
    const char *kind;
    if (!take_text(loader, where, object, "kind", &kind))
        return false;
    if (strcmp(kind, "property") == 0)
        return keep_member(loader, where, object, "group", &test->group) &&
               (test->group[0] != '\0' || complain(loader, where, "a property has a \"group\""));
    return kind[0] == '\0' || strcmp(kind, "conformance") == 0 ||
           complain(loader, where, "\"kind\" is to be conformance or property, and not \"%.20s\"", kind);
}

static bool take_test(struct loader *loader, const char *where, const json_t *object,
                      struct conformance_test *test, struct result *result)
{
    json_int_t line = 0;
    bool good = require_member(loader, where, object, "name") &&
                keep_member(loader, where, object, "name", &test->name) &&
                take_version(loader, where, object, &result->version) &&
                take_group(loader, where, object, test) &&
                keep_member(loader, where, object, "title", &test->title) &&
                keep_member(loader, where, object, "file", &test->file) &&
                take_whole(loader, where, object, "line", INT32_MAX, &line) &&
                take_statements(loader, where, object, test);
    test->line = (int)line;
    test->versions = good ? version_bit(result->version) : 0;
    return good;
}

static bool take_result(struct loader *loader, size_t index, const json_t *object, struct result *result)
{
    char where[40];
    snprintf(where, sizeof where, "tests[%zu]", index);
    if (!json_is_object(object))
        return complain(loader, where, "is to be an object");
    struct conformance_test *test = loader->loaded->tests[index];
    result->finished = true;
    return take_test(loader, where, object, test, result) && take_verdict(loader, where, object, result) &&
           take_cited(loader, where, object, result) &&
           copy_member(loader, where, object, "reason", &result->reason) &&
           copy_member(loader, where, object, "expected", &result->expected) &&
           copy_member(loader, where, object, "observed", &result->observed) &&
           take_number(loader, where, object, "seconds", &result->seconds) &&
           take_notes(loader, where, object, result) && take_exchanges(loader, where, object, result);
}

static void count_result(struct run *run, const struct result *result)
{
    size_t *totals = is_property(result->test) ? run->properties : run->totals;
    totals[result->verdict]++;
}

/* All results exist, empty, before the first is read, so that a broken file can be cleared away like a good
 * one. */
static void make_results(struct loaded *loaded, size_t count)
{
    struct run *run = &loaded->run;
    run->results = allocate(count, sizeof *run->results);
    run->count = count;
    loaded->tests = allocate(count, sizeof(struct conformance_test *));
    loaded->test_count = count;
    for (size_t i = 0; i < count; i++) {
        loaded->tests[i] = allocate(1, sizeof(struct conformance_test));
        *loaded->tests[i] = (struct conformance_test){.name = "", .title = "", .file = ""};
        result_begin(&run->results[i], loaded->tests[i], PROTOCOL_5_0);
    }
}

static int compare_results(const void *left, const void *right)
{
    const struct result *a = *(const struct result *const *)left;
    const struct result *b = *(const struct result *const *)right;
    int names = strcmp(a->test->name, b->test->name);
    return names != 0 ? names : (int)a->version - (int)b->version;
}

static bool each_is_there_once(struct loader *loader)
{
    const struct run *run = &loader->loaded->run;
    const struct result **sorted = allocate(run->count, sizeof *sorted);
    bool good = true;
    for (size_t i = 0; i < run->count; i++)
        sorted[i] = &run->results[i];
    qsort(sorted, run->count, sizeof *sorted, compare_results);
    for (size_t i = 1; i < run->count && good; i++)
        if (compare_results(&sorted[i - 1], &sorted[i]) == 0)
            good = complain(loader, "tests", "%.60s (MQTT %s) is there twice", sorted[i]->test->name,
                            version_name(sorted[i]->version));
    free(sorted);
    return good;
}

static bool take_results(struct loader *loader, const json_t *root)
{
    const json_t *array;
    struct run *run = &loader->loaded->run;
    if (!require_member(loader, "report", root, "tests") ||
        !take_array(loader, "report", root, "tests", &array))
        return false;
    make_results(loader->loaded, json_array_size(array));
    for (size_t i = 0; i < run->count; i++) {
        if (!take_result(loader, i, json_array_get(array, i), &run->results[i]))
            return false;
        count_result(run, &run->results[i]);
    }
    return each_is_there_once(loader);
}

/* ---- The run ---- */

static bool take_schema(struct loader *loader, const json_t *root)
{
    json_int_t schema;
    if (!json_is_object(root))
        return complain(loader, "report", "this is no report of %s (--json writes them)", SUITE_NAME);
    if (!take_whole(loader, "report", root, "schema", INT32_MAX, &schema))
        return false;
    if (schema > REPORT_SCHEMA)
        return complain(loader, "schema",
                        "%lld is newer than this program (%s %s), which reads up to %d; please update it",
                        (long long)schema, SUITE_NAME, SUITE_VERSION, REPORT_SCHEMA);
    const char *suite = json_string_value(json_object_get(root, "suite"));
    return (suite != NULL && strncmp(suite, SUITE_NAME " ", sizeof SUITE_NAME) == 0) ||
           complain(loader, "suite", "this is no report of %s (--json writes them)", SUITE_NAME);
}

static bool take_numbers(struct loader *loader, const json_t *object, struct capabilities *found)
{
    const char *where = "capabilities";
    json_int_t qos;
    json_int_t aliases;
    json_int_t receive;
    json_int_t size;
    json_int_t keep_alive;
    bool good = take_whole(loader, where, object, "maximum_qos", 2, &qos) &&
                take_whole(loader, where, object, "topic_alias_maximum", UINT16_MAX, &aliases) &&
                take_whole(loader, where, object, "receive_maximum", UINT16_MAX, &receive) &&
                take_whole(loader, where, object, "maximum_packet_size", UINT32_MAX, &size) &&
                take_whole(loader, where, object, "server_keep_alive", UINT16_MAX, &keep_alive);
    if (!good)
        return false;
    found->maximum_qos = (uint8_t)qos;
    found->topic_alias_maximum = (uint16_t)aliases;
    found->receive_maximum = (uint16_t)receive;
    found->maximum_packet_size = (uint32_t)size;
    found->server_keep_alive = (uint16_t)keep_alive;
    return true;
}

static bool take_capabilities_of(struct loader *loader, const json_t *object, struct capabilities *found)
{
    const char *refusal;
    if (!take_text(loader, "capabilities", object, "refusal", &refusal) ||
        !take_numbers(loader, object, found))
        return false;
    found->accepted = json_is_true(json_object_get(object, "accepted"));
    found->retain = json_is_true(json_object_get(object, "retain"));
    found->wildcard = json_is_true(json_object_get(object, "wildcard"));
    found->shared = json_is_true(json_object_get(object, "shared"));
    found->subscription_identifier = json_is_true(json_object_get(object, "subscription_identifier"));
    snprintf(found->refusal, sizeof found->refusal, "%s", refusal);
    return true;
}

static bool take_capabilities(struct loader *loader, const json_t *root)
{
    const json_t *versions = json_object_get(root, "capabilities");
    for (unsigned v = 0; v < VERSION_COUNT; v++) {
        const json_t *object = json_object_get(versions, version_name(version_of_index(v)));
        if (object != NULL && !take_capabilities_of(loader, object, &loader->loaded->run.capabilities[v]))
            return false;
    }
    return true;
}

static bool take_broker(struct loader *loader, const json_t *root)
{
    struct run *run = &loader->loaded->run;
    const json_t *broker = json_object_get(root, "broker");
    return keep_member(loader, "broker", broker, "name", &run->broker_name) &&
           keep_member(loader, "broker", broker, "version", &run->broker_version) &&
           keep_member(loader, "broker", broker, "configuration", &run->broker_configuration);
}

static bool take_losses(struct loader *loader, const json_t *root)
{
    const json_t *array;
    if (!take_array(loader, "report", root, "losses", &array))
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *sentence = json_string_value(json_array_get(array, i));
        if (sentence == NULL)
            return complain(loader, "report", "\"losses\" is to be an array of strings");
        run_add_loss(&loader->loaded->run, sentence);
    }
    return true;
}

static bool take_run(struct loader *loader, const json_t *root)
{
    const char *url;
    json_int_t seed;
    struct run *run = &loader->loaded->run;
    bool good = take_schema(loader, root) && keep_member(loader, "report", root, "suite", &run->suite) &&
                keep_member(loader, "report", root, "started", &run->started) &&
                take_text(loader, "report", root, "target", &url) &&
                keep_member(loader, "report", root, "transport", &loader->loaded->target.transport) &&
                take_whole(loader, "report", root, "seed", INT64_MAX, &seed) &&
                take_number(loader, "report", root, "seconds", &run->seconds) && take_broker(loader, root) &&
                take_losses(loader, root) && take_capabilities(loader, root) && take_results(loader, root);
    if (!good)
        return false;
    run->seed = (uint64_t)seed;
    run->properties_must_hold = json_is_true(json_object_get(root, "properties_must_hold"));
    snprintf(loader->loaded->target.url, sizeof loader->loaded->target.url, "%s", url);
    return true;
}

/* jansson's words, with its line and column. A missing file has none. */
static json_t *parse(const char *path, char *problem, size_t size)
{
    json_error_t error;
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        snprintf(problem, size, "%s: cannot read it: %s", path, strerror(errno));
        return NULL;
    }
    json_t *root = json_loadf(in, JSON_REJECT_DUPLICATES, &error);
    fclose(in);
    if (root == NULL)
        snprintf(problem, size, "%s: line %d, column %d: this is no JSON: %s", path, error.line, error.column,
                 error.text);
    return root;
}

struct run *report_load(const char *path, size_t *unknown, char *problem, size_t size)
{
    *unknown = 0;
    json_t *root = parse(path, problem, size);
    if (root == NULL)
        return NULL;
    struct loaded *loaded = allocate(1, sizeof *loaded);
    struct loader loader = {
        .loaded = loaded, .path = path, .unknown = unknown, .problem = problem, .size = size};
    loaded->run.target = &loaded->target;
    bool good = take_run(&loader, root);
    json_decref(root);
    if (good)
        return &loaded->run;
    report_unload(&loaded->run);
    return NULL;
}

void report_unload(struct run *run)
{
    struct loaded *loaded = (struct loaded *)run; /* its first member */
    if (run == NULL)
        return;
    for (size_t i = 0; i < run->count; i++)
        result_clear(&run->results[i]);
    free(run->results);
    run_clear_losses(run);
    for (size_t i = 0; i < loaded->test_count; i++) {
        free((void *)(uintptr_t)loaded->tests[i]->statements);
        free(loaded->tests[i]);
    }
    free(loaded->tests);
    for (size_t i = 0; i < loaded->text_count; i++)
        free(loaded->texts[i]);
    free(loaded->texts);
    free(loaded);
}
