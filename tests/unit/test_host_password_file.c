/* host/password_file: users and the hashes of their passwords. The hashes were computed by Python's hashlib;
 * MADE_6 and MADE_7 by mosquitto_passwd 2.0.11. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/password_file.h"

#define P7                                                                                                   \
    "$7$101$AAECAwQFBgcICQoL$Xr99N9ym9ys8TWxis5ajETJq6EVYzmc6nb8t3pUYnPBbCAbICS4xejTl"                       \
    "tonXWCtJNBvA+By+TXUqU6qCblO00w=="
#define LONG_SALT                                                                                            \
    "$7$3$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                       \
    "AAAAAAAAAAA==$ZqzPwQ6ukf9RQLn7UC1uszEUn3PDnmQ7JDtyUhuEc7viStzjrUe7eNkztk/b89DqIL"                       \
    "yylLwTd5rlJP6kZI+Isg=="
#define EMPTY                                                                                                \
    "$7$1$AAECAwQFBgcICQoL$bdH7l7sgPaNRIMTFx91Nx4T0QY+VinIGrPJB18LN9R6ZmC5BazhvngmmjG"                       \
    "tmdtmEAdcVZkTZuqNZTnNujVrTKw=="
#define P6                                                                                                   \
    "$6$AAECAwQFBgcICQoL$JqsxEv/ucyxjA5DKsQ+Y8CDWaQDNQI9FpAkmfwAqWfwZLk/JEGgM0EpylrJH"                       \
    "AZKKyFQjJeZ3nFaHjPzOzPPmPw=="
#define MADE_7                                                                                               \
    "$7$101$GcnH0bv8s55yYbTW$C68RII2UTkFSbPeLzHkUtP4NRvLVLpzd3KF03P9PQjwvn4rVx9mdJP/R"                       \
    "a67PvSG5hXsvu4us1WOyNju9dQ9vEA=="
#define MADE_6                                                                                               \
    "$6$94tcNT0U8IrD/BHc$QvkkNCx/+ZbL9IQANwem3KNr/WyfZnpztirWSRqFUKQOqoHaO+tvZi4JDUwG"                       \
    "bNLn0PQ0v0GMoj1eyvUnGm8hmA=="
#define HASH_OF_64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

static const struct hash_key key = {.first = 1, .second = 2};

struct mistakes {
    size_t count;
    size_t line;     /* of the first one */
    char text[400];  /* likewise */
    char all[40000]; /* one after the other */
};

static void remember(void *context, size_t line, const char *text)
{
    struct mistakes *mistakes = context;
    if (mistakes->count++ == 0) {
        mistakes->line = line;
        snprintf(mistakes->text, sizeof mistakes->text, "%s", text);
    }
    strncat(mistakes->all, text, sizeof mistakes->all - strlen(mistakes->all) - 1);
}

/* In a block of the exact size, so that a sanitizer sees a byte too far. */
static struct password_file *parse(const char *text, size_t length, struct mistakes *mistakes)
{
    const struct text_sink sink = {.context = mistakes, .mistake = remember};
    *mistakes = (struct mistakes){0};
    char *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    struct password_file *file = password_file_parse(bytes_of(copy, length), &key, &sink);
    free(copy); /* nothing of it is borrowed */
    ck_assert((file == NULL) == (mistakes->count > 0));
    return file;
}

static struct password_file *accept_text(const char *text)
{
    static struct mistakes mistakes;
    struct password_file *file = parse(text, strlen(text), &mistakes);
    ck_assert_msg(file != NULL, "%zu: %s", mistakes.line, mistakes.text);
    return file;
}

static bool matches(const struct password_file *file, const char *user, const char *password)
{
    const struct password_check check = password_file_find(file, bytes_of_text(user));
    return password_check_run(&check, bytes_of_text(password));
}

START_TEST(passwords_are_known)
{
    static const struct {
        const char *hash, *password;
    } rows[] = {{P7, "secret"},     {P6, "secret"}, {MADE_7, "secret"},
                {MADE_6, "secret"}, {EMPTY, ""},    {LONG_SALT, "long salt"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[400], wrong[20];
        snprintf(text, sizeof text, "u:%s\n", rows[i].hash);
        struct password_file *file = accept_text(text);
        ck_assert_uint_eq(password_file_users(file), 1);
        ck_assert_msg(matches(file, "u", rows[i].password), "%zu", i);
        ck_assert(!matches(file, "v", rows[i].password));
        ck_assert(!matches(file, "", rows[i].password));
        ck_assert(!matches(file, "u", "Secret"));
        snprintf(wrong, sizeof wrong, "%sx", rows[i].password);
        ck_assert(!matches(file, "u", wrong));
        password_file_release(file);
    }
}
END_TEST

/* One bit of the hash or of the salt, and the password is another one. */
START_TEST(every_letter_counts)
{
    char text[] = "u:" P7;
    struct mistakes mistakes;
    size_t tried = 0;
    for (size_t i = strlen("u:$7$101$"); text[i] != '\0'; i++) {
        const char letter = text[i];
        if (letter == '=' || letter == '$')
            continue;
        text[i] = letter == 'B' ? 'C' : 'B';
        struct password_file *file = parse(text, strlen(text), &mistakes);
        if (file) { /* not so if it has bits behind the last byte */
            ck_assert_msg(!matches(file, "u", "secret"), "%zu", i);
            tried++;
        }
        password_file_release(file);
        text[i] = letter;
    }
    ck_assert_uint_gt(tried, 98);
}
END_TEST

START_TEST(lines)
{
    struct password_file *file = accept_text("\xEF\xBB\xBF# users\r\n\r\n  \t\na:" P7 "\r\nb c:" P6
                                             "\n# d:x\n\xC3\xA4:" P7 "\ne#:" P7);
    ck_assert_uint_eq(password_file_users(file), 4);
    ck_assert(matches(file, "a", "secret"));
    ck_assert(matches(file, "b c", "secret"));
    ck_assert(matches(file, "\xC3\xA4", "secret"));
    ck_assert(matches(file, "e#", "secret"));
    ck_assert(!matches(file, "# d", "secret"));
    ck_assert(!matches(file, "b", "secret"));
    password_file_release(file);
    file = accept_text("");
    ck_assert_uint_eq(password_file_users(file), 0);
    ck_assert(!matches(file, "a", "secret"));
    ck_assert(!matches(file, "", ""));
    password_file_release(file);
}
END_TEST

START_TEST(mistakes_have_their_line)
{
    static const struct {
        const char *text;
        size_t line;
        const char *word;
    } cases[] = {
        {"a:" P7 "\nsecret\n", 2, "colon is missing"},
        {"a:secret", 1, "mosquitto_passwd -U"},
        {"a:", 1, "mosquitto_passwd -U"},
        {"# x\n\n:" P7, 3, "name of the user is missing"},
        {"a:$5$AAAA$" HASH_OF_64, 1, "$7$ and $6$"},
        {"a:$argon2id$v=19$m=47104,t=1,p=1$AAAA$AAAA", 1, "$7$ and $6$"},
        {"a:$", 1, "$7$ and $6$"},
        {"a:$77$1$AAAA$" HASH_OF_64, 1, "$7$ and $6$"},
        {"a:$7$0$AAAA$" HASH_OF_64, 1, "iterations"},
        {"a:$7$$AAAA$" HASH_OF_64, 1, "iterations"},
        {"a:$7$-1$AAAA$" HASH_OF_64, 1, "iterations"},
        {"a:$7$10000001$AAAA$" HASH_OF_64, 1, "iterations"},
        {"a:$7$99999999999999999999$AAAA$" HASH_OF_64, 1, "iterations"},
        {"a:$7$1x$AAAA$" HASH_OF_64, 1, "iterations"},
        {"a:$7$1$$" HASH_OF_64, 1, "salt"},
        {"a:$7$1$AAA$" HASH_OF_64, 1, "salt"},
        {"a:$7$1$AA=A$" HASH_OF_64, 1, "salt"},
        {"a:$7$1$AB==$" HASH_OF_64, 1, "salt"}, /* bits that belong to no byte */
        {"a:$7$1$====$" HASH_OF_64, 1, "salt"},
        {"a:$7$1$A A=$" HASH_OF_64, 1, "salt"},
        {"a:$7$1$AAAA", 1, "hash"},
        {"a:$7$1$AAAA$", 1, "hash"},
        {"a:$7$1$AAAA$AAAA", 1, "hash"},
        {"a:$7$1$AAAA$AAAA" HASH_OF_64, 1, "hash"},
        {"a:$7$1$AAAA$" HASH_OF_64 "$", 1, "hash"},
        {"a:$7$1$AAAA$" HASH_OF_64 " ", 1, "hash"},
        {"a:$6$AAAA$AAAA", 1, "hash"},
        {"a:" P7 "\nb:" P7 "\na:" P6, 3, "line 1 already"},
        {"\xC3(:" P7, 1, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct mistakes mistakes;
        ck_assert(parse(cases[i].text, strlen(cases[i].text), &mistakes) == NULL);
        ck_assert_msg(
            mistakes.count == 1 && mistakes.line == cases[i].line && strstr(mistakes.text, cases[i].word),
            "%s: %zu mistakes, line %zu: %s", cases[i].text, mistakes.count, mistakes.line, mistakes.text);
    }
}
END_TEST

/* What is told may go to a log that others read. */
START_TEST(no_password_is_told)
{
    static const char *const texts[] = {"a:tellnobody",    "tellnobody",        "tell nobody",
                                        "a:$7$tellnobody", "a:$7$1$tellnobody", "a:$tellnobody$"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        static struct mistakes mistakes;
        ck_assert(parse(texts[i], strlen(texts[i]), &mistakes) == NULL);
        ck_assert_msg(!strstr(mistakes.all, "nobody") && !strstr(mistakes.all, "tell"), "%s", mistakes.all);
    }
}
END_TEST

START_TEST(all_mistakes_are_told_but_not_for_ever)
{
    static struct mistakes mistakes;
    char text[1000] = "";
    ck_assert(parse("a:x\nb:" P7 "\nc:y\n", strlen("a:x\nb:" P7 "\nc:y\n"), &mistakes) == NULL);
    ck_assert_uint_eq(mistakes.count, 2);
    for (int i = 0; i < 300; i++)
        strcat(text, "x\n");
    ck_assert(parse(text, strlen(text), &mistakes) == NULL);
    ck_assert_uint_eq(mistakes.count, TEXT_MOST_MISTAKES);
}
END_TEST

/* Every prefix of a good file is a good file or has a mistake in its last line. */
START_TEST(cut_anywhere)
{
    static const char text[] = "a:" P7 "\r\nb:" P6 "\n";
    const size_t first = strlen("a:" P7 "\r\n");
    size_t good = 0;
    for (size_t length = 0; length <= strlen(text); length++) {
        static struct mistakes mistakes;
        struct password_file *file = parse(text, length, &mistakes);
        good += file != NULL;
        if (!file)
            ck_assert_uint_eq(mistakes.line, length <= first ? 1 : 2);
        password_file_release(file);
    }
    ck_assert_uint_eq(good, 6); /* nothing; a with no line end, with half of it, with all of it; b likewise */
}
END_TEST

START_TEST(zero_bytes_are_bytes)
{
    static struct mistakes mistakes;
    static const char text[] = "a\0b:" P7 "\n";
    struct password_file *file = parse(text, sizeof text - 1, &mistakes);
    if (file) { /* a name that no client can have */
        ck_assert(!matches(file, "a", "secret"));
        password_file_release(file);
    }
    file = accept_text("a:" P6); /* HMAC itself takes no notice of zeros at the end of its key */
    const struct password_check check = password_file_find(file, bytes_of_text("a"));
    ck_assert(password_check_run(&check, bytes_of("secret", 6)));
    ck_assert(!password_check_run(&check, bytes_of("secret\0", 7)));
    ck_assert(!password_check_run(&check, bytes_of("secret\0x", 8)));
    password_file_release(file);
}
END_TEST

/* An unknown user is checked by the entry of a known one: by which, can't be told from outside, and it's
 * always the same. Nobody gets in by it. */
START_TEST(unknown_users_have_decoys)
{
    struct password_file *file = accept_text("a:" P7 "\nb:" P6 "\nc:" EMPTY "\n");
    const struct password_entry *seen[3] = {NULL};
    size_t kinds = 0;
    for (int i = 0; i < 200; i++) {
        char name[20];
        snprintf(name, sizeof name, "unknown %d", i);
        const struct password_check check = password_file_find(file, bytes_of_text(name));
        const struct password_check again = password_file_find(file, bytes_of_text(name));
        ck_assert(!check.known && check.entry && check.entry == again.entry);
        ck_assert(!password_check_run(&check, bytes_of_text(i % 2 ? "secret" : "")));
        size_t at = 0;
        while (at < kinds && seen[at] != check.entry)
            at++;
        ck_assert_uint_lt(at, 3);
        kinds += at == kinds;
        seen[at] = check.entry;
    }
    ck_assert_uint_eq(kinds, 3);
    password_file_release(file);
}
END_TEST

START_TEST(held_files_live_on)
{
    struct password_file *file = accept_text("a:" P7);
    ck_assert(password_file_hold(file) == file);
    const struct password_check check = password_file_find(file, bytes_of_text("a"));
    password_file_release(file);
    ck_assert(password_check_run(&check, bytes_of_text("secret")));
    password_file_release(file);
    password_file_release(NULL);
}
END_TEST

START_TEST(many_users)
{
    enum { USERS = 50000 };
    const size_t size = USERS * (sizeof P6 + 20);
    char *text = malloc(size);
    size_t length = 0;
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < USERS; i++)
        length += (size_t)snprintf(text + length, size - length, "user%d:%s\n", i, P6);
    struct password_file *file = accept_text(text);
    ck_assert_uint_eq(password_file_users(file), USERS);
    ck_assert(matches(file, "user0", "secret"));
    ck_assert(matches(file, "user49999", "secret"));
    ck_assert(!matches(file, "user50000", "secret"));
    password_file_release(file);
    free(text);
}
END_TEST

Suite *suite_host_password_file(void);
Suite *suite_host_password_file(void)
{
    Suite *suite = suite_create("host/password_file");
    TCase *reading = tcase_create("reading");
    TCase *checking = tcase_create("checking");
    tcase_add_test(reading, lines);
    tcase_add_test(reading, mistakes_have_their_line);
    tcase_add_test(reading, no_password_is_told);
    tcase_add_test(reading, all_mistakes_are_told_but_not_for_ever);
    tcase_add_test(reading, cut_anywhere);
    tcase_add_test(reading, many_users);
    tcase_add_test(checking, passwords_are_known);
    tcase_add_test(checking, every_letter_counts);
    tcase_add_test(checking, zero_bytes_are_bytes);
    tcase_add_test(checking, unknown_users_have_decoys);
    tcase_add_test(checking, held_files_live_on);
    suite_add_tcase(suite, reading);
    suite_add_tcase(suite, checking);
    return suite;
}
