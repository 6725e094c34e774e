/* local_users.c - what the processes of one user have of the local door together, so that none of them, and no user,
 * takes it from all others. */
#include "agent/local/local_internal.h"

static uint64_t key_of(uid_t uid)
{
    return (uint64_t)uid + 1; /* a key is never 0 */
}

static struct local_user *find_or_make(struct local *l, uid_t uid)
{
    struct local_user *user = map64_get(&l->users, key_of(uid));
    if (user != NULL)
        return user;
    user = mem_calloc(1, sizeof *user);
    if (user == NULL)
        return NULL;
    user->uid = uid;
    if (map64_put(&l->users, key_of(uid), user) == ST_OK)
        return user;
    mem_free(user);
    return NULL;
}

struct local_user *local_user_join(struct local *l, uid_t uid)
{
    struct local_user *user = find_or_make(l, uid);
    if (user != NULL)
        user->connections++;
    return user;
}

void local_user_leave(struct local *l, struct local_user *user)
{
    if (user == NULL || --user->connections > 0)
        return;
    map64_remove(&l->users, key_of(user->uid));
    mem_free(user);
}

void local_users_free(struct local *l)
{
    MAP64_FOR_EACH(at, &l->users)
    mem_free(at->value);
    map64_free(&l->users);
}

const char *local_user_excess(const struct local *l, const struct local_user *user, enum local_budget budget)
{
    const struct settings *s = l->settings;
    const struct {
        uint64_t has;
        int64_t max;
        const char *text;
    } rows[] = {
        [LOCAL_BUDGET_CONNECTIONS] = {user->connections, s->local_user_connections_max,
                                      "this user has zooid.localUserConnectionsMax connections"},
        [LOCAL_BUDGET_REQUESTS] = {user->requests, s->local_user_requests_max,
                                   "this user has zooid.localUserRequestsMax open requests"},
        [LOCAL_BUDGET_SUBSCRIPTIONS] = {user->subscriptions, s->local_user_subscriptions_max,
                                        "this user has zooid.localUserSubscriptionsMax subscriptions"},
        [LOCAL_BUDGET_PROVIDERS] = {user->providers, s->local_user_providers_max,
                                    "this user has zooid.localUserProvidersMax providers"},
        [LOCAL_BUDGET_CALLS] = {user->calls, s->local_user_calls_max,
                                "this user has zooid.localUserCallsMax calls under way"},
        [LOCAL_BUDGET_BYTES] = {user->bytes, s->local_user_bytes_max,
                                "zooid.localUserBytesMax bytes of changes wait for this user"},
    };
    bool is_over = rows[budget].max > 0 && rows[budget].has > (uint64_t)rows[budget].max;
    return is_over ? rows[budget].text : NULL;
}
