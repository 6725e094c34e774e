/* rig_options.c - options of the rig's replica by name, one row each. */
#include "core/base/check.h"
#include "tests/support/rig_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rig_default_options(struct replica_options *options)
{
    *options = (struct replica_options){
        .hash_key = {1, 2},
        .server_id = 1,
        .tick_ms = 1000,
        .session_timeout_ms_min = 2000,
        .session_timeout_ms_max = 60000,
        .txn_bytes_max = 2 * 1048575,
        .identities_max = 64,
        .acl_entries_max = 1000,
        .multi_read_bytes_max = 16 * 1024 * 1024,
        .close_session_txn = true,
        .digest_enabled = true,
        .log_digests = true,
        .digest_algorithm = "SHA1",
        .container_check_ms = 60000,
        .container_per_minute_max = 10000,
    };
}

enum value_type { FLAG, U32, I32, I64, U64, TEXT };

#define OPTION(name, type, member)                                  \
    {                                                               \
        name, type, offsetof(struct replica_options, member), false \
    }

static const struct option_row {
    const char *name;
    enum value_type type;
    size_t offset;
    bool is_scheme;
} rows[] = {
    OPTION("extended_types", FLAG, extended_types),
    OPTION("enforce_quota", FLAG, enforce_quota),
    OPTION("skip_acl", FLAG, skip_acl),
    OPTION("apache_passwords", FLAG, apache_passwords),
    OPTION("reconfig", FLAG, reconfig_enabled),
    OPTION("standalone", FLAG, standalone_enabled),
    OPTION("local_sessions", FLAG, local_sessions),
    OPTION("upgrading", FLAG, local_sessions_upgrading),
    OPTION("read_only", FLAG, read_only),
    OPTION("leader_serves_host_only", FLAG, leader_serves_host_only),
    OPTION("digest_auth", FLAG, digest_enabled),
    OPTION("log_digests", FLAG, log_digests),
    OPTION("close_paths", FLAG, close_session_txn),
    OPTION("ensemble_names", TEXT, ensemble_names),
    OPTION("outstanding", U32, outstanding_per_client_max),
    OPTION("outstanding_all", U32, outstanding_max),
    OPTION("large_threshold", U32, large_request_threshold),
    OPTION("large_bytes", U64, large_request_bytes_max),
    OPTION("watches", U32, watches_per_client_max),
    OPTION("identities", U32, identities_max),
    OPTION("acl_entries", U32, acl_entries_max),
    OPTION("multi_read", U32, multi_read_bytes_max),
    OPTION("sessions", U32, session_count_max),
    OPTION("txn_bytes", U32, txn_bytes_max),
    OPTION("log_bytes", U64, log_bytes_max),
    OPTION("forward_bytes", U64, forward_bytes_max),
    OPTION("link_bytes", U64, link_bytes_max),
    OPTION("containers_per_minute", U32, container_per_minute_max),
    OPTION("container_check_ms", I64, container_check_ms),
    OPTION("never_used_ms", I64, container_never_used_ms),
    OPTION("server_id", I64, server_id),
    OPTION("session_id_seed", U64, session_id_seed),
    OPTION("resync_ms", I64, resync_interval_ms),
    OPTION("throttled_ms", I32, throttled_op_wait_ms),
    OPTION("super", TEXT, super_digest),
    OPTION("x509_super", TEXT, x509_super_user),
    OPTION("audit", TEXT, audit_user),
    {"require_auth", TEXT, 0, true},
};

/* The rig keeps the text for as long as it lives. */
static const char *keep(struct rig *rig, const char *value)
{
    for (size_t i = 0; i < RIG_STRINGS; i++) {
        if (rig->strings[i][0] != '\0')
            continue;
        snprintf(rig->strings[i], sizeof rig->strings[i], "%s", value);
        return rig->strings[i];
    }
    abort();
}

static void set_number(void *to, enum value_type type, long long value)
{
    const uint32_t u32 = (uint32_t)value;
    const int32_t i32 = (int32_t)value;
    const uint64_t u64 = (uint64_t)value;
    const int64_t i64 = value;
    switch (type) {
    case U32: memcpy(to, &u32, sizeof u32); return;
    case I32: memcpy(to, &i32, sizeof i32); return;
    case U64: memcpy(to, &u64, sizeof u64); return;
    default: memcpy(to, &i64, sizeof i64); return;
    }
}

static void set(struct rig *rig, const struct option_row *row, const char *value)
{
    void *to = (char *)&rig->options + row->offset;
    if (row->is_scheme) {
        rig->schemes[0] = keep(rig, value);
        rig->options.auth_schemes_required = rig->schemes;
    } else if (row->type == FLAG) {
        CHECK(strcmp(value, "on") == 0 || strcmp(value, "off") == 0);
        *(bool *)to = strcmp(value, "on") == 0;
    } else if (row->type == TEXT) {
        *(const char **)to = keep(rig, value);
    } else {
        set_number(to, row->type, atoll(value));
    }
}

void rig_set_option(struct rig *rig, const char *name, const char *value)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            set(rig, &rows[i], value);
            return;
        }
    }
    printf("no such option: %s\n", name);
    abort();
}
