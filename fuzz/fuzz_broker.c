/* fuzz_broker: the whole broker behind broker_step(), with a few clients and a clock, against what
 * broker_model expects.
 *
 * The input is a script: a byte with the number of settings that differ from the defaults and those
 * settings, then operations: bits 0 to 4 of a byte say which, bits 5 and 6 which of four clients; bit 7:
 * what it has to say is held back and leaves together with the next. Then come the operation's arguments.
 * Whatever a client has to say leaves in pieces. Packets are written by broker_packets. */
#include <stdlib.h>

#include "broker_model.h"
#include "broker_packets.h"
#include "fuzz.h"

enum { CONNECTIONS = 44, VECTOR = 512, OPERATIONS = 1200, LONGEST_QUEUE = 8 << 20 };

/* One client. */
struct end {
    struct connection *connection; /* NULL: none is open */
    struct model_connection *model;
    struct model_buffer outbox; /* what it will send */
    struct model_buffer unread; /* what the broker has for it, as it was when it was produced */
    struct model_buffer repeat; /* its last PUBLISH of QoS 2, with DUP; empty: released */
    bool stalled;               /* does not read by itself */
};

struct run {
    struct broker *broker;
    struct broker_settings settings;
    struct model model;
    struct input *input;
    struct end ends[MODEL_SLOTS];
    unsigned opened;
    uint32_t published; /* payloads differ by it */
    uint64_t random;
    uint64_t now;
    bool over; /* too much lies unread to go on */
};

/* What the host lends */

static void lend_random(void *context, void *bytes, size_t length)
{
    struct run *run = context;
    uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++) {
        run->random = run->random * 6364136223846793005U + 1442695040888963407U;
        at[i] = (uint8_t)(run->random >> 56);
    }
}

/* Settings */

static void set_switches(struct broker_settings *settings, uint8_t which, uint8_t value)
{
    bool *const switches[2][4] = {{&settings->retain_available, &settings->wildcard_available,
                                   &settings->subscription_identifier_available, &settings->shared_available},
                                  {&settings->drop_oldest, &settings->separate_overlapping,
                                   &settings->validate_payload_format, &settings->server_moved}};
    for (unsigned i = 0; i < 4; i++)
        *switches[which & 1][i] = value >> i & 1;
}

static void set_texts(struct broker_settings *settings, uint8_t value)
{
    settings->server_moved = value & 1;
    settings->server_reference = value & 2 ? "elsewhere" : NULL;
    settings->response_information = value & 4 ? "answers/" : NULL;
}

static void set_number(struct broker_settings *settings, uint8_t which, uint8_t value)
{
    static const uint32_t sizes[] = {0, 64, 300, 20, 5000, 2, 100000, 128};
    static const uint32_t few[] = {0, 1, 2, 3, 10, 100, 1000, 65535};
    uint32_t *const wide[] = {&settings->maximum_packet_size,    &settings->maximum_output,
                              &settings->maximum_queued,         &settings->connect_timeout,
                              &settings->maximum_session_expiry, &settings->maximum_message_expiry};
    uint16_t *const narrow[] = {&settings->receive_maximum, &settings->topic_alias_maximum,
                                &settings->maximum_inflight, &settings->server_keep_alive,
                                &settings->outgoing_topic_aliases};
    if (which < 2)
        *wide[which] = sizes[value & 7];
    else if (which < 6)
        *wide[which] = which == 3 ? few[value & 7] * 1000 : few[value & 7];
    else
        *narrow[which - 6] = (uint16_t)few[value & 7];
}

static void change_setting(struct broker_settings *settings, uint8_t which, uint8_t value)
{
    which &= 15;
    if (which <= 10)
        set_number(settings, which, value);
    else if (which == 11)
        settings->maximum_qos = value % 3;
    else if (which <= 13)
        set_switches(settings, which, value);
    else if (which == 14)
        set_texts(settings, value);
    else
        *settings = broker_default_settings();
}

static void change_settings(struct run *run, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const uint8_t which = input_byte(run->input);
        change_setting(&run->settings, which, input_byte(run->input));
    }
    model_configure(&run->model, &run->settings);
}

/* After every call of the broker: what it has produced is told to the model, whoever is closed is noted. */

/* Takes the output that was not there before. */
static void listen(struct run *run, struct end *end)
{
    struct bytes vector[VECTOR];
    const size_t heard = end->unread.length;
    const size_t count = connection_output(end->connection, vector, VECTOR);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        REQUIRE(vector[i].length > 0);
        const size_t known = heard - at < vector[i].length ? heard - at : vector[i].length;
        model_append(&end->unread, bytes_after(vector[i], known));
        at += known;
        if (known < vector[i].length)
            at = heard;
    }
    run->over |= count == VECTOR || end->unread.length > LONGEST_QUEUE;
    if (!run->over && end->unread.length > heard)
        model_says(&run->model, end->model, bytes_of(end->unread.data + heard, end->unread.length - heard));
}

static void look_at(struct run *run, struct end *end, const struct end *speaker)
{
    if (!end->connection)
        return;
    listen(run, end);
    if (!connection_closing(end->connection) || end->model->closing)
        return;
    REQUIRE(end == speaker || model_may_close(&run->model, end->model, speaker ? speaker->model : NULL));
    model_closes(&run->model, end->model, true);
}

/* The others first: who lost its session to `speaker` has to be known before CONNACK is looked at. */
static void look_around(struct run *run, const struct end *speaker)
{
    struct end *last = NULL;
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        if (&run->ends[i] == speaker)
            last = &run->ends[i];
        else
            look_at(run, &run->ends[i], speaker);
    }
    if (last)
        look_at(run, last, speaker);
    if (run->over)
        return;
    for (size_t i = 0; i < MODEL_SLOTS; i++)
        if (run->ends[i].connection)
            model_check_answered(run->ends[i].model);
    model_check(&run->model, run->broker);
}

static void step(struct run *run, struct step *what, const struct end *speaker)
{
    if (run->over)
        return;
    model_time(&run->model, run->now);
    broker_step(run->broker, run->now, what);
    look_around(run, speaker);
}

/* Sockets */

static void forget(struct run *run, struct end *end)
{
    struct step closed = {.kind = STEP_CLOSED, .connection = end->connection};
    if (run->now > run->model.now) /* what timers have to say to it is to be heard */
        step(run, &(struct step){.kind = STEP_TIME}, NULL);
    broker_step(run->broker, run->now, &closed);
    end->connection = NULL;
    model_closes(&run->model, end->model, false);
    model_closed(&run->model, end->model);
    end->outbox.length = end->unread.length = end->repeat.length = 0;
    end->stalled = false;
    look_around(run, NULL);
}

/* Reads `count` bytes at most; they are those that were produced. */
static void read_some(struct run *run, struct end *end, size_t count)
{
    struct bytes vector[VECTOR];
    const size_t runs = connection_output(end->connection, vector, VECTOR);
    size_t total = 0;
    for (size_t i = 0; i < runs && total < count; i++) {
        const size_t length = vector[i].length < count - total ? vector[i].length : count - total;
        REQUIRE(total + length <= end->unread.length);
        REQUIRE(memcmp(end->unread.data + total, vector[i].data, length) == 0);
        total += length;
    }
    if (total == 0)
        return;
    run->model.bytes_sent += total;
    connection_sent(run->broker, end->connection, total);
    model_drop(&end->unread, total);
    look_around(run, NULL);
}

static void read_all(struct run *run, struct end *end)
{
    while (end->unread.length > 0 && !run->over)
        read_some(run, end, SIZE_MAX);
    if (!run->over && connection_closing(end->connection))
        forget(run, end);
}

/* What the host does after a step. Whoever has something to read, or is closed, must have been named. */
static void settle(struct run *run)
{
    struct connection *connection;
    while ((connection = broker_next_ready(run->broker)) != NULL && !run->over) {
        struct end *end = connection_host(connection);
        REQUIRE(end->connection == connection);
        if (!end->stalled)
            read_all(run, end);
    }
    for (size_t i = 0; i < MODEL_SLOTS && !run->over; i++) {
        const struct end *end = &run->ends[i];
        REQUIRE(!end->connection || end->stalled || (end->unread.length == 0 && !end->model->closing));
    }
}

static void open_connection(struct run *run, struct end *end)
{
    if (end->connection || run->opened == CONNECTIONS)
        return;
    run->opened++;
    struct step accepted = {.kind = STEP_ACCEPTED, .host = end, .peer = "peer"};
    run->model.now = run->now;
    model_opened(&run->model, end->model);
    model_time(&run->model, run->now);
    broker_step(run->broker, run->now, &accepted);
    end->connection = accepted.connection;
    REQUIRE(end->connection);
    look_around(run, NULL);
}

/* Hands over what the client has to say, in pieces of `size` bytes (0: in one). The bytes are gone
 * afterwards. */
static void deliver(struct run *run, struct end *end, size_t size)
{
    struct model_buffer outbox = end->outbox;
    end->outbox = (struct model_buffer){.data = NULL};
    for (size_t at = 0; at < outbox.length && end->connection && !run->over;) {
        const size_t left = outbox.length - at;
        const size_t piece = size > 0 && size < left ? size : left;
        if (!connection_wants_input(end->connection))
            break;
        const struct bytes bytes = fuzz_exact_copy(bytes_of(outbox.data + at, piece));
        model_time(&run->model, run->now);
        model_sends(&run->model, end->model, bytes);
        step(run, &(struct step){.kind = STEP_RECEIVED, .connection = end->connection, .bytes = bytes}, end);
        fuzz_free(bytes);
        settle(run);
        at += piece;
    }
    free(outbox.data);
}

/* Operations */

static void say(struct run *run, struct end *end, struct bytes bytes)
{
    open_connection(run, end);
    if (end->connection && !end->model->closing)
        model_append(&end->outbox, bytes);
}

static void do_raw(struct run *run, struct end *end)
{
    const size_t length = input_byte(run->input);
    say(run, end, input_run(run->input, length));
}

static enum protocol_version version_of(const struct end *end)
{
    return end->model->version == PROTOCOL_UNKNOWN ? PROTOCOL_5_0 : end->model->version;
}

static void do_packet(struct run *run, struct end *end, packets_writer *write)
{
    uint8_t buffer[PACKETS_ROOM];
    struct writer writer = writer_into(buffer, sizeof buffer);
    open_connection(run, end);
    write(&writer, run->input, version_of(end));
    if (!writer.overflow)
        say(run, end, bytes_of(buffer, writer_size(&writer)));
}

static void do_connect(struct run *run, struct end *end)
{
    do_packet(run, end, packets_connect);
}

static void do_subscribe(struct run *run, struct end *end)
{
    do_packet(run, end, packets_subscribe);
}

static void do_unsubscribe(struct run *run, struct end *end)
{
    do_packet(run, end, packets_unsubscribe);
}

static void do_disconnect(struct run *run, struct end *end)
{
    do_packet(run, end, packets_disconnect);
}

static void do_ping(struct run *run, struct end *end)
{
    say(run, end, bytes_of("\xC0", 2));
}

static void do_publish(struct run *run, struct end *end)
{
    uint8_t buffer[PACKETS_ROOM];
    struct writer writer = writer_into(buffer, sizeof buffer);
    open_connection(run, end);
    packets_publish(&writer, run->input, version_of(end), ++run->published);
    if (writer.overflow)
        return;
    const struct bytes whole = bytes_of(buffer, writer_size(&writer));
    say(run, end, whole);
    if ((buffer[0] & 6) != 4)
        return;
    end->repeat.length = 0;
    buffer[0] |= 8;
    model_append(&end->repeat, whole);
}

static void do_repeat(struct run *run, struct end *end)
{
    say(run, end, bytes_of(end->repeat.data, end->repeat.length));
}

/* An acknowledgement: of any type and identifier, or, so that flows come to their end, the next that some
 * message in flight wants. */
static void do_acknowledge(struct run *run, struct end *end)
{
    static const uint8_t types[] = {0x40, 0x50, 0x62, 0x70};
    const uint8_t how = input_byte(run->input);
    uint16_t identifier = input_byte(run->input);
    uint8_t type = types[how & 3];
    const struct model_session *session = end->model->session;
    if ((how & 0x80) == 0 && session && session->flight_count > 0) {
        const struct model_flight *flight = &session->flights[identifier % session->flight_count];
        identifier = flight->packet_identifier;
        type = flight->qos == 1 ? 0x40 : flight->released ? 0x70 : 0x50;
    }
    const uint8_t packet[] = {type, 3, (uint8_t)(identifier >> 8), (uint8_t)identifier, how & 4 ? 0x80 : 0};
    const bool coded = (how & 4) && version_of(end) == PROTOCOL_5_0 && type <= 0x50;
    const uint8_t plain[] = {type, 2, packet[2], packet[3]};
    say(run, end, coded ? bytes_of(packet, 5) : bytes_of(plain, 4));
    if (type == 0x62)
        end->repeat.length = 0;
}

static void do_drop(struct run *run, struct end *end)
{
    if (end->connection)
        forget(run, end);
}

static void do_read(struct run *run, struct end *end)
{
    const uint8_t count = input_byte(run->input);
    if (end->connection && count == 255)
        read_all(run, end);
    else if (end->connection)
        read_some(run, end, count);
}

static void do_stall(struct run *run, struct end *end)
{
    if (!end->connection)
        return;
    end->stalled = !end->stalled;
    if (!end->stalled)
        read_all(run, end);
}

static void do_time(struct run *run, struct end *end)
{
    static const uint64_t spans[] = {1,     500,   999,     1000,     1500,         5000,
                                     15000, 90000, 3600000, 86400000, 4294967296000};
    const uint8_t which = input_byte(run->input);
    (void)end;
    run->now += spans[which % (sizeof spans / sizeof spans[0])];
    if ((which & 0x80) == 0) /* else the next step says so */
        step(run, &(struct step){.kind = STEP_TIME}, NULL);
}

static void do_publish_own(struct run *run, struct end *end)
{
    const struct bytes topic = packets_topic(input_byte(run->input));
    uint8_t payload[4] = {'o', 'w', 'n', input_byte(run->input)};
    (void)end;
    model_publish_own(&run->model, topic, bytes_of(payload, sizeof payload));
    step(run,
         &(struct step){.kind = STEP_PUBLISH, .topic = topic, .bytes = bytes_of(payload, sizeof payload)},
         NULL);
}

static void do_configure(struct run *run, struct end *end)
{
    (void)end;
    change_settings(run, 1 + input_byte(run->input) % 4);
    broker_configure(run->broker, &run->settings);
}

static void do_shutdown(struct run *run, struct end *end)
{
    (void)end;
    if (input_byte(run->input) != 'S') /* not too often: nothing comes after it */
        return;
    run->model.shutting_down = true;
    step(run, &(struct step){.kind = STEP_SHUTDOWN}, NULL);
}

static void operate(struct run *run)
{
    static void (*const operations[32])(struct run * run, struct end * end) = {
        do_connect, do_publish,     do_subscribe,   do_acknowledge, do_time,        do_drop,
        do_raw,     do_ping,        do_unsubscribe, do_disconnect,  do_read,        do_stall,
        do_repeat,  do_publish_own, do_configure,   do_shutdown,    do_connect,     do_publish,
        do_publish, do_subscribe,   do_acknowledge, do_acknowledge, do_acknowledge, do_time,
        do_publish, do_connect,     do_raw,         do_publish,     do_acknowledge, do_subscribe,
        do_read,    do_publish};
    const uint8_t operation = input_byte(run->input);
    struct end *end = &run->ends[operation >> 5 & 3];
    operations[operation & 31](run, end);
    if ((operation & 0x80) == 0 && end->outbox.length > 0) {
        const uint8_t cut = input_byte(run->input);
        deliver(run, end, cut < 128 ? 0 : (size_t)(cut - 127));
    }
    settle(run);
}

/* Everybody leaves; after a long time only the sessions that never end are left. */
static void finish(struct run *run)
{
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        struct end *end = &run->ends[i];
        if (end->connection && run->over)
            broker_step(run->broker, run->now,
                        &(struct step){.kind = STEP_CLOSED, .connection = end->connection});
        else if (end->connection)
            forget(run, end);
        free(end->outbox.data);
        free(end->unread.data);
        free(end->repeat.data);
    }
    run->now += UINT64_C(2000) * UINT32_MAX;
    step(run, &(struct step){.kind = STEP_TIME}, NULL);
    broker_destroy(run->broker);
    model_clear(&run->model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.at = data, .end = data + size};
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        exit(2);
    run->input = &input;
    run->now = run->model.now = 1000000;
    run->settings = broker_default_settings();
    for (size_t i = 0; i < MODEL_SLOTS; i++)
        run->ends[i].model = &run->model.connections[i];
    change_settings(run, input_byte(&input) % 6);
    const struct broker_environment environment = {.context = run, .random = lend_random};
    run->broker = broker_create(&run->settings, &environment);
    REQUIRE(run->broker);
    step(run, &(struct step){.kind = STEP_TIME}, NULL);
    for (unsigned i = 0; i < OPERATIONS && input.at < input.end && !run->over; i++)
        operate(run);
    finish(run);
    free(run);
    return 0;
}
