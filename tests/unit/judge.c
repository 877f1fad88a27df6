/* judge: see the header. */
#include "judge.h"

#include <stdio.h>
#include <stdlib.h>

static void add(char *text, size_t size, const char *name, bool present, struct bytes value)
{
    const size_t length = strlen(text);
    if (present)
        snprintf(text + length, size - length, " %s '%.*s'", name, (int)value.length,
                 (const char *)value.data);
}

static struct authentication_answer authenticate(void *context, const struct authentication_request *request)
{
    static const char *const phases[] = {"connect", "continue", "again"};
    struct judge *judge = context;
    const bool connect = request->phase == AUTHENTICATE_CONNECT;
    if (judge->asked[0] != '\0')
        harness_fail("asked twice: %s", judge->asked);
    snprintf(judge->asked, sizeof judge->asked, "%s", phases[request->phase]);
    if (connect)
        snprintf(judge->asked + strlen(judge->asked), JUDGE_TEXT / 2, " '%.*s'",
                 (int)request->client_identifier.length, (const char *)request->client_identifier.data);
    add(judge->asked, JUDGE_TEXT, "user", request->has_user_name, request->user_name);
    add(judge->asked, JUDGE_TEXT, "password", request->has_password, request->password);
    add(judge->asked, JUDGE_TEXT, "method", request->method.length > 0, request->method);
    add(judge->asked, JUDGE_TEXT, "data", request->has_data, request->data);
    judge->connection = request->connection;
    judge->host = request->host;
    if (judge->used == judge->laid)
        harness_fail("no answer to: %s", judge->asked);
    return judge->answers[judge->used++];
}

static void authentication_ended(void *context, void *host)
{
    struct judge *judge = context;
    judge->ended++;
    judge->ended_host = host;
}

static bool authorise(void *context, const struct authorisation *question)
{
    static const char *const accesses[] = {"publish", "subscribe", "receive"};
    struct judge *judge = context;
    char line[JUDGE_TEXT];
    const struct bytes id = question->client_identifier;
    const struct bytes user = question->user_name;
    int length =
        snprintf(line, sizeof line, "%.*s%s%.*s %s '%.*s'", (int)id.length, (const char *)id.data,
                 question->has_user_name ? ":" : "", (int)user.length, (const char *)user.data,
                 accesses[question->access], (int)question->topic.length, (const char *)question->topic.data);
    if (question->access != ACCESS_RECEIVE)
        length += snprintf(line + length, sizeof line - (size_t)length, " qos %u%s", question->qos,
                           question->retain ? " retain" : "");
    const size_t all = strlen(judge->questions);
    if (all + (size_t)length + 2 > JUDGE_QUESTIONS)
        harness_fail("too many questions");
    snprintf(judge->questions + all, JUDGE_QUESTIONS - all, "%s\n", line);
    return !judge->forbidden || strcmp(judge->forbidden, line) != 0;
}

struct harness *judge_harness(struct judge *judge, bool rights)
{
    const struct harness_judge functions = {.context = judge,
                                            .authenticate = authenticate,
                                            .authentication_ended = authentication_ended,
                                            .authorise = rights ? authorise : NULL};
    return harness_create_asking(NULL, STORAGE_NONE, &functions);
}

struct harness *judge_harness_stored(struct judge *judge)
{
    const struct harness_judge functions = {
        .context = judge, .authenticate = authenticate, .authentication_ended = authentication_ended};
    return harness_create_asking(NULL, STORAGE_PROMISED, &functions);
}

static struct bytes text(const char *text)
{
    return text ? bytes_of_text(text) : (struct bytes){NULL, 0};
}

struct authentication_answer judge_accepts(const char *user, const char *data)
{
    return (struct authentication_answer){.outcome = AUTHENTICATION_ACCEPTED,
                                          .has_user_name = user != NULL,
                                          .user_name = text(user),
                                          .has_data = data != NULL,
                                          .data = text(data)};
}

struct authentication_answer judge_refuses(unsigned reason_code)
{
    return (struct authentication_answer){.outcome = AUTHENTICATION_REFUSED,
                                          .reason_code = (enum reason_code)reason_code,
                                          .why = "the judge says no"};
}

struct authentication_answer judge_continues(const char *data)
{
    return (struct authentication_answer){
        .outcome = AUTHENTICATION_CONTINUES, .has_data = data != NULL, .data = text(data)};
}

struct authentication_answer judge_waits(void)
{
    return (struct authentication_answer){.outcome = AUTHENTICATION_PENDING};
}

void judge_lay(struct judge *judge, struct authentication_answer answer)
{
    if (judge->laid == JUDGE_ANSWERS)
        harness_fail("too many answers");
    judge->answers[judge->laid++] = answer;
}

void judge_answer(struct client *client, struct authentication_answer answer)
{
    harness_step(
        client->harness,
        (struct step){.kind = STEP_AUTHENTICATED, .connection = client->connection, .answer = &answer});
}

void judge_expect_asked(struct judge *judge, const char *question)
{
    if (strcmp(judge->asked, question) != 0)
        harness_fail("expected the question \"%s\", got \"%s\"", question, judge->asked);
    judge->asked[0] = '\0';
}

void judge_expect_questions(struct judge *judge, const char *questions)
{
    if (strcmp(judge->questions, questions) != 0)
        harness_fail("expected the questions\n%sgot\n%s", questions, judge->questions);
    judge->questions[0] = '\0';
}
