/*
 * A client that keeps Paho's background thread going.
 *
 * All clients of a process share one thread that polls their sockets, and a socket opened while it polls is
 * looked at only in its next round: up to a second later, twice per connection. That would make up nearly all
 * of the programs' running time. So while a connection is being made, the pacemaker publishes empty messages
 * at QoS 1 to a topic without subscribers, one after the other: each PUBACK ends a round of that thread.
 *
 * The same acknowledgements tell when that thread has left the callbacks it was in, see pacemaker_settle.
 */
#ifndef INTEROP_PACEMAKER_H
#define INTEROP_PACEMAKER_H

#include <stdbool.h>

struct pacemaker;

struct endpoint;

/* Connects the pacemaker, resting. `run` makes its Client Identifier unique. Returns NULL when it cannot
 * connect. */
struct pacemaker *pacemaker_start(const struct endpoint *endpoint, unsigned run);

/* Lets it beat, or rest. */
void pacemaker_set(struct pacemaker *pacemaker, bool beating);

/* Waits until Paho's background thread has left every callback it was in when this was called. Both libraries
 * go on using a client's queue after its callback has returned, and neither their disconnect nor their
 * destroy waits for that; this is needed before either. */
void pacemaker_settle(struct pacemaker *pacemaker);

/* Disconnects and frees it. */
void pacemaker_stop(struct pacemaker *pacemaker);

#endif
