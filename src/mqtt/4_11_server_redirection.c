/* 4.11 Server redirection. Prefix: redirection_ */
#include "4_11_server_redirection.h"

struct verdict redirection_check(const struct broker_settings *settings)
{
    if (!settings->server_reference)
        return accept();
    if (settings->server_moved) /* [R-4.11-1] */
        return refuse(R_4_11_1, REASON_SERVER_MOVED, 0, "this Server has moved");
    return refuse(R_4_11_1, REASON_USE_ANOTHER_SERVER, 0, "another Server is to be used");
}

/* [S-4.11-1] [R-3.2.2.3.16-1] [R-3.14.2.2.5-1] */
void redirection_reference(const struct broker_settings *settings, uint8_t reason_code,
                           struct properties *properties)
{
    if (settings->server_reference &&
        (reason_code == REASON_USE_ANOTHER_SERVER || reason_code == REASON_SERVER_MOVED))
        properties_set_bytes(properties, ORDINAL_SERVER_REFERENCE, bytes_of_text(settings->server_reference));
}
