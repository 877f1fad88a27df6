/* privileges: giving up what root may do. Prefix: privileges_
 *
 * Root reads keys and binds ports, then becomes the user for good. In between it borrows that user's
 * rights where files are made: what the user owns or could replace by a link must not be written with those
 * of root. */
#ifndef ETALON_HOST_PRIVILEGES_H
#define ETALON_HOST_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../base/line.h"

enum { PRIVILEGES_GROUPS = 256 };

struct privileges {
    bool changing; /* is root, and to become somebody else; otherwise no function does anything */
    uid_t user;
    gid_t group;
    gid_t groups[PRIVILEGES_GROUPS]; /* all that the user is in */
    size_t group_count;
    gid_t old_groups[PRIVILEGES_GROUPS]; /* while the user's rights are borrowed */
    size_t old_group_count;
    gid_t old_group;
};

/* Finds out what becoming the user `name` means ("": nobody was named). False: there is no such user;
 * `problem` says so. */
bool privileges_find(struct privileges *privileges, const char *name, struct line *problem);

/* Whether the process is root. */
bool privileges_are_root(void);

/* Files are opened and made as by the user, from now until privileges_return; ports can be bound as before.
 * Only while there is one thread. False, with errno: nothing has changed. */
bool privileges_borrow(struct privileges *privileges);
void privileges_return(const struct privileges *privileges);

/* Makes a file or a directory for the user where the user may not, unless there is something of that name:
 * whatever is wrong with it shows when it is opened. */
void privileges_make_file(struct privileges *privileges, const char *path, mode_t mode);
void privileges_make_directory(struct privileges *privileges, const char *path, mode_t mode);

/* Becomes the user for good, and makes sure that there is no way back. False: `problem` says why; the process
 * must end. */
bool privileges_drop(const struct privileges *privileges, struct line *problem);

/* No core dumps of this process from now on, and no debugger but root's: there are secrets in its memory. */
void privileges_hide_memory(void);

#endif
