/* dissect_summary: a Control Packet in one line. Prefix: summarise_ */
#include "dissect.h"

#include "dissect_text.h"

#define ENTRIES_SHOWN 8U /* Topic Filters, Reason Codes or properties of one list */

struct summary {
    struct printer printer;
    struct bytes bytes; /* the packet on the wire */
    struct packet packet;
    enum protocol_version version; /* as given, for decoding once more */
    enum sender sender;
    size_t properties; /* of the list at hand, so far */
};

static void word(struct summary *summary, const char *text)
{
    printer_text(&summary->printer, " ");
    printer_text(&summary->printer, text);
}

static void word_if(struct summary *summary, bool condition, const char *text)
{
    if (condition)
        word(summary, text);
}

static void number(struct summary *summary, const char *name, uint64_t value)
{
    word(summary, name);
    printer_text(&summary->printer, " ");
    printer_number(&summary->printer, value);
}

static void string(struct summary *summary, const char *name, struct bytes value)
{
    word(summary, name);
    printer_text(&summary->printer, " ");
    printer_quoted(&summary->printer, value);
}

static void data(struct summary *summary, const char *name, struct bytes value)
{
    word(summary, name);
    printer_text(&summary->printer, " ");
    printer_binary(&summary->printer, value);
}

static void secret(struct summary *summary, const char *name, struct bytes value)
{
    word(summary, name);
    printer_text(&summary->printer, " ");
    printer_count(&summary->printer, value.length, "byte");
}

/* The end of a list of which only the first entries are shown. */
static void summarise_more(struct summary *summary, size_t count)
{
    if (count <= ENTRIES_SHOWN)
        return;
    printer_text(&summary->printer, ", and ");
    printer_number(&summary->printer, count - ENTRIES_SHOWN);
    printer_text(&summary->printer, " more");
}

/* Properties: in braces, with the names of the specification */

/* False if the list is long enough as it is. */
static bool begin_property(struct summary *summary)
{
    if (summary->properties++ >= ENTRIES_SHOWN)
        return false;
    printer_text(&summary->printer, summary->properties > 1 ? "," : "");
    return true;
}

static void summarise_user_properties(struct summary *summary, const struct properties *properties)
{
    struct bytes rest = properties->repeated;
    struct string_pair pair;
    while (properties_next_user_property(&rest, &pair)) {
        if (!begin_property(summary))
            continue;
        string(summary, "User Property", pair.name);
        printer_text(&summary->printer, "=");
        printer_quoted(&summary->printer, pair.value);
    }
}

static void summarise_identifiers(struct summary *summary, const struct properties *properties)
{
    struct bytes rest = properties->repeated;
    uint32_t identifier;
    while (properties_next_subscription_identifier(&rest, &identifier)) {
        if (begin_property(summary))
            number(summary, "Subscription Identifier", identifier);
    }
}

static void summarise_once(struct summary *summary, const struct properties *properties,
                           enum property_ordinal ordinal)
{
    const struct property_description *property = property_describe(ordinal);
    const union property_value *value = &properties->value[ordinal];
    if (!begin_property(summary))
        return;
    if (ordinal == ORDINAL_AUTHENTICATION_DATA)
        secret(summary, property->name, value->bytes);
    else if (property->type == PROPERTY_TYPE_UTF8_STRING)
        string(summary, property->name, value->bytes);
    else if (property->type == PROPERTY_TYPE_BINARY_DATA)
        data(summary, property->name, value->bytes);
    else
        number(summary, property->name, value->number);
}

static void summarise_property(struct summary *summary, const struct properties *properties,
                               enum property_ordinal ordinal)
{
    if (ordinal == ORDINAL_USER_PROPERTY)
        summarise_user_properties(summary, properties);
    else if (ordinal == ORDINAL_SUBSCRIPTION_IDENTIFIER)
        summarise_identifiers(summary, properties);
    else
        summarise_once(summary, properties, ordinal);
}

static void summarise_properties(struct summary *summary, const struct properties *properties)
{
    if (summary->packet.version != PROTOCOL_5_0 || properties->present == 0)
        return;
    summary->properties = 0;
    printer_text(&summary->printer, " {");
    for (enum property_ordinal ordinal = 0; ordinal < PROPERTY_COUNT; ordinal++) {
        if (properties_has(properties, ordinal))
            summarise_property(summary, properties, ordinal);
    }
    summarise_more(summary, summary->properties);
    printer_text(&summary->printer, " }");
}

/* Reason Codes and return codes: the decoder tells their names, which depend on packet and version. */

struct codes {
    struct summary *summary;
    size_t count;
};

static void on_code(void *context, const struct decoded_field *field)
{
    struct codes *codes = context;
    const size_t length = strlen(field->name);
    if (field->meaning == NULL || length < 5 ||
        (strcmp(field->name + length - 5, " Code") != 0 && strcmp(field->name + length - 5, " code") != 0))
        return;
    struct printer *printer = &codes->summary->printer;
    if (codes->count++ >= ENTRIES_SHOWN)
        return;
    printer_text(printer, codes->count > 1 ? ", " : " ");
    printer_hex_number(printer, field->number);
    printer_text(printer, " ");
    printer_text(printer, field->meaning);
}

static void summarise_codes(struct summary *summary)
{
    struct codes codes = {.summary = summary};
    const struct decode_observer observer = {.field = on_code, .context = &codes};
    struct packet again;
    packet_decode(&again, summary->version, summary->sender, summary->bytes, &observer);
    summarise_more(summary, codes.count);
}

/* The packets */

static void summarise_will(struct summary *summary, const struct will *will)
{
    if (!will->present)
        return;
    number(summary, "will qos", will->qos);
    word_if(summary, will->retain, "retain");
    string(summary, "topic", will->topic);
    data(summary, "payload", will->payload);
    summarise_properties(summary, &will->properties);
}

static void summarise_connect(struct summary *summary)
{
    const struct connect *connect = &summary->packet.connect;
    const bool five = summary->packet.version == PROTOCOL_5_0;
    word(summary, five ? "MQTT 5.0" : summary->packet.version == PROTOCOL_3_1 ? "MQTT 3.1" : "MQTT 3.1.1");
    string(summary, "client", connect->client_identifier);
    word_if(summary, connect->clean_start, five ? "clean start" : "clean session");
    number(summary, "keep alive", connect->keep_alive);
    if (connect->has_user_name)
        string(summary, "user", connect->user_name);
    if (connect->has_password)
        secret(summary, "password", connect->password);
    summarise_properties(summary, &connect->properties);
    summarise_will(summary, &connect->will);
}

static void summarise_connack(struct summary *summary)
{
    summarise_codes(summary);
    word_if(summary, summary->packet.connack.session_present, "session present");
    summarise_properties(summary, &summary->packet.connack.properties);
}

static void summarise_publish(struct summary *summary)
{
    const struct publish *publish = &summary->packet.publish;
    number(summary, "qos", publish->qos);
    word_if(summary, publish->dup, "dup");
    word_if(summary, publish->retain, "retain");
    if (publish->qos > 0)
        number(summary, "id", publish->packet_identifier);
    string(summary, "topic", publish->topic);
    summarise_properties(summary, &publish->properties);
    data(summary, "payload", publish->payload);
}

static void summarise_acknowledgement(struct summary *summary)
{
    number(summary, "id", summary->packet.acknowledgement.packet_identifier);
    summarise_codes(summary);
    summarise_properties(summary, &summary->packet.acknowledgement.properties);
}

static void summarise_request(struct summary *summary, const struct subscription_request *request)
{
    string(summary, "filter", request->topic_filter);
    number(summary, "qos", request->qos);
    word_if(summary, request->no_local, "no local");
    word_if(summary, request->retain_as_published, "retain as published");
    if (request->retain_handling != 0)
        number(summary, "retain handling", request->retain_handling);
}

static void summarise_subscribe(struct summary *summary)
{
    const struct subscribe *subscribe = &summary->packet.subscribe;
    struct bytes rest = subscribe->payload;
    struct subscription_request request;
    number(summary, "id", subscribe->packet_identifier);
    summarise_properties(summary, &subscribe->properties);
    for (size_t i = 0; i < ENTRIES_SHOWN && subscribe_next(&rest, &request); i++) {
        printer_text(&summary->printer, i > 0 ? "," : "");
        summarise_request(summary, &request);
    }
    summarise_more(summary, subscribe->count);
}

static void summarise_unsubscribe(struct summary *summary)
{
    const struct unsubscribe *unsubscribe = &summary->packet.unsubscribe;
    struct bytes rest = unsubscribe->payload;
    struct bytes topic_filter;
    number(summary, "id", unsubscribe->packet_identifier);
    summarise_properties(summary, &unsubscribe->properties);
    for (size_t i = 0; i < ENTRIES_SHOWN && unsubscribe_next(&rest, &topic_filter); i++) {
        printer_text(&summary->printer, i > 0 ? "," : "");
        string(summary, "filter", topic_filter);
    }
    summarise_more(summary, unsubscribe->count);
}

static void summarise_suback(struct summary *summary)
{
    number(summary, "id", summary->packet.suback.packet_identifier);
    summarise_codes(summary);
    summarise_properties(summary, &summary->packet.suback.properties);
}

static void summarise_disconnect(struct summary *summary)
{
    summarise_codes(summary);
    summarise_properties(summary, &summary->packet.disconnect.properties);
}

static void summarise_auth(struct summary *summary)
{
    summarise_codes(summary);
    summarise_properties(summary, &summary->packet.auth.properties);
}

/* NULL: the name says everything. */
static void (*const summarise[16])(struct summary *summary) = {
    [PACKET_CONNECT] = summarise_connect,
    [PACKET_CONNACK] = summarise_connack,
    [PACKET_PUBLISH] = summarise_publish,
    [PACKET_PUBACK] = summarise_acknowledgement,
    [PACKET_PUBREC] = summarise_acknowledgement,
    [PACKET_PUBREL] = summarise_acknowledgement,
    [PACKET_PUBCOMP] = summarise_acknowledgement,
    [PACKET_SUBSCRIBE] = summarise_subscribe,
    [PACKET_SUBACK] = summarise_suback,
    [PACKET_UNSUBSCRIBE] = summarise_unsubscribe,
    [PACKET_UNSUBACK] = summarise_suback,
    [PACKET_DISCONNECT] = summarise_disconnect,
    [PACKET_AUTH] = summarise_auth,
};

struct verdict dissect_summary(struct bytes packet, enum protocol_version version, enum sender sender,
                               const struct dissect_options *options, const struct dissect_sink *sink)
{
    struct dissect_options plain = options == NULL ? dissect_defaults() : *options;
    plain.colour = false;
    struct summary summary = {
        .printer = printer_to(sink, &plain), .bytes = packet, .version = version, .sender = sender};
    const struct verdict verdict = packet_decode(&summary.packet, version, sender, packet, NULL);

    size_t promised;
    const unsigned type = packet.length == 0 ? 0 : packet.data[0] >> 4;
    printer_pad(&summary.printer, plain.indent);
    printer_text(&summary.printer, packet.length == 0 ? "Nothing" : packet_type_name((enum packet_type)type));
    if (dissect_is_cut_off(packet, version, &promised)) {
        word(&summary, "");
        printer_cut_off(&summary.printer, packet, promised);
    } else if (verdict.refused) {
        word(&summary, "refused: ");
        printer_verdict(&summary.printer, &verdict);
    } else if (summarise[type] != NULL) {
        summarise[type](&summary);
    }
    printer_flush(&summary.printer);
    return verdict;
}
