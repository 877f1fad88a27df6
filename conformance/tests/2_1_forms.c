/* One form of each packet; 2_1_forms.h is the manual. */
#include "2_1_forms.h"

#include "../scram.h"
#include "3_01_connect.h"

/* In the templates & stands for a topic. The Packet Identifier 0000 of an acknowledgement is replaced by that
 * of the exchange (table.h). */
static const struct {
    const char *name;
    enum situation situation;
    enum property_context context;
    unsigned first_byte;
    const char *header;
    const char *payload;
} forms[FORM_COUNT] = {
    [IN_CONNECT] = {"CONNECT", NOT_CONNECTED, CONTEXT_CONNECT, 0x10, NULL, NULL},
    [IN_WILL] = {"the Will of CONNECT", NOT_CONNECTED, CONTEXT_WILL, 0x10, NULL, NULL},
    [IN_PUBLISH] = {"PUBLISH", CONNECTED, CONTEXT_PUBLISH, 0x30, "&", "6d"},
    [IN_PUBACK] = {"PUBACK", OWES_PUBACK, CONTEXT_PUBACK, 0x40, "0000 00", ""},
    [IN_PUBREC] = {"PUBREC", OWES_PUBREC, CONTEXT_PUBREC, 0x50, "0000 00", ""},
    [IN_PUBREL] = {"PUBREL", OWES_PUBREL, CONTEXT_PUBREL, 0x62, "0000 00", ""},
    [IN_PUBCOMP] = {"PUBCOMP", OWES_PUBCOMP, CONTEXT_PUBCOMP, 0x70, "0000 00", ""},
    [IN_SUBSCRIBE] = {"SUBSCRIBE", CONNECTED, CONTEXT_SUBSCRIBE, 0x82, "0005", "& 00"},
    [IN_UNSUBSCRIBE] = {"UNSUBSCRIBE", CONNECTED, CONTEXT_UNSUBSCRIBE, 0xa2, "0005", "&"},
    [IN_DISCONNECT] = {"DISCONNECT", HAS_WILL, CONTEXT_DISCONNECT, 0xe0, "00", ""},
    [IN_AUTH] = {"AUTH", AUTHENTICATED, CONTEXT_AUTH, 0xf0, "19", ""},
};

const char *form_name(enum form form)
{
    return forms[form].name;
}

enum situation form_situation(enum form form)
{
    return forms[form].situation;
}

enum property_context form_context(enum form form)
{
    return forms[form].context;
}

const char *form_needs(struct test *t, enum form form)
{
    return form == IN_AUTH ? text(t, "15 {%s} 16 {%s}", SCRAM_METHOD, TABLE_AUTH_FIRST) : "";
}

static const char *latest_identifier(struct test *t)
{
    return client_id(t, text(t, "t%u", t->client_count));
}

const char *new_identifier(struct test *t)
{
    t->client_count++; /* as if it were a client's */
    return text(t, "{%s}", latest_identifier(t));
}

const char *form_session(struct test *t, enum form form)
{
    return form == IN_CONNECT || form == IN_WILL ? latest_identifier(t) : NULL;
}

static struct bytes connect_bytes(struct test *t, enum form form, const char *length, const char *properties)
{
    unsigned flags = form == IN_WILL ? 0x06 : 0x02;
    const char *credentials = target_credentials(t, &flags);
    const char *own = form == IN_WILL ? "" : text(t, "%s %s", length, properties);
    const char *will = form == IN_WILL ? text(t, "%s %s {%s} {m}", length, properties, topic(t, "will")) : "";
    return bytes_by_hand(t, 0x10,
                         text(t, "{%s} %02x %02x 0000", t->version == PROTOCOL_3_1 ? "MQIsdp" : "MQTT",
                              (unsigned)t->version, flags),
                         NULL,
                         text(t, "%s %s %s %s %s", form == IN_WILL && is_v5(t) ? "00" : "", own,
                              new_identifier(t), will, credentials));
}

/* Before 5.0 there is no Reason Code. */
static const char *header_of(struct test *t, enum form form)
{
    bool acknowledges = form >= IN_PUBACK && form <= IN_PUBCOMP;
    if (!is_v5(t) && (acknowledges || form == IN_DISCONNECT))
        return acknowledges ? "0000" : "";
    return forms[form].header;
}

static const char *with_topic(struct test *t, const char *template)
{
    return template[0] == '&' ? text(t, "{%s} %s", topic(t, "a"), template + 1) : template;
}

struct bytes form_with_length(struct test *t, enum form form, const char *length, const char *properties)
{
    if (form == IN_CONNECT || form == IN_WILL)
        return connect_bytes(t, form, length, properties);
    return bytes_by_hand(t, forms[form].first_byte, with_topic(t, header_of(t, form)), NULL,
                         text(t, "%s %s %s", length, properties, with_topic(t, forms[form].payload)));
}

struct bytes form_bytes(struct test *t, enum form form, const char *properties)
{
    const char *all = text(t, "%s %s", form_needs(t, form), properties);
    size_t size = template_bytes(t, all).length;
    return is_v5(t) ? form_with_length(t, form, variable_byte_integer_hex(t, size), all)
                    : form_with_length(t, form, "", "");
}
