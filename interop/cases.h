/* The tables of cases; each ends with an empty row. */
#ifndef INTEROP_CASES_H
#define INTEROP_CASES_H

#include "scene.h"

extern const struct interop_case cases_of_all_versions[];
extern const struct interop_case cases_of_version_5[];

#endif
