/* local_call.c - calls of what local clients provide: carried to the provider, answered, given up. Nothing here waits:
 * a call is a row in the provider's list until its answer comes, its time is over, or one of both ends has gone. */
#include "agent/local/local_calls.h"
#include "core/tree/path.h"

enum { ENVELOPE_BYTES = 512 /* of an Invoke, besides its bytes */ };

static int64_t now_ms(const struct local *l)
{
    return (int64_t)uv_now(l->parts.front.loop);
}

static bool can_be_told(const struct local_client *c)
{
    return !c->connection->failed && !c->connection->close_delivered;
}

/* -- its end ------------------------------------------------------------------------------------------------------ */

static void call_free(struct local_call *call)
{
    list_remove(&call->link);
    deadlines_remove(&call->local->calls, &call->deadline);
    if (call->provider != NULL)
        call->provider->call_count--;
    if (call->caller != NULL)
        call->caller->user->calls--;
    mem_free(call);
}

static void finish(struct local_call *call, const struct local_answer *answer)
{
    void (*answered)(void *context, const struct local_answer *answer) = call->answered;
    void *context = call->context;
    call_free(call);
    answered(context, answer);
}

/* The provider need not go on with it. */
static void tell_cancelled(const struct local_call *call)
{
    struct connection *connection = call->server->connection;
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__Invoke invoke = ZOOID__LOCAL__INVOKE__INIT;
    if (!can_be_told(call->server))
        return;
    invoke.has_call = invoke.has_provide = invoke.has_cancelled = invoke.cancelled = true;
    invoke.call = call->number;
    invoke.provide = call->provide;
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_INVOKE;
    m.invoke = &invoke;
    if (local_write(&connection->said, &m) != ST_OK)
        connection->failed = true;
    connection_say(connection);
}

void local_call_drop(struct local_call *call)
{
    tell_cancelled(call);
    call_free(call);
}

void local_calls_expire(struct local *l, int64_t now)
{
    static const struct local_answer late = {.code = ZOOID__LOCAL__CODE__DEADLINE_EXCEEDED,
                                             .message = "the provider has not answered in time",
                                             .is_unknown = true};
    struct deadline *first;
    while ((first = deadlines_first(&l->calls)) != NULL && first->at <= now) {
        struct local_call *call = CONTAINER_OF(first, struct local_call, deadline);
        tell_cancelled(call);
        finish(call, &late);
    }
}

void local_calls_fail(struct local_client *c)
{
    static const struct local_answer failed = {.code = ZOOID__LOCAL__CODE__PROVIDER_FAILED,
                                               .message = "the provider went away before it answered",
                                               .is_unknown = true};
    while (!list_is_empty(&c->calls_in_hand)) {
        struct local_call *call = LIST_ENTRY(c->calls_in_hand.next, struct local_call, link);
        if (call->caller != c) {
            finish(call, &failed);
            continue;
        }
        struct local_request *own = call->context; /* nobody is there any more who could be told */
        own->call = NULL;
        call_free(call);
    }
}

static struct local_call *find(const struct local_client *c, uint64_t number)
{
    LIST_FOR_EACH(at, &c->calls_in_hand)
    {
        struct local_call *call = LIST_ENTRY(at, struct local_call, link);
        if (call->number == number)
            return call;
    }
    return NULL;
}

/* Of these it says so, whoever tells of them: the provider may be the first to see that the time is over. */
static bool leaves_outcome_unknown(int32_t code)
{
    return code == ZOOID__LOCAL__CODE__DEADLINE_EXCEEDED || code == ZOOID__LOCAL__CODE__CANCELLED ||
           code == ZOOID__LOCAL__CODE__PROVIDER_FAILED;
}

static struct local_answer answer_of(const struct local *l, const Zooid__Local__CallResult *m)
{
    const Zooid__Local__Error *error = m->error;
    struct local_answer answer = {.bytes = bytes_make(m->bytes.data, m->bytes.len)};
    size_t len = error != NULL && error->message != NULL ? strlen(error->message) : 0;
    if (m->bytes.len + len > (size_t)l->settings->local_call_bytes_max) {
        answer.code = ZOOID__LOCAL__CODE__LIMIT_REACHED;
        answer.message = "the provider's answer is longer than zooid.localCallBytesMax";
    } else if (error != NULL) {
        answer.code = error->code == 0 ? ZOOID__LOCAL__CODE__SYSTEM_ERROR : error->code;
        answer.is_unknown = leaves_outcome_unknown(answer.code);
        answer.message = len > 0 && path_may_hold(bytes_of(error->message)) ? error->message : NULL;
    }
    return answer;
}

void local_call_take_result(struct local_client *c, const Zooid__Local__CallResult *m)
{
    struct local_call *call = find(c, m->call);
    const struct local_answer answer = answer_of(c->local, m);
    if (call != NULL)
        finish(call, &answer); /* else its caller has gone, or it is none */
}

/* -- its beginning ------------------------------------------------------------------------------------------------ */

static const struct local_offer *find_offer(const struct local_provider *p, const char *command)
{
    for (size_t i = 0; i < p->offer_count; i++)
        if (strcmp(p->offers[i].command, command) == 0)
            return &p->offers[i];
    return NULL;
}

static bool is_permitted(const struct local_calling *calling, const struct local_offer *offer,
                         const struct local_client *server)
{
    return !offer->admin || calling->is_admin || (calling->is_user && calling->uid == server->uid);
}

static struct local_answer refusal(int32_t code, const char *message)
{
    return (struct local_answer){.code = code, .message = message};
}

/* Why the provider cannot be given one more; code 0: it can. */
static struct local_answer trouble_of(const struct local *l, const struct local_calling *calling,
                                      const struct local_provider *p)
{
    const struct local_client *server = p->request->client;
    size_t unsent = stream_unsent(&server->connection->stream) + server->connection->said.len;
    if (!can_be_told(server))
        return refusal(ZOOID__LOCAL__CODE__PROVIDER_FAILED, "the provider is going away");
    if (calling->bytes.len > (size_t)l->settings->local_call_bytes_max)
        return refusal(ZOOID__LOCAL__CODE__LIMIT_REACHED, "the request is longer than zooid.localCallBytesMax");
    if (calling->bytes.len + ENVELOPE_BYTES > server->frame_max)
        return refusal(ZOOID__LOCAL__CODE__LIMIT_REACHED,
                       "the request is longer than a frame that the provider takes (Hello.frame_max)");
    if (p->call_count >= (uint32_t)l->settings->local_calls_max)
        return refusal(ZOOID__LOCAL__CODE__LIMIT_REACHED, "the provider has zooid.localCallsMax calls to answer");
    if (unsent > (size_t)l->settings->local_unsent_max / 4)
        return refusal(ZOOID__LOCAL__CODE__LIMIT_REACHED,
                       "the provider does not read: a quarter of zooid.localUnsentMax waits for it");
    return refusal(0, NULL);
}

static struct local_answer obstacle(const struct local *l, const struct local_calling *calling,
                                    const struct local_provider *p)
{
    if (p == NULL)
        return refusal(ZOOID__LOCAL__CODE__NO_SUCH_PROVIDER, "nobody provides under that name");
    const struct local_offer *offer = find_offer(p, calling->command);
    if (offer == NULL)
        return refusal(ZOOID__LOCAL__CODE__NO_SUCH_PROVIDER, "the provider has no such command");
    if (!is_permitted(calling, offer, p->request->client))
        return refusal(ZOOID__LOCAL__CODE__NOT_PERMITTED,
                       "the command is for the provider's own user, and whom zooid.localAdmin names");
    return trouble_of(l, calling, p);
}

static enum status invoke(const struct local_call *call, const struct local_calling *calling, uint32_t ms)
{
    struct connection *connection = call->server->connection;
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__Invoke body = ZOOID__LOCAL__INVOKE__INIT;
    body.has_call = body.has_provide = body.has_deadline_ms = body.has_bytes = true;
    body.call = call->number;
    body.provide = call->provide;
    body.provider = (char *)(uintptr_t)calling->provider;
    body.command = (char *)(uintptr_t)calling->command;
    body.caller = (char *)(uintptr_t)calling->caller;
    body.bytes = (ProtobufCBinaryData){calling->bytes.len, (uint8_t *)(uintptr_t)calling->bytes.data};
    body.deadline_ms = ms;
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_INVOKE;
    m.invoke = &body;
    connection_say(connection);
    return local_write(&connection->said, &m);
}

static struct local_call *call_new(struct local *l, const struct local_calling *calling, struct local_provider *p)
{
    struct local_call *call = mem_calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->local = l;
    call->server = p->request->client;
    call->provider = p;
    call->provide = p->request->id;
    call->number = ++call->server->last_call;
    call->answered = calling->answered;
    call->context = calling->context;
    list_append(&call->server->calls_in_hand, &call->link);
    p->call_count++;
    return call;
}

enum status local_call_begin(struct local *l, const struct local_calling *calling, struct local_call **out,
                             struct local_answer *refused)
{
    uint32_t max = (uint32_t)l->settings->local_deadline_max_ms;
    uint32_t ms = calling->deadline_ms == 0 || calling->deadline_ms > max ? max : calling->deadline_ms;
    struct local_provider *p = local_provider_find(l, calling->provider);
    *out = NULL;
    *refused = obstacle(l, calling, p);
    if (refused->code != 0)
        return ST_OK;
    struct local_call *call = call_new(l, calling, p);
    if (call == NULL)
        return ST_NO_MEMORY;
    enum status st = deadlines_set(&l->calls, &call->deadline, now_ms(l) + ms);
    if (st == ST_OK)
        st = invoke(call, calling, ms);
    if (st != ST_OK) {
        call_free(call);
        return st;
    }
    local_arm(l);
    *out = call;
    return ST_OK;
}

/* -- of local clients --------------------------------------------------------------------------------------------- */

static void answer_request(struct local_request *request, const struct local_answer *answer)
{
    from_agent m = ZOOID__LOCAL__FROM_AGENT__INIT;
    Zooid__Local__Report report = ZOOID__LOCAL__REPORT__INIT;
    request->is_unknown = answer->is_unknown;
    if (answer->code != 0) {
        local_give_up(request, answer->code, answer->message);
        return;
    }
    report.has_bytes = true;
    report.bytes = (ProtobufCBinaryData){answer->bytes.len, (uint8_t *)(uintptr_t)answer->bytes.data};
    m.body_case = ZOOID__LOCAL__FROM_AGENT__BODY_REPORT;
    m.report = &report;
    local_finish(request, &m);
}

static void on_answered(void *context, const struct local_answer *answer)
{
    struct local_request *request = context;
    request->call = NULL;
    if (can_be_told(request->client))
        answer_request(request, answer);
    else
        local_request_free(request);
}

enum status local_call(struct local_client *c, struct local_request *request, const to_agent *m)
{
    char caller[32];
    struct local_answer refused;
    (void)snprintf(caller, sizeof caller, "uid:%u", (unsigned)c->uid);
    const struct local_calling calling = {
        .provider = m->call->provider == NULL ? "" : m->call->provider,
        .command = m->call->command == NULL ? "" : m->call->command,
        .bytes = bytes_make(m->call->bytes.data, m->call->bytes.len),
        .caller = caller,
        .uid = c->uid,
        .is_user = true,
        .is_admin = c->may_admin,
        .deadline_ms = m->has_deadline_ms ? m->deadline_ms : 0,
        .answered = on_answered,
        .context = request,
    };
    local_set_apart(request);
    c->user->calls++;
    const char *excess = local_user_excess(c->local, c->user, LOCAL_BUDGET_CALLS);
    if (excess != NULL)
        refused = refusal(ZOOID__LOCAL__CODE__LIMIT_REACHED, excess);
    enum status st = excess != NULL ? ST_OK : local_call_begin(c->local, &calling, &request->call, &refused);
    if (request->call != NULL) {
        request->call->caller = c;
        return ST_OK;
    }
    c->user->calls--;
    if (st == ST_OK)
        answer_request(request, &refused);
    return st;
}
