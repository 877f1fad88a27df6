/* judge: a host that decides about clients as the test says, 4.12 and 5.4.2. Prefix: judge_
 *
 * Answers are laid down beforehand and used up one by one; a question without an answer fails the test. What
 * was asked is kept as text:
 *
 *      connect 'a' user 'u' password 'p' method 'm' data 'd'        what is absent is left out
 *      continue method 'm' data 'd'
 *      again method 'm'
 *
 * Rights: everything is allowed but what stands in `forbidden`, in the words in which the questions are kept:
 *
 *      publish 't' qos 1 retain          subscribe 't/#' qos 2          receive 't'
 *
 * with the client before it: "a:u" is client 'a' of user 'u', "a" of nobody. */
#ifndef ETALON_UNIT_JUDGE_H
#define ETALON_UNIT_JUDGE_H

#include "broker_harness.h"

enum { JUDGE_ANSWERS = 16, JUDGE_TEXT = 300, JUDGE_QUESTIONS = 4000 };

struct judge {
    struct authentication_answer answers[JUDGE_ANSWERS];
    size_t laid, used;
    char asked[JUDGE_TEXT];        /* the last question that no judge_expect_asked has seen; "": none */
    struct connection *connection; /* whose it was */
    const void *host;
    unsigned ended;         /* calls of authentication_ended */
    const void *ended_host; /* of the last one */
    const char *forbidden;  /* one line; NULL: nothing is */
    char questions[JUDGE_QUESTIONS];
};

/* A harness whose clients are judged by `judge`, which lives as long. Everybody may do everything, and
 * nothing is asked, with `rights` false. */
struct harness *judge_harness(struct judge *judge, bool rights);
struct harness *judge_harness_stored(struct judge *judge);

/* `user`, `data` NULL: none. */
struct authentication_answer judge_accepts(const char *user, const char *data);
struct authentication_answer judge_refuses(unsigned reason_code);
struct authentication_answer judge_continues(const char *data);
struct authentication_answer judge_waits(void);

/* The answer to the next question that has none yet. */
void judge_lay(struct judge *judge, struct authentication_answer answer);

/* STEP_AUTHENTICATED for the client. */
void judge_answer(struct client *client, struct authentication_answer answer);

/* Exactly this was asked since the last time; "": nothing. */
void judge_expect_asked(struct judge *judge, const char *question);

/* Exactly these questions about rights, each ended by a line feed, since the last time. */
void judge_expect_questions(struct judge *judge, const char *questions);

#endif
