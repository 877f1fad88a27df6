#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

bool privileges_are_root(void)
{
    return geteuid() == 0;
}

static bool complain(struct line *problem, const char *what, const char *why)
{
    *problem = (struct line){0};
    line_text(problem, what);
    line_text(problem, why ? ": " : "");
    line_text(problem, why ? why : "");
    return false;
}

static bool find_groups(struct privileges *privileges, const struct passwd *user, struct line *problem)
{
    int count = PRIVILEGES_GROUPS;
    if (getgrouplist(user->pw_name, user->pw_gid, privileges->groups, &count) < 0)
        return complain(problem, user->pw_name, "this user is in too many groups");
    privileges->group_count = (size_t)count;
    return true;
}

bool privileges_find(struct privileges *privileges, const char *name, struct line *problem)
{
    *privileges = (struct privileges){.changing = false};
    if (name[0] == '\0')
        return true;
    errno = 0;
    const struct passwd *user = getpwnam(name);
    if (!user)
        return complain(problem, name, errno == 0 ? "there is no such user" : strerror(errno));
    privileges->user = user->pw_uid;
    privileges->group = user->pw_gid;
    privileges->changing = privileges_are_root() && user->pw_uid != 0;
    return find_groups(privileges, user, problem);
}

/* setfsuid and setfsgid tell of no failure; asking for an impossible one returns the present one. */
static bool set_file_user(uid_t user)
{
    setfsuid(user);
    return (uid_t)setfsuid((uid_t)-1) == user;
}

static bool set_file_group(gid_t group)
{
    setfsgid(group);
    return (gid_t)setfsgid((gid_t)-1) == group;
}

bool privileges_borrow(struct privileges *privileges)
{
    if (!privileges->changing)
        return true;
    const int count = getgroups(PRIVILEGES_GROUPS, privileges->old_groups);
    if (count < 0)
        return false;
    privileges->old_group_count = (size_t)count;
    privileges->old_group = getegid();
    if (setgroups(privileges->group_count, privileges->groups) != 0)
        return false;
    if (set_file_group(privileges->group) && set_file_user(privileges->user))
        return true;
    privileges_return(privileges);
    errno = EPERM;
    return false;
}

void privileges_return(const struct privileges *privileges)
{
    if (!privileges->changing)
        return;
    const int error = errno; /* that of what was done meanwhile */
    set_file_user(geteuid());
    set_file_group(privileges->old_group);
    if (setgroups(privileges->old_group_count, privileges->old_groups) != 0)
        errno = error; /* fewer groups than before: root needs none of them */
    errno = error;
}

/* What root makes belongs to the user. O_EXCL and O_NOFOLLOW: never what somebody else has put there. */
static void give(const struct privileges *privileges, int descriptor)
{
    if (descriptor < 0)
        return;
    const int result = fchown(descriptor, privileges->user, privileges->group);
    (void)result; /* opening it says what comes of that */
    close(descriptor);
}

void privileges_make_file(struct privileges *privileges, const char *path, mode_t mode)
{
    if (privileges->changing)
        give(privileges, open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
}

void privileges_make_directory(struct privileges *privileges, const char *path, mode_t mode)
{
    if (privileges->changing && mkdir(path, mode) == 0)
        give(privileges, open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

static bool is_final(const struct privileges *privileges)
{
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;
    if (getresuid(&real, &effective, &saved) != 0 ||
        getresgid(&real_group, &effective_group, &saved_group) != 0)
        return false;
    const bool changed = real == privileges->user && effective == real && saved == real &&
                         real_group == privileges->group && effective_group == real_group &&
                         saved_group == real_group;
    return changed && setresuid((uid_t)-1, 0, (uid_t)-1) != 0 && setgroups(0, NULL) != 0;
}

/* The groups first: afterwards nothing of this is allowed. */
bool privileges_drop(const struct privileges *privileges, struct line *problem)
{
    if (!privileges->changing)
        return true;
    const gid_t group = privileges->group;
    const uid_t user = privileges->user;
    if (setgroups(privileges->group_count, privileges->groups) != 0 || setresgid(group, group, group) != 0 ||
        setresuid(user, user, user) != 0)
        return complain(problem, "cannot become another user", strerror(errno));
    if (!is_final(privileges))
        return complain(problem, "cannot give up the rights of root for good", NULL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return true;
}

void privileges_hide_memory(void)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
