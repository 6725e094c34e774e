/* inherited.h - sockets that were opened for this process before it was started, by systemd (sd_listen_fds(3)) or
 * whoever speaks its protocol: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES. */
#pragma once

/* The listening Unix stream socket of that name; without names the first one there is. It does not block, is closed on
 * exec, and is the caller's. 0: there is none. Each is given once. */
int inherited_unix_socket(const char *name);
