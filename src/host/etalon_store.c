/* etalon-store: looks into a store, checks it and copies it, also while a broker uses it. See docs/STORE.md.
 *
 * The original is read only. What has to be opened is a copy, because opening recovers, and recovering
 * writes. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store.h"
#include "store_copy.h"
#include "store_dump.h"
#include "store_salvage.h"
#include "store_verify.h"

enum { EXIT_SOUND = 0, EXIT_DAMAGED = 1, EXIT_UNABLE = 2 };
enum { PATH_SIZE = 4096, EVERY_TABLE = TABLE_COUNT, KEY_SIZE = 200 };

/* Every so many records it is looked whether the program is to end. */
enum { RECORDS_BETWEEN_LOOKS = 1024 };

static const char program[] = "etalon-store";

static void complain(const char *message, const char *detail)
{
    fprintf(stderr, "%s: %s%s%s\n", program, message, detail ? ": " : "", detail ? detail : "");
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* A copy in a temporary folder */

struct look {
    const char *directory; /* of the original */
    char folder[PATH_SIZE];
    char copy[PATH_SIZE + 8]; /* in the folder */
    struct store *store;      /* opened on the copy */
    uint64_t records;
    char error[STORE_ERROR_SIZE];
};

/* What the store has to say is about the copy, of which nobody knows: it's told as of the original. */
static const char *as_of_original(struct look *look)
{
    const size_t length = strlen(look->copy);
    char text[STORE_ERROR_SIZE];
    const char *found = length > 0 ? strstr(look->error, look->copy) : NULL;
    if (!found)
        return look->error;
    snprintf(text, sizeof text, "%.*s%s%s", (int)(found - look->error), look->error, look->directory,
             found + length);
    memcpy(look->error, text, sizeof text);
    return look->error;
}

/* What the store says while it finds out that the copy is damaged; the result of it is told. */
static void ignore_line(void *context, int level, const char *text)
{
    (void)context, (void)level, (void)text;
}

/* Nobody waits for news of a store that is only read. */
static void ignore_news(void *context)
{
    (void)context;
}

static bool open_store(struct look *look, const char *directory)
{
    const struct store_options options = {.directory = directory,
                                          .durability = STORE_LAZY,
                                          .context = look,
                                          .notify = ignore_news,
                                          .log = ignore_line};
    look->store = store_open(&options, look->error);
    return look->store != NULL;
}

static bool make_folder(struct look *look)
{
    const char *parent = getenv("TMPDIR");
    const int length = snprintf(look->folder, sizeof look->folder, "%s/etalon-store.XXXXXX",
                                parent && parent[0] ? parent : "/tmp");
    if (length >= (int)sizeof look->folder)
        errno = ENAMETOOLONG;
    if (length < (int)sizeof look->folder && mkdtemp(look->folder)) {
        snprintf(look->copy, sizeof look->copy, "%s/store", look->folder);
        return true;
    }
    snprintf(look->error, sizeof look->error, "cannot make a temporary folder in %s: %s",
             parent && parent[0] ? parent : "/tmp", strerror(errno));
    look->folder[0] = '\0';
    return false;
}

/* False: there is no copy to look into; `error` says why. */
static bool look_begin(struct look *look, const char *directory)
{
    struct store_copy copied;
    *look = (struct look){.directory = directory};
    const int lock = store_copy_lock(directory, look->error);
    if (lock < 0)
        return false;
    store_copy_hold_signals();
    if (make_folder(look))
        return store_copy(directory, look->copy, lock, &copied, look->error);
    close(lock);
    return false;
}

static void look_end(struct look *look)
{
    store_close(look->store);
    if (look->folder[0]) {
        store_copy_remove(look->copy);
        if (rmdir(look->folder) != 0)
            complain(look->folder, strerror(errno));
    }
    store_copy_release_signals();
}

/* For the loops over records: NULL, or why it has to end. */
static const char *look_go_on(struct look *look)
{
    return ++look->records % RECORDS_BETWEEN_LOOKS == 0 && store_copy_interrupted() ? "interrupted" : NULL;
}

/* verify */

struct verifying {
    struct look look;
    struct verification *verification;
};

static void print_finding(void *context, const struct finding *finding)
{
    char key[KEY_SIZE];
    (void)context;
    verify_describe_key(finding->table, finding->key, key, sizeof key);
    printf("%s: %s %s: %s\n", finding->kind == FINDING_ERROR ? "error" : "note",
           record_table_name((enum record_table)finding->table), key, finding->text);
}

static const char *verify_each(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    struct verifying *verifying = context;
    const char *end = look_go_on(&verifying->look);
    if (end)
        return end;
    return verify_record(verifying->verification, table, key, value) ? NULL : "not enough memory";
}

static void print_summary(const char *directory, const struct verify_summary *summary)
{
    printf("%s:", directory);
    for (unsigned i = TABLE_SESSIONS; i < TABLE_COUNT; i++)
        printf("%s %s %" PRIu64, i == TABLE_SESSIONS ? "" : ",", record_table_name((enum record_table)i),
               summary->records[i]);
    printf("; retained messages %" PRIu64 "\n", summary->retained);
    printf("%" PRIu64 " error%s, %" PRIu64 " note%s\n", summary->errors, summary->errors == 1 ? "" : "s",
           summary->notes, summary->notes == 1 ? "" : "s");
}

/* What is left of a damaged store, by table. */
struct leftover {
    struct look *look;
    uint64_t records; /* of the present table */
    uint64_t wrong;
};

static bool count_leftover(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    struct leftover *leftover = context;
    struct record record;
    leftover->records++;
    leftover->wrong += record_read((enum record_table)table, key, value, &record) != NULL;
    return look_go_on(leftover->look) == NULL;
}

static void print_leftover(void *context, uint8_t table, const char *wrong)
{
    struct leftover *leftover = context;
    printf("left: %s: %" PRIu64 " record%s", record_table_name((enum record_table)table), leftover->records,
           leftover->records == 1 ? "" : "s");
    if (leftover->wrong > 0)
        printf(", %" PRIu64 " of them not well-formed", leftover->wrong);
    printf("%s%s\n", wrong ? "; the rest cannot be read: " : "", wrong ? wrong : "");
    leftover->records = leftover->wrong = 0;
}

static int report_damage(struct look *look)
{
    struct leftover leftover = {.look = look};
    const struct salvage_sink sink = {
        .context = &leftover, .record = count_leftover, .table = print_leftover};
    if (store_copy_interrupted())
        return EXIT_UNABLE;
    printf("error: %s\n", as_of_original(look));
    store_salvage(look->copy, 0, &sink);
    return EXIT_DAMAGED;
}

static int verify_copy(struct verifying *verifying)
{
    struct look *look = &verifying->look;
    struct verify_summary summary;
    if (!open_store(look, look->copy) || !store_load(look->store, verify_each, verifying, look->error))
        return report_damage(look);
    verify_finish(verifying->verification, true, &summary);
    print_summary(look->directory, &summary);
    return summary.errors > 0 ? EXIT_DAMAGED : EXIT_SOUND;
}

static int verify(const char *directory)
{
    const struct verify_sink sink = {.finding = print_finding};
    struct verifying verifying = {.verification = verify_begin(&sink)};
    int status = EXIT_UNABLE;
    if (!verifying.verification)
        complain("not enough memory", NULL);
    else if (look_begin(&verifying.look, directory))
        status = verify_copy(&verifying);
    else
        complain(as_of_original(&verifying.look), NULL);
    verify_end(verifying.verification);
    look_end(&verifying.look);
    return status;
}

/* dump */

struct dumping {
    struct look look;
    struct dump_options options;
    unsigned table;   /* EVERY_TABLE or the one that is wanted */
    unsigned reached; /* all before this table has been shown, and of the one before it what can be */
    bool well;
};

static const char *dump_each(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    struct dumping *dumping = context;
    const char *end = look_go_on(&dumping->look);
    dumping->reached = table + 1U;
    if (!end && (dumping->table == EVERY_TABLE || dumping->table == table))
        dumping->well = dump_record(&dumping->options, table, key, value) && dumping->well;
    if (!end && ferror(dumping->options.file))
        end = "cannot write the output";
    return end;
}

static bool dump_leftover(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    return dump_each(context, table, key, value) == NULL;
}

static void complain_leftover(void *context, uint8_t table, const char *wrong)
{
    (void)context;
    if (wrong)
        fprintf(stderr, "%s: of the %s not all could be read: %s\n", program,
                record_table_name((enum record_table)table), wrong);
}

/* What could not be read in its order is read table by table. */
static int dump_damaged(struct dumping *dumping)
{
    const struct salvage_sink sink = {
        .context = dumping, .record = dump_leftover, .table = complain_leftover};
    if (store_copy_interrupted() || ferror(dumping->options.file))
        return EXIT_UNABLE;
    complain(as_of_original(&dumping->look), NULL);
    store_salvage(dumping->look.copy, dumping->reached, &sink);
    return EXIT_DAMAGED;
}

static int dump_copy(struct dumping *dumping)
{
    struct look *look = &dumping->look;
    dumping->well = true;
    if (open_store(look, look->copy) && store_load(look->store, dump_each, dumping, look->error))
        return dumping->well ? EXIT_SOUND : EXIT_DAMAGED;
    return dump_damaged(dumping);
}

static int dump(const char *directory, struct dumping *dumping)
{
    int status = EXIT_UNABLE;
    if (look_begin(&dumping->look, directory))
        status = dump_copy(dumping);
    else
        complain(as_of_original(&dumping->look), NULL);
    look_end(&dumping->look);
    return status;
}

/* backup */

static const char *check_each(void *context, uint8_t table, struct bytes key, struct bytes value)
{
    struct record record;
    const char *end = look_go_on(context);
    return end ? end : record_read((enum record_table)table, key, value, &record);
}

/* A backup that has been opened and read once is one that can be restored. Closing it in an orderly way also
 * spares whoever restores it the recovery. */
static bool try_backup(struct look *look, const char *target)
{
    const bool well = open_store(look, target) && store_load(look->store, check_each, look, look->error);
    store_close(look->store);
    look->store = NULL;
    return well;
}

static int backup(const char *directory, const char *target)
{
    struct timespec start;
    struct store_copy copied;
    struct look look = {.directory = directory};
    int status = EXIT_UNABLE;
    clock_gettime(CLOCK_MONOTONIC, &start);
    const int lock = store_copy_lock(directory, look.error);
    store_copy_hold_signals();
    snprintf(look.copy, sizeof look.copy, "%s", target);
    if (lock < 0 || !store_copy(directory, target, lock, &copied, look.error)) {
        complain(look.error, NULL);
    } else if (!try_backup(&look, target)) {
        store_copy_remove(target);
        status = EXIT_DAMAGED;
        complain("the copy is of no use and was removed", as_of_original(&look));
    } else {
        status = EXIT_SOUND;
        printf("%s: %" PRIu64 " bytes in %" PRIu64 " files, %" PRIu64
               " records, %.3f s (a broker had to wait for %.3f s of them)\n",
               target, copied.bytes, copied.files, look.records, seconds_since(&start),
               (double)copied.lock_time / 1e6);
    }
    store_copy_release_signals();
    return status;
}

/* The command line */

static const char help_text[] =
    "usage: etalon-store verify DIRECTORY\n"
    "       etalon-store dump [--table NAME] [--payload-limit N] DIRECTORY\n"
    "       etalon-store backup DIRECTORY TARGET\n"
    "\n"
    "Looks into the directory of a store (etalon --data DIRECTORY), also while a broker uses it. The "
    "directory\n"
    "itself is only read.\n"
    "\n"
    "  verify    reads every record, and says what is wrong with it or what it refers to in vain\n"
    "  dump      writes every record as a line of JSON\n"
    "  backup    copies the store to TARGET, which must not exist; `etalon --data TARGET` opens it\n"
    "\n"
    "  -t, --table NAME         meta, sessions, subscriptions, messages, deliveries, received or wills\n"
    "  -p, --payload-limit N    at most N bytes of each payload (default: all of them)\n"
    "  -h, --help               this text\n"
    "      --version            the version of this program\n"
    "\n"
    "verify and dump work on a copy below TMPDIR (default: /tmp), which needs as much room as the store.\n"
    "Exit status: 0 if all is well, 1 if the store is damaged, 2 if that could not be found out.\n";

enum { OPTION_VERSION = 256 };

static const struct option long_options[] = {
    {"table", required_argument, NULL, 't'},
    {"payload-limit", required_argument, NULL, 'p'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

struct arguments {
    struct dumping dumping;
    bool for_dump;    /* an option of dump was given */
    const char *text; /* to be printed instead of anything else */
    const char *complaint;
    const char *detail;
};

static void choose_table(struct arguments *arguments, const char *name)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(name, record_table_name((enum record_table)i)) == 0) {
            arguments->dumping.table = i;
            return;
        }
    }
    arguments->complaint = "there is no such table";
    arguments->detail = name;
}

static void limit_payload(struct arguments *arguments, const char *text)
{
    char *end;
    errno = 0;
    const unsigned long value = strtoul(text, &end, 10);
    arguments->dumping.options.payload_limit = value;
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0)
        return;
    arguments->complaint = "--payload-limit needs a number of bytes";
    arguments->detail = text;
}

static void apply_option(struct arguments *arguments, int option, const char *value)
{
    arguments->for_dump |= option == 't' || option == 'p';
    if (option == 't')
        choose_table(arguments, value);
    else if (option == 'p')
        limit_payload(arguments, value);
    else if (option == 'h')
        arguments->text = help_text;
    else if (option == OPTION_VERSION)
        arguments->text = "etalon-store " ETALON_VERSION "\n";
    else
        arguments->complaint = "see etalon-store --help"; /* getopt has said what is wrong */
}

/* `words`: the command and its directories. */
static int run(struct arguments *arguments, char **words, int count)
{
    const char *command = count > 0 ? words[0] : "";
    const bool dumps = strcmp(command, "dump") == 0;
    if (arguments->for_dump && !dumps)
        complain("--table and --payload-limit are options of dump", NULL);
    else if (dumps && count == 2)
        return dump(words[1], &arguments->dumping);
    else if (strcmp(command, "verify") == 0 && count == 2)
        return verify(words[1]);
    else if (strcmp(command, "backup") == 0 && count == 3)
        return backup(words[1], words[2]);
    else
        complain("expected is one of: verify DIRECTORY, dump DIRECTORY, backup DIRECTORY TARGET; see --help",
                 NULL);
    return EXIT_UNABLE;
}

int main(int count, char **words)
{
    struct arguments arguments = {
        .dumping = {.table = EVERY_TABLE, .options = {.file = stdout, .payload_limit = SIZE_MAX}}};
    int option;
    int status = EXIT_SOUND;
    while ((option = getopt_long(count, words, "t:p:h", long_options, NULL)) != -1 && !arguments.complaint)
        apply_option(&arguments, option, optarg);
    if (arguments.complaint) {
        complain(arguments.complaint, arguments.detail);
        return EXIT_UNABLE;
    }
    if (arguments.text)
        fputs(arguments.text, stdout);
    else
        status = run(&arguments, words + optind, count - optind);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    complain("cannot write the output", NULL);
    return EXIT_UNABLE;
}
