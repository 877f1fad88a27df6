#include "first_bytes.h"

enum {
    TLS_HANDSHAKE = 0x16, /* type of the record that a ClientHello comes in */
    TLS_MAJOR = 0x03,     /* first byte of the version in a record, from SSL 3.0 to TLS 1.3 */
    MQTT_CONNECT = 0x10
};

static bool begins_with(struct bytes bytes, const char *text)
{
    const size_t length = strlen(text);
    return bytes.length >= length && memcmp(bytes.data, text, length) == 0;
}

enum spoken first_bytes_tell(struct bytes bytes)
{
    static const char *const methods[] = {"GET ",     "POST ",    "HEAD ",  "PUT ",
                                          "OPTIONS ", "CONNECT ", "DELETE "};
    if (bytes.length >= 2 && bytes.data[0] == TLS_HANDSHAKE && bytes.data[1] == TLS_MAJOR)
        return SPOKEN_TLS;
    if (bytes.length > 0 && bytes.data[0] == MQTT_CONNECT)
        return SPOKEN_MQTT;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (begins_with(bytes, methods[i]))
            return SPOKEN_HTTP;
    }
    return SPOKEN_UNKNOWN;
}
