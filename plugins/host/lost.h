/* lost.h - who wants to hear that an object of a plugin's client, as a lock, has lost what it held. */
#pragma once

#include "plugins/host/host.h"

typedef void lost_fn(void *context, const zooid_reply *why);

/* Called at each loss of the object with that number, until it is cancelled. 0: out of memory, which was logged. */
zooid_handle lost_follow(zooid_host *host, zooid_ticket number, lost_fn *lost, void *context);
/* Tells them. */
void lost_tell(zooid_host *host, zooid_event *event);
