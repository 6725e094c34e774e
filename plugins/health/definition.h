/* definition.h - what a check is: its JSON, read and judged.
 *
 * The keys that all checks have stand in definition.c, those of one type beside its code in type_*.c. */
#pragma once

#include "plugins/health/fields.h"
#include "plugins/health/state.h"

struct status_range {
    int64_t low, high;
};

enum { STATUS_RANGES_MAX = 16 };

/* `server_name` is what the certificate must name and, with HTTP, what is asked for, instead of the address. */
struct tls_definition {
    bool verify;
    char *ca_file, *cert_file, *key_file, *server_name;
};

struct http_definition {
    char *url, *method, *body, *expect, *connect_address, *unix_socket;
    char **headers, **status, **status_warning;
    int64_t redirects_max;
    struct tls_definition tls;
    struct status_range passing[STATUS_RANGES_MAX], warning[STATUS_RANGES_MAX]; /* from status; low 0: no more */
};

struct tcp_definition {
    char *address;
    int64_t port;
    bool use_tls;
    struct tls_definition tls;
};

struct script_definition {
    char **argv, **env;
    char *directory, *input;
    int64_t term_ms;
};

struct process_definition {
    int64_t pid, start_time; /* start_time: field 22 of /proc/PID/stat; 0: any */
    char *pid_file, *executable;
};

struct ttl_definition {
    int64_t ttl_ms;
    int64_t user; /* who tells it, besides its owner; -1: of a check in the settings anybody */
};

struct file_age_definition {
    char *path;
    bool exists;
    int64_t age_max_ms, age_warning_ms; /* 0: not looked at */
    int64_t size_min, size_max;
};

struct command_definition {
    char *provider, *command;
    json_t *args;
};

struct definition {
    const struct check_type *type;
    char *id, *name;
    char *service; /* NULL: of none */
    int64_t interval_ms, timeout_ms;
    int64_t slow_ms; /* what passes, but takes longer, is a warning; 0: never */
    struct thresholds thresholds;
    int initial; /* enum check_status */
    int64_t output_max;
    json_t *source; /* as it was given: what is kept on disk */
    union {
        struct http_definition http;
        struct tcp_definition tcp;
        struct script_definition script;
        struct process_definition process;
        struct ttl_definition ttl;
        struct file_age_definition file_age;
        struct command_definition command;
    };
};

/* What the plugin's settings say where a check says nothing, and what they allow. */
struct definition_limits {
    int64_t interval_ms, interval_min_ms, timeout_ms, output_max;
};

/* NULL: `complaint` says why. */
struct definition *definition_read(const json_t *object, const struct definition_limits *limits,
                                   struct complaint *complaint);
void definition_free(struct definition *definition);

/* True: the same check in every respect. */
bool definition_equal(const struct definition *a, const struct definition *b);

/* Letters, digits and . _ : @ - : an id is the name of a node. */
bool definition_id_valid(const char *id);
