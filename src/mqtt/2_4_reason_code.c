/* 2.4 Reason Code. Prefix: reason_code_ */
#include "2_4_reason_code.h"

struct verdict reason_code_read(struct decoder *decoder, struct field field, enum statement statement,
                                uint8_t *code)
{
    const size_t offset = decoder_offset(decoder);
    GUARD(take_byte(decoder, code));
    if (decoder->observer != NULL)
        observe_number(decoder, field, offset, 1, FIELD_INTEGER, *code,
                       reason_code_name(decoder->type, *code));
    if (!reason_code_allowed(decoder->type, *code, decoder->sender == SENDER_SERVER))
        return refuse(statement, REASON_PROTOCOL_ERROR, offset,
                      "Reason Code is not one that this side may send in this packet");
    return accept();
}
