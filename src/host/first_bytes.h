/* first_bytes: what a client speaks, told from the first bytes that came from it. So that whoever has mixed
 * up two ports reads that in the log, and not of a malformed packet. Prefix: first_bytes_ */
#ifndef ETALON_HOST_FIRST_BYTES_H
#define ETALON_HOST_FIRST_BYTES_H

#include "../base/bytes.h"

enum spoken { SPOKEN_UNKNOWN, SPOKEN_TLS, SPOKEN_HTTP, SPOKEN_MQTT };

/* Few bytes may be too few to tell: SPOKEN_UNKNOWN. */
enum spoken first_bytes_tell(struct bytes bytes);

#endif
