/* scenario.c - the scenario of tests/bindings through libzooid: reads commands, writes the trace.
 *
 *     scenario SOCKET <scenario.txt */
#include <zooid.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOON = 30000, WORDS_MAX = 8, LINE_LEN_MAX = 512 };

static zooid_client *client;
static zooid_lock *lock;

static void say_failure(const zooid_reply *r)
{
    const char *path = zooid_reply_path(r);
    printf("error %s%s%s\n", zooid_code_name(zooid_reply_code(r)), path == NULL ? "" : " ", path == NULL ? "" : path);
}

/* True: it has succeeded. */
static bool good(const zooid_reply *r)
{
    if (zooid_reply_code(r) != ZOOID_OK)
        say_failure(r);
    return zooid_reply_code(r) == ZOOID_OK;
}

static void say_stat(const struct zooid_stat *s)
{
    printf("version %d cversion %d length %d children %d ephemeral %s\n", s->version, s->cversion, s->data_length,
           s->num_children, s->ephemeral_owner != 0 ? "yes" : "no");
}

static void say_node(const struct zooid_node *n, const char *path)
{
    printf("node %s %.*s ", path, (int)n->data_len, n->data == NULL ? "" : (const char *)n->data);
    say_stat(n->stat);
}

static zooid_reply *perform(zooid_request *request)
{
    zooid_reply *r = NULL;
    (void)zooid_perform(client, request, SOON, &r);
    return r;
}

static zooid_request *creation(const char *path, const char *data, const char *kind)
{
    bool is_ephemeral = strcmp(kind, "ephemeral") == 0;
    zooid_request *q = zooid_request_create(path, data, strlen(data),
                                            is_ephemeral ? ZOOID_EPHEMERAL : ZOOID_PERSISTENT);
    if (strcmp(kind, "sequential") == 0)
        (void)zooid_request_set_sequential(q);
    return q;
}

static void run_create(char **w)
{
    zooid_reply *r = perform(creation(w[1], w[2], w[3]));
    if (good(r))
        printf("path %s\n", zooid_reply_path(r));
    zooid_reply_free(r);
}

static void run_get(char **w)
{
    zooid_reply *r = perform(zooid_request_get(w[1]));
    if (good(r)) {
        printf("data %.*s ", (int)zooid_reply_data_len(r), (const char *)zooid_reply_data(r));
        say_stat(zooid_reply_stat(r));
    }
    zooid_reply_free(r);
}

static void run_exists(char **w)
{
    zooid_reply *r = perform(zooid_request_exists(w[1]));
    if (zooid_reply_code(r) == ZOOID_NO_NODE)
        printf("no\n");
    else if (good(r))
        say_stat(zooid_reply_stat(r));
    zooid_reply_free(r);
}

static void run_set(char **w)
{
    zooid_reply *r = perform(zooid_request_set(w[1], w[2], strlen(w[2]), atoi(w[3])));
    if (good(r))
        say_stat(zooid_reply_stat(r));
    zooid_reply_free(r);
}

static void run_delete(char **w)
{
    zooid_reply *r = perform(zooid_request_delete(w[1], atoi(w[2])));
    if (good(r))
        printf("deleted\n");
    zooid_reply_free(r);
}

static void run_rmr(char **w)
{
    zooid_reply *r = NULL;
    (void)zooid_delete_recursive(client, w[1], SOON, &r);
    if (good(r))
        printf("deleted\n");
    zooid_reply_free(r);
}

static void run_list(char **w)
{
    zooid_reply *r = perform(zooid_request_list(w[1]));
    if (good(r)) {
        printf("names");
        for (size_t i = 0; i < zooid_reply_name_count(r); i++)
            printf(" %s", zooid_reply_name(r, i));
        printf("\n");
    }
    zooid_reply_free(r);
}

static void run_subtree(char **w)
{
    zooid_reply *r = perform(zooid_request_subtree(w[1], 0));
    if (good(r))
        for (size_t i = 0; i < zooid_reply_node_count(r); i++)
            say_node(zooid_reply_node(r, i), zooid_reply_node(r, i)->path);
    zooid_reply_free(r);
}

static void run_readmany(char **w)
{
    zooid_request *q = zooid_request_read_many();
    for (char **path = w + 1; *path != NULL; path++)
        (void)zooid_request_add_path(q, *path);
    zooid_reply *r = perform(q);
    for (size_t i = 0; good(r) && i < zooid_reply_node_count(r); i++) {
        if (zooid_reply_node(r, i)->code == ZOOID_OK)
            say_node(zooid_reply_node(r, i), w[1 + i]);
        else
            printf("none %s\n", w[1 + i]);
    }
    zooid_reply_free(r);
}

static void run_count(char **w)
{
    zooid_reply *r = perform(zooid_request_count_descendants(w[1]));
    if (good(r))
        printf("number %d\n", (int)zooid_reply_number(r));
    zooid_reply_free(r);
}

static void run_acl(char **w)
{
    zooid_reply *r = perform(zooid_request_get_acl(w[1]));
    for (size_t i = 0; good(r) && i < zooid_reply_acl_count(r); i++)
        printf("acl %u %s %s\n", zooid_reply_acl(r, i)->perms, zooid_reply_acl(r, i)->scheme,
               zooid_reply_acl(r, i)->id);
    zooid_reply_free(r);
}

/* kind:path:what */
static zooid_request *part_of_multi(char *word)
{
    char *kind = strtok(word, ":"), *path = strtok(NULL, ":"), *what = strtok(NULL, ":");
    switch (kind[0] == 'c' ? kind[1] : kind[0]) {
    case 'r': return zooid_request_create(path, what, strlen(what), ZOOID_PERSISTENT);
    case 's': return zooid_request_set(path, what, strlen(what), ZOOID_ANY_VERSION);
    case 'd': return zooid_request_delete(path, ZOOID_ANY_VERSION);
    default: return zooid_request_check(path, atoi(what));
    }
}

static void run_multi(char **w)
{
    zooid_request *q = zooid_request_multi();
    for (char **part = w + 1; *part != NULL; part++)
        (void)zooid_request_add(q, part_of_multi(*part));
    zooid_reply *r = perform(q);
    if (zooid_reply_code(r) != ZOOID_OK)
        printf("error %s\n", zooid_code_name(zooid_reply_code(r)));
    for (size_t i = 0; i < zooid_reply_node_count(r); i++)
        printf("part %s\n", zooid_code_name(zooid_reply_node(r, i)->code));
    zooid_reply_free(r);
}

static void run_watch(char **w)
{
    zooid_reply *r = perform(zooid_request_add_watch(w[1], ZOOID_WATCH_PERSISTENT));
    if (good(r))
        printf("watching\n");
    zooid_reply_free(r);
}

/* The next event of that kind; others are dropped. */
static zooid_event *next_of(enum zooid_event_kind kind)
{
    zooid_event *event = zooid_next_event(client, SOON);
    while (event != NULL && zooid_event_kind(event) != kind) {
        zooid_event_free(event);
        event = zooid_next_event(client, SOON);
    }
    return event;
}

static const char *const change_names[] = {[ZOOID_CREATED] = "CREATED",
                                           [ZOOID_DELETED] = "DELETED",
                                           [ZOOID_CHANGED] = "CHANGED",
                                           [ZOOID_CHILDREN_CHANGED] = "CHILDREN_CHANGED"};

static void run_event(char **w)
{
    zooid_event *event = next_of(ZOOID_EVENT_WATCH);
    (void)w;
    if (event != NULL)
        printf("event %s %s\n", change_names[zooid_event_change(event)], zooid_event_path(event));
    zooid_event_free(event);
}

static void run_lock(char **w)
{
    zooid_reply *r = NULL;
    if (lock == NULL)
        lock = zooid_lock_new(client, w[1], ZOOID_LOCK_EXCLUSIVE, NULL);
    (void)zooid_lock_acquire(lock, SOON, &r);
    if (zooid_reply_code(r) != ZOOID_OK)
        printf("error %s\n", zooid_code_name(zooid_reply_code(r)));
    printf("held %s\n", zooid_lock_is_held(lock) ? "yes" : "no");
    zooid_reply_free(r);
}

static void run_unlock(char **w)
{
    zooid_reply *r = NULL;
    (void)w;
    (void)zooid_lock_release(lock, SOON, &r);
    if (zooid_reply_code(r) != ZOOID_OK)
        printf("error %s\n", zooid_code_name(zooid_reply_code(r)));
    printf("held %s\n", zooid_lock_is_held(lock) ? "yes" : "no");
    zooid_reply_free(r);
}

static void run_counter(char **w)
{
    zooid_reply *r = NULL;
    (void)zooid_counter_add(client, w[1], atoi(w[2]), SOON, &r);
    if (good(r))
        printf("number %d\n", (int)(int64_t)zooid_reply_number(r));
    zooid_reply_free(r);
}

static void run_put(char **w)
{
    zooid_queue *queue = zooid_queue_new(client, w[1]);
    zooid_reply *r = NULL;
    (void)zooid_queue_put(queue, w[2], strlen(w[2]), (unsigned)atoi(w[3]), SOON, &r);
    if (good(r))
        printf("put\n");
    zooid_reply_free(r);
    zooid_queue_free(queue);
}

static void run_take(char **w)
{
    zooid_queue *queue = zooid_queue_new(client, w[1]);
    zooid_reply *r = NULL;
    (void)zooid_queue_take(queue, SOON, &r);
    if (good(r) && zooid_queue_finish(queue, SOON, NULL) == ZOOID_OK)
        printf("taken %.*s\n", (int)zooid_reply_data_len(r), (const char *)zooid_reply_data(r));
    zooid_reply_free(r);
    zooid_queue_free(queue);
}

static void at_barrier(char **w, int (*do_it)(zooid_barrier *, uint32_t, zooid_reply **), const char *done)
{
    zooid_barrier *barrier = zooid_barrier_new(client, w[1]);
    zooid_reply *r = NULL;
    (void)do_it(barrier, SOON, &r);
    if (good(r))
        printf("%s\n", done);
    zooid_reply_free(r);
    zooid_barrier_free(barrier);
}

static void run_barrier(char **w)
{
    at_barrier(w, zooid_barrier_set, "set");
}

static void run_lift(char **w)
{
    at_barrier(w, zooid_barrier_lift, "lifted");
}

static void run_subscribe(char **w)
{
    (void)zooid_submit(client, zooid_request_subscribe(w[1]), ZOOID_NO_DEADLINE, NULL);
    zooid_event_free(next_of(ZOOID_EVENT_CAUGHT_UP));
    printf("following\n");
}

static void run_update(char **w)
{
    zooid_event *event = next_of(ZOOID_EVENT_CHANGE);
    (void)w;
    if (event != NULL)
        printf("update %s %s %.*s\n", change_names[zooid_event_change(event)], zooid_event_path(event),
               (int)zooid_event_data_len(event),
               zooid_event_data(event) == NULL ? "" : (const char *)zooid_event_data(event));
    zooid_event_free(event);
}

static const struct {
    const char *name;
    void (*run)(char **words);
} commands[] = {
    {"create", run_create},   {"get", run_get},
    {"exists", run_exists},   {"set", run_set},
    {"delete", run_delete},   {"rmr", run_rmr},
    {"list", run_list},       {"subtree", run_subtree},
    {"count", run_count},     {"readmany", run_readmany},
    {"acl", run_acl},         {"multi", run_multi},
    {"watch", run_watch},     {"event", run_event},
    {"lock", run_lock},       {"unlock", run_unlock},
    {"counter", run_counter}, {"put", run_put},
    {"take", run_take},       {"barrier", run_barrier},
    {"lift", run_lift},       {"subscribe", run_subscribe},
    {"update", run_update},
};

static void run_line(char *line)
{
    char *words[WORDS_MAX + 1] = {NULL};
    size_t count = 0;
    for (char *word = strtok(line, " \n"); word != NULL && count < WORDS_MAX; word = strtok(NULL, " \n"))
        words[count++] = word;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, words[0]) == 0)
            commands[i].run(words);
}

int main(int argc, char **argv)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    char line[LINE_LEN_MAX];
    options.socket = argc == 2 ? argv[1] : NULL;
    if (zooid_open(&client, &options, NULL) != ZOOID_OK)
        return 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (line[0] == '#')
            continue;
        printf("> %s", line);
        run_line(line);
    }
    zooid_lock_free(lock);
    zooid_close(client);
    return 0;
}
