/* host/authenticator: with a real core and a real event loop, without sockets. What runs on another thread is
 * seen only when the loop runs, so between two calls of settle() a check that was begun is under way. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "host/authenticator.h"

/* From support.h, whose verdicts bear names that the headers of the system bear as well. */
struct bytes octets(const char *notation);
void octets_free(struct bytes octets);
#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

#define SECRET                                                                                               \
    "$7$101$AAECAwQFBgcICQoL$Xr99N9ym9ys8TWxis5ajETJq6EVYzmc6nb8t3pUYnPBbCAbICS4xejTl"                       \
    "tonXWCtJNBvA+By+TXUqU6qCblO00w=="

enum { GUESTS = 8 };

struct guest {
    struct connection *connection;
    uint8_t address;       /* the last byte of 192.0.2.N; 0: none */
    const char *certified; /* user name by certificate; "": a certificate without one; NULL: not asked for */
};

struct scene {
    uv_loop_t loop;
    struct broker *broker;
    struct authenticator authenticator;
    struct host_statistics statistics;
    struct guest guests[GUESTS];
};

static struct authentication_answer lend_authentication(void *context,
                                                        const struct authentication_request *request)
{
    return authenticator_answer(&((struct scene *)context)->authenticator, request);
}

static void end_authentication(void *context, void *host)
{
    authenticator_forget(&((struct scene *)context)->authenticator, host);
}

static void lend_zeros(void *context, void *bytes, size_t length)
{
    (void)context;
    memset(bytes, 0, length);
}

static bool is_certified(void *context, const void *host, const char **name)
{
    const struct guest *guest = host;
    (void)context;
    *name = guest->certified && guest->certified[0] ? guest->certified : NULL;
    return guest->certified != NULL;
}

static struct address_key address_of(const void *host)
{
    const struct guest *guest = host;
    return (struct address_key){.bytes = {2, 192, 0, 2, guest->address}, .known = guest->address > 0};
}

static void no_mistake(void *context, size_t line, const char *text)
{
    (void)context;
    ck_abort_msg("%zu: %s", line, text);
}

static struct password_file *passwords(const char *text)
{
    static const struct hash_key key = {.first = 1, .second = 2};
    static const struct text_sink sink = {.mistake = no_mistake};
    return password_file_parse(bytes_of_text(text), &key, &sink);
}

/* `users`: the text of a password file; NULL: there is none. */
static void rule(struct scene *scene, bool allow_anonymous, const char *users)
{
    const struct authenticator_rules rules = {.allow_anonymous = allow_anonymous,
                                              .passwords = users ? passwords(users) : NULL};
    authenticator_configure(&scene->authenticator, &rules);
}

static void begin(struct scene *scene, uint32_t checks, uint32_t waiting)
{
    *scene = (struct scene){.broker = NULL};
    ck_assert_int_eq(uv_loop_init(&scene->loop), 0);
    const struct broker_settings settings = broker_default_settings();
    const struct broker_environment environment = {.context = scene,
                                                   .authenticate = lend_authentication,
                                                   .authentication_ended = end_authentication,
                                                   .random = lend_zeros};
    scene->broker = broker_create(&settings, &environment);
    ck_assert_ptr_nonnull(scene->broker);
    const struct authenticator_options options = {.loop = &scene->loop,
                                                  .broker = scene->broker,
                                                  .checks = checks,
                                                  .waiting = waiting,
                                                  .certified = is_certified,
                                                  .address = address_of,
                                                  .statistics = &scene->statistics};
    authenticator_begin(&scene->authenticator, &options);
}

static void send_to(struct scene *scene, int number, const char *notation)
{
    struct bytes bytes = octets(notation);
    struct step step = {
        .kind = STEP_RECEIVED, .connection = scene->guests[number].connection, .bytes = bytes};
    broker_step(scene->broker, uv_now(&scene->loop), &step);
    octets_free(bytes);
}

static void arrive(struct scene *scene, int number, const char *notation)
{
    struct step step = {.kind = STEP_ACCEPTED, .host = &scene->guests[number], .peer = "peer"};
    broker_step(scene->broker, uv_now(&scene->loop), &step);
    scene->guests[number].connection = step.connection;
    ck_assert_ptr_nonnull(step.connection);
    send_to(scene, number, notation);
}

static void leave(struct scene *scene, int number)
{
    struct step step = {.kind = STEP_CLOSED, .connection = scene->guests[number].connection};
    scene->guests[number].connection = NULL;
    if (step.connection)
        broker_step(scene->broker, uv_now(&scene->loop), &step);
}

/* Until no check is under way or waits. */
static void settle(struct scene *scene)
{
    uv_run(&scene->loop, UV_RUN_DEFAULT);
}

/* What was sent to a guest begins so. */
static void expect(struct scene *scene, int number, const char *notation)
{
    struct bytes expected = octets(notation);
    struct bytes runs[8];
    uint8_t sent[1000];
    size_t length = 0;
    const size_t count = connection_output(scene->guests[number].connection, runs, 8);
    for (size_t i = 0; i < count && length + runs[i].length <= sizeof sent; i++) {
        memcpy(sent + length, runs[i].data, runs[i].length);
        length += runs[i].length;
    }
    if (expected.length == 0)
        ck_assert_uint_eq(length, 0);
    else
        ck_assert_msg(length >= expected.length && memcmp(sent, expected.data, expected.length) == 0,
                      "%s: %zu bytes, %02x %02x %02x %02x", notation, length, sent[0], sent[1], sent[2],
                      sent[3]);
    octets_free(expected);
    connection_sent(scene->broker, scene->guests[number].connection, length);
}

static void finish(struct scene *scene)
{
    for (int i = 0; i < GUESTS; i++)
        leave(scene, i);
    settle(scene);
    ck_assert_uint_eq(scene->authenticator.running, 0);
    ck_assert_uint_eq(scene->authenticator.waiting_bytes, 0);
    ck_assert_uint_eq(scene->authenticator.checks.count, 0);
    ck_assert_uint_eq(scene->authenticator.dialogues.count, 0);
    authenticator_end(&scene->authenticator);
    broker_destroy(scene->broker);
    ck_assert_int_eq(uv_loop_close(&scene->loop), 0);
}

#define ANONYMOUS "10 [<'MQTT'> 04 02 0000 <'a'>]"
#define ALICE(password) "10 [<'MQTT'> 04 C2 0000 <'a'> <'alice'> <'" password "'>]"

START_TEST(who_gets_in)
{
    static const struct {
        bool allow_anonymous;
        const char *users, *connect, *connack;
    } rows[] = {
        {true, NULL, ANONYMOUS, "20 02 00 00"},
        {false, NULL, ANONYMOUS, "20 02 00 05"},
        {true, "alice:" SECRET, ANONYMOUS, "20 02 00 00"},
        {false, "alice:" SECRET, ANONYMOUS, "20 02 00 05"},
        {false, "alice:" SECRET, ALICE("secret"), "20 02 00 00"},
        {true, "alice:" SECRET, ALICE("secret"), "20 02 00 00"},
        {false, "alice:" SECRET, ALICE("Secret"), "20 02 00 04"},
        {true, "alice:" SECRET, ALICE("Secret"), "20 02 00 04"},
        {false, "alice:" SECRET, ALICE(""), "20 02 00 04"},
        {false, "bob:" SECRET, ALICE("secret"), "20 02 00 04"},
        {true, "bob:" SECRET, ALICE("secret"), "20 02 00 04"},
        {true, "", ALICE("secret"), "20 02 00 04"},
        {false, "alice:" SECRET, "10 [<'MQTT'> 04 82 0000 <'a'> <'alice'>]", "20 02 00 04"},
        {true, "alice:" SECRET, "10 [<'MQTT'> 04 82 0000 <'a'> <>]", "20 02 00 04"},
        {false, "alice:" SECRET, "10 [<'MQTT'> 04 C2 0000 <'a'> <> <'secret'>]", "20 02 00 04"},
        {true, NULL, ALICE("anything"), "20 02 00 00"},
        {false, NULL, ALICE("secret"), "20 02 00 04"},
        /* 5.0: the Reason Code is the fourth byte of CONNACK; a password needs no user name */
        {false, "alice:" SECRET, "10 [<'MQTT'> 05 02 0000 [] <'a'>]", "87"},
        {false, "alice:" SECRET, "10 [<'MQTT'> 05 C2 0000 [] <'a'> <'alice'> <'x'>]", "86"},
        {false, "alice:" SECRET, "10 [<'MQTT'> 05 C2 0000 [] <'a'> <'alice'> <'secret'>]", "00"},
        {false, "alice:" SECRET, "10 [<'MQTT'> 05 42 0000 [] <'a'> <'secret'>]", "86"},
        {true, "alice:" SECRET, "10 [<'MQTT'> 05 42 0000 [] <'a'> <'secret'>]", "86"},
        {true, NULL, "10 [<'MQTT'> 05 42 0000 [] <'a'> <'secret'>]", "00"},
        {true, NULL, "10 [<'MQTT'> 05 02 0000 [15 <'SCRAM'>] <'a'>]", "8C"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        struct bytes runs[1];
        begin(&scene, 1, 10);
        rule(&scene, rows[i].allow_anonymous, rows[i].users);
        arrive(&scene, 0, rows[i].connect);
        settle(&scene);
        if (strlen(rows[i].connack) > 2) {
            expect(&scene, 0, rows[i].connack);
        } else {
            ck_assert_uint_eq(connection_output(scene.guests[0].connection, runs, 1), 1);
            ck_assert_msg(runs[0].data[3] == strtoul(rows[i].connack, NULL, 16), "%d: 0x%02X", i,
                          runs[0].data[3]);
        }
        finish(&scene);
    }
}
END_TEST

START_TEST(nobody_without_rules)
{
    struct scene scene;
    begin(&scene, 1, 10);
    arrive(&scene, 0, ANONYMOUS);
    expect(&scene, 0, "20 02 00 05");
    finish(&scene);
}
END_TEST

/* The hash is not computed where it would hold up others: nobody is answered before the loop runs. */
START_TEST(checks_are_made_elsewhere)
{
    struct scene scene;
    begin(&scene, 2, 10);
    rule(&scene, true, "alice:" SECRET);
    for (int i = 0; i < 4; i++) {
        arrive(&scene, i, i % 2 ? ALICE("wrong") : ALICE("secret"));
        expect(&scene, i, "");
    }
    ck_assert_uint_eq(scene.authenticator.running, 2);
    ck_assert_uint_eq(scene.authenticator.checks.count, 4);
    for (int i = 0; i < 4; i++) { /* or else the host would look for their input again and again */
        ck_assert_ptr_eq(broker_next_ready(scene.broker), scene.guests[i].connection);
        ck_assert(!connection_wants_input(scene.guests[i].connection));
    }
    arrive(&scene, 4, "10 [<'MQTT'> 04 02 0000 <'b'>] C0 00"); /* one that needs no check goes on meanwhile */
    expect(&scene, 4, "20 02 00 00 D0 00");
    settle(&scene);
    expect(&scene, 1, "20 02 00 04");
    expect(&scene, 2, "20 02 00 00"); /* the same Client Identifier: the later one stays */
    expect(&scene, 3, "20 02 00 04");
    finish(&scene);
}
END_TEST

START_TEST(too_many_at_a_time)
{
    struct scene scene;
    begin(&scene, 1, 2);
    rule(&scene, true, "alice:" SECRET);
    arrive(&scene, 0, "10 [<'MQTT'> 04 C2 0000 <'a'> <'alice'> <'secret'>]");
    arrive(&scene, 1, "10 [<'MQTT'> 04 C2 0000 <'b'> <'alice'> <'secret'>]");
    arrive(&scene, 2, "10 [<'MQTT'> 04 C2 0000 <'c'> <'alice'> <'secret'>]");
    expect(&scene, 2, "20 02 00 03");
    struct bytes runs[1];
    arrive(&scene, 3, "10 [<'MQTT'> 05 C2 0000 [] <'c'> <'alice'> <'secret'>]");
    ck_assert_uint_eq(connection_output(scene.guests[3].connection, runs, 1), 1);
    ck_assert_uint_eq(runs[0].data[3], REASON_SERVER_BUSY);
    ck_assert_uint_eq(scene.statistics.logins_busy, 2);
    settle(&scene);
    expect(&scene, 0, "20 02 00 00");
    expect(&scene, 1, "20 02 00 00");
    arrive(&scene, 4, "10 [<'MQTT'> 04 C2 0000 <'d'> <'alice'> <'secret'>]");
    settle(&scene);
    expect(&scene, 4, "20 02 00 00");
    ck_assert_uint_eq(scene.statistics.logins_busy, 2);
    finish(&scene);
}
END_TEST

/* Of passwords of the greatest length fewer can wait. */
START_TEST(memory_for_waiting_is_bounded)
{
    struct scene scene;
    size_t waiting = 0;
    begin(&scene, 1, 100000);
    rule(&scene, true, "alice:" SECRET);
    while (scene.authenticator.waiting_bytes < AUTHENTICATOR_WAITING_BYTES) {
        static const uint8_t password[65535];
        static struct guest hosts[1000];
        ck_assert_uint_lt(waiting, 1000);
        const struct authentication_request request = {.host = &hosts[waiting++],
                                                       .has_user_name = true,
                                                       .user_name = bytes_of_text("bob"),
                                                       .has_password = true,
                                                       .password = bytes_of(password, sizeof password)};
        ck_assert_int_eq(authenticator_answer(&scene.authenticator, &request).outcome,
                         AUTHENTICATION_PENDING);
        if (scene.authenticator.waiting_bytes < AUTHENTICATOR_WAITING_BYTES)
            continue;
        ck_assert_int_eq(authenticator_answer(&scene.authenticator, &request).outcome,
                         AUTHENTICATION_REFUSED);
        for (size_t i = 0; i < waiting; i++)
            authenticator_forget(&scene.authenticator, &hosts[i]);
        break;
    }
    ck_assert_uint_gt(waiting, 100);
    finish(&scene);
}
END_TEST

/* A 3.1.1 client that tries a password of alice's; what it is told. */
static unsigned guess(struct scene *scene, int number, const char *connect)
{
    struct bytes runs[1];
    arrive(scene, number, connect);
    settle(scene);
    ck_assert_uint_eq(connection_output(scene->guests[number].connection, runs, 1), 1);
    const unsigned code = runs[0].data[3];
    leave(scene, number);
    return code;
}

#define GUESS "10 [<'MQTT'> 04 C2 0000 <'g'> <'alice'> <'guess'>]"
#define KNOW "10 [<'MQTT'> 04 C2 0000 <'g'> <'alice'> <'secret'>]"
enum { BAD_PASSWORD = 4, UNAVAILABLE = 3 };

static void begin_limited(struct scene *scene, uint32_t failures)
{
    begin(scene, 1, 100);
    const struct authenticator_rules rules = {
        .allow_anonymous = true, .passwords = passwords("alice:" SECRET), .failures = failures};
    authenticator_configure(&scene->authenticator, &rules);
    for (uint8_t i = 1; i < GUESTS; i++)
        scene->guests[i].address = i; /* number 0 has none */
}

START_TEST(guessing_has_its_limit)
{
    struct scene scene;
    begin_limited(&scene, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(guess(&scene, 1, GUESS), BAD_PASSWORD);
    ck_assert_uint_eq(guess(&scene, 1, GUESS), UNAVAILABLE);
    ck_assert_uint_eq(guess(&scene, 1, KNOW), UNAVAILABLE); /* or else guessing would go on */
    ck_assert_uint_eq(scene.statistics.logins_throttled, 2);
    ck_assert_uint_eq(guess(&scene, 1, "10 [<'MQTT'> 04 C2 0000 <'g'> <'bob'> <'guess'>]"), BAD_PASSWORD);
    ck_assert_uint_eq(guess(&scene, 1, "10 [<'MQTT'> 04 02 0000 <'g'>]"), 0); /* without a password */
    ck_assert_uint_eq(guess(&scene, 2, KNOW), 0);                             /* from elsewhere */
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(guess(&scene, 0, GUESS), BAD_PASSWORD);
    ck_assert_uint_eq(broker_statistics(scene.broker).logins_refused, 16);
    finish(&scene);
}
END_TEST

/* Many at once are no way round it: those whose turn comes after too many wrong ones are not looked at. */
START_TEST(guesses_that_wait_have_their_limit)
{
    struct scene scene;
    begin_limited(&scene, 3);
    for (int i = 1; i < 7; i++) {
        scene.guests[i].address = 1;
        arrive(&scene, i, GUESS);
    }
    settle(&scene);
    for (int i = 1; i < 7; i++)
        expect(&scene, i, i <= 3 ? "20 02 00 04" : "20 02 00 03");
    finish(&scene);
}
END_TEST

/* Many who know the password may come at once. */
START_TEST(knowing_has_no_limit)
{
    struct scene scene;
    begin_limited(&scene, 2);
    ck_assert_uint_eq(guess(&scene, 1, GUESS), BAD_PASSWORD);
    for (int i = 1; i < 7; i++) {
        scene.guests[i].address = 1;
        arrive(&scene, i, KNOW);
    }
    settle(&scene);
    expect(&scene, 6, "20 02 00 00"); /* all of them, though the same Client Identifier leaves one */
    for (int i = 1; i < 7; i++)
        leave(&scene, i);
    ck_assert_uint_eq(guess(&scene, 1, GUESS), BAD_PASSWORD);
    ck_assert_uint_eq(guess(&scene, 1, GUESS), BAD_PASSWORD);
    ck_assert_uint_eq(guess(&scene, 1, KNOW), UNAVAILABLE);
    finish(&scene);
}
END_TEST

START_TEST(who_leaves_is_forgotten)
{
    struct scene scene;
    begin(&scene, 1, 10);
    rule(&scene, true, "alice:" SECRET);
    arrive(&scene, 0, "10 [<'MQTT'> 04 C2 0000 <'a'> <'alice'> <'secret'>]"); /* under way */
    arrive(&scene, 1, "10 [<'MQTT'> 04 C2 0000 <'b'> <'alice'> <'secret'>]"); /* waits */
    arrive(&scene, 2, "10 [<'MQTT'> 04 C2 0000 <'c'> <'alice'> <'secret'>]");
    leave(&scene, 0);
    leave(&scene, 1);
    ck_assert_uint_eq(scene.authenticator.checks.count, 1);
    arrive(&scene, 0, "10 [<'MQTT'> 04 C2 0000 <'d'> <'alice'> <'wrong'>]"); /* with the same handle */
    settle(&scene);
    expect(&scene, 0, "20 02 00 04");
    expect(&scene, 2, "20 02 00 00");
    ck_assert_uint_eq(broker_statistics(scene.broker).clients, 1);
    leave(&scene, 0);
    arrive(&scene, 0, ALICE("secret"));
    finish(&scene); /* in the middle of a check */
}
END_TEST

/* What holds when the check is done decides, not what held when it began. */
START_TEST(rules_change_meanwhile)
{
    static const struct {
        bool allow_anonymous;
        const char *users, *connack;
    } rows[] = {{false, "bob:" SECRET, "20 02 00 04"},
                {false, "alice:" SECRET, "20 02 00 00"},
                {true, NULL, "20 02 00 00"},
                {false, NULL, "20 02 00 04"},
                {false, "", "20 02 00 04"}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        begin(&scene, 1, 10);
        rule(&scene, false, "alice:" SECRET);
        arrive(&scene, 0, "10 [<'MQTT'> 04 C2 0000 <'a'> <'alice'> <'secret'>]"); /* under way */
        arrive(&scene, 1, "10 [<'MQTT'> 04 C2 0000 <'b'> <'alice'> <'secret'>]"); /* waits */
        rule(&scene, rows[i].allow_anonymous, rows[i].users);
        settle(&scene);
        expect(&scene, 0, rows[i].connack);
        expect(&scene, 1, rows[i].connack);
        finish(&scene);
    }
}
END_TEST

START_TEST(certificates_decide_alone)
{
    struct scene scene;
    begin(&scene, 1, 10);
    rule(&scene, true, "alice:" SECRET);
    scene.guests[0].certified = "carol";
    scene.guests[1].certified = "";
    scene.guests[2].certified = "carol";
    arrive(&scene, 0, "10 [<'MQTT'> 04 C0 0000 <'s'> <'alice'> <'wrong'>]");
    expect(&scene, 0, "20 02 00 00");
    arrive(&scene, 1, ANONYMOUS);
    expect(&scene, 1, "20 02 00 05");
    arrive(&scene, 3, "10 [<'MQTT'> 04 C0 0000 <'s'> <'alice'> <'secret'>]");
    settle(&scene);
    expect(&scene, 3, "20 02 00 05"); /* the Session is carol's */
    arrive(&scene, 2, "10 [<'MQTT'> 04 00 0000 <'s'>]");
    expect(&scene, 2, "20 02 01 00");
    finish(&scene);
}
END_TEST

/* A mechanism: "NAME" continues with "who?", the answer "me" is the right one; "NAME!" is right at once. */

struct sample_exchange {
    struct exchange exchange;
    char name[20];
};

static int living_exchanges, living_mechanisms;

static struct exchange *sample_begin(struct mechanism *mechanism, const struct mechanism_request *request,
                                     struct mechanism_answer *answer)
{
    struct sample_exchange *exchange = calloc(1, sizeof *exchange);
    ck_assert_ptr_nonnull(exchange);
    ck_assert(request->data.length < sizeof exchange->name);
    exchange_join(&exchange->exchange, mechanism);
    living_exchanges++;
    if (request->has_data && request->data.length > 0)
        memcpy(exchange->name, request->data.data, request->data.length);
    const size_t length = strlen(exchange->name);
    if (length > 0 && exchange->name[length - 1] == '!')
        *answer = (struct mechanism_answer){.outcome = MECHANISM_ACCEPTS,
                                            .user_name = bytes_of(exchange->name, length - 1)};
    else if (length > 0)
        *answer = (struct mechanism_answer){
            .outcome = MECHANISM_CONTINUES, .has_data = true, .data = bytes_of_text("who?")};
    return &exchange->exchange;
}

static void sample_proceed(struct exchange *exchange, bool has_data, struct bytes data,
                           struct mechanism_answer *answer)
{
    struct sample_exchange *sample = (struct sample_exchange *)exchange;
    if (has_data && bytes_equal(data, bytes_of_text("me")))
        *answer = (struct mechanism_answer){.outcome = MECHANISM_ACCEPTS,
                                            .has_data = true,
                                            .data = bytes_of_text("you"),
                                            .user_name = bytes_of_text(sample->name)};
}

static void sample_end(struct exchange *exchange)
{
    living_exchanges--;
    free(exchange);
}

static void sample_destroy(struct mechanism *mechanism)
{
    living_mechanisms--;
    free(mechanism);
}

static const struct mechanism_class sample_class = {
    .begin = sample_begin, .proceed = sample_proceed, .end = sample_end, .destroy = sample_destroy};

static void rule_by_mechanism(struct scene *scene)
{
    struct mechanism *mechanism = calloc(1, sizeof *mechanism);
    ck_assert_ptr_nonnull(mechanism);
    *mechanism = (struct mechanism){.class = &sample_class, .method = "SAMPLE", .references = 1};
    living_mechanisms++;
    const struct authenticator_rules rules = {.mechanisms = {mechanism}};
    authenticator_configure(&scene->authenticator, &rules);
}

#define CONNECT_5(id, data) "10 [<'MQTT'> 05 02 0000 [15 <'SAMPLE'> 16 <'" data "'>] <'" id "'>]"
#define AUTH(code, data) "F0 [" code " [15 <'SAMPLE'> 16 <'" data "'>]]"

START_TEST(mechanisms_have_their_say)
{
    struct scene scene;
    begin(&scene, 1, 10);
    rule_by_mechanism(&scene);
    arrive(&scene, 0, CONNECT_5("a", "x"));
    expect(&scene, 0, AUTH("18", "who?"));
    send_to(&scene, 0, AUTH("18", "me"));
    struct bytes runs[1];
    ck_assert_uint_eq(connection_output(scene.guests[0].connection, runs, 1), 1);
    ck_assert_uint_eq(runs[0].data[0], 0x20);
    ck_assert_uint_eq(runs[0].data[3], 0);
    connection_sent(scene.broker, scene.guests[0].connection, runs[0].length);
    send_to(&scene, 0, AUTH("19", "y!")); /* somebody else */
    ck_assert(connection_closing(scene.guests[0].connection));
    arrive(&scene, 1, CONNECT_5("b", "b!"));
    connection_output(scene.guests[1].connection, runs, 1);
    ck_assert_uint_eq(runs[0].data[3], 0);
    connection_sent(scene.broker, scene.guests[1].connection, runs[0].length);
    send_to(&scene, 1, AUTH("19", "b"));
    expect(&scene, 1, AUTH("18", "who?"));
    send_to(&scene, 1, AUTH("18", "me"));
    expect(&scene, 1, AUTH("00", "you"));
    arrive(&scene, 2, CONNECT_5("c", "c"));
    expect(&scene, 2, AUTH("18", "who?"));
    send_to(&scene, 2, AUTH("18", "no"));
    connection_output(scene.guests[2].connection, runs, 1);
    ck_assert_uint_eq(runs[0].data[3], REASON_BAD_USER_NAME_OR_PASSWORD);
    finish(&scene);
    ck_assert_int_eq(living_exchanges, 0);
    ck_assert_int_eq(living_mechanisms, 0);
}
END_TEST

START_TEST(exchanges_end_in_the_middle)
{
    struct scene scene;
    begin(&scene, 1, 10);
    rule_by_mechanism(&scene);
    arrive(&scene, 0, CONNECT_5("a", "a"));
    arrive(&scene, 1, CONNECT_5("b", "b"));
    ck_assert_int_eq(living_exchanges, 2);
    rule_by_mechanism(&scene); /* a new one: what is going on goes on with the old one */
    ck_assert_int_eq(living_mechanisms, 2);
    leave(&scene, 0);
    expect(&scene, 1, AUTH("18", "who?"));
    send_to(&scene, 1, AUTH("18", "me"));
    ck_assert_uint_eq(broker_statistics(scene.broker).clients, 1);
    arrive(&scene, 2, CONNECT_5("c", "c"));
    ck_assert_int_eq(living_exchanges, 1);
    ck_assert_int_eq(living_mechanisms, 1);
    finish(&scene);
    ck_assert_int_eq(living_exchanges, 0);
    ck_assert_int_eq(living_mechanisms, 0);
}
END_TEST

Suite *suite_host_authenticator(void);
Suite *suite_host_authenticator(void)
{
    Suite *suite = suite_create("host/authenticator");
    TCase *answers = tcase_create("answers");
    TCase *course = tcase_create("course");
    tcase_add_test(answers, who_gets_in);
    tcase_add_test(answers, nobody_without_rules);
    tcase_add_test(answers, certificates_decide_alone);
    tcase_add_test(answers, mechanisms_have_their_say);
    tcase_add_test(course, checks_are_made_elsewhere);
    tcase_add_test(course, too_many_at_a_time);
    tcase_add_test(course, memory_for_waiting_is_bounded);
    tcase_add_test(course, who_leaves_is_forgotten);
    tcase_add_test(course, guessing_has_its_limit);
    tcase_add_test(course, guesses_that_wait_have_their_limit);
    tcase_add_test(course, knowing_has_no_limit);
    tcase_add_test(course, rules_change_meanwhile);
    tcase_add_test(course, exchanges_end_in_the_middle);
    suite_add_tcase(suite, answers);
    suite_add_tcase(suite, course);
    return suite;
}
