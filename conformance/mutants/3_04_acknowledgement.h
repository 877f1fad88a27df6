/* What the mutants of PUBACK, PUBREC, PUBREL and PUBCOMP share: the breaches that each of them can suffer. */
#ifndef ETALON_CONFORMANCE_MUTANTS_3_04_ACKNOWLEDGEMENT_H
#define ETALON_CONFORMANCE_MUTANTS_3_04_ACKNOWLEDGEMENT_H

#include "mutant.h"

static inline bool is_of(const struct passage *passage, enum packet_type type)
{
    return passage->bytes[0] >> 4 == (int)type;
}

/* ---- The client's: forms that are not understood ----------------------------------------------------- */

/* A server that expects a Reason Code in each of them. */
static inline enum fate need_reason_code(struct passage *passage, enum packet_type type)
{
    return is_of(passage, type) && passage->bytes[1] == 2 ? DROP : PASS;
}

/* A server that expects a Property Length behind the Reason Code. */
static inline enum fate need_property_length(struct passage *passage, enum packet_type type)
{
    return is_of(passage, type) && passage->bytes[1] == 3 ? CLOSE : PASS;
}

static inline enum fate lose_repeated_reason_string(struct passage *passage, enum packet_type type)
{
    return is_of(passage, type) && passage->verdict.refused ? pretend(passage) : PASS;
}

/* ---- The server's ------------------------------------------------------------------------------------ */

static inline enum fate spoil_reason_code(struct passage *passage, enum packet_type type)
{
    const uint8_t bytes[] = {passage->bytes[0], 3, passage->bytes[2], passage->bytes[3], 0x01};
    if (!is_of(passage, type))
        return PASS;
    send_bytes_to_client(passage->connection, bytes, sizeof bytes);
    return DROP;
}

/* Property Length in front of the Reason Code. */
static inline enum fate spoil_order(struct passage *passage, enum packet_type type)
{
    const uint8_t bytes[] = {passage->bytes[0], 4, passage->bytes[2], passage->bytes[3], 0, 0x10};
    if (!is_of(passage, type))
        return PASS;
    send_bytes_to_client(passage->connection, bytes, sizeof bytes);
    return DROP;
}

/* A Reason Code where the version has none. */
static inline enum fate add_reason_code(struct passage *passage, enum packet_type type)
{
    const uint8_t bytes[] = {passage->bytes[0], 3, passage->bytes[2], passage->bytes[3], 0};
    if (!is_of(passage, type))
        return PASS;
    send_bytes_to_client(passage->connection, bytes, sizeof bytes);
    return DROP;
}

/* The identifier of an exchange that does not exist. */
static inline enum fate mistake_identifier(struct passage *passage, enum packet_type type)
{
    if (is_of(passage, type))
        passage->bytes[2] ^= 0x40;
    return PASS;
}

/* Talks, whatever the client's Maximum Packet Size. */
static inline enum fate talk(struct passage *passage, enum packet_type type, bool in_user_property)
{
    uint8_t room[256];
    uint8_t words[200];
    struct writer writer = writer_into(room, sizeof room);
    struct packet *packet = &passage->packet;
    struct bytes text = bytes_of(memset(words, 'w', sizeof words), sizeof words);
    if (!is_type(passage, type))
        return PASS;
    if (in_user_property) {
        properties_write_user_property(&writer, (struct string_pair){bytes_of_text("n"), text});
        packet->acknowledgement.properties.repeated = bytes_of(room, writer_size(&writer));
        properties_mark(&packet->acknowledgement.properties, ORDINAL_USER_PROPERTY);
    } else {
        properties_set_bytes(&packet->acknowledgement.properties, ORDINAL_REASON_STRING, text);
    }
    send_to_client(passage->connection, packet);
    return DROP;
}

/* A server that lets the exchange end only with Reason Code 0x00. */
static inline enum fate need_success(struct passage *passage, enum packet_type type)
{
    return is_type(passage, type) && passage->packet.acknowledgement.reason_code >= 0x80 ? DROP : PASS;
}

#endif
