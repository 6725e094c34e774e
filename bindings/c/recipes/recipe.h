/* recipe.h - what the recipes share: names that nobody else has, paths, parents that are missing, good sessions. */
#pragma once

#include "bindings/c/task.h"

enum { UNIQUE_LEN = 32 };

/* Letters and digits. False: the system has no random numbers; the name is as it was. */
bool unique_name(char name[UNIQUE_LEN + 1]);

/* "parent/name" with `suffix` behind it; NULL: out of memory. Free with free. */
char *path_join(const char *parent, const char *name, const char *suffix);

/* One behind the other; NULL: out of memory. Free with free. */
char *text_join(const char *first, const char *second);

/* A path that a recipe can live at: absolute, not the root, without a slash at its end. */
bool path_is_usable(const char *path);

/* Memory for an object of the client, zeros. NULL: there is none, the path is not usable, or this process is a child of
 * the one that made the client. */
void *object_new(const zooid_client *c, const char *path, size_t size);

/* Makes a path that is missing, for a phase that needs it: persistent and empty, as kazoo does. It begins at the end,
 * since whoever may not create beside a level that exists may still create below it. */
struct ensuring {
    size_t level; /* length of the part that is tried; 0: the whole path */
};
zooid_request *ensuring_ask(const struct ensuring *e, const char *path);
/* The phase after the answer: `then` when the whole path is there, TASK_AGAIN, or TASK_FAILED. */
int ensuring_answered(struct ensuring *e, const char *path, int code, int then);

/* The ensemble does not end that session before its good_until, which lies ahead. */
bool session_is_good_locked(const zooid_client *c, int64_t session);
/* It has ended, and its ephemerals with it. 0 is no session, and never ends. */
bool session_is_over_locked(const zooid_client *c, int64_t session);

/* A reply of our own with a number. NULL: out of memory. */
zooid_reply *reply_with_number(uint64_t number, const char *path);

/* An errand that answers with the children whose names are wanted, with their data, in an order (NULL: of their
 * names); none when the parent is missing. listing.c */
extern const struct task_kind listing_kind;
struct errand *listing_new(const char *path, bool (*is_wanted)(const char *name),
                           int (*compare)(const void *a, const void *b));

/* The request with a watch, or one that waits for everything committed. Both pass NULL on. */
zooid_request *with_watch(zooid_request *request);
zooid_request *with_latest(zooid_request *request);
