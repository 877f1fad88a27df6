/* broker_packets: Control Packets of a client, mostly right, chosen by the bytes of an input. Written
 * without the codec's help but for the types of 1.5. Prefix: packets_ */
#ifndef ETALON_FUZZ_BROKER_PACKETS_H
#define ETALON_FUZZ_BROKER_PACKETS_H

#include "base/writer.h"
#include "fuzz.h"

enum { PACKETS_ROOM = 8192 };

typedef void packets_writer(struct writer *writer, struct input *input, enum protocol_version version);

packets_writer packets_connect; /* chooses a version of its own */
packets_writer packets_subscribe;
packets_writer packets_unsubscribe;
packets_writer packets_disconnect;

/* `number` makes the payload a new one. */
void packets_publish(struct writer *writer, struct input *input, enum protocol_version version,
                     uint32_t number);

/* One of a few Topic Names. */
struct bytes packets_topic(uint8_t which);

#endif
