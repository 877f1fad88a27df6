/* fuzz_password_file: any bytes as a password file. What is a good line is judged once more, by OpenSSL's
 * base64 and by other means than those of the parser; what is told of a mistake never holds what may be a
 * password. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"
#include "fuzz.h"
#include "host/password_file.h"
#include "mqtt/1_5_data_representation.h"

struct mistakes {
    struct bytes text;
    size_t count;
    size_t places[TEXT_MOST_MISTAKES];
};

static bool find_line(struct bytes text, size_t number, struct bytes *line)
{
    struct text_lines lines = text_lines_of(text);
    while (text_next_line(&lines, line)) {
        if (lines.number == number)
            return true;
    }
    return false;
}

/* What is told consists of words of our own, and of the name that stands in front of the colon. */
static void check_secret(struct bytes line, const char *text)
{
    static const char *const own[] = {
        "this is no NAME:HASH: the colon is missing",
        "the name of the user is missing in front of the colon",
        "the name of the user is too long: 65535 bytes are possible",
        "the name of the user is not well-formed UTF-8",
        "the password is not hashed; to hash all that are not: mosquitto_passwd -U FILE",
        "only hashes of the kinds $7$ and $6$ are possible; make it anew with mosquitto_passwd",
        "the number of iterations must be from 1 to 10000000",
        "the salt is not base64 of 1 to 256 bytes",
        "the hash is not base64 of 64 bytes; is the line complete?"};
    const uint8_t *colon = line.length > 0 ? memchr(line.data, ':', line.length) : NULL;
    struct line name = {0};
    line_text(&name, " (user \"");
    line_stranger(&name, bytes_of(line.data, colon ? (size_t)(colon - line.data) : 0));
    line_text(&name, "\")");
    bool known = strncmp(text, "this user was given in line ", 28) == 0;
    for (size_t i = 0; i < sizeof own / sizeof *own && !known; i++) {
        struct line whole = {0};
        line_text(&whole, own[i]);
        line_text(&whole, name.text);
        known = strcmp(text, own[i]) == 0 || strcmp(text, whole.text) == 0;
    }
    REQUIRE(known);
}

static void on_mistake(void *context, size_t number, const char *text)
{
    struct mistakes *mistakes = context;
    struct bytes line;
    REQUIRE(find_line(mistakes->text, number, &line) && text[0] != '\0');
    check_secret(line, text);
    for (; *text != '\0'; text++)
        REQUIRE((uint8_t)*text >= 0x20 && *text != 0x7F);
    REQUIRE(mistakes->count < TEXT_MOST_MISTAKES);
    mistakes->places[mistakes->count++] = number;
}

static struct password_file *parse(struct bytes text, struct mistakes *mistakes)
{
    static const struct hash_key key = {.first = 7, .second = 8};
    const struct text_sink sink = {.context = mistakes, .mistake = on_mistake};
    *mistakes = (struct mistakes){.text = text};
    struct password_file *file = password_file_parse(text, &key, &sink);
    REQUIRE((file == NULL) == (mistakes->count > 0));
    return file;
}

/* The other opinion. */

/* Bytes that base64 stands for, in the only way to write them; 0: it's none. */
static size_t count_base64(const char *text)
{
    uint8_t decoded[1000];
    char again[1400];
    const size_t length = strlen(text);
    if (length == 0 || length % 4 != 0 || length > 1200)
        return 0;
    const int whole = EVP_DecodeBlock(decoded, (const uint8_t *)text, (int)length);
    if (whole < 0)
        return 0;
    const size_t padding = (size_t)(text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
    EVP_EncodeBlock((uint8_t *)again, decoded, whole - (int)padding);
    return strcmp(again, text) == 0 ? (size_t)whole - padding : 0;
}

static bool good_hash(char *hash)
{
    int iterations = 0, used = 0;
    char *salt = strncmp(hash, "$6$", 3) == 0 ? hash + 3 : NULL;
    if (strncmp(hash, "$7$", 3) == 0 && hash[3] >= '0' && hash[3] <= '9' && strcspn(hash + 3, "$") < 100 &&
        strspn(hash + 3, "0") < 3 && sscanf(hash + 3, "%9d%n", &iterations, &used) == 1 && iterations >= 1 &&
        iterations <= 10000000 && hash[3 + used] == '$')
        salt = hash + 3 + used + 1;
    char *end = salt ? strchr(salt, '$') : NULL;
    if (!end)
        return false;
    *end = '\0';
    const size_t length = count_base64(salt);
    return length >= 1 && length <= 256 && count_base64(end + 1) == 64;
}

/* A line without its end, as a string. */
static bool good_line(struct bytes line, struct bytes *name)
{
    size_t bad;
    const uint8_t *colon = memchr(line.data, ':', line.length);
    if (!colon)
        return false;
    *name = bytes_of(line.data, (size_t)(colon - line.data));
    const size_t length = line.length - name->length - 1;
    char *hash = malloc(length + 1);
    if (!hash)
        exit(2);
    memcpy(hash, colon + 1, length);
    hash[length] = '\0';
    const bool good = name->length > 0 && utf8_check(*name, &bad) == UTF8_WELL_FORMED &&
                      strlen(hash) == length && good_hash(hash);
    free(hash);
    return good;
}

static bool is_skipped(struct bytes line)
{
    size_t blanks = 0;
    while (blanks < line.length && (line.data[blanks] == ' ' || line.data[blanks] == '\t'))
        blanks++;
    return blanks == line.length || line.data[0] == '#';
}

/* Users of a file that was accepted: all are known, and nobody else. */
static void check_users(const struct password_file *file, struct bytes text)
{
    struct text_lines lines = text_lines_of(text);
    struct bytes line, name;
    size_t count = 0;
    while (text_next_line(&lines, &line)) {
        if (is_skipped(line))
            continue;
        REQUIRE(good_line(line, &name));
        REQUIRE(password_file_find(file, name).known);
        count++;
    }
    REQUIRE(password_file_users(file) == count);
    const struct password_check check = password_file_find(file, bytes_of_text("\x01 nobody"));
    REQUIRE(check.entry != NULL);
}

/* Of a file with one mistake at least one line is no good, or a user comes twice. */
static void check_mistakes(struct bytes text, const struct mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->count; i++) {
        struct bytes line, name, other, other_name;
        REQUIRE(find_line(text, mistakes->places[i], &line));
        if (!good_line(line, &name))
            continue;
        bool twice = false;
        for (size_t number = 1; number < mistakes->places[i] && find_line(text, number, &other); number++)
            twice = twice ||
                    (!is_skipped(other) && good_line(other, &other_name) && bytes_equal(name, other_name));
        REQUIRE(twice);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mistakes mistakes;
    const struct bytes text = fuzz_exact_copy(bytes_of(data, size));
    struct password_file *file = parse(text, &mistakes);
    if (file)
        check_users(file, text);
    else
        check_mistakes(text, &mistakes);
    password_file_release(file);
    fuzz_free(text);
    return 0;
}
