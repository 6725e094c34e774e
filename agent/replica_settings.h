/* replica_settings.h - what the settings mean for the replica. */
#pragma once

#include "agent/settings/settings.h"
#include "core/replica/replica.h"

enum { AUTH_SCHEMES_MAX = 16 };

/* Points into `settings` and into itself. */
struct replica_settings {
    struct replica_options options;
    const char *auth_schemes[AUTH_SCHEMES_MAX + 1];
    char auth_scheme_text[256];
};

/* ST_LIMIT: enforce.auth.schemes is too long. */
enum status replica_settings_make(struct replica_settings *to, const struct settings *settings,
                                  const struct hash_key *hash_key, const uint8_t password_key[32]);
