#include "scram_file.h"

#include <gsasl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "../base/hash_map.h"
#include "../base/line.h"
#include "../mqtt/1_5_data_representation.h"

enum { LONGEST_NAME = 65535 }; /* bytes; what MQTT can carry, 1.5.4 */

static const struct {
    const char *method;
    size_t size; /* bytes of a key */
} hashes[SCRAM_HASHES] = {[SCRAM_SHA_256] = {"SCRAM-SHA-256", 32}, [SCRAM_SHA_1] = {"SCRAM-SHA-1", 20}};

struct scram_entry {
    struct scram_entry *next;
    size_t line;
    enum scram_hash hash;
    struct scram_secrets secrets;
    size_t name_length;
    uint8_t name[]; /* as SASLprep makes it */
};

struct scram_file {
    uint32_t references;
    struct hash_key key;
    struct hash_map users;
    struct scram_entry *entries;             /* the last one first */
    struct scram_entry *first[SCRAM_HASHES]; /* in the order of the file: what made-up secrets look like */
};

const char *scram_method(enum scram_hash hash)
{
    return hashes[hash].method;
}

/* Telling what is wrong. Never more than the user's name is shown. */

struct parser {
    struct scram_file *file;
    const struct text_sink *sink;
    size_t line;
    size_t mistakes;
};

static void complain(struct parser *parser, const char *text)
{
    parser->mistakes++;
    parser->sink->mistake(parser->sink->context, parser->line, text);
}

static void complain_of_user(struct parser *parser, struct bytes name, const char *text)
{
    struct line line = {0};
    line_text(&line, "user \"");
    line_stranger(&line, name);
    line_text(&line, "\": ");
    line_text(&line, text);
    complain(parser, line.text);
}

/* Fields. */

/* Takes the bytes up to `separator`, which is skipped. False: there is none. */
static bool take_field(struct bytes *rest, char separator, struct bytes *field)
{
    const uint8_t *end = rest->length > 0 ? memchr(rest->data, separator, rest->length) : NULL;
    if (!end)
        return false;
    *field = bytes_of(rest->data, (size_t)(end - rest->data));
    *rest = bytes_after(*rest, field->length + 1);
    return true;
}

/* Copies what is base64 in the one way to write `fewest` to `most` bytes. */
static bool copy_base64(struct bytes text, size_t fewest, size_t most, char *out)
{
    uint8_t bytes[SCRAM_SALT_SIZE + 3];
    char again[SCRAM_SALT_TEXT];
    size_t padding = 0;
    while (padding < 2 && padding < text.length && text.data[text.length - 1 - padding] == '=')
        padding++;
    if (text.length == 0 || text.length % 4 != 0 || text.length / 4 * 3 - padding > most)
        return false;
    const int decoded = EVP_DecodeBlock(bytes, text.data, (int)text.length);
    if (decoded < 0 || (size_t)decoded - padding < fewest)
        return false;
    EVP_EncodeBlock((uint8_t *)again, bytes, decoded - (int)padding);
    OPENSSL_cleanse(bytes, sizeof bytes);
    if (!bytes_equal(text, bytes_of_text(again)))
        return false;
    memcpy(out, again, text.length + 1);
    return true;
}

static bool copy_iterations(struct bytes field, char *out)
{
    uint32_t number = 0;
    for (size_t i = 0; i < field.length; i++) {
        if (field.data[i] < '0' || field.data[i] > '9' || (i == 0 && field.data[i] == '0'))
            return false;
        number = number * 10 + (uint32_t)(field.data[i] - '0');
        if (number > SCRAM_MOST_ITERATIONS)
            return false;
    }
    if (number < SCRAM_FEWEST_ITERATIONS)
        return false;
    memcpy(out, field.data, field.length);
    out[field.length] = '\0';
    return true;
}

static bool find_hash(struct bytes method, enum scram_hash *hash)
{
    for (*hash = 0; *hash < SCRAM_HASHES; (*hash)++) {
        if (bytes_equal(method, bytes_of_text(hashes[*hash].method)))
            return true;
    }
    return false;
}

/* What is wrong with what is behind the user's name: text for the user; NULL: nothing. */
static const char *read_secrets(struct bytes rest, enum scram_hash *hash, struct scram_secrets *secrets)
{
    const bool braces = rest.length > 0 && rest.data[0] == '{';
    const char *separators = braces ? "},,," : "$:$:";
    struct bytes method, iterations, salt, stored_key;
    if (braces)
        rest = bytes_after(rest, 1);
    if (!take_field(&rest, separators[0], &method) || !take_field(&rest, separators[1], &iterations) ||
        !take_field(&rest, separators[2], &salt) || !take_field(&rest, separators[3], &stored_key))
        return "the rest is not METHOD$ITERATIONS:SALT$STOREDKEY:SERVERKEY; is the line complete?";
    if (!find_hash(method, hash))
        return "the method is neither SCRAM-SHA-256 nor SCRAM-SHA-1";
    const size_t size = hashes[*hash].size;
    if (!copy_iterations(iterations, secrets->iterations))
        return "the number of iterations must be from 4096 to 1000000";
    if (!copy_base64(salt, 1, SCRAM_SALT_SIZE, secrets->salt))
        return "the salt is not base64 of 1 to 64 bytes";
    if (!copy_base64(stored_key, size, size, secrets->stored_key))
        return "the StoredKey is not base64 of as many bytes as the hash has";
    if (!copy_base64(rest, size, size, secrets->server_key))
        return "the ServerKey is not base64 of as many bytes as the hash has; is the line complete?";
    return NULL;
}

/* The lines. */

struct search {
    struct bytes name;
    enum scram_hash hash;
};

static uint64_t hash_of(const struct scram_file *file, const struct search *search)
{
    return hash_combine(hash_bytes(&file->key, search->name), (uint64_t)search->hash);
}

static bool is_meant(const void *item, const void *key)
{
    const struct scram_entry *entry = item;
    const struct search *search = key;
    return entry->hash == search->hash &&
           bytes_equal(bytes_of(entry->name, entry->name_length), search->name);
}

static struct scram_entry *find(const struct scram_file *file, const struct search *search)
{
    return hash_map_find(&file->users, hash_of(file, search), is_meant, search);
}

static void add(struct parser *parser, const struct search *search, const struct scram_secrets *secrets)
{
    struct scram_file *file = parser->file;
    if (find(file, search)) {
        complain_of_user(parser, search->name, "has a line for this method already");
        return;
    }
    struct scram_entry *entry = malloc(sizeof *entry + search->name.length);
    if (!entry || !hash_map_insert(&file->users, hash_of(file, search), entry)) {
        free(entry);
        complain(parser, "there is not enough memory for so many users");
        parser->mistakes = TEXT_MOST_MISTAKES; /* the rest would fare no better */
        return;
    }
    *entry = (struct scram_entry){.next = file->entries,
                                  .line = parser->line,
                                  .hash = search->hash,
                                  .secrets = *secrets,
                                  .name_length = search->name.length};
    memcpy(entry->name, search->name.data, search->name.length);
    file->entries = entry;
    if (!file->first[search->hash])
        file->first[search->hash] = entry;
}

/* SASLprep of the name, to be freed by gsasl_free; NULL: the mistake was told. */
static char *prepare_name(struct parser *parser, struct bytes name)
{
    size_t bad;
    char *prepared = NULL;
    if (name.length == 0 || name.length > LONGEST_NAME || utf8_check(name, &bad) != UTF8_WELL_FORMED) {
        complain(parser, "in front of the colon must be the name of a user: 1 to 65535 bytes of UTF-8");
        return NULL;
    }
    char *text = strndup((const char *)name.data, name.length);
    if (!text || gsasl_saslprep(text, 0, &prepared, NULL) != GSASL_OK || prepared[0] == '\0') {
        complain_of_user(parser, name, "SASLprep (RFC 4013) does not allow this name");
        gsasl_free(prepared);
        prepared = NULL;
    }
    free(text);
    return prepared;
}

static void take_line(struct parser *parser, struct bytes line)
{
    struct bytes name, rest = line;
    if (line.length == 0 || line.data[0] == '#')
        return;
    if (!take_field(&rest, ':', &name)) {
        complain(parser, "this is no NAME:METHOD$...: the colon is missing");
        return;
    }
    char *prepared = prepare_name(parser, name);
    if (!prepared)
        return;
    struct search search = {.name = bytes_of_text(prepared)};
    struct scram_secrets secrets;
    const char *problem = read_secrets(rest, &search.hash, &secrets);
    if (problem)
        complain_of_user(parser, name, problem);
    else
        add(parser, &search, &secrets);
    OPENSSL_cleanse(&secrets, sizeof secrets);
    gsasl_free(prepared);
}

/* The whole. */

static void destroy(struct scram_file *file)
{
    while (file->entries) {
        struct scram_entry *entry = file->entries;
        file->entries = entry->next;
        OPENSSL_cleanse(&entry->secrets, sizeof entry->secrets);
        free(entry);
    }
    hash_map_clear(&file->users);
    free(file);
}

struct scram_file *scram_file_parse(struct bytes text, const struct hash_key *key,
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
    if (parser.mistakes == 0)
        return parser.file;
    destroy(parser.file);
    return NULL;
}

struct scram_file *scram_file_read(const char *name, const struct hash_key *key, const struct text_sink *sink)
{
    size_t length = 0;
    char *bytes = text_file_read(name, &length, sink);
    if (!bytes)
        return NULL;
    struct scram_file *file = scram_file_parse(bytes_of(bytes, length), key, sink);
    text_file_free(bytes, length);
    return file;
}

struct scram_file *scram_file_hold(struct scram_file *file)
{
    file->references++;
    return file;
}

void scram_file_release(struct scram_file *file)
{
    if (file && --file->references == 0)
        destroy(file);
}

bool scram_file_offers(const struct scram_file *file, enum scram_hash hash)
{
    return file->first[hash] != NULL;
}

/* Users that do not exist. */

/* Base64 of `size` bytes that depend on the name, on `purpose`, and on a secret that nobody else has: a
 * ServerKey of the file. So they change only with the first user of the file. */
static void make_up(const struct scram_entry *first, struct bytes name, uint8_t purpose, size_t size,
                    char *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {purpose}, again[EVP_MAX_MD_SIZE] = {0};
    unsigned length = 0;
    const int key_length = (int)strlen(first->secrets.server_key);
    HMAC(EVP_sha512(), first->secrets.server_key, key_length, name.data, name.length, again, &length);
    memcpy(digest + 1, again, sizeof digest - 1);
    HMAC(EVP_sha512(), first->secrets.server_key, key_length, digest, sizeof digest, again, &length);
    EVP_EncodeBlock((uint8_t *)out, again, (int)size);
}

static size_t bytes_in(const char *base64)
{
    const size_t length = strlen(base64);
    const char *padding = strchr(base64, '=');
    return length / 4 * 3 - (padding ? length - (size_t)(padding - base64) : 0);
}

bool scram_file_find(const struct scram_file *file, enum scram_hash hash, struct bytes name,
                     struct scram_secrets *secrets)
{
    const struct search search = {.name = name, .hash = hash};
    const struct scram_entry *first = file->first[hash];
    const struct scram_entry *entry = find(file, &search);
    *secrets = (struct scram_secrets){.iterations = "4096"};
    if (!first)
        return false;
    memcpy(secrets->iterations, first->secrets.iterations, sizeof secrets->iterations);
    make_up(first, name, 0, bytes_in(first->secrets.salt), secrets->salt);
    make_up(first, name, 1, hashes[hash].size, secrets->stored_key);
    make_up(first, name, 2, hashes[hash].size, secrets->server_key);
    if (entry) /* only now: either takes as long */
        *secrets = entry->secrets;
    return entry != NULL;
}
