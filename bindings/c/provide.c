/* provide.c - commands that this client offers: offered again after a reconnect, calls of them as events, answers.
 *
 * The agent numbers calls by connection. What a program is told is that number with the one of the link above it, so
 * that an answer that comes too late for its link goes nowhere. */
#include "bindings/c/internal.h"

#define BODY(name) ZOOID__LOCAL__TO_AGENT__BODY_##name

enum { NUMBER_BITS = 40 };

/* -- what comes ---------------------------------------------------------------------------------------------------- */

static struct zooid_event *event_of(const struct call *call, enum zooid_event_kind kind)
{
    struct zooid_event *event = event_new(kind);
    if (event == NULL)
        return NULL;
    event->ticket = call->ticket;
    event->tag = call->tag;
    return event;
}

static void tell_locked(zooid_client *c, struct call *call, bool stands)
{
    struct zooid_event *event = event_of(call, ZOOID_EVENT_OFFER);
    call->stands = stands;
    if (event == NULL) {
        say(c, ZOOID_LOG_ERROR, "no memory to tell what became of offer %llu", (unsigned long long)call->ticket);
        return;
    }
    event->stands = stands;
    event_push_locked(c, event);
}

void provide_stands_locked(zooid_client *c, struct call *call, from_agent *m)
{
    message_free(m);
    tell_locked(c, call, true);
}

static bool is_of_offer(const struct zooid_event *event, uint64_t ticket)
{
    return (event->kind == ZOOID_EVENT_CALL || event->kind == ZOOID_EVENT_CALL_OVER) && event->ticket == ticket;
}

void provide_lost_locked(zooid_client *c, struct call *call)
{
    if (!call->stands)
        return;
    events_withdraw_locked(c, is_of_offer, call->ticket);
    tell_locked(c, call, false);
}

static bool is_call(const struct zooid_event *event, uint64_t number)
{
    return event->kind == ZOOID_EVENT_CALL && event->call == number;
}

static uint64_t number_of(const zooid_client *c, const Zooid__Local__Invoke *invoke)
{
    return c->link_number << NUMBER_BITS | invoke->call;
}

/* Of a call that the program has not taken out of the queue yet it never hears. */
static void take_end_locked(zooid_client *c, struct zooid_event *event)
{
    size_t before = c->event_count;
    events_withdraw_locked(c, is_call, event->call);
    if (c->event_count == before)
        event_push_locked(c, event);
    else
        zooid_event_free(event);
}

/* An offer that is over may have calls left; they are told of all the same, by the ticket that it had. */
void provide_take_locked(zooid_client *c, from_agent *m)
{
    const Zooid__Local__Invoke *invoke = m->invoke;
    struct zooid_event *event = event_new(invoke->cancelled ? ZOOID_EVENT_CALL_OVER : ZOOID_EVENT_CALL);
    const struct call *call = call_find_locked(c, invoke->provide);
    if (event == NULL) {
        message_free(m);
        return; /* its caller's deadline ends it */
    }
    event->ticket = invoke->provide;
    event->tag = call == NULL ? NULL : call->tag;
    event->call = number_of(c, invoke);
    event->deadline_ms = boot_ms() + invoke->deadline_ms;
    event->invoke = m;
    if (invoke->cancelled)
        take_end_locked(c, event);
    else
        event_push_locked(c, event);
}

/* -- answers ------------------------------------------------------------------------------------------------------- */

static int send_result(zooid_client *c, uint64_t number, Zooid__Local__CallResult *result)
{
    to_agent m = ZOOID__LOCAL__TO_AGENT__INIT;
    if (!is_ours(c))
        return ZOOID_CONNECTION_LOST;
    result->has_call = true;
    result->call = number & ((UINT64_C(1) << NUMBER_BITS) - 1);
    m.body_case = BODY(CALL_RESULT);
    m.call_result = result;
    pthread_mutex_lock(&c->lock);
    int code = ZOOID_CONNECTION_LOST;
    if (c->socket >= 0 && c->link_number == number >> NUMBER_BITS) {
        code = link_send_locked(c, &m) ? ZOOID_OK : ZOOID_NO_MEMORY;
        link_work_locked(c, false);
    }
    pthread_mutex_unlock(&c->lock);
    return code;
}

int zooid_call_answer(zooid_client *c, zooid_call call, const void *data, size_t len)
{
    Zooid__Local__CallResult result = ZOOID__LOCAL__CALL_RESULT__INIT;
    result.has_bytes = true;
    result.bytes = (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
    return send_result(c, call, &result);
}

int zooid_call_refuse(zooid_client *c, zooid_call call, int code, const char *message)
{
    Zooid__Local__CallResult result = ZOOID__LOCAL__CALL_RESULT__INIT;
    Zooid__Local__Error error = ZOOID__LOCAL__ERROR__INIT;
    error.has_code = true;
    error.code = code;
    error.message = (char *)(uintptr_t)(message == NULL ? zooid_code_text(code) : message);
    result.error = &error;
    return send_result(c, call, &result);
}

/* -- what can be asked of an event --------------------------------------------------------------------------------- */

bool zooid_event_stands(const zooid_event *event)
{
    return event->stands;
}

zooid_call zooid_event_call(const zooid_event *event)
{
    return event->call;
}

const char *zooid_event_command(const zooid_event *event)
{
    return event->invoke == NULL ? NULL : event->invoke->invoke->command;
}

const char *zooid_event_caller(const zooid_event *event)
{
    return event->invoke == NULL ? NULL : event->invoke->invoke->caller;
}

uint64_t zooid_event_deadline_ms(const zooid_event *event)
{
    return event->deadline_ms;
}
