/* session.c - the plugin's session: who hears of it, and which ones it had before this process. Their numbers stand in
 * a file beside the state directory, so that what an earlier process held is known to be the plugin's own. */
#include "plugins/host/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct follower {
    struct item item;
    zooid_plugin_session_fn *changed;
    void *context;
};

static const struct item_kind follower_kind = {item_free, NULL};

zooid_handle session_follow(zooid_host *host, zooid_plugin_session_fn *changed, void *context)
{
    struct follower *follower = changed == NULL ? NULL : item_new(host, &follower_kind, sizeof *follower);
    if (follower == NULL)
        return 0;
    follower->changed = changed;
    follower->context = context;
    return follower->item.handle;
}

/* -- the sessions before ---------------------------------------------------------------------------------------------
 */

bool session_read_before(zooid_host *host)
{
    int64_t before[COUNT_OF(host->sessions_before)] = {0};
    size_t count = 0;
    char line[32];
    FILE *file = host->sessions_file == NULL ? NULL : fopen(host->sessions_file, "re");
    if (file == NULL)
        return false;
    while (count < COUNT_OF(before) && fgets(line, sizeof line, file) != NULL) {
        before[count] = (int64_t)strtoull(line, NULL, 16);
        count += before[count] != host->session_id;
    }
    (void)fclose(file);
    bool is_news = count != host->sessions_before_count ||
                   memcmp(before, host->sessions_before, count * sizeof before[0]) != 0;
    memcpy(host->sessions_before, before, sizeof before);
    host->sessions_before_count = count;
    return is_news;
}

/* The newest first; a file that cannot be written costs a wait for the old session's end. */
static void note(zooid_host *host, int64_t id)
{
    char name[4096];
    host->session_id = id;
    (void)session_read_before(host); /* another process may have begun one meanwhile */
    if (host->sessions_file == NULL || snprintf(name, sizeof name, "%s.new", host->sessions_file) >= (int)sizeof name)
        return;
    FILE *file = fopen(name, "we");
    bool good = file != NULL && fprintf(file, "%" PRIx64 "\n", (uint64_t)id) > 0;
    for (size_t i = 0; good && i < host->sessions_before_count; i++)
        good = fprintf(file, "%" PRIx64 "\n", (uint64_t)host->sessions_before[i]) > 0;
    if (file != NULL)
        good = fclose(file) == 0 && good;
    if (!good || rename(name, host->sessions_file) != 0)
        host_log(host, ZOOID_PLUGIN_WARNING, "%s cannot be written", host->sessions_file);
}

void session_changed(zooid_host *host, enum zooid_session_state state)
{
    static const enum zooid_plugin_session states[] = {
        [ZOOID_SESSION_NONE] = ZOOID_PLUGIN_SESSION_LOST,
        [ZOOID_SESSION_GOOD] = ZOOID_PLUGIN_SESSION_GOOD,
        [ZOOID_SESSION_SUSPENDED] = ZOOID_PLUGIN_SESSION_SUSPENDED,
        [ZOOID_SESSION_LOST] = ZOOID_PLUGIN_SESSION_LOST,
    };
    int64_t id = zooid_session_id(host->client);
    if (state == ZOOID_SESSION_GOOD && id != 0 && id != host->session_id)
        note(host, id);
    for (uint32_t i = 0; i < host->items.slot_count; i++) {
        const struct follower *follower = item_at(host, i, &follower_kind);
        if (follower != NULL)
            follower->changed(follower->context, states[state]);
    }
}
