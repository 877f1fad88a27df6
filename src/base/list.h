/* list: an intrusive doubly linked list with a head. Removal needs only the node.
 *
 *   list.first ──▶ node ⇄ node ⇄ node ◀── list.last
 */
#ifndef ETALON_BASE_LIST_H
#define ETALON_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *next;
    struct list_node *previous;
};

/* Zero-initialised means empty. */
struct list {
    struct list_node *first;
    struct list_node *last;
};

/* The structure of which `node` is the member named `member`. */
#define LIST_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline bool list_empty(const struct list *list)
{
    return list->first == NULL;
}

static inline void list_append(struct list *list, struct list_node *node)
{
    node->next = NULL;
    node->previous = list->last;
    if (list->last)
        list->last->next = node;
    else
        list->first = node;
    list->last = node;
}

static inline void list_prepend(struct list *list, struct list_node *node)
{
    node->previous = NULL;
    node->next = list->first;
    if (list->first)
        list->first->previous = node;
    else
        list->last = node;
    list->first = node;
}

static inline void list_remove(struct list *list, struct list_node *node)
{
    if (node->previous)
        node->previous->next = node->next;
    else
        list->first = node->next;
    if (node->next)
        node->next->previous = node->previous;
    else
        list->last = node->previous;
    node->next = NULL;
    node->previous = NULL;
}

#endif
