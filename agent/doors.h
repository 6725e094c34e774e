/* doors.h - all ways in, as the settings ask for them: clientPort, secureClientPort and a Unix socket for ZooKeeper's
 * clients, and the local door.
 *
 * Binds settings to the front, its listeners and TLS, so that none of those has to know zoo.cfg. Loop thread only. */
#pragma once

#include "agent/front/front_zookeeper.h"
#include "agent/settings/settings.h"

struct doors; /* opaque */
struct local;
struct local_commands;
struct log_tap;

/* Makes the front and reads the TLS stores; nothing listens yet. `message` (appended) says what is wrong, naming
 * setting and file. Errors of tls_new and front_new. */
enum status doors_new(struct doors **out, const struct settings *settings, const struct front_parts *parts,
                      struct replica *replica, const struct local_commands *commands, const struct log_tap *tap,
                      struct buffer *message);

/* Begins to listen, once the tree can be served. Errors of the listeners; what listens already goes on until
 * doors_close. */
enum status doors_open(struct doors *d, struct buffer *message);

/* Moves the TCP ports to where the settings now say they are (settings_follow): from the next turn on, and tried again
 * until it works. Whoever is connected stays. */
void doors_follow(struct doors *d);

/* Takes over limits and TLS stores from settings that have changed (SIGHUP). `settings` is kept instead of the ones
 * before. Errors are logged and leave the old state. */
void doors_reload(struct doors *d, const struct settings *settings);

/* For reports: connections and their counts. */
const struct front *doors_front(const struct doors *d);
struct local *doors_local(const struct doors *d);

/* The ports that are listened on now; -1: none. */
int32_t doors_client_port(const struct doors *d);
int32_t doors_secure_client_port(const struct doors *d);

/* No new connections from now on. */
void doors_stop_listening(struct doors *d);

/* Nothing that was asked for is under way any more: clients are told what they need for coming again. */
void doors_part(struct doors *d);

/* Closes every connection (front_close), then frees itself and calls `done` from the loop. NULL: `done` is called at
 * once. */
void doors_close(struct doors *d, void (*done)(void *context), void *context);
