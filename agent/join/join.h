/* join.h - zooid-agent --join: a fresh host becomes an observer of an ensemble, with no edit of any file elsewhere; and
 * --promote, which gives such a host the small number that it needs to vote.
 *
 * Any member is asked over its client port who the members are. Then dataDir/myid, a dynamic file and zoo.cfg are
 * written, in this order, so that zoo.cfg is either as it was or whole. The host is in nobody's configuration: it is
 * accepted and not counted (quorum-protocol 2.2, 5.6). From then on it knows all members, and --join does nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct join_command {
    const char *file; /* zoo.cfg, which need not be there */
    const char *const *defines;
    size_t define_count;
    const char *seeds; /* "host:port,tls://host:port"; --promote: or NULL */
    int64_t id;        /* that was asked for; 0: one is chosen */
};

/* Both tell what they did, or why not, on standard error, block, and return 0 or an exit code of sysexits.h. */
int join_ensemble(const struct join_command *command);
int promote_server(const struct join_command *command);
