/* faults: a disk that fails when told to. Prefix: faults_ */
#ifndef ETALON_TESTS_STORE_FAULTS_H
#define ETALON_TESTS_STORE_FAULTS_H

#include <stdbool.h>

enum fault_target { FAULT_ANY, FAULT_WRITES, FAULT_SYNCS };

struct fault {
    enum fault_target target; /* which operations count, and fail */
    int error;                /* errno */
    bool partly;              /* a write that fails brings half of its bytes to the disk first */
    unsigned long first;      /* number of the first operation that fails, from 1; 0: none */
    unsigned long count;      /* how many fail */
};

/* From now on writes and syncs of the store and of Berkeley DB pass through here. */
void faults_install(void);

/* Begins to count anew. */
void faults_set(const struct fault *fault);

/* Everything works again; returns how many operations there were. */
unsigned long faults_end(void);

/* How many have failed since faults_set. */
unsigned long faults_failed(void);

#endif
