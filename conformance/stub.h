/* stub: a server with bad habits, for the suite's tests of itself. It speaks just enough MQTT 3.1.1 for
 * that; what it does depends on the Client Identifier of the CONNECT (see stub.c). */
#ifndef ETALON_CONFORMANCE_STUB_H
#define ETALON_CONFORMANCE_STUB_H

#include <stdint.h>
#include <sys/types.h>

/* Starts the stub in a process of its own, listening on 127.0.0.1. Sets *port; returns the pid, or -1. */
pid_t stub_start(uint16_t *port);

/* Becomes the stub, on this port of 127.0.0.1: for tests that start brokers. Returns where that is not possible. */
void stub_become(uint16_t port);

#endif
