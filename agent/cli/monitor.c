/* monitor.c - the agent's log as it is written. */
#include "agent/cli/child.h"
#include "agent/cli/cli.h"

#include <jansson.h>
#include <string.h>

/* A line is a time, a level and the rest. */
static enum paint paint_of_line(const char *line)
{
    const char *level = strchr(line, ' ');
    if (level != NULL && strncmp(level, " error", 6) == 0)
        return PAINT_BAD;
    return level != NULL && strncmp(level, " warn", 5) == 0 ? PAINT_WARNING : PAINT_NONE;
}

static void print_line(const struct cli *cli, const zooid_event *event)
{
    if (zooid_event_missed(event) > 0)
        fprintf(stderr, "zooid: %u lines are missing here\n", zooid_event_missed(event));
    if (cli->json)
        print_json(json_pack("{s:s,s:i}", "line", zooid_event_line(event), "missed", (int)zooid_event_missed(event)));
    else
        printf("%s%s%s\n", paint(stdout, paint_of_line(zooid_event_line(event))), zooid_event_line(event),
               paint(stdout, PAINT_NONE));
    (void)fflush(stdout);
}

/* Until so many lines have come, the agent ends it, or a signal. */
static int follow(struct cli *cli, struct vigil *v, zooid_ticket ticket, int64_t count)
{
    while (count > 0) {
        struct vigil_news news = vigil_wait(v, 0);
        if (ends_programs(news.signal))
            return SHELL_SIGNAL + news.signal;
        if (news.event == NULL || zooid_event_ticket(news.event) != ticket) {
            zooid_event_free(news.event);
            continue;
        }
        if (zooid_event_kind(news.event) == ZOOID_EVENT_REPLY) {
            zooid_reply *reply = zooid_event_take_reply(news.event);
            zooid_event_free(news.event);
            return complain(reply);
        }
        print_line(cli, news.event);
        zooid_event_free(news.event);
        count--;
    }
    return EXIT_FINE;
}

int run_monitor(struct cli *cli, const struct arguments *a)
{
    struct vigil v;
    int64_t count = INT64_MAX;
    if (a->values['n'] != NULL && !read_number(a->values['n'], "-n", 1, INT64_MAX, &count))
        return EXIT_USAGE;
    if (!vigil_begin(&v, cli->client))
        return EXIT_FAILED;
    zooid_request *request = zooid_request_monitor(a->values['l'] == NULL ? "info" : a->values['l']);
    zooid_ticket ticket = zooid_submit(cli->client, request, ZOOID_NO_DEADLINE, NULL);
    int code = ticket == 0 ? complain(NULL) : follow(cli, &v, ticket, count);
    zooid_cancel(cli->client, ticket);
    vigil_end(&v);
    return code;
}
