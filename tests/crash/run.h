/* run: one whole crash test: a broker, its clients, the kills, the verdict. Prefix: run_ */
#ifndef ETALON_CRASH_RUN_H
#define ETALON_CRASH_RUN_H

#include "process.h"
#include "world.h"

struct run_options {
    enum broker_kind kind;
    const char *program;
    unsigned kills;
    uint64_t seed;
    enum forge forge;
    bool silent;            /* no progress, no failures shown */
    bool keep;              /* the directory */
    uint64_t stall;         /* ns without anything moving after which it's given up, and has failed */
    const char *durability; /* NULL: the default */
};

struct run_result {
    uint64_t judged[CHECKS];
    uint64_t failed[CHECKS];
    bool forged;
};

void run_test(const struct run_options *options, struct run_result *result);

#endif
