/* hold.c - lock, elect and semaphore: a command while it is held, or who has it. */
#include "agent/cli/child.h"
#include "agent/cli/cli.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WARN_MS = 1000, IDENTIFIER_LEN = 320 };

/* What the three differ in. */
struct holding {
    zooid_lock *lock;
    const char *const *command; /* NULL: only to be shown */
    bool again;                 /* when it was lost, it contends again */
};

/* -- who has it
 * --------------------------------------------------------------------------------------------------------
 */

static int show(struct cli *cli, zooid_lock *lock)
{
    zooid_reply *reply = NULL;
    if (zooid_lock_contenders(lock, cli->deadline_ms, &reply) != ZOOID_OK)
        return complain(reply);
    json_t *list = cli->json ? json_array() : NULL;
    for (size_t i = 0; i < zooid_reply_node_count(reply); i++) {
        const struct zooid_node *node = zooid_reply_node(reply, i);
        json_int_t session = node->stat == NULL ? 0 : (json_int_t)node->stat->ephemeral_owner;
        if (cli->json)
            (void)json_array_append_new(list, json_pack("{s:o,s:s,s:I}", "identifier",
                                                        json_of_data(node->data, node->data_len), "node", node->path,
                                                        "session", session));
        else
            printf("%.*s\t%s\n", (int)node->data_len, node->data == NULL ? "" : (const char *)node->data, node->path);
    }
    if (cli->json)
        print_json(list);
    zooid_reply_free(reply);
    return EXIT_FINE;
}

/* -- held
 * --------------------------------------------------------------------------------------------------------------
 */

/* Its reply, unless a signal ends the wait: then this command ends as if by that signal. */
static int await_lock(struct vigil *v, zooid_lock *lock, uint32_t wait_ms)
{
    zooid_ticket ticket = zooid_lock_submit_acquire(lock, wait_ms, NULL);
    if (ticket == 0)
        return complain(NULL);
    for (;;) {
        struct vigil_news news = vigil_wait(v, 0);
        if (ends_programs(news.signal))
            return SHELL_SIGNAL + news.signal;
        zooid_reply *reply = news.event != NULL && zooid_event_ticket(news.event) == ticket
                                 ? zooid_event_take_reply(news.event)
                                 : NULL;
        zooid_event_free(news.event);
        if (reply == NULL)
            continue;
        if (zooid_reply_code(reply) == ZOOID_DEADLINE_EXCEEDED) {
            fprintf(stderr, "zooid: another one has it still\n");
            zooid_reply_free(reply);
            return EXIT_NOT_HELD;
        }
        if (zooid_reply_code(reply) != ZOOID_OK)
            return complain(reply);
        zooid_reply_free(reply);
        return EXIT_FINE;
    }
}

static int acquire(struct cli *cli, struct vigil *v, zooid_lock *lock, const struct arguments *a)
{
    zooid_reply *reply = NULL;
    int64_t wait_ms = ZOOID_NO_DEADLINE;
    if (a->flags['n']) {
        if (zooid_lock_try(lock, cli->deadline_ms, &reply) != ZOOID_OK)
            return complain(reply);
        zooid_reply_free(reply);
        return EXIT_FINE;
    }
    if (a->flags['w'] && !read_number(a->values['w'], "-w", 0, INT32_MAX, &wait_ms))
        return EXIT_USAGE;
    return await_lock(v, lock, (uint32_t)wait_ms);
}

/* While it is certain; after that there is nothing to wait for. */
static void give_back(struct cli *cli, zooid_lock *lock)
{
    uint64_t until = zooid_lock_good_until_ms(lock), now = boot_ms();
    uint64_t left = until > now ? until - now : 0;
    (void)zooid_lock_release(lock, left < cli->deadline_ms ? (uint32_t)left : cli->deadline_ms, NULL);
}

static int run_holding(struct cli *cli, struct vigil *v, const struct holding *h, const struct arguments *a)
{
    int64_t warn_ms = WARN_MS;
    if (a->flags['k'] && !read_number(a->values['k'], "-k", 0, INT32_MAX, &warn_ms))
        return EXIT_USAGE;
    for (;;) {
        int code = acquire(cli, v, h->lock, a);
        if (code != EXIT_FINE)
            return code;
        struct child_end end = child_run(v, h->lock, h->command, (uint32_t)warn_ms);
        if (!end.lost)
            give_back(cli, h->lock);
        if (!end.lost || !h->again) {
            if (end.lost)
                fprintf(stderr, "zooid: the lock was lost, and the command killed\n");
            return end.lost ? (int)EXIT_LOST : end.code;
        }
        fprintf(stderr, "zooid: the lead was lost, and the command killed; contending again\n");
    }
}

static int hold(struct cli *cli, struct holding *h, const struct arguments *a)
{
    struct vigil v;
    int code = EXIT_FAILED;
    if (h->lock == NULL)
        return complain_usage("%s: a lock lives at an absolute path, without a slash at its end", a->words[0]);
    if (h->command == NULL) {
        code = show(cli, h->lock);
    } else if (vigil_begin(&v, cli->client)) {
        code = run_holding(cli, &v, h, a);
        vigil_end(&v);
    }
    zooid_lock_free(h->lock);
    return code;
}

/* Those behind the first `skip` words, "--" between them left out; NULL: none. */
static const char *const *command_of(const struct arguments *a, int skip)
{
    if (a->count > skip && strcmp(a->words[skip], "--") == 0)
        skip++;
    return a->count > skip ? a->words + skip : NULL;
}

/* "host:pid", where nothing else was given. */
static const char *identifier_of(const struct arguments *a)
{
    static char text[IDENTIFIER_LEN];
    char host[256] = "";
    if (a->values['i'] != NULL)
        return a->values['i'];
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(text, sizeof text, "%s:%d", host, (int)getpid());
    return text;
}

int run_lock(struct cli *cli, const struct arguments *a)
{
    enum zooid_lock_kind kind = a->flags['r']   ? ZOOID_LOCK_READ
                                : a->flags['x'] ? ZOOID_LOCK_WRITE
                                                : ZOOID_LOCK_EXCLUSIVE;
    if ((a->flags['n'] && a->flags['w']) || (a->flags['r'] && a->flags['x']))
        return complain_usage("only one of -n and -w, and of -r and -x");
    struct holding h = {zooid_lock_new(cli->client, a->words[0], kind, identifier_of(a)), command_of(a, 1), false};
    return hold(cli, &h, a);
}

int run_elect(struct cli *cli, const struct arguments *a)
{
    struct holding h = {zooid_lock_new(cli->client, a->words[0], ZOOID_LOCK_EXCLUSIVE, identifier_of(a)),
                        command_of(a, 1), true};
    return hold(cli, &h, a);
}

int run_semaphore(struct cli *cli, const struct arguments *a)
{
    int64_t leases = 0;
    if (a->flags['n'] && a->flags['w'])
        return complain_usage("only one of -n and -w");
    if (!read_number(a->words[1], "LEASES", 1, INT32_MAX, &leases))
        return EXIT_USAGE;
    struct holding h = {zooid_semaphore_new(cli->client, a->words[0], (uint32_t)leases, identifier_of(a)),
                        command_of(a, 2), false};
    return hold(cli, &h, a);
}
