#include "test.h"

#include <stdlib.h>

#include "scram.h"
#include "verdicts.h"

#define WIDTH 8U         /* connections at a time */
#define SETUP_PATIENCE 6 /* so many times the usual: what is slow here says nothing about the rows */
#define LINGER 0.25      /* seconds until the next rows are tried while some are not yet refused */
#define ROW_TIME                                                                                             \
    0.2 /* seconds that a row may take on a slow path, in which connecting is not done side by side */
#define SHOWN_BYTES 48U /* of a row's packet in the report */
#define SHOWN_ROWS 24U  /* whose exchanges are shown */

struct table {
    struct test *test;
    struct table_options options;
    struct row *first;
    struct row *last;
    unsigned count;
    struct broker *broker;    /* of AUTHENTICATED */
    struct scram_key key;     /* likewise */
    struct client *publisher; /* of what is to be acknowledged */
    struct client *watcher;   /* of Will Messages */
    unsigned batches;
    unsigned refused;
    unsigned accepted;
    unsigned open_refused;
    unsigned open_accepted;
    unsigned unnamed; /* refused with another code than the one that the text names */
    unsigned violations;
    enum statement cited; /* of the first violation */
    const char *expected; /* likewise */
    const char *observed; /* of all */
};

struct table *table_make(struct test *t, const struct table_options *options)
{
    struct table *table = test_allocate(t, sizeof *table);
    *table = (struct table){.test = t, .options = *options, .observed = ""};
    return table;
}

void table_append(struct table *table, const struct row *row)
{
    struct row *copy = test_allocate(table->test, sizeof *copy);
    *copy = *row;
    copy->number = ++table->count;
    copy->next = NULL;
    if (table->last == NULL)
        table->first = copy;
    else
        table->last->next = copy;
    table->last = copy;
}

/* ---- Situations ---------------------------------------------------------------------------------- */

static enum outcome receive_type(struct client *client, enum packet_type type,
                                 const struct received **received)
{
    struct test *t = client->test;
    enum outcome outcome;
    double moment = now(t) + SETUP_PATIENCE * t->patience;
    do
        outcome = receive_until(client, moment, received);
    while (outcome == RECEIVED_PACKET && (*received)->packet.type != type);
    return outcome;
}

/* A step of the set-up. */
static const struct received *take_step(struct client *client, enum packet_type type)
{
    const struct received *received;
    enum outcome outcome = receive_type(client, type, &received);
    if (client->nonsense != NULL) {
        reveal(client);
        fail_statement(client->test, client->nonsense_of, client->nonsense_of,
                       "a well-formed packet that a server may send", "%s", client->nonsense);
    }
    if (outcome != RECEIVED_PACKET)
        error(client->test, "set-up: no %s to %s: %s", packet_type_name(type), client->name,
              describe_state(client, outcome));
    return received;
}

static void take_success(struct client *client)
{
    const struct received *connack = take_step(client, PACKET_CONNACK);
    if (connack->packet.connack.reason_code != 0)
        error(client->test, "set-up: %s was not let in: %s", client->name,
              describe_packet(client->test, &connack->packet));
}

/* Sends a step for every row of the batch. */
static void for_each(struct table *table, struct row *const *batch, size_t count,
                     void (*step)(struct table *, struct row *))
{
    for (size_t i = 0; i < count; i++)
        step(table, batch[i]);
}

static const char *row_name(const struct table *table, const struct row *row)
{
    return text(table->test, "row %u", row->number);
}

static const char *will_payload(const struct table *table, const struct row *row)
{
    return text(table->test, "will of row %u", row->number);
}

static const char *due_topic(const struct table *table)
{
    return topic(table->test, text(table->test, "due/%u", table->batches));
}

static void send_row(struct table *table, struct row *row);

/* A CONNECT goes out at once: a server may be impatient with connections on which none comes. */
static void open_row(struct table *table, struct row *row)
{
    row->client =
        open_connection(table->test, .name = row_name(table, row), .forgiving = true, .kept_back = true);
    send_row(table, row);
}

static void connect_row(struct table *table, struct row *row)
{
    row->client = send_connect(table->test, .name = row_name(table, row), .clean_start = true,
                               .forgiving = true, .kept_back = true);
}

static void connect_row_with_will(struct table *table, struct row *row)
{
    row->client = send_connect(
        table->test, .name = row_name(table, row), .clean_start = true, .forgiving = true, .kept_back = true,
        .will = {.topic = topic(table->test, "will"), .payload = will_payload(table, row)});
}

static void let_in(struct table *table, struct row *row)
{
    (void)table;
    take_success(row->client);
}

static int due_qos(const struct table *table)
{
    return table->options.situation == OWES_PUBACK ? 1 : 2;
}

static void subscribe_row(struct table *table, struct row *row)
{
    send_subscribe(row->client, due_topic(table), .qos = due_qos(table));
}

static void take_grant(struct table *table, struct row *row)
{
    struct bytes codes = take_step(row->client, PACKET_SUBACK)->packet.suback.reason_codes;
    if (codes.length != 1 || codes.data[0] != due_qos(table))
        skip(table->test, "the server does not grant QoS %d", due_qos(table));
}

/* Puts the Packet Identifier of the exchange into the row's packet. */
static void patch(struct table *table, struct row *row, uint16_t identifier)
{
    uint8_t *copy = test_allocate(table->test, row->bytes.length);
    memcpy(copy, row->bytes.data, row->bytes.length);
    if (row->bytes.length >= 4 && copy[2] == 0 && copy[3] == 0) {
        copy[2] = (uint8_t)(identifier >> 8);
        copy[3] = (uint8_t)identifier;
    }
    row->bytes.data = copy;
}

static void take_message(struct table *table, struct row *row)
{
    const struct publish *publish = &take_step(row->client, PACKET_PUBLISH)->packet.publish;
    patch(table, row, publish->packet_identifier);
    if (table->options.situation == OWES_PUBCOMP)
        send_acknowledgement(row->client, PACKET_PUBREC, publish->packet_identifier, 0);
}

static void take_pubrel(struct table *table, struct row *row)
{
    (void)table;
    take_step(row->client, PACKET_PUBREL);
}

static void publish_row(struct table *table, struct row *row)
{
    patch(table, row,
          send_publish(row->client, .topic = topic(table->test, "nobody"), .payload = "m", .qos = 2));
}

static void take_pubrec(struct table *table, struct row *row)
{
    const struct received *pubrec = take_step(row->client, PACKET_PUBREC);
    if (pubrec->packet.acknowledgement.reason_code >= 0x80)
        error(table->test, "set-up: the server refused a PUBLISH: %s",
              describe_packet(table->test, &pubrec->packet));
}

/* All rows of the batch receive the same message. */
static void make_messages_due(struct table *table, struct row *const *batch, size_t count)
{
    for_each(table, batch, count, subscribe_row);
    for_each(table, batch, count, take_grant);
    if (table->publisher == NULL)
        table->publisher =
            connect_client(table->test, .name = "publisher", .clean_start = true, .kept_back = true);
    publish(table->publisher, .topic = due_topic(table), .payload = "due", .qos = due_qos(table));
    for_each(table, batch, count, take_message);
    if (table->options.situation == OWES_PUBCOMP)
        for_each(table, batch, count, take_pubrel);
}

/* A client that proved its password. Returns when it is let in. */
static void authenticate_row(struct table *table, struct row *row)
{
    struct test *t = table->test;
    struct scram scram;
    scram_begin(&scram, "alice", "secret", text(t, "%srow%u", t->run, row->number));
    scram.key = &table->key;
    if (table->broker == NULL)
        table->broker = start_broker(t, "enhanced-auth");
    row->client = send_connect(t, .broker = table->broker, .name = row_name(table, row), .clean_start = true,
                               .anonymous = true, .forgiving = true, .kept_back = true,
                               .authentication_method = SCRAM_METHOD,
                               .authentication_data = bytes_of_text(scram.first));
    const struct received *challenge = take_step(row->client, PACKET_AUTH);
    const char *wrong = scram_answer(
        &scram, properties_bytes(&challenge->packet.auth.properties, ORDINAL_AUTHENTICATION_DATA));
    if (wrong != NULL)
        error(t, "the server's first message is not that of SCRAM: %s", wrong);
    struct packet answer = {.type = PACKET_AUTH, .auth = {.reason_code = REASON_CONTINUE_AUTHENTICATION}};
    properties_set_bytes(&answer.auth.properties, ORDINAL_AUTHENTICATION_METHOD, bytes_of_text(SCRAM_METHOD));
    properties_set_bytes(&answer.auth.properties, ORDINAL_AUTHENTICATION_DATA, bytes_of_text(scram.final));
    send_packet(row->client, &answer);
    take_success(row->client);
}

static void watch_wills(struct table *table)
{
    if (table->watcher != NULL)
        return;
    table->watcher = connect_client(table->test, .name = "watcher", .clean_start = true, .kept_back = true);
    subscribe(table->watcher, topic(table->test, "will"), .qos = 0);
}

static void set_up(struct table *table, struct row *const *batch, size_t count)
{
    enum situation situation = table->options.situation;
    table->batches++;
    if (situation == NOT_CONNECTED) {
        for_each(table, batch, count, open_row);
        return;
    }
    if (situation == AUTHENTICATED) {
        for_each(table, batch, count, authenticate_row);
        return;
    }
    if (situation == HAS_WILL)
        watch_wills(table);
    for_each(table, batch, count, situation == HAS_WILL ? connect_row_with_will : connect_row);
    for_each(table, batch, count, let_in);
    if (situation == OWES_PUBREL) {
        for_each(table, batch, count, publish_row);
        for_each(table, batch, count, take_pubrec);
    } else if (situation == OWES_PUBACK || situation == OWES_PUBREC || situation == OWES_PUBCOMP) {
        make_messages_due(table, batch, count);
    }
}

/* ---- What becomes of a row ------------------------------------------------------------------------ */

/* Whether a PINGREQ behind the packet tells that it was taken: not where the server has to close. */
static bool asks(const struct table *table, const struct row *row)
{
    enum situation situation = table->options.situation;
    return row->demand != ROW_REFUSED && situation != NOT_CONNECTED && situation != HAS_WILL;
}

static void send_row(struct table *table, struct row *row)
{
    send_bytes(row->client, row->bytes.data, row->bytes.length);
    row->sent_at = now(table->test);
    if (asks(table, row))
        send_pingreq(row->client);
}

static void remember(struct row *row, const struct received *received)
{
    enum packet_type type = received->packet.type;
    if (type == PACKET_PINGRESP)
        row->answered = true;
    if (type == PACKET_DISCONNECT || type == PACKET_CONNACK || type == PACKET_AUTH)
        row->last = received;
}

static bool was_let_in(const struct row *row)
{
    return row->last != NULL && row->last->packet.type == PACKET_CONNACK &&
           row->last->packet.connack.reason_code == 0;
}

/* Whether nothing more needs to come. */
static bool is_settled(const struct table *table, const struct row *row)
{
    if (row->client->closed || row->client->connection == NULL || row->client->nonsense != NULL)
        return row->client->inbox == NULL;
    if (table->options.situation == NOT_CONNECTED)
        return was_let_in(row);
    bool auth_due = table->options.situation == AUTHENTICATED && row->demand != ROW_OPEN;
    return asks(table, row) && row->answered && (!auth_due || row->last != NULL);
}

/* Reads until the row is settled or `moment` has come. */
static void follow(struct table *table, struct row *row, double moment)
{
    const struct received *received;
    while (!is_settled(table, row) && receive_until(row->client, moment, &received) == RECEIVED_PACKET)
        remember(row, received);
}

static void clear_session(const struct table *table, const struct row *row)
{
    struct client *client = row->client;
    if (row->session != NULL)
        leave_session(table->test, row->session);
    if (is_v5(table->test))
        disconnect(client, .session_expiry_interval = 0);
    else
        disconnect(client);
}

static void finish_row(const struct table *table, struct row *row)
{
    struct client *client = row->client;
    if (client->connection == NULL)
        return;
    if (!client->closed && table->options.situation == NOT_CONNECTED && was_let_in(row))
        clear_session(table, row);
    else if (!client->closed && row->answered)
        disconnect(client);
    else
        close_abruptly(client);
    free(client->input);
    client->input = NULL;
    client->input_capacity = 0;
    client->input_length = 0;
}

static int code_of(const struct row *row)
{
    if (row->last == NULL || row->last->packet.type == PACKET_AUTH)
        return ABSENT;
    return row->last->packet.type == PACKET_CONNACK ? row->last->packet.connack.reason_code
                                                    : row->last->packet.disconnect.reason_code;
}

static const char *hex_of(struct test *t, struct bytes bytes)
{
    const char *hex = "";
    for (size_t i = 0; i < bytes.length && i < SHOWN_BYTES; i++)
        hex = text(t, "%s%s%02x", hex, i == 0 ? "" : " ", bytes.data[i]);
    return bytes.length > SHOWN_BYTES ? text(t, "%s ... (%zu bytes)", hex, bytes.length) : hex;
}

/* What became of the PINGREQ: the one behind the packet, or that of wait_for_stragglers. */
static const char *describe_ping(const struct table *table, const struct row *row)
{
    enum situation situation = table->options.situation;
    if (situation == NOT_CONNECTED || situation == HAS_WILL || (row->client->closed && !row->answered))
        return "";
    return text(table->test, "%s answer to %s PINGREQ, ", row->answered ? "an" : "no",
                asks(table, row) ? "the" : "a later");
}

static const char *describe_answer(const struct table *table, const struct row *row)
{
    if (row->last != NULL)
        return text(table->test, "%s, ", describe_packet(table->test, &row->last->packet));
    if (row->client->closed)
        return "";
    return table->options.situation == NOT_CONNECTED   ? "no CONNACK, "
           : table->options.situation == AUTHENTICATED ? "no answer to the AUTH, "
                                                       : "";
}

/* What the server did, in words. */
static const char *describe_row(const struct table *table, const struct row *row)
{
    if (row->client->nonsense != NULL)
        return text(table->test, "what no server may send: %s", row->client->nonsense);
    return text(table->test, "%s%sthe connection %s%s", describe_answer(table, row),
                describe_ping(table, row), row->client->closed ? "closed" : "open",
                table->options.situation != HAS_WILL ? ""
                : row->will_came                     ? ", the Will Message published"
                                                     : ", no Will Message");
}

static const char *demanded_of_disconnect(const struct row *row)
{
    if (row->demand == ROW_REFUSED)
        return "the connection closed and the Will Message published";
    return row->will_wanted ? "no DISCONNECT with an error, and the Will Message published"
                            : "no DISCONNECT with an error, and no Will Message";
}

static const char *demanded_of_connect(const struct row *row)
{
    return row->demand == ROW_REFUSED ? "the connection closed and no CONNACK with success"
           : row->demand == ROW_OPEN  ? "CONNACK with success or the connection closed"
                                      : "CONNACK with success";
}

/* What the server had to do, likewise. */
static const char *demanded(const struct table *table, const struct row *row)
{
    enum situation situation = table->options.situation;
    if (situation == NOT_CONNECTED)
        return demanded_of_connect(row);
    if (situation == HAS_WILL)
        return demanded_of_disconnect(row);
    return row->demand == ROW_REFUSED   ? "the connection closed"
           : row->demand == ROW_OPEN    ? "an answer to the PINGREQ or the connection closed"
           : situation == AUTHENTICATED ? "an answer to the AUTH and one to the PINGREQ"
                                        : "an answer to the PINGREQ";
}

static const char *describe_case(const struct table *table, const struct row *row)
{
    return text(table->test, "sent %s%s, expected %s, observed %s", hex_of(table->test, row->bytes),
                asks(table, row) ? " and PINGREQ" : "", demanded(table, row), describe_row(table, row));
}

/* What cannot be held against the server: the table tells nothing then. */
static void excuse(const struct table *table, struct row *row)
{
    struct test *t = table->test;
    if (row->demand == ROW_CONTROL && row->client->nonsense == NULL) {
        reveal(row->client);
        error(t, "control: %s, %s: %s", table->options.packet, row->name, describe_case(table, row));
    }
    if (row->demand == ROW_ACCEPTED && code_of(row) != ABSENT && is_administrative((uint8_t)code_of(row)))
        error(t, "row %u, %s: the server has reasons of its own: %s", row->number, row->name,
              describe_case(table, row));
}

static void violate(struct table *table, struct row *row)
{
    struct test *t = table->test;
    enum statement statement =
        row->client->nonsense == NULL ? cite(t, row->five, row->three) : row->client->nonsense_of;
    const char *id = statement == STATEMENT_NONE ? "" : text(t, " [%s]", statement_describe(statement)->id);
    excuse(table, row);
    if (table->violations++ == 0) {
        table->cited = statement;
        table->expected = text(t, "row %u: %s", row->number, demanded(table, row));
    }
    if (table->violations <= SHOWN_ROWS)
        reveal(row->client);
    table->observed = text(t, "%s%srow %u, %s%s: %s", table->observed, table->observed[0] == '\0' ? "" : "; ",
                           row->number, row->name, id, describe_case(table, row));
}

static bool is_refused(const struct table *table, const struct row *row)
{
    int code = code_of(row);
    bool five = row->last != NULL && row->last->packet.version == PROTOCOL_5_0;
    if (!row->client->closed || was_let_in(row))
        return false;
    if (table->options.situation == HAS_WILL && !row->will_came)
        return false;
    return code == ABSENT || !five || code >= 0x80;
}

static bool is_accepted(const struct table *table, const struct row *row)
{
    if (table->options.situation == NOT_CONNECTED)
        return was_let_in(row);
    if (table->options.situation == HAS_WILL)
        return code_of(row) < 0x80 && row->will_came == row->will_wanted; /* ABSENT is below that */
    bool auth_lacks = table->options.situation == AUTHENTICATED && row->last == NULL;
    return row->answered && !row->client->closed && (!auth_lacks || row->demand == ROW_OPEN);
}

static bool is_as_demanded(const struct table *table, const struct row *row)
{
    if (row->client->nonsense != NULL)
        return false;
    if (row->demand == ROW_REFUSED)
        return is_refused(table, row);
    return is_accepted(table, row) || (row->demand == ROW_OPEN && row->client->closed);
}

static void count_row(struct table *table, const struct row *row)
{
    int code = code_of(row);
    bool named = code == ABSENT || row->reason_code == 0 || code == row->reason_code;
    if (row->demand == ROW_OPEN)
        *(is_accepted(table, row) ? &table->open_accepted : &table->open_refused) += 1;
    else
        *(row->demand == ROW_REFUSED ? &table->refused : &table->accepted) += 1;
    table->unnamed += row->demand == ROW_REFUSED && !named;
}

static void judge_row(struct table *table, struct row *row)
{
    row->judged = true;
    if (is_as_demanded(table, row))
        count_row(table, row);
    else
        violate(table, row);
    finish_row(table, row);
}

/* ---- Rows side by side ----------------------------------------------------------------------------- */

static void try_batch(struct table *table, struct row *const *batch, size_t count)
{
    struct test *t = table->test;
    set_up(table, batch, count);
    if (table->options.situation != NOT_CONNECTED)
        for_each(table, batch, count, send_row);
    for (size_t i = 0; i < count; i++) {
        bool brief = batch[i]->demand == ROW_REFUSED && table->options.situation != NOT_CONNECTED;
        follow(table, batch[i], batch[i]->sent_at + (brief ? LINGER : 2 * t->patience));
        if (is_settled(table, batch[i]) && table->options.situation != HAS_WILL)
            judge_row(table, batch[i]);
    }
}

static void try_rows(struct table *table, bool controls)
{
    struct row *batch[WIDTH];
    size_t count = 0;
    for (struct row *row = table->first; row != NULL; row = row->next) {
        if ((row->demand == ROW_CONTROL) == controls)
            batch[count++] = row;
        if (count == WIDTH || (row->next == NULL && count > 0)) {
            try_batch(table, batch, count);
            count = 0;
        }
    }
}

static bool is_pending(const struct row *row)
{
    return row->client != NULL && !row->judged;
}

/* A sign of life from whoever has not closed. Nothing may follow a DISCONNECT: there our side closes. */
static void prod(const struct table *table, struct row *row)
{
    if (row->client->closed || row->client->connection == NULL)
        return;
    if (table->options.situation == HAS_WILL)
        close_abruptly(row->client);
    else if (table->options.situation != NOT_CONNECTED)
        send_pingreq(row->client);
}

/* Whoever has not closed yet gets the usual patience, is asked for a sign of life, and gets it once more. */
static void wait_for_stragglers(struct table *table)
{
    struct test *t = table->test;
    for (int attempt = 0; attempt < 2; attempt++) {
        double moment = now(t) + t->patience;
        for (struct row *row = table->first; row != NULL; row = row->next) {
            if (is_pending(row) && attempt == 1)
                prod(table, row);
        }
        for (struct row *row = table->first; row != NULL; row = row->next) {
            if (is_pending(row))
                follow(table, row, moment);
        }
    }
}

static struct row *row_of_will(struct table *table, struct bytes payload)
{
    for (struct row *row = table->first; row != NULL; row = row->next)
        if (is_text(payload, will_payload(table, row)))
            return row;
    return NULL;
}

static bool all_wills_came(const struct table *table)
{
    for (const struct row *row = table->first; row != NULL; row = row->next)
        if (is_pending(row) && row->client->closed && !row->will_came &&
            (row->demand == ROW_REFUSED || row->will_wanted))
            return false;
    return true;
}

/* Takes the Will Messages that have come; those that must come are waited for. Last comes that of a client
 * whose connection ends without DISCONNECT, so that a server which publishes none is not believed to. */
static void gather_wills(struct table *table)
{
    struct test *t = table->test;
    const struct received *received;
    const char *last = text(t, "last will %u", table->batches);
    struct client *control = connect_client(t, .name = "dying", .clean_start = true, .kept_back = true,
                                            .will = {.topic = topic(t, "will"), .payload = last});
    close_abruptly(control);
    bool over = false;
    double moment = now(t) + 2 * t->patience;
    while (!(over && all_wills_came(table)) &&
           receive_publish(table->watcher, moment, &received) == RECEIVED_PACKET) {
        struct row *row = row_of_will(table, received->packet.publish.payload);
        over = over || is_text(received->packet.publish.payload, last);
        if (row != NULL)
            row->will_came = true;
    }
    if (!over)
        error(t, "set-up: the server publishes no Will Message when a connection breaks");
}

static void settle(struct table *table)
{
    bool left = false;
    for (struct row *row = table->first; row != NULL; row = row->next)
        left = left || (is_pending(row) && !is_settled(table, row));
    if (left)
        wait_for_stragglers(table);
    if (table->options.situation == HAS_WILL)
        gather_wills(table);
    for (struct row *row = table->first; row != NULL; row = row->next)
        if (is_pending(row))
            judge_row(table, row);
}

void table_judge(struct table *table)
{
    struct test *t = table->test;
    allow_time(t, ROW_TIME * table->count);
    try_rows(table, true);
    settle(table);
    try_rows(table, false);
    settle(table);
    note(t, "%s, %u rows: %u refused as they must be, %u accepted%s%s", table->options.packet, table->count,
         table->refused, table->accepted,
         table->open_refused + table->open_accepted == 0
             ? ""
             : text(t, "; the consequence is not stated: %u refused, %u accepted", table->open_refused,
                    table->open_accepted),
         table->unnamed == 0 ? ""
                             : text(t, "; %u with another Reason Code than the text names", table->unnamed));
    if (table->violations > 0)
        fail_statement(t, table->cited, table->cited, table->expected, "%s, %u of %u rows are wrong: %s",
                       table->options.packet, table->violations, table->count, table->observed);
}
