/* scenario: see the header. Any client may be gone at any time, so nothing is expected here; only
 * scenario_prove expects. */
#include "scenario.h"

static struct client *bystander;

/* Answers every QoS 1 and 2 packet in the inbox, until nothing comes any more. */
static void answer(struct client *client, enum protocol_version version)
{
    while (client->connection && client->inbox_length > 0) {
        struct packet packet;
        struct verdict verdict;
        size_t size;
        const struct bytes inbox = bytes_of(client->inbox, client->inbox_length);
        if (packet_frame(inbox, version, 0, &size, &verdict) != FRAMING_COMPLETE)
            harness_fail("the broker sent half a packet");
        verdict = packet_decode(&packet, version, SENDER_SERVER, bytes_of(client->inbox, size), NULL);
        if (verdict.refused)
            harness_fail("the broker sent what is wrong: %s", verdict.what);
        const enum packet_type type = packet.type;
        const unsigned qos = type == PACKET_PUBLISH ? packet.publish.qos : 0;
        const unsigned identifier = type == PACKET_PUBLISH ? packet.publish.packet_identifier
                                                           : packet.acknowledgement.packet_identifier;
        memmove(client->inbox, client->inbox + size, client->inbox_length - size);
        client->inbox_length -= size;
        char notation[NOTATION_SIZE] = "";
        if (qos > 0)
            octets_print(notation, "%s 02 %04X", qos == 1 ? "40" : "50", identifier);
        else if (type == PACKET_PUBREC || type == PACKET_PUBREL)
            octets_print(notation, "%s 02 %04X", type == PACKET_PUBREC ? "62" : "70", identifier);
        client_send(client, notation);
    }
    client->inbox_length = 0;
}

/* Storing, when the broker has a store: a batch is collected, and stored only with the next call, so that
 * changes come in between. */
static void store(struct harness *harness)
{
    if (!harness->stored)
        return;
    if (stored_on_way(harness))
        stored_done(harness);
    else
        stored_collect(harness);
}

/* Until nothing is left to be stored. A batch for which there was no memory is tried again. */
static void store_all(struct harness *harness)
{
    if (!harness->stored)
        return;
    for (int tries = 0; stored_on_way(harness) || broker_wants_collect(harness->broker); tries++) {
        if (tries > 10)
            harness_fail("the batches have no end");
        store(harness);
    }
}

/* NULL when the broker had no memory for it. */
static struct client *start(struct harness *harness, const char *connect)
{
    struct client *client = client_open(harness);
    if (client)
        client_send(client, connect);
    return client;
}

static void say(struct client *client, const char *notation)
{
    if (!client)
        return;
    client_send(client, notation);
    store(client->harness);
}

static void hear(struct client *client, enum protocol_version version)
{
    if (!client)
        return;
    do {
        store_all(client->harness);
        answer(client, version);
        store_all(client->harness);
    } while (client->connection && client->inbox_length > 0);
}

static void go(struct client *client)
{
    if (client)
        client_drop(client);
}

static void many_subscriptions(struct client *client)
{
    char notation[NOTATION_SIZE];
    for (unsigned i = 0; i < 70;
         i++) { /* more than the scratch space of routing begins with, all of one client */
        char filter[16];
        for (unsigned level = 0; level < 7; level++) {
            filter[2 * level] = i >> level & 1 ? '+' : 'a';
            filter[2 * level + 1] = '/';
        }
        filter[13] = '\0';
        octets_print(notation, "82 [0001 [0B %02X] <'%s'> 01]", 1 + i, filter);
        say(client, notation);
    }
}

static void act_one(struct harness *harness) /* sessions, wills, retained messages, sharing */
{
    struct client *three = start(harness, "10 [<'MQIsdp'> 03 06 0000 <'three'> <'w/3'> <'bye'>]");
    struct client *four = start(harness, "10 [<'MQTT'> 04 2C 003C <'four'> <'w/4'> <'bye'>]");
    struct client *five = start(harness, "10 [<'MQTT'> 05 06 003C [11 00000064 22 0008 21 0014] <'five'>"
                                         " [18 00000005 02 0000000A 26 <'n'> <'v'>] <'w/5'> <'bye'>]");
    struct client *nobody = start(harness, "10 [<'MQTT'> 05 02 0000 [] <>]");
    say(three, "82 [0001 <'#'> 02]");
    say(four, "82 [0001 <'t/+'> 01 <'w/#'> 02]");
    say(five, "82 [0001 [0B 05] <'t/#'> 02 <'$share/g/t/topic'> 01] 82 [0002 [] <'w/+'> 2A]");
    say(nobody, "82 [0001 [] <'$share/g/t/topic'> 01 <'big/#'> 00]");
    say(three, "31 [<'t/retained'> 'x'] 33 [<'t/r2'> 0001 'y']");
    say(five, "35 [<'t/r3'> 0001 [02 0000000A 26 <'n'> <'v'> 23 0001] 'z'] 30 [<> [23 0001] 'z'] 31 "
              "[<'t/r4'> [02 00000001] 'z']");
    for (int i = 0; i < 3; i++)
        say(four, "30 [<'t/topic'> '0'] 32 [<'t/topic'> 0001 '1'] 34 [<'t/topic'> 0002 '2'] 34 [<'t/other'> "
                  "0003 '2']");
    hear(three, PROTOCOL_3_1);
    hear(four, PROTOCOL_3_1_1);
    hear(five, PROTOCOL_5_0);
    hear(nobody, PROTOCOL_5_0);
    say(five, "30 [<'big/one'> [] 61*5000] 32 [<'t/big'> 0005 [] 62*70000]");
    say(three, "30 FF 4E 00 01 't' 61*100"); /* the rest comes, in pieces */
    say(three, "61*4000");
    say(three, "61*5880");
    hear(three, PROTOCOL_3_1);
    hear(four, PROTOCOL_3_1_1);
    hear(five, PROTOCOL_5_0);
    go(three);
    go(four);
    go(five);
    harness_advance(harness, 6000); /* the Will Delay, and what expires */
    go(nobody);
}

static void act_two(struct harness *harness) /* queues, windows, coming back, taking over */
{
    struct client *away = start(harness, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF 21 0003] <'away'>]");
    say(away, "82 [0001 [0B 01] <'q'> 02]");
    many_subscriptions(away);
    hear(away, PROTOCOL_5_0);
    struct client *from = start(harness, "10 [<'MQTT'> 04 02 0000 <'from'>]");
    for (int i = 0; i < 8; i++)
        say(from, "32 [<'q'> 0001 'x'] 34 [<'q'> 0002 'x'] 62 02 0002");
    say(from, "32 [<'a/a/a/a/a/a/a'> 0001 'x'] 32 [<'a/a/a/a/a/a/a'> 0001 61*5000]");
    go(away);
    say(from, "32 [<'q'> 0001 'x'] 34 [<'q'> 0002 'x'] 30 [<'q'> 'x']");
    away = start(harness, "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF 21 0002 22 0002] <'away'>]");
    hear(away, PROTOCOL_5_0);
    struct client *over = start(harness, "10 [<'MQTT'> 04 00 0000 <'away'>]");
    hear(over, PROTOCOL_3_1_1);
    if (over)
        over->stalled = true;
    for (int i = 0; i < 5; i++)
        say(from, "30 [<'q'> 61*4000] 32 [<'q'> 0001 61*4500]");
    if (over)
        client_read(over);
    hear(over, PROTOCOL_3_1_1);
    say(over, "A2 [0001 <'q'> <'a/a/a/a/a/a/a'>]");
    for (unsigned i = 1; i <= 40; i++) {
        char notation[NOTATION_SIZE];
        octets_print(notation, "34 [<'q'> %04X 'x']", i);
        say(from, notation);
    }
    say(from, "31 [<'q'> 'x'] 31 [<'q'>]");
    harness_publish(harness, "$SYS/broker/uptime", "1");
    say(from, "36 [<'t'> 0001 'x']");
    say(over, "E0 00");
    start(harness, "10 [<'MQTT'> 05 02 0000 [15 <'X'>] <'refused'>]");
    harness_advance(harness, 100000);
}

static void enter_bystander(struct harness *harness)
{
    bystander = client_open(harness);
    if (bystander)
        client_send(bystander, "10 [<'MQTT'> 04 02 0000 <'bystander'>]");
}

/* What a client was promised, and has to find after a crash. */

enum { MESSAGES = 8 };

struct promises {
    bool subscribed;
    bool messages[MESSAGES + 1];
    bool retained;
};

static bool heard(const struct client *client, const char *notation)
{
    const struct bytes bytes = octets(notation);
    const bool found = client && client->inbox_length > 0 &&
                       memmem(client->inbox, client->inbox_length, bytes.data, bytes.length) != NULL;
    octets_free(bytes);
    return found;
}

#define KEEPER "10 [<'MQTT'> 05 00 0000 [11 FFFFFFFF] <'keeper'>]"

static struct promises promise(struct harness *harness)
{
    struct promises promises = {.subscribed = false};
    char notation[NOTATION_SIZE];
    struct client *keeper = start(harness, KEEPER);
    say(keeper, "82 [0001 [] <'keep'> 02 <'$share/g/keep'> 01]");
    store_all(harness);
    promises.subscribed = heard(keeper, "90 [0001 [] 02 01]");
    go(keeper);
    struct client *speaker = start(harness, "10 [<'MQTT'> 05 06 0000 [11 FFFFFFFF] <'speaker'>"
                                            " [18 00000005] <'keep/will'> <'bye'>]");
    for (unsigned i = 1; i <= MESSAGES; i++) {
        octets_print(notation, "3%X [<'keep'> %04X [] %02X]", i % 2 ? 2 : 4, i, 0xC0 + i);
        say(speaker, notation);
    }
    say(speaker, "33 [<'keep/r'> 0009 [] 'r'] 62 02 0002 E0 [04]");
    store_all(harness);
    for (unsigned i = 1; i <= MESSAGES; i++) {
        octets_print(notation, "%s 02 %04X", i % 2 ? "40" : "50", i);
        promises.messages[i] = heard(speaker, notation);
    }
    promises.retained = heard(speaker, "40 [0009 10]");
    say(start(harness, "10 [<'MQTT'> 04 06 0000 <'fleeting'> <'keep/will'> <'bye'>]"), "C0 00");
    store(harness); /* may be on its way, or not even that */
    return promises;
}

/* Memory was short once: the next try must succeed. */
static void crash(struct harness *harness)
{
    stored_die(harness, true);
    stored_wall(harness, 1000);
    const char *wrong = stored_load(harness);
    if (wrong && strcmp(wrong, "no broker") != 0 &&
        strcmp(wrong, "there is not enough memory to load it") != 0)
        harness_fail("restoring: %s", wrong);
    if (wrong)
        wrong = stored_load(harness);
    if (wrong)
        harness_fail("restoring again: %s", wrong);
}

static bool all_there(const struct promises *promises, const struct client *keeper)
{
    char notation[NOTATION_SIZE];
    /* Session Present, success */
    bool complete = keeper && keeper->inbox_length > 4 && keeper->inbox[2] == 1 && keeper->inbox[3] == 0;
    for (unsigned i = 1; i <= MESSAGES; i++) {
        octets_print(notation, "[] %02X", 0xC0 + i);
        complete = complete && (!promises->messages[i] || heard(keeper, notation));
    }
    return complete;
}

static void claim(struct harness *harness, const struct promises *promises)
{
    bool complete = !promises->subscribed;
    for (int tries = 0; tries < 2 && !complete; tries++) {
        struct client *keeper = start(harness, KEEPER);
        store_all(harness);
        complete = all_there(promises, keeper);
        go(keeper);
    }
    if (!complete)
        harness_fail("a promise was broken: the message, or the session, is not there");
    for (int tries = 0; tries < 2 && promises->retained; tries++) {
        struct client *reader = start(harness, "10 [<'MQTT'> 04 02 0000 <'reader'>]");
        say(reader, "82 [0001 <'keep/r'> 00]");
        store_all(harness);
        if (heard(reader, "31 [<'keep/r'> 'r']"))
            return;
        go(reader);
    }
    if (promises->retained)
        harness_fail("a promise was broken: the retained message is not there");
}

/* The store fails for a while. */
static void act_of_trouble(struct harness *harness)
{
    struct client *five = start(harness, "10 [<'MQTT'> 05 04 0000 [11 0000003C] <'five'> [] <'w'> <'bye'>]");
    struct client *from = start(harness, "10 [<'MQTT'> 04 02 0000 <'from'>]");
    store_all(harness);
    if (five)
        client_send(five, "82 [0001 [] <'t'> 02]");
    for (int tries = 0; tries < 3 && !stored_on_way(harness); tries++)
        stored_collect(harness);
    struct client *late = start(harness, "10 [<'MQTT'> 05 00 0000 [11 0000003C] <'late'>]");
    if (!stored_on_way(harness))
        return; /* no memory for `five` */
    stored_trouble(harness);
    if (from)
        client_send(from, "30 [<'t'> '0'] 31 [<'t'> '1'] 82 [0001 <'t'> 01] 32 [<'t'> 0001 '2']");
    struct client *refused = start(harness, "10 [<'MQTT'> 05 00 0000 [11 0000003C] <'late'>]");
    stored_done(harness);
    hear(five, PROTOCOL_5_0);
    hear(late, PROTOCOL_5_0);
    hear(refused, PROTOCOL_5_0);
    hear(from, PROTOCOL_3_1_1);
}

static unsigned count(const struct promises *promises)
{
    unsigned made = (unsigned)promises->subscribed + promises->retained;
    for (unsigned i = 1; i <= MESSAGES; i++)
        made += promises->messages[i];
    return made;
}

/* 4.12: everybody is the same user, who may have to say more. */
static struct authentication_answer authenticate(void *context, const struct authentication_request *request)
{
    struct authentication_answer answer = {.outcome = AUTHENTICATION_ACCEPTED,
                                           .has_user_name = true,
                                           .user_name = bytes_of_text("u"),
                                           .data = bytes_of_text("data")};
    (void)context;
    if (request->method.length > 0 && request->phase != AUTHENTICATE_CONTINUE)
        answer.outcome = AUTHENTICATION_CONTINUES;
    if (request->has_data)
        answer.outcome = AUTHENTICATION_PENDING;
    answer.has_data = request->method.length > 0;
    return answer;
}

const struct harness_judge scenario_judge = {.authenticate = authenticate};

/* What the host was asked is answered now. */
static void decide(struct client *client, enum authentication_outcome outcome)
{
    const struct authentication_answer answer = {.outcome = outcome,
                                                 .has_user_name = true,
                                                 .user_name = bytes_of_text("u"),
                                                 .has_data = true,
                                                 .data = bytes_of_text("data")};
    if (client && client->connection)
        harness_step(
            client->harness,
            (struct step){.kind = STEP_AUTHENTICATED, .connection = client->connection, .answer = &answer});
}

static void act_of_authentication(struct harness *harness)
{
    struct client *asked = start(harness, "10 [<'MQTT'> 05 02 0000 [15 <'m'>] <'asked'>]");
    struct client *waits =
        start(harness, "10 [<'MQTT'> 05 06 0000 [11 0000003C 15 <'m'> 16 <'d'>] <'waits'> [] "
                       "<'w/6'> <'bye'>] C0");
    say(asked, "F0 [18 [15 <'m'>]]");
    hear(asked, PROTOCOL_5_0);
    say(waits,
        "00 82 [0001 [] <'t/#'> 01] 32 [<'t/topic'> 0001 [] 'x']"); /* kept until the host has decided */
    decide(waits, AUTHENTICATION_ACCEPTED);
    hear(waits, PROTOCOL_5_0);
    say(asked, "F0 [19 [15 <'m'>]] 30 [<'t/topic'> [] 'y'] F0 [18 [15 <'m'> 16 <'d'>]]");
    decide(asked, AUTHENTICATION_ACCEPTED);
    hear(asked, PROTOCOL_5_0);
    hear(waits, PROTOCOL_5_0);
    go(waits);
    struct client *gone = start(harness, "10 [<'MQTT'> 05 02 0000 [15 <'m'>] <'gone'>]");
    go(gone);
    store_all(harness);
}

unsigned scenario_play_stored(struct harness *harness)
{
    enter_bystander(harness);
    act_one(harness);
    act_two(harness);
    act_of_authentication(harness);
    const struct promises promises = promise(harness);
    crash(harness);
    claim(harness, &promises);
    act_of_trouble(harness);
    crash(harness);
    claim(harness, &promises);
    enter_bystander(harness);
    store_all(harness);
    return count(&promises);
}

void scenario_play(struct harness *harness)
{
    enter_bystander(harness);
    act_one(harness);
    act_two(harness);
    if (bystander && !bystander->connection && !bystander->closed_by_broker)
        harness_fail("the bystander was lost");
}

void scenario_prove(struct harness *harness)
{
    if (bystander && bystander->connection) {
        client_ignore(bystander);
        client_send(bystander, "C0 00");
        client_expect(bystander, "D0 00");
    }
    struct client *one = client_join(harness, PROTOCOL_3_1_1, "fresh-1");
    struct client *two = client_join(harness, PROTOCOL_5_0, "fresh-2");
    client_subscribe(two, "fresh", 2);
    client_send(one, "32 [<'fresh'> 0001 'x'] 34 [<'fresh'> 0002 'y'] 62 02 0002");
    client_expect(one, "40 02 0001 50 02 0002 70 02 0002");
    client_expect(two, "32 [<'fresh'> 0001 [] 'x'] 34 [<'fresh'> 0002 [] 'y']");
    client_send(two, "40 02 0001 50 02 0002 70 02 0002");
    client_expect(two, "62 02 0002");
}
