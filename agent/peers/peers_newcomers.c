/* peers_newcomers.c - who has come in and says nothing must neither stay for ever nor keep others out. */
#include "agent/peers/peers_internal.h"

static void on_timer(uv_timer_t *timer);

static struct newcomer *oldest(const struct peers *p)
{
    return list_is_empty(&p->newcomers) ? NULL : LIST_ENTRY(p->newcomers.next, struct newcomer, link);
}

/* The timer may go off too early, when the one it was for has shown itself; then it is set again. */
static void arm(struct peers *p)
{
    const struct newcomer *first = oldest(p);
    if (first == NULL || p->stopping)
        return;
    uint64_t due = first->came_ms + (uint64_t)p->options.hello_ms;
    uint64_t now = peers_now_ms(p);
    uv_timer_start(&p->newcomer_timer, on_timer, due > now ? due - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct peers *p = timer->data;
    struct newcomer *first;
    while ((first = oldest(p)) != NULL && first->came_ms + (uint64_t)p->options.hello_ms <= peers_now_ms(p)) {
        newcomer_remove(p, first);
        channel_fail(first->channel, "it says nothing");
    }
    arm(p);
}

void newcomers_init(struct peers *p)
{
    list_init(&p->newcomers);
    CHECK(uv_timer_init(p->parts.loop, &p->newcomer_timer) == 0); /* only fills in the struct */
    p->newcomer_timer.data = p;
    p->handles++;
}

bool newcomers_have_room(struct peers *p, const struct address *remote)
{
    char text[ADDRESS_TEXT_SIZE];
    uint32_t held_back = 0;
    if (p->newcomer_count < p->options.newcomers_max)
        return true;
    struct newcomer *first = oldest(p);
    if (first != NULL && first->came_ms + PEERS_GIVE_WAY_MS <= peers_now_ms(p)) {
        newcomer_remove(p, first);
        channel_fail(first->channel, "it says nothing, and others wait");
        return true;
    }
    (void)address_print(remote, text);
    if (log_limit_pass(&p->log_full, peers_now_ms(p), PEERS_LOG_EVERY_MS, &held_back))
        LOG_WARN(
            p->parts.log, "peers",
            "%s is turned away: %u connections have come in that do not say whose they are (%u more since the last "
            "line)",
            text, p->newcomer_count, held_back);
    return false;
}

void newcomer_add(struct peers *p, struct newcomer *n, struct channel *channel)
{
    n->channel = channel;
    n->came_ms = peers_now_ms(p);
    list_append(&p->newcomers, &n->link);
    p->newcomer_count++;
    if (p->newcomer_count == 1)
        arm(p);
}

void newcomer_remove(struct peers *p, struct newcomer *n)
{
    if (list_is_empty(&n->link))
        return;
    list_remove(&n->link);
    p->newcomer_count--;
}
