/* 4.1.1: reading back what was stored; see broker_restore and broker_restored. Prefix: restoring_ */
#ifndef ETALON_MQTT_4_01_1_RESTORING_H
#define ETALON_MQTT_4_01_1_RESTORING_H

#include "broker_state.h"

/* Frees what reading back needs while it goes on. NULL is fine. */
void restoring_free(struct restoring *restoring);

#endif
