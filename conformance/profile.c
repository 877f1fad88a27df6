#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_LIMIT 4096
#define LINE_LIMIT 1024
#define NUMBER_LIMIT 3600

static FILE *open_profile(const char *folder)
{
    char path[PATH_LIMIT];
    int length = snprintf(path, sizeof path, "%s/profile", folder);
    return length < 0 || (size_t)length >= sizeof path ? NULL : fopen(path, "re");
}

/* The next word of the line, or NULL. */
static char *next_word(char **rest)
{
    char *word = strsep(rest, " \t\r\n");
    while (word != NULL && *word == '\0')
        word = strsep(rest, " \t\r\n");
    return word;
}

/* Reads on to the next line that begins with `key`; what stands behind that, or NULL. */
static char *next_line_of(FILE *file, const char *key, char line[LINE_LIMIT])
{
    while (fgets(line, LINE_LIMIT, file) != NULL) {
        char *rest = line;
        const char *word = next_word(&rest);
        if (word != NULL && strcmp(word, key) == 0)
            return rest;
    }
    return NULL;
}

bool profile_names(const char *folder, const char *key, const char *word)
{
    char line[LINE_LIMIT];
    bool found = false;
    FILE *file = open_profile(folder);
    if (file == NULL)
        return false;
    for (char *rest; !found && (rest = next_line_of(file, key, line)) != NULL;)
        for (const char *named; !found && (named = next_word(&rest)) != NULL;)
            found = strcmp(named, word) == 0;
    fclose(file);
    return found;
}

char *profile_word(const char *folder, const char *key, unsigned index)
{
    char line[LINE_LIMIT];
    const char *word = NULL;
    FILE *file = open_profile(folder);
    if (file == NULL)
        return NULL;
    char *rest = next_line_of(file, key, line);
    for (unsigned i = 0; rest != NULL && i <= index; i++)
        word = next_word(&rest);
    fclose(file);
    return word == NULL ? NULL : strdup(word);
}

double profile_number(const char *folder, const char *key, double otherwise)
{
    char *word = profile_word(folder, key, 0);
    if (word == NULL)
        return otherwise;
    char *end;
    double number = strtod(word, &end);
    bool good = end != word && *end == '\0' && number >= 1 && number <= NUMBER_LIMIT;
    free(word);
    return good ? number : 0;
}
