/* commands_internal.h - for the table: commands that list connections, sessions and watches (commands_list.c), and
 * those about the ensemble (commands_ensemble.c). */
#pragma once

#include "agent/admin/commands.h"
#include "agent/base/report.h"

int commands_connections(const struct overview *o, json_t *answer);
int commands_dump(const struct overview *o, json_t *answer);
int commands_providers(const struct overview *o, json_t *answer);
int commands_watches(const struct overview *o, json_t *answer);
int commands_watches_by_path(const struct overview *o, json_t *answer);
int commands_leader(const struct overview *o, json_t *answer);
int commands_voting_view(const struct overview *o, json_t *answer);
int commands_observers(const struct overview *o, json_t *answer);
int commands_zab_state(const struct overview *o, json_t *answer);
int commands_initial_servers(const struct overview *o, json_t *answer);
