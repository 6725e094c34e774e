/* scenario.h - what programs share that show libzooid at work on an agent of program.py: checks, clients, and asking
 * for something that the program itself cannot do: a line on standard output, answered by a line on standard input. */
#pragma once

#include "bindings/c/include/zooid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(condition)                                                   \
    do {                                                                   \
        if (!(condition)) {                                                \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                       \
        }                                                                  \
    } while (0)

enum { SOON = 20000 };

static const char *socket_path;

static inline zooid_client *open_client(void)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_client *client = NULL;
    zooid_reply *why = NULL;
    options.socket = socket_path;
    options.connect_ms = SOON;
    int code = zooid_open(&client, &options, &why);
    if (code != ZOOID_OK)
        printf("%s\n", zooid_reply_message(why));
    CHECK(code == ZOOID_OK);
    return client;
}

static inline void ask(const char *what)
{
    char line[64];
    printf("%s\n", what);
    fflush(stdout);
    CHECK(fgets(line, sizeof line, stdin) != NULL && strcmp(line, "done\n") == 0);
}

/* The next event of that kind; others are dropped. */
static inline zooid_event *expect(zooid_client *c, enum zooid_event_kind kind)
{
    for (;;) {
        zooid_event *event = zooid_next_event(c, SOON);
        CHECK(event != NULL);
        if (zooid_event_kind(event) == kind)
            return event;
        zooid_event_free(event);
    }
}

static inline uint64_t boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The reply to that ticket, which is the next one. */
static inline int next_reply(zooid_client *c, zooid_ticket ticket, uint64_t *number)
{
    zooid_event *event = expect(c, ZOOID_EVENT_REPLY);
    zooid_reply *r = zooid_event_take_reply(event);
    CHECK(zooid_event_ticket(event) == ticket);
    int code = zooid_reply_code(r);
    if (number != NULL)
        *number = zooid_reply_number(r);
    zooid_reply_free(r);
    zooid_event_free(event);
    return code;
}

/* The loss of the object of that number, for such a reason; NULL: of a session that ends, which may be seen first by
 * its nodes. */
static inline void expect_loss(zooid_client *c, zooid_ticket number, const char *why)
{
    zooid_event *event = expect(c, ZOOID_EVENT_LOST);
    zooid_reply *r = zooid_event_take_reply(event);
    CHECK(zooid_event_ticket(event) == number);
    CHECK(zooid_reply_code(r) == ZOOID_NOT_HELD && (why == NULL || strstr(zooid_reply_message(r), why) != NULL));
    zooid_reply_free(r);
    zooid_event_free(event);
}

struct scenario {
    const char *name;
    void (*run)(void);
};

/* `program SOCKET [NAME]`: all of them, or the one of that name. */
static inline int run_scenarios(const struct scenario *scenarios, size_t count, int argc, char **argv)
{
    CHECK(argc == 2 || argc == 3);
    socket_path = argv[1];
    for (size_t i = 0; i < count; i++) {
        if (argc == 3 && strcmp(argv[2], scenarios[i].name) != 0)
            continue;
        scenarios[i].run();
        printf("ok: %s\n", scenarios[i].name);
        fflush(stdout);
    }
    return 0;
}
