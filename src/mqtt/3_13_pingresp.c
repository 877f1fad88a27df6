/* 3.13 PINGRESP - PING response. Prefix: pingresp_ */
#include "3_13_pingresp.h"

struct verdict pingresp_decode(struct decoder *decoder, struct packet *packet)
{
    if (packet->remaining_length != 0) /* [D-3.13.2-1, D3-3.13.2-1] [D-3.13.3-1, D3-3.13.3-1] */
        return refuse_malformed(decoder, D_3_13_2_1, D3_3_13_2_1, 1,
                                "Remaining Length of a PINGRESP is not 0");
    return accept();
}
