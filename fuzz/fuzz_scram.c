/* fuzz_scram: the server's side of SCRAM against whatever a client says. Nobody gets in but the user, by a
 * proof that the harness computes by itself; who says it right gets in. And the file of users.
 *
 * Byte 0: bit 0: SCRAM-SHA-1; bit 1: the client waits to be asked; bit 2: the rest is a file of users. Then
 * two bytes: the length of the first message; the first message; the last one. In the last message 0x01
 * stands for the server's nonce, 0x02 for the proof of what precedes it, 0x03 for what `c=` has to be. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "fuzz.h"
#include "host/scram.h"

/* RFC 7677 and RFC 5802: user "user", password "pencil". */
#define USERS                                                                                                \
    "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"         \
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n"                                                         \
    "user:SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=\n"

enum { WITH_SHA_1 = 1, WAITS = 2, IS_FILE = 4, LARGEST_HASH = 32, NONCE = 1, PROOF = 2, BINDING = 3 };

static const struct {
    const char *salt;
    size_t size;
    const EVP_MD *(*function)(void);
} hashes[SCRAM_HASHES] = {[SCRAM_SHA_256] = {"W22ZaJ0SNY7soEsUEjb6gQ==", 32, EVP_sha256},
                          [SCRAM_SHA_1] = {"QSXCR+Q6sek8bf92", 20, EVP_sha1}};

/* What is made once. */
struct server {
    struct mechanism *mechanism;
    enum scram_hash hash;
    uint8_t client_key[LARGEST_HASH];
    uint8_t stored_key[LARGEST_HASH];
};

/* One exchange, as the harness sees it. */
struct attempt {
    const struct server *server;
    struct bytes first;
    struct bytes challenge;
    struct bytes nonce;  /* within the challenge */
    struct buffer final; /* what the client said in the end */
};

static void on_mistake(void *context, size_t line, const char *text)
{
    size_t *mistakes = context;
    (void)line;
    for (const char *at = text; *at; at++)
        REQUIRE((uint8_t)*at >= ' ' && *at != 0x7F);
    ++*mistakes;
}

static void compute_keys(struct server *server)
{
    const EVP_MD *function = hashes[server->hash].function();
    const size_t size = hashes[server->hash].size;
    const char *salt = hashes[server->hash].salt;
    uint8_t raw[LARGEST_HASH], salted[LARGEST_HASH];
    unsigned length;
    const size_t padding = strlen(salt) - strcspn(salt, "=");
    const int decoded = EVP_DecodeBlock(raw, (const uint8_t *)salt, (int)strlen(salt)) - (int)padding;
    REQUIRE(PKCS5_PBKDF2_HMAC("pencil", 6, raw, decoded, 4096, function, (int)size, salted) == 1);
    HMAC(function, salted, (int)size, (const uint8_t *)"Client Key", 10, server->client_key, &length);
    REQUIRE(EVP_Digest(server->client_key, size, server->stored_key, &length, function, NULL) == 1);
}

static const struct server *server_for(enum scram_hash hash)
{
    static struct server servers[SCRAM_HASHES]; /* for the whole run */
    struct server *server = &servers[hash];
    if (server->mechanism)
        return server;
    const struct hash_key key = {1, 2};
    size_t mistakes = 0;
    const struct text_sink sink = {.context = &mistakes, .mistake = on_mistake};
    struct scram_file *file = scram_file_parse(bytes_of_text(USERS), &key, &sink);
    REQUIRE(file);
    server->hash = hash;
    server->mechanism = scram_create(hash, file);
    REQUIRE(server->mechanism);
    scram_file_release(file);
    compute_keys(server);
    return server;
}

/* The client's words */

static void append(struct buffer *buffer, struct bytes bytes)
{
    if (!buffer_append(buffer, bytes))
        exit(2);
}

/* "n,,", "y,a=user,": everything up to the second comma; empty when there are not two. */
static struct bytes header_of(struct bytes first)
{
    size_t commas = 0;
    for (size_t i = 0; i < first.length; i++) {
        commas += first.data[i] == ',';
        if (commas == 2)
            return bytes_of(first.data, i + 1);
    }
    return bytes_of(first.data, 0);
}

/* The proof, in base64, of a final message whose part without proof this is. */
static void prove(const struct attempt *attempt, struct bytes without_proof, char *out)
{
    const struct server *server = attempt->server;
    const size_t size = hashes[server->hash].size;
    const struct bytes bare = bytes_after(attempt->first, header_of(attempt->first).length);
    struct buffer message = {0};
    uint8_t signature[LARGEST_HASH], proof[LARGEST_HASH];
    unsigned length;
    append(&message, bare);
    append(&message, bytes_of_text(","));
    append(&message, attempt->challenge);
    append(&message, bytes_of_text(","));
    append(&message, without_proof);
    const struct bytes all = buffer_all(&message);
    HMAC(hashes[server->hash].function(), server->stored_key, (int)size, all.data, all.length, signature,
         &length);
    for (size_t i = 0; i < size; i++)
        proof[i] = server->client_key[i] ^ signature[i];
    EVP_EncodeBlock((uint8_t *)out, proof, (int)size);
    buffer_free(&message);
}

static void append_binding(struct attempt *attempt)
{
    const struct bytes header = header_of(attempt->first);
    char *text = malloc(header.length * 2 + 8);
    if (!text)
        exit(2);
    EVP_EncodeBlock((uint8_t *)text, header.data, (int)header.length);
    append(&attempt->final, bytes_of_text(text));
    free(text);
}

/* What is in front of ",p=", the last one. */
static struct bytes without_proof(struct bytes final)
{
    for (size_t i = final.length; i >= 3; i--) {
        if (memcmp(final.data + i - 3, ",p=", 3) == 0)
            return bytes_of(final.data, i - 3);
    }
    return bytes_of(final.data, 0);
}

static void append_proof(struct attempt *attempt)
{
    char proof[LARGEST_HASH * 2];
    const struct bytes said = buffer_all(&attempt->final);
    prove(attempt, without_proof(said), proof);
    append(&attempt->final, bytes_of_text(proof));
}

static void compose(struct attempt *attempt, struct bytes template)
{
    for (size_t i = 0; i < template.length; i++) {
        if (template.data[i] == NONCE)
            append(&attempt->final, attempt->nonce);
        else if (template.data[i] == PROOF)
            append_proof(attempt);
        else if (template.data[i] == BINDING)
            append_binding(attempt);
        else
            append(&attempt->final, bytes_of(template.data + i, 1));
    }
}

/* What must hold */

static bool begins_with(struct bytes bytes, struct bytes beginning)
{
    return bytes.length >= beginning.length && memcmp(bytes.data, beginning.data, beginning.length) == 0;
}

static void check_refusal(const struct mechanism_answer *answer)
{
    REQUIRE(answer->reason_code == REASON_NOT_AUTHORIZED || answer->reason_code == REASON_SERVER_BUSY);
    REQUIRE(answer->why && !answer->has_data);
}

/* "r=NONCE,s=SALT,i=4096": the nonce begins with the client's. */
static void check_challenge(struct attempt *attempt, const struct mechanism_answer *answer)
{
    attempt->challenge = fuzz_exact_copy(answer->data);
    const struct bytes challenge = attempt->challenge;
    REQUIRE(answer->has_data && begins_with(challenge, bytes_of_text("r=")));
    const uint8_t *end = memchr(challenge.data, ',', challenge.length);
    REQUIRE(end && begins_with(bytes_after(challenge, (size_t)(end - challenge.data)), bytes_of_text(",s=")));
    attempt->nonce = bytes_of(challenge.data + 2, (size_t)(end - challenge.data) - 2);
    REQUIRE(challenge.length > 7 && memcmp(challenge.data + challenge.length - 7, ",i=4096", 7) == 0);
}

/* Who gets in has said it all, in the right words. */
static void check_admission(const struct attempt *attempt, const struct mechanism_answer *answer)
{
    const struct bytes final = buffer_all(&attempt->final);
    const struct bytes beginning = without_proof(final);
    const struct bytes header = header_of(attempt->first);
    char proof[LARGEST_HASH * 2];
    prove(attempt, beginning, proof);
    REQUIRE(bytes_equal(bytes_after(final, beginning.length + 3), bytes_of_text(proof)));
    REQUIRE(bytes_equal(answer->user_name, bytes_of_text("user")));
    REQUIRE(begins_with(answer->data, bytes_of_text("v=")));
    REQUIRE(header.data[0] != 'p');
    REQUIRE(header.length == 3 || bytes_equal(bytes_after(header, 2), bytes_of_text("a=user,")));
    struct attempt expected = {.first = attempt->first, .nonce = attempt->nonce};
    compose(&expected, bytes_of_text("c=\x03,r=\x01"));
    REQUIRE(begins_with(beginning, buffer_all(&expected.final)));
    buffer_free(&expected.final);
}

/* Whether it is a login as in the books, which has to succeed. */
static bool is_right(struct bytes first, struct bytes last)
{
    return bytes_equal(first, bytes_of_text("n,,n=user,r=abc")) &&
           (bytes_equal(last, bytes_of_text("c=\x03,r=\x01,p=\x02")) ||
            bytes_equal(last, bytes_of_text("c=biws,r=\x01,p=\x02")));
}

static void finish(struct attempt *attempt, struct exchange *exchange, struct bytes template)
{
    struct mechanism_answer answer;
    compose(attempt, template);
    const struct bytes final = fuzz_exact_copy(buffer_all(&attempt->final));
    exchange->mechanism->class->proceed(exchange, true, final, &answer);
    REQUIRE(answer.outcome != MECHANISM_CONTINUES);
    if (answer.outcome == MECHANISM_ACCEPTS)
        check_admission(attempt, &answer);
    else
        check_refusal(&answer);
    REQUIRE(answer.outcome == MECHANISM_ACCEPTS || !is_right(attempt->first, template));
    fuzz_free(final);
    buffer_free(&attempt->final);
}

static void log_in(const struct server *server, bool waits, struct bytes first, struct bytes template)
{
    struct attempt attempt = {.server = server, .first = first};
    struct mechanism_answer answer;
    const struct mechanism_request request = {.has_data = !waits, .data = first};
    struct exchange *exchange = server->mechanism->class->begin(server->mechanism, &request, &answer);
    REQUIRE(exchange);
    if (waits) {
        REQUIRE(answer.outcome == MECHANISM_CONTINUES && !answer.has_data);
        server->mechanism->class->proceed(exchange, true, first, &answer);
    }
    REQUIRE(answer.outcome != MECHANISM_ACCEPTS);
    if (answer.outcome == MECHANISM_CONTINUES && (first.length > 0 || waits)) {
        check_challenge(&attempt, &answer);
        finish(&attempt, exchange, template);
        fuzz_free(attempt.challenge);
    } else if (answer.outcome == MECHANISM_REFUSES) {
        check_refusal(&answer);
    }
    exchange_end(exchange);
}

/* The file of users */

static void read_file(struct bytes text)
{
    const struct hash_key key = {1, 2};
    struct scram_secrets secrets;
    size_t mistakes = 0;
    const struct text_sink sink = {.context = &mistakes, .mistake = on_mistake};
    struct scram_file *file = scram_file_parse(text, &key, &sink);
    REQUIRE((file == NULL) == (mistakes > 0) && mistakes <= TEXT_MOST_MISTAKES);
    for (enum scram_hash hash = 0; file && hash < SCRAM_HASHES; hash++) {
        const bool found = scram_file_find(file, hash, bytes_of_text("user"), &secrets);
        REQUIRE(!found || scram_file_offers(file, hash));
        REQUIRE(strlen(secrets.iterations) >= 4);
        REQUIRE(!scram_file_offers(file, hash) || secrets.salt[0] != '\0');
    }
    scram_file_release(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.at = data, .end = data + size};
    const uint8_t options = input_byte(&input);
    if (options & IS_FILE) {
        const struct bytes text = fuzz_exact_copy(input_rest(&input));
        read_file(text);
        fuzz_free(text);
        return 0;
    }
    const uint16_t length = input_two_bytes(&input);
    const struct bytes first = fuzz_exact_copy(input_run(&input, length));
    log_in(server_for(options & WITH_SHA_1 ? SCRAM_SHA_1 : SCRAM_SHA_256), options & WAITS, first,
           input_rest(&input));
    fuzz_free(first);
    return 0;
}
