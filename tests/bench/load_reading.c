/* What is read at both ends of a measured interval, and the figures a broker publishes about its store. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_SIZE = 64, NUMBER_SIZE = 32 };

struct reading reading_take(const struct load *load, uint64_t messages)
{
    return (struct reading){
        .time = clock_now(),
        .messages = messages,
        .broker_cpu = process_cpu(load->broker),
        .own_cpu = process_cpu(getpid()),
        .all_cpu = machine_cpu(),
        .written = process_written(load->broker),
    };
}

void reading_report(struct load *load, const char *name, const struct reading *from, const struct reading *to)
{
    char rate[NAME_SIZE];
    double messages = (double)(to->messages - from->messages);
    double seconds = seconds_between(from->time, to->time);
    double broker_cpu = (double)(to->broker_cpu - from->broker_cpu);
    double own_cpu = (double)(to->own_cpu - from->own_cpu);
    double others_cpu = (double)(to->all_cpu - from->all_cpu) - broker_cpu - own_cpu;
    snprintf(rate, sizeof rate, "%s_per_second", name);
    report_number(load, name, messages);
    report_number(load, "seconds", seconds);
    report_number(load, rate, messages / seconds);
    report_number(load, "cpu_us_per_message", broker_cpu / messages / 1000);
    report_number(load, "cpu_share", broker_cpu / 1e9 / seconds);
    report_number(load, "load_cpu_us_per_message", own_cpu / messages / 1000);
    report_number(load, "load_cpu_share", own_cpu / 1e9 / seconds);
    report_number(load, "others_cpu_share", others_cpu > 0 ? others_cpu / 1e9 / seconds : 0);
    report_number(load, "written_per_message", (double)(to->written - from->written) / messages);
}

/* ---- $SYS/broker/store/... ---- */

static const char *const figure_names[SYSTEM_FIGURES] = {"batches", "changes", "syncs"};

static void note_figure(struct watcher *watcher, size_t number, double value)
{
    uint64_t now = watcher->connection.load->now;
    if (watcher->figures[number].from_time == 0) {
        watcher->figures[number].from_time = now;
        watcher->figures[number].from = value;
    }
    watcher->figures[number].to_time = now;
    watcher->figures[number].to = value;
}

/* A message at QoS 0 and, with MQTT 5.0, without properties that matter: the number is at its end. */
static void watcher_packet(struct connection *connection, const struct packet *packet)
{
    struct watcher *watcher = connection->owner;
    char number[NUMBER_SIZE] = "";
    if ((packet->first & 0xF6) != PUBLISH || packet->length < 2) {
        load_fail(connection->load, "unexpected packet 0x%02x for $SYS", packet->first);
        return;
    }
    size_t topic_size = get_u16(packet->body);
    size_t head = 2 + topic_size;
    head += connection->load->options.mqtt5 && head < packet->length ? 1U + packet->body[head] : 0U;
    if (head > packet->length || packet->length - head >= sizeof number) {
        return;
    }
    memcpy(number, packet->body + head, packet->length - head);
    for (size_t i = 0; i < SYSTEM_FIGURES; i++) {
        size_t size = strlen(figure_names[i]);
        if (topic_size > size && memcmp(packet->body + 2 + topic_size - size, figure_names[i], size) == 0) {
            note_figure(watcher, i, strtod(number, NULL));
        }
    }
}

bool watcher_open(struct watcher *watcher, struct load *load)
{
    static const struct connection_events events = {.packet = watcher_packet};
    watcher->connection.owner = watcher;
    return open_clients(load, &watcher->connection, 1, 1, "watcher", &events) &&
           subscribe_and_wait(&watcher->connection, "$SYS/broker/store/+", 0);
}

void watcher_reset(struct watcher *watcher)
{
    memset(watcher->figures, 0, sizeof watcher->figures);
}

void watcher_report(const struct watcher *watcher)
{
    for (size_t i = 0; i < SYSTEM_FIGURES; i++) {
        char name[NAME_SIZE];
        double seconds = seconds_between(watcher->figures[i].from_time, watcher->figures[i].to_time);
        double grown = watcher->figures[i].to - watcher->figures[i].from;
        if (seconds > 0) {
            snprintf(name, sizeof name, "%s_per_second", figure_names[i]);
            report_number(watcher->connection.load, name, grown / seconds);
        }
    }
}
