/* list: every order of insertion and every place of removal, walked from both ends. */
#include "base/list.h"
#include "broker_harness.h"

enum { PLACES = 5 };

struct entry {
    char name;
    struct list_node node; /* not the first member, so that LIST_OWNER has something to do */
};

static void fill(struct entry *entries)
{
    for (int i = 0; i < PLACES; i++)
        entries[i] = (struct entry){.name = (char)('a' + i)};
}

/* The names from the first to the last; the way back has to tell the same. */
static const char *names(const struct list *list)
{
    static char forward[PLACES + 1];
    char backward[PLACES + 1] = "";
    int count = 0;
    for (struct list_node *node = list->first; node != NULL && count < PLACES; node = node->next)
        forward[count++] = LIST_OWNER(node, struct entry, node)->name;
    forward[count] = '\0';
    int at = count;
    for (struct list_node *node = list->last; node != NULL && at > 0; node = node->previous)
        backward[--at] = LIST_OWNER(node, struct entry, node)->name;
    ck_assert_int_eq(at, 0);
    ck_assert_int_eq(memcmp(backward, forward, (size_t)count), 0);
    if (count > 0) {
        ck_assert_ptr_null(list->first->previous);
        ck_assert_ptr_null(list->last->next);
    }
    ck_assert_int_eq(list_empty(list), count == 0);
    return forward;
}

START_TEST(an_empty_list)
{
    struct list list = {0};
    ck_assert(list_empty(&list));
    ck_assert_str_eq(names(&list), "");
    ck_assert_ptr_null(list.last);
}
END_TEST

START_TEST(appended_is_last_and_prepended_is_first)
{
    struct list list = {0};
    struct entry entries[PLACES];
    fill(entries);
    list_append(&list, &entries[0].node);
    ck_assert_str_eq(names(&list), "a");
    list_append(&list, &entries[1].node);
    ck_assert_str_eq(names(&list), "ab");
    list_prepend(&list, &entries[2].node);
    ck_assert_str_eq(names(&list), "cab");
    list_append(&list, &entries[3].node);
    list_prepend(&list, &entries[4].node);
    ck_assert_str_eq(names(&list), "ecabd");

    struct list other = {0};
    fill(entries);
    list_prepend(&other, &entries[0].node); /* into an empty list it is both */
    ck_assert_str_eq(names(&other), "a");
    ck_assert_ptr_eq(other.first, other.last);
}
END_TEST

/* From a list of every length the node at every place; what is left keeps its order. */
START_TEST(removal_at_every_place)
{
    for (int count = 1; count <= PLACES; count++) {
        for (int place = 0; place < count; place++) {
            struct list list = {0};
            struct entry entries[PLACES];
            char expected[PLACES + 1] = "";
            fill(entries);
            for (int i = 0, kept = 0; i < count; i++) {
                list_append(&list, &entries[i].node);
                if (i != place)
                    expected[kept++] = entries[i].name;
            }
            list_remove(&list, &entries[place].node);
            ck_assert_str_eq(names(&list), expected);
            ck_assert_ptr_null(entries[place].node.next);
            ck_assert_ptr_null(entries[place].node.previous);
        }
    }
}
END_TEST

START_TEST(what_was_removed_can_come_back)
{
    struct list list = {0};
    struct entry entries[PLACES];
    fill(entries);
    for (int i = 0; i < 3; i++)
        list_append(&list, &entries[i].node);
    list_remove(&list, &entries[0].node);
    list_append(&list, &entries[0].node);
    ck_assert_str_eq(names(&list), "bca");
    list_remove(&list, &entries[2].node);
    list_prepend(&list, &entries[2].node);
    ck_assert_str_eq(names(&list), "cba");
    while (!list_empty(&list))
        list_remove(&list, list.last);
    ck_assert_ptr_null(list.last);
    list_append(&list, &entries[4].node);
    ck_assert_str_eq(names(&list), "e");
}
END_TEST

Suite *suite_base_list(void);
Suite *suite_base_list(void)
{
    HARNESS_SUITE("list", an_empty_list, appended_is_last_and_prepended_is_first, removal_at_every_place,
                  what_was_removed_can_come_back);
}
