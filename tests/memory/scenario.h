/* scenario: what the broker lives through while one of its allocations fails. Prefix: scenario_ */
#ifndef ETALON_MEMORY_SCENARIO_H
#define ETALON_MEMORY_SCENARIO_H

#include "broker_harness.h"

/* Clients of all versions do all there is to do. They answer what they receive, and go on when one of
 * them was disconnected. */
void scenario_play(struct harness *harness);

/* The same with a store, and with crashes: what was promised before one is found behind it. How many promises
 * that were, SCENARIO_PROMISES when there was memory for all. */
enum { SCENARIO_PROMISES = 10 };
unsigned scenario_play_stored(struct harness *harness);

/* Who decides about clients in the scenario with a store. */
extern const struct harness_judge scenario_judge;

/* With memory again: the one that did nothing is still served, and new clients exchange a message at QoS
 * 1 and 2. */
void scenario_prove(struct harness *harness);

#endif
