/* define.c - the checks of services on their way to the plugin health: sent until they are taken. So is that the checks
 * of a service are not wanted any more. */
#include "plugins/discovery/discovery.h"

#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 10, AGAIN_MS = 1000, REFUSED_MS = 30000, DEADLINE_MS = 10000, AT_ONCE = 16 };

static void fired(void *context);

/* Then, or earlier if it is to be earlier anyway. */
static void look_in(struct discovery *d, uint32_t ms)
{
    uint64_t due = d->api->now_ms(d->host) + ms;
    if (d->define_timer != 0 && d->define_due_ms <= due)
        return;
    d->define_due_ms = due;
    discovery_timer(d, &d->define_timer, ms, fired, d);
}

void define_soon(struct discovery *d)
{
    look_in(d, SOON_MS);
}

/* What health refuses it may take later, when its settings or another's checks have changed. */
static bool refused(const struct zooid_plugin_reply *reply)
{
    return reply->code == ZOOID_PLUGIN_BAD_ARGUMENTS || reply->code == ZOOID_PLUGIN_NO_AUTH;
}

/* Said once, not each time that it is tried. */
static void note_refusal(struct registration *r, const char *why)
{
    if (why != NULL && (r->refusal == NULL || strcmp(r->refusal, why) != 0))
        discovery_log(r->d, ZOOID_PLUGIN_WARNING, "%s: its checks are refused: %s", r->definition.id, why);
    if (!registry_keep(&r->refusal, why))
        discovery_no_memory(r->d, r->definition.id);
}

static void defined(void *context, const struct zooid_plugin_reply *reply)
{
    struct registration *r = context;
    r->define_call = 0;
    r->defined = reply->code == ZOOID_PLUGIN_OK;
    note_refusal(r, refused(reply) ? reply->message : NULL);
    r->try_again_ms = r->d->api->now_ms(r->d->host) + (refused(reply) ? REFUSED_MS : AGAIN_MS);
    look_in(r->d, SOON_MS);
}

static zooid_handle call(struct discovery *d, const char *command, json_t *json, zooid_plugin_reply_fn *done,
                         void *context)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    zooid_handle handle = text == NULL ? 0
                                       : d->api->call(d->host, d->settings.health, command, text, strlen(text),
                                                      DEADLINE_MS, done, context);
    free(text);
    json_decref(json);
    if (handle == 0)
        look_in(d, AGAIN_MS);
    return handle;
}

static void forget_first(struct discovery *d)
{
    free(d->drops[0]);
    d->drop_count--;
    memmove(&d->drops[0], &d->drops[1], d->drop_count * sizeof *d->drops);
    store_soon(d);
}

static void dropped(void *context, const struct zooid_plugin_reply *reply)
{
    struct discovery *d = context;
    d->drop_call = 0;
    if (reply->code == ZOOID_PLUGIN_OK || refused(reply))
        forget_first(d);
    look_in(d, reply->code == ZOOID_PLUGIN_OK || refused(reply) ? SOON_MS : AGAIN_MS);
}

static void define(struct registration *r)
{
    r->define_call = call(r->d, "define",
                          json_pack("{s:s, s:O, s:I}", "service", r->definition.id, "checks", r->definition.checks,
                                    "for", (json_int_t)r->uid),
                          defined, r);
}

/* A few at a time: the replies ask for more. Those that were not taken wait for their own time. */
static void define_some(struct discovery *d)
{
    uint64_t now = d->api->now_ms(d->host);
    size_t under_way = 0;
    for (size_t i = 0; i < d->registration_count; i++)
        under_way += d->registrations[i]->define_call != 0;
    for (size_t i = 0; i < d->registration_count && under_way < AT_ONCE; i++) {
        struct registration *r = d->registrations[i];
        if (r->defined || r->define_call != 0)
            continue;
        if (r->try_again_ms > now) {
            look_in(d, (uint32_t)(r->try_again_ms - now));
            continue;
        }
        define(r);
        under_way++;
    }
}

static void fired(void *context)
{
    struct discovery *d = context;
    d->define_timer = 0;
    if (d->settings.health[0] == '\0' || !d->connected)
        return; /* the session's return looks again */
    if (d->drop_count > 0 && d->drop_call == 0)
        d->drop_call = call(d, "drop", json_pack("{s:{s:s}}", "args", "service", d->drops[0]), dropped, d);
    if (d->drop_count > 0)
        return; /* in this order: an id may come again */
    define_some(d);
}

void define_drop(struct discovery *d, const char *id)
{
    char **larger = realloc(d->drops, (d->drop_count + 1) * sizeof *larger);
    if (larger != NULL)
        d->drops = larger;
    char *copy = larger == NULL ? NULL : strdup(id);
    if (copy == NULL) {
        discovery_no_memory(d, "health is not told that checks are not wanted any more");
        return;
    }
    d->drops[d->drop_count++] = copy;
    store_soon(d);
    define_soon(d);
}
