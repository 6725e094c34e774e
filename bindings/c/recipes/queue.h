/* queue.h - what the two files of queues share. */
#pragma once

#include "bindings/c/recipes/recipe.h"

enum queue_operation { QUEUE_TAKE = 1, QUEUE_FINISH, QUEUE_RETURN };

struct zooid_queue {
    struct task task;
    char *path, *entries, *taken;
    char id[UNIQUE_LEN + 1];      /* what our marks hold */
    zooid_reply *in_others_hands; /* names of what is taken */
    char *after;                  /* the last entry looked at; NULL: none yet */
    char *name, *mark;            /* the entry that is being taken, and its mark in `taken` */
    int64_t session;              /* of the mark; 0: there is none */
    struct ensuring ensuring;
    bool has_entries; /* while paths are made: the first of the two is there */
    bool watches;     /* the next look sets watches */
    bool changed;     /* they have fired */
    bool is_held;     /* the caller has the entry */
};

extern const struct task_kind queue_kind;
void queue_free(struct task *t);
