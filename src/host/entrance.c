#include "entrance.h"

#include <assert.h>
#include <stdio.h>

enum { LONGEST_COMPLAINT = 2048 };

struct reading {
    const char *name; /* of the file */
    void (*complain)(void *context, const char *text);
    void *context;
};

static void on_mistake(void *context, size_t line, const char *text)
{
    const struct reading *reading = context;
    char complaint[LONGEST_COMPLAINT];
    if (line == 0)
        snprintf(complaint, sizeof complaint, "%s: %s", reading->name, text);
    else
        snprintf(complaint, sizeof complaint, "%s:%zu: %s", reading->name, line, text);
    reading->complain(reading->context, complaint);
}

/* Without an unpredictable key strangers could choose names that collide. */
static bool draw_key(struct hash_key *key)
{
    return uv_random(NULL, NULL, key, sizeof *key, 0, NULL) == 0;
}

/* A mechanism for each method by which somebody can log in. */
static bool read_scram(struct entrance_files *files, const char *name, const struct hash_key *key,
                       const struct text_sink *sink)
{
    struct scram_file *file = scram_file_read(name, key, sink);
    size_t count = 0;
    bool done = file != NULL;
    for (enum scram_hash hash = 0; done && hash < SCRAM_HASHES; hash++) {
        if (!scram_file_offers(file, hash))
            continue;
        files->mechanisms[count] = scram_create(hash, file);
        done = files->mechanisms[count++] != NULL;
        if (!done)
            sink->mistake(sink->context, 0, "GNU SASL cannot begin");
    }
    scram_file_release(file);
    return done;
}

bool entrance_read(struct entrance_files *files, const struct configuration *configuration,
                   void (*complain)(void *context, const char *text), void *context)
{
    struct reading reading = {.complain = complain, .context = context};
    const struct text_sink sink = {.context = &reading, .mistake = on_mistake};
    struct hash_key key;
    bool done = true;
    *files = (struct entrance_files){.passwords = NULL};
    if (!draw_key(&key)) {
        complain(context, "the system has no random numbers");
        return false;
    }
    reading.name = configuration->password_file;
    if (reading.name[0])
        done = (files->passwords = password_file_read(reading.name, &key, &sink)) != NULL;
    reading.name = configuration->scram_file;
    if (reading.name[0])
        done = read_scram(files, reading.name, &key, &sink) && done;
    reading.name = configuration->acl_file;
    if (reading.name[0])
        done = (files->acl = acl_read(reading.name, &key, &sink)) != NULL && done;
    if (!done)
        entrance_release(files);
    return done;
}

void entrance_release(struct entrance_files *files)
{
    password_file_release(files->passwords);
    for (size_t i = 0; i < AUTHENTICATOR_MECHANISMS; i++)
        mechanism_release(files->mechanisms[i]);
    acl_destroy(files->acl);
    *files = (struct entrance_files){.passwords = NULL};
}

void entrance_begin(struct entrance *entrance, const struct authenticator_options *options)
{
    struct authenticator_options secretly = *options;
    const bool drawn = draw_key(&secretly.key);
    assert(drawn); /* entrance_read has drawn one */
    entrance->acl = NULL;
    authenticator_begin(&entrance->authenticator, &secretly);
}

void entrance_apply(struct entrance *entrance, const struct configuration *configuration,
                    struct entrance_files *files)
{
    struct authenticator_rules rules = {.allow_anonymous = configuration->allow_anonymous,
                                        .failures = configuration->maximum_failed_logins,
                                        .passwords = files->passwords};
    memcpy(rules.mechanisms, files->mechanisms, sizeof rules.mechanisms);
    acl_destroy(entrance->acl);
    entrance->acl = files->acl;
    authenticator_configure(&entrance->authenticator, &rules);
    *files = (struct entrance_files){.passwords = NULL};
}

bool entrance_authorise(const struct entrance *entrance, const struct authorisation *question)
{
    return !entrance->acl || acl_allows(entrance->acl, question);
}

void entrance_end(struct entrance *entrance)
{
    authenticator_end(&entrance->authenticator);
    acl_destroy(entrance->acl);
    entrance->acl = NULL;
}
