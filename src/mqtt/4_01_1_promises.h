/* 4.1.1: nothing that promises something leaves before what it promises is stored. Prefix: promises_
 *
 *   output of a connection:   | free to go | waits for the batch on its way | waits for the batch that gathers |
 *
 * Output is a stream, so whatever comes behind something that waits, waits as well. What may go early because
 * it promises nothing: QoS 0; QoS 1 deliveries (after a crash the publisher, who got no PUBACK, sends again: at
 * least once holds); everything that rests on nothing stored. What may not: acknowledgements, CONNACK, and
 * QoS 2 deliveries and PUBREL, whose Packet Identifiers must not be forgotten. */
#ifndef ETALON_MQTT_4_01_1_PROMISES_H
#define ETALON_MQTT_4_01_1_PROMISES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;
struct connection;
struct session;

/* Part of struct connection. */
struct held_output {
    size_t waiting[2]; /* bytes that wait for batch number N are in [N % 2] */
};

static inline size_t held_bytes(const struct held_output *held)
{
    return held->waiting[0] + held->waiting[1];
}

/* The batch that an answer to the present packet has to wait for; 0: none. */
uint64_t promises_of_answer(const struct broker *broker, const struct connection *connection);

/* The batch that a packet of a QoS 2 delivery to `session` has to wait for; 0: none. */
uint64_t promises_of_delivery(const struct broker *broker, const struct session *session);

/* Whether output may be appended that waits for `batch`. While the store is in trouble, none may: the
 * connection is closed. */
bool promises_admit(struct broker *broker, struct connection *connection, uint64_t batch);

/* `size` bytes were appended that wait for `batch` (0: for what is before them only). Returns whether they
 * may go. */
bool promises_append(struct broker *broker, struct connection *connection, size_t size, uint64_t batch);

/* Batch number `batch` is stored. */
void promises_keep(struct broker *broker, uint64_t batch);

/* The store is in trouble: closes every connection whose output waits, without sending that. */
void promises_break(struct broker *broker);

/* The connection's output was thrown away. */
void promises_forget(struct broker *broker, struct connection *connection);

#endif
