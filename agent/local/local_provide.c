/* local_provide.c - who offers commands, and under which name: taken, taken over, given up, reported. */
#include "agent/local/local_calls.h"
#include "core/tree/path.h"

enum { NAME_BYTES_MAX = 64, TEXT_BYTES_MAX = 1024 };

/* -- what is offered ---------------------------------------------------------------------------------------------- */

static bool is_name(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    size_t len = text == NULL ? 0 : strlen(text);
    return len > 0 && len <= NAME_BYTES_MAX && text[0] != '-' && text[0] != '.' && strspn(text, allowed) == len;
}

static bool is_text(const char *text)
{
    return text == NULL || (strlen(text) <= TEXT_BYTES_MAX && path_may_hold(bytes_of(text)));
}

static bool is_offered_before(const Zooid__Local__Provide *m, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(m->offer[i]->command, m->offer[index]->command) == 0)
            return true;
    return false;
}

/* NULL: there is none. */
static const char *fault_of(const Zooid__Local__Provide *m)
{
    if (!is_name(m->name))
        return "a provider's name is 1 to 64 letters, digits, '-', '_', '.', and begins with a letter, digit or '_'";
    if (!is_text(m->description))
        return "a description has at most 1024 bytes, which are UTF-8 without control characters";
    for (size_t i = 0; i < m->n_offer; i++) {
        if (!is_name(m->offer[i]->command))
            return "a command's name is 1 to 64 letters, digits, '-', '_', '.', and begins with a letter, digit or '_'";
        if (!is_text(m->offer[i]->help))
            return "a command's help has at most 1024 bytes, which are UTF-8 without control characters";
        if (is_offered_before(m, i))
            return "two commands have the same name";
    }
    return NULL;
}

static char *copy_of(const char *text)
{
    return mem_strdup(text == NULL ? "" : text);
}

static void free_content(struct local_provider *p)
{
    for (size_t i = 0; p->offers != NULL && i < p->offer_count; i++) {
        mem_free(p->offers[i].command);
        mem_free(p->offers[i].help);
    }
    mem_free(p->offers);
    mem_free(p->name);
    mem_free(p->description);
    mem_free(p);
}

/* False: out of memory. */
static bool copy_offers(struct local_provider *p, const Zooid__Local__Provide *m)
{
    p->offers = mem_calloc(m->n_offer + 1, sizeof *p->offers);
    if (p->offers == NULL)
        return false;
    for (size_t i = 0; i < m->n_offer; i++) {
        struct local_offer *offer = &p->offers[p->offer_count++];
        offer->command = copy_of(m->offer[i]->command);
        offer->help = copy_of(m->offer[i]->help);
        offer->admin = m->offer[i]->admin;
        if (offer->command == NULL || offer->help == NULL)
            return false;
    }
    return true;
}

static struct local_provider *provider_new(const Zooid__Local__Provide *m)
{
    struct local_provider *p = mem_calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    list_init(&p->link);
    p->name = copy_of(m->name);
    p->description = copy_of(m->description);
    if (p->name != NULL && p->description != NULL && copy_offers(p, m))
        return p;
    free_content(p);
    return NULL;
}

/* -- coming and going --------------------------------------------------------------------------------------------- */

struct local_provider *local_provider_find(const struct local *l, const char *name)
{
    LIST_FOR_EACH(at, &l->providers)
    {
        struct local_provider *p = LIST_ENTRY(at, struct local_provider, link);
        if (strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}

void local_provider_free(struct local_provider *p)
{
    if (p == NULL)
        return;
    struct local_client *c = p->request->client;
    LIST_FOR_EACH(at, &c->calls_in_hand)
    {
        struct local_call *call = LIST_ENTRY(at, struct local_call, link);
        if (call->provider == p)
            call->provider = NULL;
    }
    list_remove(&p->link);
    c->user->providers--;
    free_content(p);
}

static enum status say_that_it_stands(const struct local_request *request)
{
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    m.has_id = m.has_more = m.more = true;
    m.id = request->id;
    connection_say(request->client->connection);
    return local_write(&request->client->connection->said, &m);
}

static enum status begin(struct local_client *c, struct local_request *request, const Zooid__Local__Provide *m)
{
    struct local_provider *before = local_provider_find(c->local, m->name), *p = provider_new(m);
    if (p == NULL)
        return ST_NO_MEMORY;
    local_set_apart(request);
    p->request = request;
    request->provider = p;
    c->user->providers++;
    if (before != NULL)
        local_give_up(before->request, ZOOID__LOCAL__CODE__PROVIDER_REPLACED, NULL);
    const char *excess = local_user_excess(c->local, c->user, LOCAL_BUDGET_PROVIDERS);
    if (excess != NULL) {
        local_give_up(request, ZOOID__LOCAL__CODE__LIMIT_REACHED, excess);
        return ST_OK;
    }
    list_append(&c->local->providers, &p->link);
    local_death_watch(c); /* a child that holds the socket provides nothing */
    return say_that_it_stands(request);
}

enum status local_provide(struct local_client *c, struct local_request *request, const to_agent *m)
{
    const Zooid__Local__Provide *wanted = m->provide;
    if (wanted->n_offer > (size_t)c->local->settings->local_offers_max)
        return local_refuse(request, ZOOID__LOCAL__CODE__LIMIT_REACHED,
                            "a provider has at most zooid.localOffersMax commands");
    const char *fault = fault_of(wanted);
    if (fault != NULL)
        return local_refuse(request, ZOOID__LOCAL__CODE__BAD_ARGUMENTS, fault);
    const struct local_provider *before = local_provider_find(c->local, wanted->name);
    if (before != NULL && !wanted->replace)
        return local_refuse(request, ZOOID__LOCAL__CODE__PROVIDER_EXISTS, "somebody else provides under that name");
    if (before != NULL && !c->may_admin && before->request->client->uid != c->uid)
        return local_refuse(request, ZOOID__LOCAL__CODE__NOT_PERMITTED,
                            "another user provides under that name, which zooid.localAdmin permits to take over");
    return begin(c, request, wanted);
}

void local_each_provider(const struct local *l, void (*fn)(void *context, const struct local_provider_report *p),
                         void *context)
{
    LIST_FOR_EACH(at, &l->providers)
    {
        const struct local_provider *p = LIST_ENTRY(at, struct local_provider, link);
        const struct local_client *c = p->request->client;
        const struct local_provider_report report = {.name = p->name,
                                                     .description = p->description,
                                                     .uid = c->uid,
                                                     .pid = c->pid,
                                                     .calls = p->call_count,
                                                     .offers = p->offers,
                                                     .offer_count = p->offer_count};
        fn(context, &report);
    }
}
