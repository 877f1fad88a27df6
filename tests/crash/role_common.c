/* What a role is that does nothing. */
#include "roles.h"

void role_ignore(struct client *client)
{
    (void)client;
}

void role_ignore_message(struct client *client, unsigned stream, uint32_t number)
{
    (void)client;
    (void)stream;
    (void)number;
}

void role_ignore_answer(struct client *client, enum packet_type type, uint8_t reason)
{
    (void)client;
    (void)type;
    (void)reason;
}
