/* 3.12 PINGREQ - PING request. Prefix: pingreq_ */
#include "3_12_pingreq.h"

struct verdict pingreq_decode(struct decoder *decoder, struct packet *packet)
{
    if (packet->remaining_length != 0) /* [D-3.12.2-1, D3-3.12.2-1] [D-3.12.3-1, D3-3.12.3-1] */
        return refuse_malformed(decoder, D_3_12_2_1, D3_3_12_2_1, 1,
                                "Remaining Length of a PINGREQ is not 0");
    return accept();
}
