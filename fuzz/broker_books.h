/* broker_books: the books that the parts of broker_model keep together. Prefix: books_ */
#ifndef ETALON_FUZZ_BROKER_BOOKS_H
#define ETALON_FUZZ_BROKER_BOOKS_H

#include "broker_model.h"

#define MODEL_NEVER UINT64_MAX

/* realloc for one element more, which is all zeros; returns it. The array never moves while it is pointed
 * into by others: only indices and one caller at a time. */
void *books_grow(void *array, size_t *count, size_t element, void **grown);
#define BOOKS_ADD(array, count, element)                                                                     \
    do {                                                                                                     \
        void *grown_;                                                                                        \
        *(element) = books_grow((array), &(count), sizeof *(array), &grown_);                                \
        (array) = grown_;                                                                                    \
    } while (0)

struct bytes books_copy(struct bytes bytes);
uint64_t books_hash(uint64_t start, struct bytes bytes);
#define BOOKS_HASH_START 0xcbf29ce484222325U

struct model_session *books_find_session(struct model *model, struct bytes client_identifier);
struct model_session *books_new_session(struct model *model, struct bytes client_identifier, bool anonymous);
void books_end_session(struct model *model, struct model_session *session);

struct model_flight *books_find_flight(struct model_session *session, uint16_t packet_identifier);
void books_remove_flight(struct model_session *session, struct model_flight *flight);

/* Whether anybody's subscription would take a message of this topic by this publisher. */
bool books_anybody(const struct model *model, struct bytes topic, const struct model_session *publisher);
struct model_subscription *books_live(struct model *model, const struct model_session *session,
                                      struct bytes filter);
void books_subscribe(struct model *model, const struct model_connection *connection, struct bytes filter,
                     struct model_subscription subscription);

struct model_publication *books_publication(struct model *model, struct bytes topic, struct bytes payload,
                                            const struct properties *properties);
/* Notes a message; `serial`: whether this is the moment at which it is published. */
void books_publish(struct model *model, const struct model_session *publisher,
                   struct model_publication publication, bool serial);
/* What of the properties travels unaltered, as one number. */
uint64_t books_hash_properties(const struct properties *properties);

/* The Topic Name behind an alias; NULL: none. */
struct model_alias *books_alias(struct model_alias *aliases, size_t count, uint16_t number);

#endif
