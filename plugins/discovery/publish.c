/* publish.c - the node of a registration: written when it is to say something else, and taken away. */
#include "plugins/discovery/discovery.h"
#include "plugins/discovery/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAREWELL "deregistered"

enum { FAREWELL_MS = 5000 };

/* What the host holds for us in the tree. It may outlive its registration by a moment. */
struct node {
    struct discovery *d;
    struct registration *r; /* NULL: it is going */
    zooid_handle ephemeral;
    struct node *next;
};

/* "/services/web/web-h1-80"; free with free(). */
static char *path_of(const struct registration *r)
{
    const char *base = r->d->settings.base, *service = r->definition.service, *id = r->definition.id;
    size_t size = strlen(base) + strlen(service) + strlen(id) + 3;
    char *path = malloc(size);
    if (path != NULL)
        (void)snprintf(path, size, "%s/%s/%s", base, service, id);
    return path;
}

static char *text_of(const struct registration *r, const char *maintenance)
{
    const struct discovery *d = r->d;
    const struct standing standing = {.health = r->health,
                                      .since_ms = r->since_ms,
                                      .registered_ms = r->registered_ms,
                                      .host = d->host_name,
                                      .maintenance = maintenance,
                                      .compatible = d->settings.compatible};
    return layout_write(&r->definition, &standing);
}

void publish_answer(struct registration *r)
{
    struct discovery *d = r->d;
    char *path = path_of(r);
    if (r->waiting != 0) {
        const struct call call = {.d = d, .invocation = r->waiting};
        call_answer(&call, path == NULL ? NULL
                                        : json_pack("{s:s, s:s, s:s, s:s?}", "id", r->definition.id, "path", path,
                                                    "state", publish_state(r), "trouble", r->trouble));
    }
    if (r->waiting_timer != 0)
        d->api->cancel(d->host, r->waiting_timer);
    r->waiting = r->waiting_timer = 0;
    free(path);
}

static void held(void *context, enum zooid_plugin_hold event, uint64_t number, const char *message)
{
    struct registration *r = ((struct node *)context)->r;
    (void)number;
    if (r == NULL)
        return;
    r->held = event == ZOOID_PLUGIN_HELD;
    free(r->trouble);
    r->trouble = r->held || message == NULL ? NULL : strdup(message);
    if (event == ZOOID_PLUGIN_HOLD_FAILED)
        discovery_log(r->d, ZOOID_PLUGIN_WARNING, "%s is not in the tree: %s", r->definition.id,
                      message == NULL ? "" : message);
    if (r->held || event == ZOOID_PLUGIN_HOLD_FAILED)
        publish_answer(r);
    discovery_status(r->d);
}

/* Cancels what the host holds: the node goes. */
static void node_free(struct node *node)
{
    struct node **at = &node->d->nodes;
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    if (node->ephemeral != 0)
        node->d->api->cancel(node->d->host, node->ephemeral);
    free(node);
}

static void node_make(struct registration *r, const char *text)
{
    struct discovery *d = r->d;
    char *path = path_of(r);
    struct node *node = path == NULL ? NULL : malloc(sizeof *node);
    if (node != NULL) {
        *node = (struct node){d, r, 0, d->nodes};
        d->nodes = r->node = node;
        node->ephemeral = d->api->ephemeral(d->host, path, text, strlen(text), held, node);
    }
    if (node == NULL || node->ephemeral == 0)
        discovery_no_memory(d, r->definition.id);
    free(path);
}

/* Takes the text, which is not NULL. */
static void write_node(struct registration *r, char *text)
{
    struct discovery *d = r->d;
    bool same = r->node != NULL && r->written != NULL && strcmp(r->written, text) == 0;
    if (same) {
        free(text);
        return;
    }
    free(r->written);
    r->written = text;
    if (r->node == NULL)
        node_make(r, text);
    else if (d->api->ephemeral_set(d->host, r->node->ephemeral, text, strlen(text)) != ZOOID_PLUGIN_OK)
        discovery_no_memory(d, r->definition.id);
}

void publish(struct registration *r)
{
    const char *maintenance = r->maintenance != NULL ? r->maintenance : r->d->maintenance;
    char *text = r->off ? NULL : text_of(r, maintenance);
    if (r->off)
        publish_end(r, false);
    else if (text == NULL)
        discovery_no_memory(r->d, r->definition.id);
    else
        write_node(r, text);
}

void publish_all(struct discovery *d)
{
    for (size_t i = 0; i < d->registration_count; i++)
        publish(d->registrations[i]);
}

const char *publish_state(const struct registration *r)
{
    return r->off ? "deregistered" : r->held ? "registered" : "pending";
}

static void parted(void *context, const struct zooid_plugin_reply *reply)
{
    (void)reply; /* whatever it was: the node goes */
    node_free(context);
}

/* The node says good-bye, then it goes. False: it has to go without. */
static bool part(struct node *node, const char *path, const char *text)
{
    const struct zooid_plugin_request request = {.size = sizeof request,
                                                 .op = ZOOID_PLUGIN_SET,
                                                 .path = path,
                                                 .data = text,
                                                 .len = strlen(text),
                                                 .version = -1,
                                                 .deadline_ms = FAREWELL_MS};
    node->r = NULL;
    return node->d->api->request(node->d->host, &request, parted, node) != 0;
}

void publish_end(struct registration *r, bool farewell)
{
    char *text = farewell && r->held ? text_of(r, FAREWELL) : NULL;
    char *path = text == NULL ? NULL : path_of(r);
    if (r->node != NULL && (path == NULL || !part(r->node, path, text)))
        node_free(r->node);
    free(text);
    free(path);
    free(r->written);
    r->written = NULL;
    r->node = NULL;
    r->held = false;
}

/* At the end what the host holds is the host's to give back, or to hand over. */
void publish_free(struct discovery *d)
{
    while (d->nodes != NULL) {
        struct node *node = d->nodes;
        d->nodes = node->next;
        free(node);
    }
}
