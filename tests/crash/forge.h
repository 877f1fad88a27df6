/* forge: lies that the self-test tells the books, to see whether they notice. */
#ifndef ETALON_CRASH_FORGE_H
#define ETALON_CRASH_FORGE_H

#include "client.h"

/* Books the message that the client got, or does what the forge of this world is. */
void forge_receive(struct client *client, unsigned stream, uint32_t number);

/* The forge's name, and the check that must notice it. */
const char *forge_name(enum forge forge);
enum check forge_check(enum forge forge);

#endif
