/* ensemble_settings.h - the settings of a member as its parts want them. Pure. */
#pragma once

#include "agent/peers/peers.h"
#include "agent/settings/settings.h"
#include "core/zab/zab.h"

/* All want settings of an ensemble (is_ensemble). */
void ensemble_zab_options(const struct settings *settings, struct zab_options *options);

/* Whether there is TLS between servers, on either side of a connection. */
bool ensemble_speaks_tls(const struct settings *settings);

/* The own addresses point into the settings. */
void ensemble_peers_options(const struct settings *settings, struct peers_options *options);

/* The longest data of one packet between members: a txn, or the text of a configuration. */
uint32_t ensemble_packet_bytes_max(const struct settings *settings);
