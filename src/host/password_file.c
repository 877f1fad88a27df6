#include "password_file.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "../base/hash_map.h"
#include "../base/line.h"
#include "../mqtt/1_5_data_representation.h"

enum {
    HASH_SIZE = 64,             /* bytes; SHA-512 */
    LONGEST_SALT = 256,         /* bytes; mosquitto_passwd takes 12 or 64 */
    LONGEST_NAME = 65535,       /* bytes; what MQTT can carry, 1.5.4 */
    MOST_ITERATIONS = 10000000, /* some seconds of work */
    ITERATIONS_OF_DECOY = 101   /* what mosquitto_passwd takes; for a file without any user */
};

enum method { METHOD_SHA_512, METHOD_PBKDF2 };

struct password_entry {
    struct password_entry *next;
    size_t line;
    int iterations; /* METHOD_PBKDF2 */
    uint32_t salt_length;
    uint32_t name_length;
    uint8_t method;
    uint8_t hash[HASH_SIZE];
    uint8_t bytes[]; /* salt, then name */
};

struct password_file {
    uint32_t references;
    struct hash_key key;
    struct hash_map users;
    struct password_entry *entries; /* all of them, the last one first */
    struct password_entry **list;   /* the same in the order of the file, for decoys */
    struct password_entry *decoy;   /* when there is none */
};

/* Telling what is wrong. */

struct parser {
    struct password_file *file;
    const struct text_sink *sink;
    size_t line;
    size_t mistakes;
};

static bool complain(struct parser *parser, const char *text)
{
    parser->mistakes++;
    parser->sink->mistake(parser->sink->context, parser->line, text);
    return false;
}

/* Of a line nothing but the user's name is shown, and it only if the line has the form of an entry: what is
 * behind the name, or the whole of a line that was broken off, may be a password. */
static bool complain_of_user(struct parser *parser, struct bytes name, const char *text)
{
    struct line line = {0};
    line_text(&line, text);
    line_text(&line, " (user \"");
    line_stranger(&line, name); /* last, because it may be cut off */
    line_text(&line, "\")");
    return complain(parser, line.text);
}

/* Fields between '$'. */

/* Takes the bytes up to the next '$', which is skipped, or to the end. */
static struct bytes take_field(struct bytes *rest)
{
    const uint8_t *end = rest->length > 0 ? memchr(rest->data, '$', rest->length) : NULL;
    const struct bytes field = bytes_of(rest->data, end ? (size_t)(end - rest->data) : rest->length);
    *rest = bytes_after(*rest, end ? field.length + 1 : field.length);
    return field;
}

static int value_of_letter(uint8_t letter)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    return found ? (int)(found - letters) : -1;
}

/* Base64 with its padding and without anything else, in the one way to write the bytes. Returns their number;
 * 0: it is none, or `room` is too small. */
static size_t decode_base64(struct bytes text, uint8_t *out, size_t room)
{
    size_t padding = 0;
    while (padding < 2 && padding < text.length && text.data[text.length - 1 - padding] == '=')
        padding++;
    const size_t size = text.length / 4 * 3 - padding;
    if (text.length == 0 || text.length % 4 != 0 || size > room)
        return 0;
    uint32_t gathered = 0;
    size_t bits = 0;
    size_t count = 0;
    for (size_t i = 0; i < text.length - padding; i++) {
        const int value = value_of_letter(text.data[i]);
        if (value < 0)
            return 0;
        gathered = (gathered << 6 | (uint32_t)value) & 0xFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[count++] = (uint8_t)(gathered >> bits);
        }
    }
    assert(count == size);
    return (gathered & ((1U << bits) - 1U)) == 0 ? count : 0; /* what is left over of the last letter */
}

/* 0: not a number in range. */
static int iterations_of(struct bytes field)
{
    int number = 0;
    for (size_t i = 0; i < field.length; i++) {
        if (field.data[i] < '0' || field.data[i] > '9')
            return 0;
        number = number * 10 + (field.data[i] - '0');
        if (number > MOST_ITERATIONS)
            return 0;
    }
    return number;
}

/* The lines. */

static uint64_t hash_of(const struct password_file *file, struct bytes name)
{
    return hash_bytes(&file->key, name);
}

static struct bytes name_of(const struct password_entry *entry)
{
    return bytes_of(entry->bytes + entry->salt_length, entry->name_length);
}

static bool has_name(const void *item, const void *key)
{
    return bytes_equal(name_of(item), *(const struct bytes *)key);
}

static struct password_entry *entry_of(const struct password_file *file, struct bytes name)
{
    return hash_map_find(&file->users, hash_of(file, name), has_name, &name);
}

/* What is wrong with a hash: text for the user; NULL: it was read into `entry` and `salt`. */
static const char *read_hash(struct bytes rest, struct password_entry *entry, uint8_t *salt)
{
    if (rest.length == 0 || rest.data[0] != '$')
        return "the password is not hashed; to hash all that are not: mosquitto_passwd -U FILE";
    take_field(&rest);
    const struct bytes kind = take_field(&rest);
    const bool stretched = bytes_equal(kind, bytes_of_text("7"));
    if (!stretched && !bytes_equal(kind, bytes_of_text("6")))
        return "only hashes of the kinds $7$ and $6$ are possible; make it anew with mosquitto_passwd";
    entry->method = stretched ? METHOD_PBKDF2 : METHOD_SHA_512;
    if (stretched && (entry->iterations = iterations_of(take_field(&rest))) == 0)
        return "the number of iterations must be from 1 to 10000000";
    const size_t salt_length = decode_base64(take_field(&rest), salt, LONGEST_SALT);
    entry->salt_length = (uint32_t)salt_length;
    if (salt_length == 0)
        return "the salt is not base64 of 1 to 256 bytes";
    /* What follows is not a field: a '$' in it is no letter of base64. */
    if (decode_base64(rest, entry->hash, HASH_SIZE) != HASH_SIZE)
        return "the hash is not base64 of 64 bytes; is the line complete?";
    return NULL;
}

static struct password_entry *keep(const struct password_entry *head, const uint8_t *salt, struct bytes name)
{
    struct password_entry *entry = malloc(sizeof *entry + head->salt_length + name.length);
    if (!entry)
        return NULL;
    *entry = *head;
    entry->name_length = (uint32_t)name.length;
    memcpy(entry->bytes, salt, head->salt_length);
    if (name.length > 0)
        memcpy(entry->bytes + head->salt_length, name.data, name.length);
    return entry;
}

static const char *objection_to_name(struct bytes name)
{
    size_t bad;
    if (name.length == 0)
        return "the name of the user is missing in front of the colon";
    if (name.length > LONGEST_NAME)
        return "the name of the user is too long: 65535 bytes are possible";
    return utf8_check(name, &bad) == UTF8_WELL_FORMED ? NULL
                                                      : "the name of the user is not well-formed UTF-8";
}

static bool add(struct parser *parser, struct bytes name, const struct password_entry *head,
                const uint8_t *salt)
{
    struct password_file *file = parser->file;
    const struct password_entry *first = entry_of(file, name);
    if (first) {
        struct line text = {0};
        line_text(&text, "this user was given in line ");
        line_number(&text, first->line);
        line_text(&text, " already, and each has one password only");
        return complain_of_user(parser, name, text.text);
    }
    struct password_entry *entry = keep(head, salt, name);
    if (!entry || !hash_map_insert(&file->users, hash_of(file, name), entry)) {
        free(entry);
        parser->mistakes = TEXT_MOST_MISTAKES; /* the rest would fare no better */
        return complain(parser, "there is not enough memory for so many users");
    }
    entry->next = file->entries;
    file->entries = entry;
    return true;
}

static bool is_blank(struct bytes line)
{
    size_t i = 0;
    while (i < line.length && (line.data[i] == ' ' || line.data[i] == '\t'))
        i++;
    return i == line.length;
}

static bool take_line(struct parser *parser, struct bytes line)
{
    uint8_t salt[LONGEST_SALT];
    struct password_entry head = {.line = parser->line};
    if (is_blank(line) || line.data[0] == '#')
        return true;
    const uint8_t *colon = memchr(line.data, ':', line.length);
    if (!colon)
        return complain(parser, "this is no NAME:HASH: the colon is missing");
    const struct bytes name = bytes_of(line.data, (size_t)(colon - line.data));
    const char *problem = objection_to_name(name);
    if (problem)
        return complain(parser, problem);
    problem = read_hash(bytes_after(line, name.length + 1), &head, salt);
    return problem ? complain_of_user(parser, name, problem) : add(parser, name, &head, salt);
}

/* Decoys. */

/* The checks of users that do not exist are made with entries of those that do. */
static bool prepare_decoys(struct password_file *file)
{
    static const uint8_t salt[12];
    const struct password_entry head = {
        .method = METHOD_PBKDF2, .iterations = ITERATIONS_OF_DECOY, .salt_length = sizeof salt};
    size_t place = file->users.count;
    if (place == 0)
        return (file->decoy = keep(&head, salt, bytes_of(NULL, 0))) != NULL;
    file->list = calloc(place, sizeof *file->list);
    if (!file->list)
        return false;
    for (struct password_entry *entry = file->entries; entry; entry = entry->next)
        file->list[--place] = entry;
    return true;
}

static const struct password_entry *decoy_for(const struct password_file *file, struct bytes name)
{
    if (file->users.count == 0)
        return file->decoy;
    return file->list[hash_mix(hash_of(file, name)) % file->users.count];
}

/* The whole. */

static void destroy(struct password_file *file)
{
    struct password_entry *entry = file->entries;
    while (entry) {
        struct password_entry *next = entry->next;
        OPENSSL_cleanse(entry->hash, sizeof entry->hash);
        free(entry);
        entry = next;
    }
    free(file->decoy);
    free(file->list);
    hash_map_clear(&file->users);
    free(file);
}

struct password_file *password_file_parse(struct bytes text, const struct hash_key *key,
                                          const struct text_sink *sink)
{
    struct parser parser = {.file = calloc(1, sizeof *parser.file), .sink = sink};
    struct text_lines lines = text_lines_of(text);
    struct bytes line;
    if (!parser.file) {
        complain(&parser, "cannot be read: there is not enough memory");
        return NULL;
    }
    parser.file->references = 1;
    parser.file->key = *key;
    while (parser.mistakes < TEXT_MOST_MISTAKES && text_next_line(&lines, &line)) {
        parser.line = lines.number;
        take_line(&parser, line);
    }
    parser.line = 0;
    if (parser.mistakes == 0 && !prepare_decoys(parser.file))
        complain(&parser, "cannot be read: there is not enough memory");
    if (parser.mistakes == 0)
        return parser.file;
    destroy(parser.file);
    return NULL;
}

struct password_file *password_file_read(const char *name, const struct hash_key *key,
                                         const struct text_sink *sink)
{
    size_t length = 0;
    char *bytes = text_file_read(name, &length, sink);
    if (!bytes)
        return NULL;
    struct password_file *file = password_file_parse(bytes_of(bytes, length), key, sink);
    text_file_free(bytes, length);
    return file;
}

struct password_file *password_file_hold(struct password_file *file)
{
    file->references++;
    return file;
}

void password_file_release(struct password_file *file)
{
    if (file && --file->references == 0)
        destroy(file);
}

size_t password_file_users(const struct password_file *file)
{
    return file->users.count;
}

/* Checking. */

struct password_check password_file_find(const struct password_file *file, struct bytes user_name)
{
    const struct password_entry *entry = entry_of(file, user_name);
    return (struct password_check){.entry = entry ? entry : decoy_for(file, user_name),
                                   .known = entry != NULL};
}

static bool derive(const struct password_entry *entry, struct bytes password, uint8_t *hash)
{
    static const char nothing[1];
    const char *data = password.length > 0 ? (const char *)password.data : nothing;
    return PKCS5_PBKDF2_HMAC(data, (int)password.length, entry->bytes, (int)entry->salt_length,
                             entry->iterations, EVP_sha512(), HASH_SIZE, hash) == 1;
}

static bool digest(const struct password_entry *entry, struct bytes password, uint8_t *hash)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool done = context && EVP_DigestInit_ex(context, EVP_sha512(), NULL) == 1 &&
                      EVP_DigestUpdate(context, password.data, password.length) == 1 &&
                      EVP_DigestUpdate(context, entry->bytes, entry->salt_length) == 1 &&
                      EVP_DigestFinal_ex(context, hash, NULL) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

bool password_check_run(const struct password_check *check, struct bytes password)
{
    const struct password_entry *entry = check->entry;
    uint8_t hash[HASH_SIZE];
    if (password.length > LONGEST_NAME) /* MQTT carries none that is longer */
        return false;
    const bool done =
        entry->method == METHOD_PBKDF2 ? derive(entry, password, hash) : digest(entry, password, hash);
    const bool same = done && CRYPTO_memcmp(hash, entry->hash, HASH_SIZE) == 0;
    OPENSSL_cleanse(hash, sizeof hash);
    return same && check->known;
}
