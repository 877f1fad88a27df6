#include "watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "transport.h"

#define RETURN_PATIENCE 10  /* so many times the patience a server has to come back, and */
#define RETURN_LIMIT 30.0   /* seconds at most */
#define ASK_AGAIN_LIMIT 1.0 /* seconds that each question whether it is back may take */
#define LATENCY_TRIPS 3     /* how often the longest round trip a connection may take besides */
#define NAMES_SHOWN 8U      /* of the tests that ran when the server was lost */

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void watch_open(struct watch *watch, struct run *run, const struct runner_options *options)
{
    *watch = (struct watch){.run = run,
                            .options = options,
                            .standings = allocate(run->count, sizeof(struct standing)),
                            .trial = WATCH_NONE};
    for (size_t i = 0; i < run->count; i++)
        watch->standings[i].loss = WATCH_NONE;
}

void watch_close(struct watch *watch)
{
    free(watch->standings);
    free(watch->losses);
}

static size_t index_of(const struct watch *watch, const struct result *result)
{
    return (size_t)(result - watch->run->results);
}

static bool is_bad(const struct result *result)
{
    return result->finished && (result->verdict == VERDICT_FAIL || result->verdict == VERDICT_ERROR);
}

static bool is_good(const struct result *result)
{
    return result->finished && (result->verdict == VERDICT_PASS || result->verdict == VERDICT_WARN);
}

bool watch_admits(const struct watch *watch)
{
    return !watch->away && watch->trial == WATCH_NONE;
}

/* ---- The server ---- */

static bool accepts_connections(const struct watch *watch, double patience)
{
    char problem[300];
    const struct target *target = watch->run->target;
    double latency = LATENCY_TRIPS * run_longest_round_trip(watch->run);
    int made = transport_connect(target->host, target->port, patience + latency, problem, sizeof problem);
    if (made >= 0)
        transport_close(made, 0);
    return made >= 0;
}

static void show_life(struct test *t)
{
    connect_client(t, .name = "life", .clean_start = true);
}

static const uint16_t no_statements[] = {STATEMENT_NONE};
static const struct conformance_test life = {.name = "sign of life",
                                             .title = "The server is there",
                                             .file = "",
                                             .versions = V_ALL,
                                             .statements = no_statements,
                                             .body = show_life};

/* A server that begins or ends may accept connections and not answer yet, or no more. */
static bool is_well(struct watch *watch)
{
    struct result result;
    if (!accepts_connections(watch, fmin(watch->options->patience, ASK_AGAIN_LIMIT)))
        return false;
    run_probe(watch->run, watch->options, &life, best_version(watch->run), &result);
    bool well = result.verdict == VERDICT_PASS;
    result_clear(&result);
    watch->proof = well ? seconds() : watch->proof;
    return well;
}

/* ---- It is lost ---- */

static void withdraw(struct watch *watch, const struct result *result)
{
    struct run *run = watch->run;
    (is_property(result->test) ? run->properties : run->totals)[result->verdict]--;
}

static void go_away(struct watch *watch)
{
    watch->away = true;
    watch->doubted = false;
    watch->since = watch->asked = seconds();
}

/* Runs, or has ended and nothing tells that the server was well thereafter. */
static bool is_involved(const struct watch *watch, size_t i)
{
    const struct standing *standing = &watch->standings[i];
    const struct result *result = &watch->run->results[i];
    if (standing->begun <= 0 || standing->tried)
        return false;
    if (standing->ended <= 0)
        return true;
    return standing->loss == WATCH_NONE && standing->ended > watch->proof &&
           (is_bad(result) || is_good(result));
}

/* A test is involved in the first loss it comes to. */
static void involve(struct watch *watch, size_t i, size_t loss)
{
    struct standing *standing = &watch->standings[i];
    const struct result *result = &watch->run->results[i];
    watch->losses[loss].tests++;
    if (standing->loss != WATCH_NONE)
        return;
    standing->loss = loss;
    standing->before = standing->ended > 0;
    if (!standing->before || !is_bad(result))
        return;
    standing->held = true;
    withdraw(watch, result);
}

static void blame(struct watch *watch, size_t i)
{
    watch->standings[i].guilty = true;
    watch->losses[watch->standings[i].loss].causes++;
}

static bool was_answered(const struct result *result)
{
    for (size_t i = 0; i < result->exchange_count; i++)
        if (result->exchanges[i].direction == DIRECTION_RECEIVED)
            return true;
    return false;
}

static bool had_ended(const struct watch *watch, double time, size_t but)
{
    for (size_t i = 0; i < watch->run->count; i++) {
        const struct standing *standing = &watch->standings[i];
        if (i != but && standing->begun > 0 && (standing->ended <= 0 || standing->ended > time))
            return false;
    }
    return true;
}

/* Whether all others had ended when this test began, and the server was well thereafter: it answered, or took at least
 * a connection when there were no others. */
static bool is_alone(const struct watch *watch, size_t i)
{
    const struct standing *standing = &watch->standings[i];
    const struct result *result = &watch->run->results[i];
    if (standing->begun <= 0 || standing->ended > 0 || !had_ended(watch, standing->begun, i))
        return false;
    return was_answered(result) || (watch->begun == 1 && result->exchange_count > 0);
}

static size_t find_alone(const struct watch *watch)
{
    for (size_t i = 0; i < watch->run->count; i++)
        if (is_alone(watch, i))
            return i;
    return WATCH_NONE;
}

static void lose(struct watch *watch)
{
    go_away(watch);
    if (watch->trial != WATCH_NONE) {
        blame(watch, watch->trial);
        return;
    }
    size_t number = watch->loss_count++;
    size_t alone = find_alone(watch);
    if (alone != WATCH_NONE)
        watch->proof = watch->standings[alone].begun;
    watch->losses = grow(watch->losses, watch->loss_count, sizeof *watch->losses);
    watch->losses[number] = (struct loss){.tests = 0};
    for (size_t i = 0; i < watch->run->count; i++)
        if (is_involved(watch, i))
            involve(watch, i, number);
    if (alone != WATCH_NONE)
        blame(watch, alone);
}

/* ---- Its tests ---- */

void watch_begun(struct watch *watch, const struct result *result)
{
    struct standing *standing = &watch->standings[index_of(watch, result)];
    standing->begun = seconds();
    standing->ended = 0;
    watch->begun++;
}

static void ask(struct watch *watch)
{
    watch->doubted = false;
    bool there = accepts_connections(watch, watch->options->patience);
    watch->asked = seconds();
    if (!there)
        lose(watch);
}

void watch_verdict(struct watch *watch, const struct result *result)
{
    bool on_trial = watch->trial == index_of(watch, result);
    if (watch->away || (!on_trial && !is_bad(result)))
        return;
    watch->doubted = true;
    watch_ask(watch, on_trial);
}

void watch_ask(struct watch *watch, bool now)
{
    if (watch->doubted && !watch->away && (now || seconds() >= watch->asked + WATCH_INTERVAL))
        ask(watch);
}

static void add_note(struct result *result, const char *text)
{
    result->notes = grow(result->notes, result->note_count + 1, sizeof *result->notes);
    result->notes[result->note_count++] = copy_text(text, strlen(text));
}

/* `before`: `text`, or `before` alone where there is no text. */
static void put_before(char **text, const char *before)
{
    size_t size = strlen(*text) + strlen(before) + sizeof ": ";
    char *made = allocate(size, 1);
    snprintf(made, size, "%s%s%s", before, (*text)[0] == '\0' ? "" : ": ", *text);
    free(*text);
    *text = made;
}

/* An error, with a note of what the test itself found. */
static void become_error(struct result *result, const char *reason)
{
    if (result->finished) {
        put_before(&result->reason, result->verdict == VERDICT_FAIL ? "the test itself ended with a failure"
                                                                    : "the test itself ended with an error");
        add_note(result, result->reason);
    }
    result_set_text(&result->reason, reason);
    result_set_text(&result->expected, "");
    result_set_text(&result->observed, "");
    result->cited = STATEMENT_NONE;
    result->verdict = VERDICT_ERROR;
    result->finished = true;
}

/* What a test can be blamed for that has nothing that can be broken is no failure: see finish_by_list in test.c. */
static void convict(struct result *result)
{
    static const char charge[] = "the server stopped accepting connections while only this test was using it";
    if (!is_bad(result)) {
        add_note(result, charge);
        return;
    }
    put_before(&result->reason, charge);
    if (result->observed[0] != '\0')
        put_before(&result->observed, charge);
    if (is_property(result->test) || breakable_statement(result->test, result->version) != STATEMENT_NONE)
        result->verdict = VERDICT_FAIL;
}

static void excuse(const struct watch *watch, size_t i)
{
    char reason[200];
    char others[40] = "";
    const struct standing *standing = &watch->standings[i];
    size_t count = watch->losses[standing->loss].tests - 1;
    if (count > 0)
        snprintf(others, sizeof others, " and %zu other%s", count, count == 1 ? "" : "s");
    snprintf(
        reason, sizeof reason,
        "the server stopped accepting connections %s this test%s ran; run it alone to see whether it is the "
        "cause",
        standing->before ? "just after" : "while", others);
    become_error(&watch->run->results[i], reason);
}

static void end_trial(struct watch *watch, struct standing *standing, struct result *result)
{
    watch->trial = WATCH_NONE;
    standing->tried = true;
    if (!standing->guilty)
        add_note(result, "this test ran once more, alone: the server had stopped accepting connections while "
                         "it ran with others");
}

bool watch_ended(struct watch *watch, struct result *result)
{
    size_t i = index_of(watch, result);
    struct standing *standing = &watch->standings[i];
    standing->ended = seconds();
    if (is_good(result))
        watch->proof = fmax(watch->proof, standing->begun);
    if (watch->trial == i)
        end_trial(watch, standing, result);
    if (standing->guilty)
        convict(result);
    if (standing->tried || standing->guilty || standing->loss == WATCH_NONE || !is_bad(result))
        return true;
    standing->held = true;
    return watch->gone && watch_settle(watch, result);
}

/* ---- Its return ---- */

/* Not begun yet, or with a verdict that is held, or will be. */
static bool is_waiting(const struct watch *watch, size_t i)
{
    const struct result *result = &watch->run->results[i];
    if (!result->begun && !result->finished)
        return !starts_brokers(result->test);
    return watch->standings[i].held || (watch->standings[i].loss != WATCH_NONE && !result->finished);
}

bool watch_waits(const struct watch *watch)
{
    if (!watch->away || watch->gone)
        return false;
    for (size_t i = 0; i < watch->run->count; i++)
        if (is_waiting(watch, i))
            return true;
    return false;
}

static void come_back(struct watch *watch)
{
    struct loss *last = &watch->losses[watch->loss_count - 1];
    watch->away = false;
    if (last->away <= 0)
        last->away = seconds() - watch->since;
}

bool watch_look(struct watch *watch)
{
    if (!watch_waits(watch) || seconds() < watch->asked + WATCH_INTERVAL)
        return false;
    watch->asked = seconds();
    if (is_well(watch)) {
        come_back(watch);
        return false;
    }
    watch->gone = seconds() >= watch->since + fmin(RETURN_PATIENCE * watch->options->patience, RETURN_LIMIT);
    return watch->gone;
}

bool watch_settle(struct watch *watch, struct result *result)
{
    size_t i = index_of(watch, result);
    if (watch->standings[i].held) {
        watch->standings[i].held = false;
        excuse(watch, i);
        return true;
    }
    if (result->begun || result->finished || starts_brokers(result->test))
        return false;
    become_error(result, "the server no longer accepts connections");
    watch->losses[watch->loss_count - 1].untested++;
    return true;
}

/* ---- Trials ---- */

/* Those that did not pass; then, as long as the cause is unknown, those that did: the end of the server may be what
 * they waited for. */
static size_t find_trial(const struct watch *watch)
{
    size_t passed = WATCH_NONE;
    for (size_t i = watch->run->count; i-- > 0;) {
        const struct standing *standing = &watch->standings[i];
        if (standing->loss != WATCH_NONE && !standing->tried && !standing->guilty && standing->ended > 0 &&
            is_good(&watch->run->results[i]) && watch->losses[standing->loss].causes == 0)
            passed = i;
    }
    for (size_t i = 0; i < watch->run->count; i++)
        if (watch->standings[i].held)
            return i;
    return passed;
}

size_t watch_next_trial(struct watch *watch)
{
    size_t next = watch_admits(watch) ? find_trial(watch) : WATCH_NONE;
    if (next == WATCH_NONE || is_well(watch))
        return next;
    go_away(watch);
    return WATCH_NONE;
}

void watch_try(struct watch *watch, struct result *result)
{
    size_t i = index_of(watch, result);
    if (!watch->standings[i].held)
        withdraw(watch, result);
    watch->standings[i].held = false;
    watch->trial = i;
    result_begin_again(result);
}

/* ---- The report ---- */

/* ": a (MQTT 5.0), b (MQTT 3.1), which passed, and 3 more": those that ran, or the guilty among them. */
static void print_names(FILE *out, const struct watch *watch, size_t loss, bool guilty)
{
    size_t count = 0;
    for (size_t i = 0; i < watch->run->count; i++) {
        const struct result *result = &watch->run->results[i];
        const struct standing *standing = &watch->standings[i];
        if (standing->loss != loss || (guilty && !standing->guilty) || count++ >= NAMES_SHOWN)
            continue;
        fprintf(out, "%s%s (MQTT %s)%s", count == 1 ? ": " : ", ", result->test->name,
                version_name(result->version), guilty && !is_bad(result) ? ", which passed" : "");
    }
    if (count > NAMES_SHOWN)
        fprintf(out, " and %zu more", count - NAMES_SHOWN);
}

static void print_causes(FILE *out, const struct watch *watch, size_t number)
{
    size_t causes = watch->losses[number].causes;
    if (causes == 0) {
        fputs("; the cause was not found", out);
        return;
    }
    fprintf(out, "; it stopped with %s alone", causes == 1 ? "this test" : "each of these tests");
    print_names(out, watch, number, true);
}

static void print_loss(FILE *out, const struct watch *watch, size_t number)
{
    const struct loss *loss = &watch->losses[number];
    fprintf(out, "the server stopped accepting connections while %zu test%s ran", loss->tests,
            loss->tests == 1 ? "" : "s");
    if (loss->causes == 0)
        print_names(out, watch, number, false);
    if (loss->away > 0)
        fprintf(out, "; it was back after %.1f s", loss->away);
    print_causes(out, watch, number);
    if (watch->gone && number + 1 == watch->loss_count)
        fprintf(out, "; it did not come back%s", loss->away > 0 ? " in the end" : "");
    if (loss->untested > 0)
        fprintf(out, "; %zu test%s could not be begun", loss->untested, loss->untested == 1 ? "" : "s");
}

void watch_report(struct watch *watch)
{
    for (size_t i = 0; i < watch->loss_count; i++) {
        char *text = NULL;
        size_t length;
        FILE *out = open_memstream(&text, &length);
        if (out == NULL)
            continue;
        print_loss(out, watch, i);
        fclose(out);
        run_add_loss(watch->run, text);
        free(text);
    }
}
