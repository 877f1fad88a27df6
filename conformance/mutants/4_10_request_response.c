/* 4.10 Request / Response */
#include "mutant.h"

static enum fate drop_response_topic(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH))
        return PASS;
    remove_property(&passage->packet.publish.properties, ORDINAL_RESPONSE_TOPIC);
    return ENCODE;
}

MUTANT(requests_have_no_response_topic, V5, "The Response Topic of a request does not reach the responder",
       "request_finds_its_response", MQTT_3_3_2_15) = {
    .from_server = drop_response_topic,
};

/* As a server does that takes Correlation Data for text. */
static enum fate cut_correlation_data(struct passage *passage)
{
    if (!is_type(passage, PACKET_PUBLISH) ||
        !properties_has(&passage->packet.publish.properties, ORDINAL_CORRELATION_DATA))
        return PASS;
    struct properties *properties = &passage->packet.publish.properties;
    struct bytes data = properties_bytes(properties, ORDINAL_CORRELATION_DATA);
    size_t length = 0;
    while (length < data.length && data.data[length] != 0)
        length++;
    properties_set_bytes(properties, ORDINAL_CORRELATION_DATA, bytes_of(data.data, length));
    return ENCODE;
}

MUTANT(correlation_data_ends_at_zero, V5, "Correlation Data is cut at its first zero byte",
       "request_finds_its_response", MQTT_3_3_2_16) = {
    .from_server = cut_correlation_data,
};

static enum fate always_ask(struct passage *passage)
{
    if (!is_type(passage, PACKET_CONNECT))
        return PASS;
    properties_set_number(&passage->packet.connect.properties, ORDINAL_REQUEST_RESPONSE_INFORMATION, 1);
    return ENCODE;
}

MUTANT(response_information_is_given_to_all, V5, "Response Information is sent to clients that do not ask",
       "response_information_is_given_on_request_only", MQTT_3_1_2_28, D_3_1_2_11_6_1, D_3_1_2_11_6_2,
       D_3_2_2_3_15_1) = {
    .from_client = always_ask,
};
