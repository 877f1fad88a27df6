/* 4.10 Request / Response. Prefix: request_response_ */
#include "4_10_request_response.h"

void request_response_inform(const struct broker_settings *settings, const struct packet *connect,
                             struct properties *connack)
{
    /* [MQTT-3.1.2-28]; [D-3.1.2.11.6-1] absent means 0 */
    if (properties_number(&connect->connect.properties, ORDINAL_REQUEST_RESPONSE_INFORMATION, 0) == 0)
        return;
    if (settings->response_information) /* [D-3.2.2.3.15-1] [D-3.1.2.11.6-2] */
        properties_set_bytes(connack, ORDINAL_RESPONSE_INFORMATION,
                             bytes_of_text(settings->response_information));
}
