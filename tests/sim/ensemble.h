/* ensemble.h - who the members are, and how that changes: the first configuration, hosts that come, the next
 * configurations that are asked for, and who reaches whom under the addresses that each of them knows.
 *
 * A configuration names a server and its ports; a server listens where it believes that it is named, and is dialed
 * where others believe so. w->config is the one in force: that of the last reconfiguration that was committed. */
#pragma once

#include "core/jute/records.h"
#include "tests/sim/world.h"

/* The text of the first configuration. `weigh_alone`: the one voter with weight; 0: all are equal. */
void ensemble_first(struct buffer *text, const struct plan *p, int64_t weigh_alone);

struct members *ensemble_parse(struct bytes text);

/* What a reconfig request asks for. */
struct config_change {
    struct buffer joining, leaving, whole;
};

/* Some change of `from`, not always one that can be made. Free with config_change_free. */
void config_change_draw(struct world *w, const struct members *from, struct config_change *change);
void config_change_free(struct config_change *change);
struct reconfig_request config_change_request(const struct config_change *change);

/* A host that was none before joins: an empty disk, and the configuration that is in force, in which it is not yet. */
void ensemble_install(struct world *w, struct server *m);

/* The member has started, or its configurations have become others. */
void ensemble_told(struct world *w, struct server *m);

/* Would a connection from one end come through to a member, as far as addresses go? */
bool ensemble_reaches(const struct world *w, unsigned from, unsigned to);

/* Does the configuration in force name it? */
bool ensemble_has(const struct world *w, const struct server *m);

/* Appends them in short: "5_2f{1,2,3;4}", observers behind the semicolon. NULL: nothing. */
void ensemble_print(const struct members *config, struct buffer *text);

/* At the end: whoever should be there is, and who knows no address any more at which a voter is found is told by hand,
 * as by an operator. */
void ensemble_mend(struct world *w);
