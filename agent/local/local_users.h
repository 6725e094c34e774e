/* local_users.h - what the processes of one user have of the local door together, against limits of its settings. Loop
 * thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct local;

/* What the processes of one user have together. */
struct local_user {
    uid_t uid;
    uint32_t connections; /* and sessions that linger; it is there as long as there are any */
    uint32_t requests, subscriptions, providers, calls;
    uint64_t bytes; /* of changes and snapshots that wait or that no credit has come for */
};

/* One connection more. NULL: out of memory. */
struct local_user *local_user_join(struct local *l, uid_t uid);
void local_user_leave(struct local *l, struct local_user *user);
/* Has the user too much of it? Then a text that names the setting; else NULL. */
enum local_budget {
    LOCAL_BUDGET_CONNECTIONS,
    LOCAL_BUDGET_REQUESTS,
    LOCAL_BUDGET_SUBSCRIPTIONS,
    LOCAL_BUDGET_PROVIDERS,
    LOCAL_BUDGET_CALLS,
    LOCAL_BUDGET_BYTES
};
const char *local_user_excess(const struct local *l, const struct local_user *user, enum local_budget budget);
void local_users_free(struct local *l);
