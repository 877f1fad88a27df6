#include "scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ITERATIONS = 10000000 };

void scram_begin(struct scram *scram, const char *user_name, const char *password, const char *nonce)
{
    *scram = (struct scram){.user_name = user_name, .password = password, .nonce = nonce};
    snprintf(scram->first, sizeof scram->first, "n,,n=%s,r=%s", user_name, nonce);
}

/* Copies the value of attribute `letter`, which must be the next one; returns what follows it, or NULL. */
static const char *take_attribute(const char *at, char letter, char *value, size_t size)
{
    if (at == NULL || at[0] != letter || at[1] != '=')
        return NULL;
    const size_t length = strcspn(at + 2, ",");
    if (length == 0 || length >= size)
        return NULL;
    memcpy(value, at + 2, length);
    value[length] = '\0';
    at += 2 + length;
    return *at == ',' ? at + 1 : at;
}

static void hmac(const uint8_t *key, const char *text, uint8_t *out)
{
    unsigned length = 0;
    HMAC(EVP_sha256(), key, SCRAM_HASH_SIZE, (const uint8_t *)text, strlen(text), out, &length);
}

/* The bytes of a salt in base64; 0: it is none. */
static size_t decode_salt(const char *text, uint8_t *salt)
{
    const size_t length = strlen(text);
    if (length % 4 != 0 || length / 4 * 3 > SCRAM_SALT_SIZE)
        return 0;
    const int size = EVP_DecodeBlock(salt, (const uint8_t *)text, (int)length);
    const size_t padding = (text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
    return size < 0 ? 0 : (size_t)size - padding;
}

/* RFC 5802, section 3: ClientProof and ServerSignature, from SaltedPassword and AuthMessage. */
static void sign(struct scram *scram, const uint8_t *salted, const char *message, const char *final)
{
    uint8_t client_key[SCRAM_HASH_SIZE], server_key[SCRAM_HASH_SIZE], stored_key[SCRAM_HASH_SIZE];
    uint8_t signature[SCRAM_HASH_SIZE], proof[SCRAM_HASH_SIZE];
    char encoded[SCRAM_HASH_SIZE * 2];
    hmac(salted, "Client Key", client_key);
    hmac(salted, "Server Key", server_key);
    SHA256(client_key, sizeof client_key, stored_key);
    hmac(stored_key, message, signature);
    for (size_t i = 0; i < sizeof proof; i++)
        proof[i] = client_key[i] ^ signature[i];
    EVP_EncodeBlock((uint8_t *)encoded, proof, sizeof proof);
    snprintf(scram->final, sizeof scram->final, "%.*s,p=%s", SCRAM_MESSAGE_SIZE - 80, final, encoded);
    hmac(server_key, message, signature);
    EVP_EncodeBlock((uint8_t *)scram->signature, signature, sizeof signature);
}

static bool is_key_of(const struct scram_key *key, const struct scram_key *wanted)
{
    return key->salt_size == wanted->salt_size && key->iterations == wanted->iterations &&
           memcmp(key->salt, wanted->salt, wanted->salt_size) == 0;
}

/* Derives SaltedPassword, unless it is remembered; false: OpenSSL could not. */
static bool derive(struct scram *scram, struct scram_key *wanted)
{
    if (scram->key != NULL && is_key_of(scram->key, wanted)) {
        *wanted = *scram->key;
        return true;
    }
    if (PKCS5_PBKDF2_HMAC(scram->password, (int)strlen(scram->password), wanted->salt, (int)wanted->salt_size,
                          (int)wanted->iterations, EVP_sha256(), sizeof wanted->salted, wanted->salted) != 1)
        return false;
    if (scram->key != NULL)
        *scram->key = *wanted;
    return true;
}

const char *scram_answer(struct scram *scram, struct bytes challenge)
{
    char text[SCRAM_MESSAGE_SIZE], nonce[SCRAM_MESSAGE_SIZE / 2], salt_text[SCRAM_SALT_SIZE], number[12];
    char final[SCRAM_MESSAGE_SIZE], message[SCRAM_MESSAGE_SIZE * 3];
    struct scram_key key = {.salt_size = 0};
    if (challenge.length == 0 || challenge.length >= sizeof text)
        return "it is empty or very long";
    memcpy(text, challenge.data, challenge.length);
    text[challenge.length] = '\0';
    const char *at = take_attribute(text, 'r', nonce, sizeof nonce);
    at = take_attribute(at, 's', salt_text, sizeof salt_text);
    at = take_attribute(at, 'i', number, sizeof number);
    if (at == NULL)
        return "it is not r=NONCE,s=SALT,i=ITERATIONS";
    const size_t own = strlen(scram->nonce);
    if (strncmp(nonce, scram->nonce, own) != 0 || strlen(nonce) == own)
        return "its nonce does not begin with that of the client, or does not add to it";
    key.salt_size = decode_salt(salt_text, key.salt);
    key.iterations = strtol(number, NULL, 10);
    if (key.salt_size == 0 || key.iterations < 1 || key.iterations > MOST_ITERATIONS)
        return "its salt or number of iterations makes no sense";
    if (!derive(scram, &key))
        return "OpenSSL could not derive the key";
    snprintf(final, sizeof final, "c=biws,r=%s", nonce); /* biws is "n,,": no channel binding */
    snprintf(message, sizeof message, "%s,%s,%s", scram->first + 3, text, final);
    sign(scram, key.salted, message, final);
    return NULL;
}

bool scram_is_proved(const struct scram *scram, struct bytes message)
{
    char expected[sizeof scram->signature + 2];
    snprintf(expected, sizeof expected, "v=%s", scram->signature);
    return bytes_equal(message, bytes_of_text(expected));
}
