/* list.h - an intrusive doubly linked list.
 *
 * A head and its links are `struct list`; a link that is in no list points to itself. The list owns nothing. */
#pragma once

#include "core/base/check.h"

#include <stdbool.h>

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *head)
{
    head->prev = head;
    head->next = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* Inserts `link` behind `where`: at the front when `where` is the head. */
static inline void list_insert_after(struct list *where, struct list *link)
{
    link->prev = where;
    link->next = where->next;
    where->next->prev = link;
    where->next = link;
}

static inline void list_append(struct list *head, struct list *link)
{
    list_insert_after(head->prev, link);
}

/* Takes the link out; harmless for one that is in no list but was initialised. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#define LIST_ENTRY(link, type, member) CONTAINER_OF(link, type, member)

/* Walks with `at` as struct list *; the current link may be removed in the body. */
#define LIST_FOR_EACH(at, head) \
    for (struct list *at = (head)->next, *at##_next = at->next; at != (head); at = at##_next, at##_next = at->next)
