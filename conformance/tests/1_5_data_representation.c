/* 1.5 Data representation: 1.5.4 UTF-8 Encoded String (3.1.1: 1.5.3), 1.5.7 UTF-8 String Pair; numbers are in
 * 1_5_5_numbers.c */
#include "2_1_by_hand.h"

/* ---- Strings that no Control Packet may contain --------------------------------------------------- */

struct wrong_string {
    const char *what;
    const char *bytes;
};

static const struct wrong_string ill_formed[] = {
    {"a lone continuation byte", "80"},
    {"another lone continuation byte", "bf"},
    {"FE, which begins no character", "fe"},
    {"FF, which begins no character", "ff"},
    {"a two-byte character without its end", "c3"},
    {"a three-byte character without its end", "e2"},
    {"a three-byte character without its last byte", "e2 82"},
    {"a four-byte character without its last byte", "f0 9f 98"},
    {"a character interrupted by another", "e2 28 a1"},
    {"a three-byte character whose last byte is another's", "e2 82 28"},
    {"a four-byte character whose third byte is another's", "f0 9f 28 80"},
    {"a four-byte character whose last byte is another's", "f0 9f 98 28"},
    {"U+002F in two bytes", "c0 af"},
    {"U+007F in two bytes", "c1 bf"},
    {"U+002F in three bytes", "e0 80 af"},
    {"U+07FF in three bytes", "e0 9f bf"},
    {"U+002F in four bytes", "f0 80 80 af"},
    {"U+FFFF in four bytes", "f0 8f bf bf"},
    {"U+0000 in two bytes", "c0 80"},
    {"the surrogate U+D800", "ed a0 80"},
    {"the surrogate U+DFFF", "ed bf bf"},
    {"U+1F600 as two surrogates", "ed a0 bd ed b8 80"},
    {"U+110000", "f4 90 80 80"},
    {"a code point beyond that", "f5 80 80 80"},
    {"a five-byte form", "f8 88 80 80 80"},
    {"a six-byte form", "fc 84 80 80 80 80"},
};

static const struct wrong_string null_character[] = {
    {"U+0000 at the end", "00"},
    {"U+0000 within", "00 62"},
    {"U+0000 in a string that is long enough to be checked a word at a time",
     "62 62 62 62 62 62 62 62 00 62 62 62 62 62 62 62 62"},
};

/* ---- Places where a client sends strings ----------------------------------------------------------- */

/* In the templates $ stands for the string with its length, & for a topic, @ for the Packet Identifier. */
struct place {
    const char *what;
    unsigned first_byte;
    enum due due;
    const char *header;
    const char *properties;
    const char *payload;
    const char *will_properties; /* of a CONNECT: goes between Client Identifier and payload */
    unsigned flags;              /* of a CONNECT */
    bool only_five;
};

#define NAME_AND_VALUE(...)                                                                                  \
    {__VA_ARGS__, .properties = "26 $ {v}", .only_five = true},                                              \
    {                                                                                                        \
        __VA_ARGS__, .properties = "26 {n} $", .only_five = true                                             \
    }

static const struct place connect_places[] = {
    {"the User Name of CONNECT", 0x10, .flags = 0x82, .payload = "$"},
    {"the Will Topic of CONNECT", 0x10, .flags = 0x06, .will_properties = "", .payload = "$ {m}"},
    {"the Content Type of a Will", 0x10, .flags = 0x06, .will_properties = "03 $", .payload = "& {m}",
     .only_five = true},
    {"the Response Topic of a Will", 0x10, .flags = 0x06, .will_properties = "08 $", .payload = "& {m}",
     .only_five = true},
    {"the Client Identifier of CONNECT", 0x10, .flags = 0x02},
};

static const struct place publish_places[] = {
    {"the Topic Name of PUBLISH", 0x32, .header = "$ 0005", .properties = "", .payload = "6d"},
    {"the Response Topic of PUBLISH", 0x32, .header = "& 0005", .properties = "08 $", .only_five = true},
    {"the Content Type of PUBLISH", 0x32, .header = "& 0005", .properties = "03 $", .only_five = true},
};

static const struct place subscribe_places[] = {
    {"a Topic Filter of SUBSCRIBE", 0x82, .header = "0005", .properties = "", .payload = "$ 00"},
    {"the second Topic Filter of SUBSCRIBE", 0x82, .header = "0005", .properties = "",
     .payload = "& 00 $ 00"},
    {"a Topic Filter of UNSUBSCRIBE", 0xa2, .header = "0005", .properties = "", .payload = "$"},
};

static const struct place acknowledgement_places[] = {
    {"the Reason String of PUBACK", 0x40, DUE_PUBACK, "@ 00", "1f $", .only_five = true},
    {"the Reason String of PUBREC", 0x50, DUE_PUBREC, "@ 00", "1f $", .only_five = true},
    {"the Reason String of PUBREL", 0x62, DUE_PUBREL, "@ 00", "1f $", .only_five = true},
    {"the Reason String of PUBCOMP", 0x70, DUE_PUBCOMP, "@ 00", "1f $", .only_five = true},
};

static const struct place pair_places[] = {
    NAME_AND_VALUE("a User Property of CONNECT", 0x10, .flags = 0x02),
    {"the name of a Will's User Property", 0x10, .flags = 0x06, .will_properties = "26 $ {v}",
     .payload = "& {m}", .only_five = true},
    {"the value of a Will's User Property", 0x10, .flags = 0x06, .will_properties = "26 {n} $",
     .payload = "& {m}", .only_five = true},
    NAME_AND_VALUE("a User Property of PUBLISH", 0x32, .header = "& 0005"),
    NAME_AND_VALUE("a User Property of SUBSCRIBE", 0x82, .header = "0005", .payload = "& 00"),
    NAME_AND_VALUE("a User Property of UNSUBSCRIBE", 0xa2, .header = "0005", .payload = "&"),
    NAME_AND_VALUE("a User Property of PUBACK", 0x40, DUE_PUBACK, "@ 00"),
    NAME_AND_VALUE("a User Property of PUBREC", 0x50, DUE_PUBREC, "@ 00"),
    NAME_AND_VALUE("a User Property of PUBREL", 0x62, DUE_PUBREL, "@ 00"),
    NAME_AND_VALUE("a User Property of PUBCOMP", 0x70, DUE_PUBCOMP, "@ 00"),
};

/* ---- Sending ---------------------------------------------------------------------------------------- */

/* A template with the markers replaced. */
static const char *fill_in(struct test *t, const char *template, const char *string, uint16_t identifier)
{
    const char *result = "";
    if (template == NULL)
        return NULL;
    for (; *template != '\0'; template ++) {
        if (*template == '$')
            result = text(t, "%s %s", result, string);
        else if (*template == '@')
            result = text(t, "%s %04x", result, identifier);
        else if (*template == '&')
            result = text(t, "%s {%s}", result, topic(t, "a"));
        else
            result = text(t, "%s%c", result, *template);
    }
    return result;
}

static bool is_connect(const struct place *place)
{
    return place->first_byte == 0x10;
}

/* "a" and the bytes, as a template of a string with its length. */
static const char *string_of(struct test *t, const char *bytes)
{
    size_t digits = 0;
    for (const char *at = bytes; *at != '\0'; at++)
        digits += *at == ' ' ? 0 : 1;
    return text(t, "%04x 61 %s", (unsigned)(digits / 2 + 1), bytes);
}

static void send_connect_place(struct client *client, const struct place *place, const char *string)
{
    struct test *t = client->test;
    bool is_identifier = place->payload == NULL && place->properties == NULL;
    const char *identifier = is_identifier ? string : text(t, "{%s}", client->client_identifier);
    const char *will = "";
    if (place->will_properties != NULL && is_v5(t))
        will = with_length(t, fill_in(t, place->will_properties, string, 0));
    const char *rest = place->payload == NULL ? "" : fill_in(t, place->payload, string, 0);
    const char *properties = place->properties == NULL ? "" : fill_in(t, place->properties, string, 0);
    send_by_hand(client, 0x10, text(t, "{MQTT} %02x %02x 0000", (unsigned)t->version, place->flags),
                 properties, text(t, "%s %s %s", identifier, will, rest));
}

/* A client that has sent `string` (a template) in this place. */
static struct client *send_place(struct test *t, const char *name, const struct place *place,
                                 const char *string)
{
    if (is_connect(place)) {
        struct client *client = open_connection(t, .name = name);
        send_connect_place(client, place, string);
        return client;
    }
    struct client *client = connect_client(t, .name = name, .clean_start = true);
    uint16_t identifier = make_due(client, place->due);
    send_by_hand(client, place->first_byte, fill_in(t, place->header, string, identifier),
                 fill_in(t, place->properties, string, identifier),
                 fill_in(t, place->payload, string, identifier));
    return client;
}

/* Whether a good string is accepted here: U+00E9, U+20AC, U+1F600, and U+FFFD. In a Client Identifier a
 * server need not take more than letters and digits. */
static bool accepts_good_string(struct test *t, const struct place *place)
{
    bool plain = is_connect(place) && place->payload == NULL && place->properties == NULL;
    const char *good =
        plain ? text(t, "{%s}", client_id(t, "good")) : string_of(t, "c3 a9 e2 82 ac f0 9f 98 80 ef bf bd");
    struct client *client = send_place(t, "control", place, good);
    const struct received *answer;
    if (!is_connect(place)) {
        expect_open(client);
        disconnect(client);
        return true;
    }
    enum outcome outcome = receive_until(client, now(t) + 2 * t->patience, &answer);
    if (outcome != RECEIVED_PACKET || answer->packet.type != PACKET_CONNACK)
        error(t, "control: a good string as %s got no CONNACK: %s", place->what,
              describe_state(client, outcome));
    if (answer->packet.connack.reason_code != 0) {
        note(t, "not tried, because the server does not let in a good one: %s", place->what);
        return false;
    }
    disconnect(client);
    return true;
}

static void refuse_everywhere(struct test *t, const struct place *places, size_t place_count,
                              const struct wrong_string *strings, size_t string_count)
{
    for (size_t i = 0; i < place_count; i++) {
        if ((places[i].only_five && !is_v5(t)) || !accepts_good_string(t, &places[i]))
            continue;
        for (size_t j = 0; j < string_count; j++) {
            note(t, "%s in %s", strings[j].what, places[i].what);
            struct client *client = send_place(t, "offender", &places[i], string_of(t, strings[j].bytes));
            expect_refused(client, .reason_code = REASON_MALFORMED_PACKET);
        }
    }
}

#define REFUSE_EVERYWHERE(t, places, strings)                                                                \
    refuse_everywhere((t), (places), sizeof(places) / sizeof *(places), (strings),                           \
                      sizeof(strings) / sizeof *(strings))

/* ---- 1.5.4 ------------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(ill_formed_string_in_connect_is_refused, V311 | V5, NEEDS_NOTHING,
                 "A CONNECT with an ill-formed string in any of its fields ends the connection", MQTT_1_5_4_1,
                 MQTT3_1_5_3_1, P_1_5_4_1)
{
    REFUSE_EVERYWHERE(t, connect_places, ill_formed);
}

CONFORMANCE_TEST(ill_formed_string_in_publish_is_refused, V311 | V5, NEEDS_QOS1,
                 "A PUBLISH with an ill-formed string in any of its fields ends the connection", MQTT_1_5_4_1,
                 MQTT3_1_5_3_1, P_1_5_4_1)
{
    REFUSE_EVERYWHERE(t, publish_places, ill_formed);
}

CONFORMANCE_TEST(ill_formed_string_in_topic_filter_is_refused, V311 | V5, NEEDS_NOTHING,
                 "A SUBSCRIBE or UNSUBSCRIBE with an ill-formed Topic Filter ends the connection",
                 MQTT_1_5_4_1, MQTT3_1_5_3_1, P_1_5_4_1)
{
    REFUSE_EVERYWHERE(t, subscribe_places, ill_formed);
}

CONFORMANCE_TEST(ill_formed_string_in_acknowledgement_is_refused, V5, NEEDS_QOS2,
                 "A PUBACK, PUBREC, PUBREL or PUBCOMP with an ill-formed Reason String ends the connection",
                 MQTT_1_5_4_1, P_1_5_4_1)
{
    REFUSE_EVERYWHERE(t, acknowledgement_places, ill_formed);
}

CONFORMANCE_TEST(null_character_in_connect_is_refused, V311 | V5, NEEDS_NOTHING,
                 "A CONNECT with U+0000 in any of its strings ends the connection", MQTT_1_5_4_2,
                 MQTT3_1_5_3_2, P_1_5_4_2)
{
    REFUSE_EVERYWHERE(t, connect_places, null_character);
}

CONFORMANCE_TEST(null_character_in_publish_is_refused, V311 | V5, NEEDS_QOS1,
                 "A PUBLISH with U+0000 in any of its strings ends the connection", MQTT_1_5_4_2,
                 MQTT3_1_5_3_2, P_1_5_4_2)
{
    REFUSE_EVERYWHERE(t, publish_places, null_character);
}

CONFORMANCE_TEST(null_character_in_topic_filter_is_refused, V311 | V5, NEEDS_NOTHING,
                 "A SUBSCRIBE or UNSUBSCRIBE with U+0000 in a Topic Filter ends the connection", MQTT_1_5_4_2,
                 MQTT3_1_5_3_2, P_1_5_4_2)
{
    REFUSE_EVERYWHERE(t, subscribe_places, null_character);
}

CONFORMANCE_TEST(null_character_in_acknowledgement_is_refused, V5, NEEDS_QOS2,
                 "A PUBACK, PUBREC, PUBREL or PUBCOMP with U+0000 in its Reason String ends the connection",
                 MQTT_1_5_4_2, P_1_5_4_2)
{
    REFUSE_EVERYWHERE(t, acknowledgement_places, null_character);
}

/* A DISCONNECT ends the connection in any case; whether it was taken for a good one shows in the Will. */
static void check_disconnect(struct test *t, const char *string, bool good)
{
    const char *w = topic(t, good ? "will/good" : "will/bad");
    struct client *watcher = connect_client(t, .name = "watcher", .clean_start = true);
    struct client *client = connect_client(t, .name = good ? "control" : "offender", .clean_start = true,
                                           .will = {.topic = w, .payload = "will"});
    subscribe(watcher, w, .qos = 0);
    send_by_hand(client, 0xe0, "00", text(t, "1f %s", string), NULL);
    expect_closed(client);
    if (good)
        expect_nothing_before(watcher, .publisher = watcher, .topic = w, .qos = 0);
    else
        expect_publish(watcher, .topic = w, .payload = "will");
}

CONFORMANCE_TEST(ill_formed_string_in_disconnect_is_an_error, V5, NEEDS_NOTHING,
                 "A DISCONNECT with an ill-formed Reason String does not count: the Will is published",
                 MQTT_1_5_4_1, MQTT_1_5_4_2, P_1_5_4_1, P_1_5_4_2)
{
    check_disconnect(t, string_of(t, "e2 82 ac"), true);
    check_disconnect(t, string_of(t, "ed a0 80"), false);
    check_disconnect(t, string_of(t, "00"), false);
}

/* 5.0 and 3.1.1 advise against control characters and non-characters, and allow a server to refuse them. */
CONFORMANCE_TEST(discouraged_characters_pass_unaltered_or_are_refused, V311 | V5, NEEDS_QOS1,
                 "Control characters and non-characters in a Topic Name: refused, or delivered as they are",
                 P_1_5_4_3, S_1_5_4_1, S3_1_5_3_1, D3_1_5_3_2)
{
    static const char *const characters[] = {"\x01",     "\x1f",         "\x7f",         "\xc2\x80",
                                             "\xc2\x9f", "\xef\xb7\x90", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++) {
        const char *name = text(t, "%s%s", topic(t, "a"), characters[i]);
        struct client *client = connect_client(t, .name = "client", .clean_start = true);
        const struct received *answer;
        uint16_t identifier = send_subscribe(client, name, .qos = 1);
        enum outcome outcome = receive(client, &answer);
        if (outcome == RECEIVED_TIMEOUT)
            fail(t, "neither a SUBACK nor the end of the connection came for a discouraged character");
        bool granted = outcome == RECEIVED_PACKET && answer->packet.type == PACKET_SUBACK &&
                       answer->packet.suback.packet_identifier == identifier &&
                       answer->packet.suback.reason_codes.data[0] < 0x80;
        note(t, "%s character %zu", granted ? "accepted:" : "refused:", i);
        if (!granted)
            continue;
        publish(client, .topic = name, .payload = "m", .qos = 1);
        expect_publish(client, .topic = name, .payload = "m");
        disconnect(client);
    }
}

/* ---- 1.5.7 ------------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(ill_formed_user_property_is_refused, V5, NEEDS_QOS2,
                 "A User Property whose name or value is no proper string ends the connection", MQTT_1_5_7_1,
                 P_1_5_7_1, MQTT_1_5_4_1, MQTT_1_5_4_2)
{
    static const struct wrong_string some[] = {
        {"U+0000", "00"},
        {"FF", "ff"},
        {"U+002F in two bytes", "c0 af"},
        {"the surrogate U+D800", "ed a0 80"},
        {"U+110000", "f4 90 80 80"},
    };
    REFUSE_EVERYWHERE(t, pair_places, some);
}

/* ---- U+FEFF ------------------------------------------------------------------------------------------ */

#define ZERO_WIDTH_NO_BREAK_SPACE "\xef\xbb\xbf"

CONFORMANCE_TEST(
    byte_order_mark_is_kept_in_topics, V_ALL, NEEDS_QOS1,
    "U+FEFF at the beginning, within and at the end of a Topic Name is neither dropped nor ignored",
    MQTT_1_5_4_3, MQTT3_1_5_3_3)
{
    const char *plain = topic(t, "mark");
    const char *const names[] = {
        text(t, ZERO_WIDTH_NO_BREAK_SPACE "%s", plain),
        text(t, "%s/a" ZERO_WIDTH_NO_BREAK_SPACE "b", plain),
        text(t, "%s" ZERO_WIDTH_NO_BREAK_SPACE, plain),
    };
    const char *const without[] = {plain, text(t, "%s/ab", plain), plain};
    struct client *publisher = connect_client(t, .name = "publisher", .clean_start = true);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct client *marked = connect_client(t, .name = "marked", .clean_start = true);
        struct client *bare = connect_client(t, .name = "bare", .clean_start = true);
        subscribe(marked, names[i], .qos = 1);
        subscribe(bare, without[i], .qos = 1);
        publish(publisher, .topic = names[i], .payload = ZERO_WIDTH_NO_BREAK_SPACE "m", .qos = 1);
        expect_publish(marked, .topic = names[i], .payload = ZERO_WIDTH_NO_BREAK_SPACE "m");
        expect_nothing_before(bare, .publisher = publisher, .topic = without[i], .qos = 1);
        expect_nothing_before(marked, .publisher = publisher, .topic = names[i], .qos = 1);
        disconnect(marked);
        disconnect(bare);
    }
}

CONFORMANCE_TEST(byte_order_mark_is_kept_in_properties, V5, NEEDS_NOTHING,
                 "U+FEFF in the strings of a PUBLISH's properties is passed on", MQTT_1_5_4_3)
{
    const char *a = topic(t, "a");
    const char *mark = ZERO_WIDTH_NO_BREAK_SPACE "x" ZERO_WIDTH_NO_BREAK_SPACE;
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a, .qos = 0);
    publish(client, .topic = a, .payload = "m", .content_type = mark, .response_topic = mark,
            .user_properties = {{mark, mark}});
    const struct properties *got = &expect_publish(client, .topic = a)->packet.publish.properties;
    expect_user_property(client, got, 0, mark, mark);
    require(t, is_text(properties_bytes(got, ORDINAL_CONTENT_TYPE), mark), "the Content Type was altered");
    require(t, is_text(properties_bytes(got, ORDINAL_RESPONSE_TOPIC), mark),
            "the Response Topic was altered");
}

/* ---- Lengths ----------------------------------------------------------------------------------------- */

CONFORMANCE_TEST(longest_string_and_binary_data_are_accepted, V5, NEEDS_NOTHING,
                 "A string and binary data of 65,535 bytes, and of none, are passed on", D_1_5_4_1, D_1_5_6_1)
{
    const char *a = topic(t, "a");
    const size_t longest = 65535;
    uint32_t limit = t->capabilities->maximum_packet_size;
    if (limit != 0 && limit < 3 * longest)
        skip(t, "the server's Maximum Packet Size is %u", limit);
    char *value = test_allocate(t, longest + 1);
    memset(value, 'v', longest);
    struct client *client = connect_client(t, .clean_start = true);
    subscribe(client, a, .qos = 0);
    publish(client, .topic = a, .payload = "m", .correlation_data = bytes_of(value, longest),
            .user_properties = {{"n", value}, {"", ""}});
    const struct properties *got = &expect_publish(client, .topic = a)->packet.publish.properties;
    expect_user_property(client, got, 0, "n", value);
    expect_user_property(client, got, 1, "", "");
    require(t, bytes_equal(properties_bytes(got, ORDINAL_CORRELATION_DATA), bytes_of(value, longest)),
            "the Correlation Data was altered");
}
