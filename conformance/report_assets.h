/* report_assets: files of this folder, and titles of the specification, as report/embed puts them into the
 * program. */
#ifndef ETALON_CONFORMANCE_REPORT_ASSETS_H
#define ETALON_CONFORMANCE_REPORT_ASSETS_H

#include <stddef.h>

/* report/page.html, report/style.css, report/script.js */
extern const char report_page[];
extern const char report_style[];
extern const char report_script[];

/* A section of the specification, in the order of MQTT 5.0; "" where one of the two has no such section. */
struct section_title {
    const char *five;
    const char *three;
    const char *title;
};

extern const struct section_title section_titles[];
extern const size_t section_title_count;

#endif
