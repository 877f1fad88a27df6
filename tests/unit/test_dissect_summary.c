/* dissect_summary: one line for every packet. What the whole dissector has in common (secrets, buffers,
 * anything at all) is in the test of dissect. */
#include "mqtt/dissect.h"
#include "support.h"

enum { LINE_SIZE = 2000 };

static char line[LINE_SIZE];

static void collect(void *context, const char *text, size_t length)
{
    (void)context;
    if (strlen(line) + length >= LINE_SIZE)
        ck_abort_msg("too much is written");
    strncat(line, text, length);
}

static struct verdict summarise(struct bytes packet, enum protocol_version version, enum sender sender,
                                const struct dissect_options *options)
{
    const struct dissect_sink sink = {.text = collect};
    line[0] = '\0';
    const struct verdict verdict = dissect_summary(packet, version, sender, options, &sink);
    ck_assert_ptr_null(strchr(line, '\n'));
    return verdict;
}

#define EIGHT(text) text ", " text ", " text ", " text ", " text ", " text ", " text ", " text

struct row {
    enum protocol_version version;
    enum sender sender;
    const char *packet;
    const char *line;
};
static const struct row accepted[] = {
    /* CONNECT */
    {PROTOCOL_5_0, SENDER_CLIENT, "10 [<'MQTT'> 05 00 0000 [] <'a'>]",
     "CONNECT MQTT 5.0 client \"a\" keep alive 0"},
    {PROTOCOL_5_0, SENDER_CLIENT, "10 [<'MQTT'> 05 02 FFFF [] <'a'>]",
     "CONNECT MQTT 5.0 client \"a\" clean start keep alive 65535"},
    {PROTOCOL_5_0, SENDER_CLIENT, "10 [<'MQTT'> 04 00 0000 <'a'>]",
     "CONNECT MQTT 3.1.1 client \"a\" keep alive 0"},
    {PROTOCOL_3_1_1, SENDER_CLIENT, "10 [<'MQIsdp'> 03 02 003C <'a'>]",
     "CONNECT MQTT 3.1 client \"a\" clean session keep alive 60"},
    {PROTOCOL_5_0, SENDER_CLIENT, "10 [<'MQTT'> 05 42 0000 [] <'a'> <'secret'>]", /* a password alone */
     "CONNECT MQTT 5.0 client \"a\" clean start keep alive 0 password 6 bytes"},
    {PROTOCOL_5_0, SENDER_CLIENT, "10 [<'MQTT'> 05 82 0000 [] <'a'> <'user'>]",
     "CONNECT MQTT 5.0 client \"a\" clean start keep alive 0 user \"user\""},
    {PROTOCOL_5_0, SENDER_CLIENT, "10 [<'MQTT'> 04 06 0000 <'a'> <'w'> <>]",
     "CONNECT MQTT 3.1.1 client \"a\" clean session keep alive 0 will qos 0 topic \"w\" payload 0 bytes"},
    {PROTOCOL_5_0, SENDER_CLIENT,
     "10 [<'MQTT'> 05 36 0000 [11 00000E10 27 00000100] <'a'> [18 00000005 02 0000000A 26 <'k'> <'v'>] <'w'> "
     "<FF>]",
     "CONNECT MQTT 5.0 client \"a\" clean start keep alive 0 { Session Expiry Interval 3600, Maximum Packet "
     "Size 256 } will qos 2 retain topic \"w\" payload 1 byte ff { Message Expiry Interval 10, Will Delay "
     "Interval 5, User Property \"k\"=\"v\" }"},
    /* CONNACK */
    {PROTOCOL_5_0, SENDER_SERVER, "20 [00 00 []]", "CONNACK 0x00 Success"},
    {PROTOCOL_5_0, SENDER_SERVER, "20 [00 87 [1F <'no'>]]",
     "CONNACK 0x87 Not authorized { Reason String \"no\" }"},
    {PROTOCOL_3_1_1, SENDER_SERVER, "20 02 01 00", "CONNACK 0x00 Connection Accepted session present"},
    {PROTOCOL_3_1, SENDER_SERVER, "20 02 00 04", "CONNACK 0x04 bad user name or password"},
    /* PUBLISH */
    {PROTOCOL_3_1_1, SENDER_SERVER, "30 [<'a'> 'x']", "PUBLISH qos 0 topic \"a\" payload 1 byte \"x\""},
    {PROTOCOL_5_0, SENDER_CLIENT, "3D [<> FFFF [23 0001] 00 FF]",
     "PUBLISH qos 2 dup retain id 65535 topic \"\" { Topic Alias 1 } payload 2 bytes 00 ff"},
    {PROTOCOL_5_0, SENDER_CLIENT, "30 [<E282AC '\"'> [01 01 03 <'t/x'>] E280AE]",
     "PUBLISH qos 0 topic \"\xE2\x82\xAC\\\"\" { Payload Format Indicator 1, Content Type \"t/x\" } payload "
     "3 bytes e2 80 ae"},
    /* PUBACK, PUBREC, PUBREL, PUBCOMP */
    {PROTOCOL_5_0, SENDER_CLIENT, "40 02 0001", "PUBACK id 1"},
    {PROTOCOL_3_1_1, SENDER_SERVER, "40 02 FFFF", "PUBACK id 65535"},
    {PROTOCOL_5_0, SENDER_CLIENT, "50 [0001 87 [1F <'r'> 26 <'k'> <>]]",
     "PUBREC id 1 0x87 Not authorized { Reason String \"r\", User Property \"k\"=\"\" }"},
    {PROTOCOL_5_0, SENDER_CLIENT, "62 03 0001 92", "PUBREL id 1 0x92 Packet Identifier not found"},
    {PROTOCOL_3_1, SENDER_CLIENT, "6A 02 0001", "PUBREL id 1"},
    {PROTOCOL_5_0, SENDER_SERVER, "70 03 0001 00", "PUBCOMP id 1 0x00 Success"},
    /* SUBSCRIBE and its answer */
    {PROTOCOL_5_0, SENDER_CLIENT, "82 [0001 [0B FFFF7F] <'$share/g/#'> 02]",
     "SUBSCRIBE id 1 { Subscription Identifier 2097151 } filter \"$share/g/#\" qos 2"},
    {PROTOCOL_5_0, SENDER_CLIENT, "82 [0001 [] <'a'> 04 <'b'> 08 <'c'> 10]",
     "SUBSCRIBE id 1 filter \"a\" qos 0 no local, filter \"b\" qos 0 retain as published, filter \"c\" qos 0 "
     "retain handling 1"},
    {PROTOCOL_3_1_1, SENDER_SERVER, "90 [0001 00 80]",
     "SUBACK id 1 0x00 Success - Maximum QoS 0, 0x80 Failure"},
    /* UNSUBSCRIBE and its answer */
    {PROTOCOL_3_1_1, SENDER_CLIENT, "A2 [0001 <'a/+'>]", "UNSUBSCRIBE id 1 filter \"a/+\""},
    {PROTOCOL_5_0, SENDER_CLIENT, "A2 [0001 [26 <'k'> <'v'>] <'a'>]",
     "UNSUBSCRIBE id 1 { User Property \"k\"=\"v\" } filter \"a\""},
    {PROTOCOL_5_0, SENDER_SERVER, "B0 [0001 [1F <'r'>] 00 87]",
     "UNSUBACK id 1 0x00 Success, 0x87 Not authorized { Reason String \"r\" }"},
    /* the rest */
    {PROTOCOL_3_1_1, SENDER_CLIENT, "C0 00", "PINGREQ"},
    {PROTOCOL_3_1_1, SENDER_SERVER, "D0 00", "PINGRESP"},
    {PROTOCOL_3_1_1, SENDER_CLIENT, "E0 00", "DISCONNECT"},
    {PROTOCOL_5_0, SENDER_CLIENT, "E0 01 04", "DISCONNECT 0x04 Disconnect with Will Message"},
    {PROTOCOL_5_0, SENDER_SERVER, "E0 [9C [1C <'h:1'>]]",
     "DISCONNECT 0x9c Use another server { Server Reference \"h:1\" }"},
    {PROTOCOL_5_0, SENDER_CLIENT, "F0 [19 [15 <'m'> 16 <'secret'>]]",
     "AUTH 0x19 Re-authenticate { Authentication Method \"m\", Authentication Data 6 bytes }"},
    /* Lists: eight entries are shown, of the rest their number */
    {PROTOCOL_5_0, SENDER_SERVER, "90 [0001 [] 01*8]", "SUBACK id 1 " EIGHT("0x01 Granted QoS 1")},
    {PROTOCOL_5_0, SENDER_SERVER, "90 [0001 [] 01*9]",
     "SUBACK id 1 " EIGHT("0x01 Granted QoS 1") ", and 1 more"},
    {PROTOCOL_3_1_1, SENDER_CLIENT,
     "82 [0001 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00 <'a'> 00]",
     "SUBSCRIBE id 1 " EIGHT("filter \"a\" qos 0")},
    {PROTOCOL_5_0, SENDER_CLIENT, "A2 [0001 [] <'a'> <'a'> <'a'> <'a'> <'a'> <'a'> <'a'> <'a'>]",
     "UNSUBSCRIBE id 1 " EIGHT("filter \"a\"")},
    {PROTOCOL_5_0, SENDER_CLIENT, "A2 [0001 [] <'a'> <'a'> <'a'> <'a'> <'a'> <'a'> <'a'> <'a'> <'b'> <'b'>]",
     "UNSUBSCRIBE id 1 " EIGHT("filter \"a\"") ", and 2 more"},
    {PROTOCOL_5_0, SENDER_SERVER, "30 [<'a'> [0B 01 0B 01 0B 01 0B 01 0B 01 0B 01 0B 01 0B 01]]",
     "PUBLISH qos 0 topic \"a\" { " EIGHT("Subscription Identifier 1") " } payload 0 bytes"},
    {PROTOCOL_5_0, SENDER_SERVER, "30 [<'a'> [0B 01 0B 01 0B 01 0B 01 0B 01 0B 01 0B 01 0B 01 0B 02]]",
     "PUBLISH qos 0 topic \"a\" { " EIGHT("Subscription Identifier 1") ", and 1 more } payload 0 bytes"},
    {PROTOCOL_5_0, SENDER_SERVER, /* the kinds are counted together */
     "30 [<'a'> [0B 01 0B 01 0B 01 0B 01 0B 01 0B 01 0B 01 0B 01 26 <'k'> <'v'> 26 <'k'> <'v'>]]",
     "PUBLISH qos 0 topic \"a\" { " EIGHT("Subscription Identifier 1") ", and 2 more } payload 0 bytes"},
    {PROTOCOL_5_0, SENDER_SERVER,
     "20 [00 00 [11 00000001 21 0001 24 01 25 01 27 00000100 22 0001 28 01 29 01 2A 01]]",
     "CONNACK 0x00 Success { Session Expiry Interval 1, Receive Maximum 1, Topic Alias Maximum 1, Maximum "
     "QoS "
     "1, Retain Available 1, Maximum Packet Size 256, Wildcard Subscription Available 1, Subscription "
     "Identifier Available 1, and 1 more }"},
};

START_TEST(accepted_packets)
{
    const struct bytes packet = octets(accepted[_i].packet);
    const struct verdict verdict = summarise(packet, accepted[_i].version, accepted[_i].sender, NULL);
    ck_assert_msg(!verdict.refused, "%s", line);
    ck_assert_str_eq(line, accepted[_i].line);
    octets_free(packet);
}
END_TEST

/* Refused packets have their name and the reason, and nothing of what they hold. */
static const struct row refused[] = {
    {PROTOCOL_5_0, SENDER_CLIENT, "10 [<'MQTT'> 05 43 0000 [] <'a'> <'secret'>]",
     "CONNECT refused: byte 9: reserved bit of the Connect Flags is 1 [MQTT-3.1.2-3] Malformed Packet "
     "(0x81)"},
    {PROTOCOL_3_1_1, SENDER_CLIENT, "20 02 00 00",
     "CONNACK refused: byte 0: this side does not send packets of this type [P3-2.2.1-3] Protocol Error "
     "(0x82)"},
    {PROTOCOL_3_1_1, SENDER_CLIENT, "36 [<'a'> 0001]",
     "PUBLISH refused: byte 0: QoS bits are both 1 [MQTT3-3.3.1-4] Malformed Packet (0x81)"},
    {PROTOCOL_5_0, SENDER_CLIENT, "40 02 0000",
     "PUBACK refused: byte 2: Packet Identifier is 0 [MQTT-2.2.1-5] Protocol Error (0x82)"},
    {PROTOCOL_5_0, SENDER_CLIENT, "00 00",
     "Reserved refused: byte 0: Control Packet type 0 is reserved [MQTT-4.13.1-1] Malformed Packet (0x81)"},
    {PROTOCOL_3_1_1, SENDER_CLIENT, "F0 00",
     "AUTH refused: byte 0: Control Packet type 15 is reserved before MQTT 5.0 [P3-2.2.1-2] Malformed "
     "Packet (0x81)"},
    {PROTOCOL_UNKNOWN, SENDER_CLIENT, "C0 00",
     "PINGREQ refused: byte 0: the first packet of a connection is not CONNECT [MQTT-3.1.0-1] Protocol Error "
     "(0x82)"},
    {PROTOCOL_5_0, SENDER_CLIENT, "", "Nothing incomplete: the packet ends within its fixed header"},
    {PROTOCOL_5_0, SENDER_CLIENT, "82", "SUBSCRIBE incomplete: the packet ends within its fixed header"},
    {PROTOCOL_5_0, SENDER_CLIENT, "82 05 0001 00 00",
     "SUBSCRIBE incomplete: 1 byte is missing; by its Remaining Length the packet has 7"},
};

START_TEST(refused_packets)
{
    const struct bytes packet = octets(refused[_i].packet);
    ck_assert(summarise(packet, refused[_i].version, refused[_i].sender, NULL).refused);
    ck_assert_str_eq(line, refused[_i].line);
    octets_free(packet);
}
END_TEST

START_TEST(options_of_a_summary)
{
    const struct bytes packet = octets("30 [<'abcdef'> [] 00*50]");
    struct dissect_options options = {.indent = 3, .value_limit = 4};
    summarise(packet, PROTOCOL_5_0, SENDER_CLIENT, &options);
    ck_assert_str_eq(line, "   PUBLISH qos 0 topic \"abcd\"... (6 bytes) payload 50 bytes 00 00 00 00 ...");
    options = (struct dissect_options){.value_limit = 0, .colour = true, .titles = true, .no_bytes = true};
    summarise(packet, PROTOCOL_5_0, SENDER_CLIENT, &options);
    ck_assert_ptr_null(strchr(line, '\x1b')); /* lines of a log */
    ck_assert_ptr_null(strstr(line, "..."));
    ck_assert_int_eq(strncmp(line, "PUBLISH qos 0 topic \"abcdef\" payload 50 bytes 00 ", 49), 0);
    summarise(packet, PROTOCOL_5_0, SENDER_CLIENT, NULL); /* the default limit is 48 */
    ck_assert_str_eq(line + strlen(line) - 9, "00 00 ...");
    octets_free(packet);
}
END_TEST

Suite *suite_dissect_summary(void);
Suite *suite_dissect_summary(void)
{
    Suite *suite = suite_create("dissect: summary");
    TCase *tcase = tcase_create("summary");
    tcase_add_loop_test(tcase, accepted_packets, 0, COUNT(accepted));
    tcase_add_loop_test(tcase, refused_packets, 0, COUNT(refused));
    tcase_add_test(tcase, options_of_a_summary);
    suite_add_tcase(suite, tcase);
    return suite;
}
