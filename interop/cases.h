/* The tables of cases; each ends with an empty row. */
#ifndef INTEROP_CASES_H
#define INTEROP_CASES_H

#include "scene.h"

extern const struct interop_case cases_of_all_versions[];
extern const struct interop_case cases_of_version_5[];

/* Of a broker whose certificate is not signed by the CA of --other-cafile. */
extern const struct interop_case cases_of_tls[];

/* Of a broker with the users and the rights that `run` writes; see cases_security.c. */
extern const struct interop_case cases_of_passwords[];
extern const struct interop_case cases_of_certificates[];

#endif
