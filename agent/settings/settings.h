/* settings.h - what the agent is told: zoo.cfg, -D on the command line, defaults.
 *
 * Every key is one row of settings.def; the struct, the parser, the printer and the manual page come from the rows. To
 * add a setting, add a row. Keys, syntax and defaults are Apache ZooKeeper's; our own begin with "zooid.".
 * Nothing here is thread-safe; a loaded struct may be read by any thread. */
#pragma once

#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* C types of the fields, by the type in the row. Text is never NULL; empty means not set. */
#define SETTING_C_BOOL     bool
#define SETTING_C_INT      int32_t
#define SETTING_C_PORT     int32_t /* -1: none */
#define SETTING_C_MS       int32_t /* milliseconds */
#define SETTING_C_LONG     int64_t
#define SETTING_C_KIB      int64_t /* KiB, as in the file */
#define SETTING_C_BYTES    int64_t
#define SETTING_C_DURATION int64_t /* milliseconds */
#define SETTING_C_HOURS    int64_t /* milliseconds */
#define SETTING_C_OCTAL    uint32_t
#define SETTING_C_RATIO    double
#define SETTING_C_WORD     int /* one of the enums below */
#define SETTING_C_STRING   char *
#define SETTING_C_PATH     char *
#define SETTING_C_LIST     char * /* words joined by one comma; see settings_list_has */
#define SETTING_C_ADDRESS  char * /* IPv6 without brackets */

/* zooid.sessionPasswords */
enum session_passwords { SESSION_PASSWORDS_KEYED, SESSION_PASSWORDS_APACHE };
/* ssl.keyStore.type, ssl.trustStore.type. A loaded struct has NONE only when there is no store. A file that is called
 * JKS may hold PKCS#12: Java's keytool does that. */
enum tls_store_type { TLS_STORE_NONE, TLS_STORE_PEM, TLS_STORE_PKCS12, TLS_STORE_JKS, TLS_STORE_BCFKS };
/* ssl.clientAuth */
enum tls_client_auth { TLS_CLIENT_AUTH_NONE, TLS_CLIENT_AUTH_WANT, TLS_CLIENT_AUTH_NEED };
/* ssl.protocol */
enum tls_protocol { TLS_PROTOCOL_1_2, TLS_PROTOCOL_1_3 };
/* peerType */
enum peer_type { PEER_TYPE_PARTICIPANT, PEER_TYPE_OBSERVER };
/* zooid.logFormat. zooid.logLevel is an enum log_level. */
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum setting_id {
#define SETTING(field, ...) SETTING_ID_##field,
#include "agent/settings/settings.def"
    SETTINGS_COUNT
};

/* Where a value came from. */
enum setting_source {
    SETTING_FROM_DEFAULT,
    SETTING_DERIVED, /* from other settings, because this one was not given */
    SETTING_FROM_FILE,
    SETTING_FROM_COMMAND_LINE
};

struct members; /* core/members/members.h */

struct setting_origin {
    enum setting_source source;
    unsigned line; /* of the file; 0 with the other sources */
};

/* The values in effect. Session time-outs, dataLogDir, zooid.socket, the stores' types, ssl.enabledProtocols and
 * metricsProvider.httpPort hold what was derived when they were not given; in an ensemble also quorumCnxnTimeoutMs and
 * peerType. */
struct settings {
#define SETTING(field, key, type, ...) SETTING_C_##type field;
#include "agent/settings/settings.def"
    struct setting_origin origins[SETTINGS_COUNT];
    char *file; /* NULL: none was read */
    bool is_ensemble;
    bool has_ensemble_provider; /* an authProvider is Apache's for the scheme ensemble */
    int64_t server_id;          /* of dataDir/myid; -1 when it runs alone */
    struct members *members;    /* the committed configuration; NULL when it runs alone */
    struct members *pending;    /* a newer one that was proposed and may have been agreed to, or NULL */
    struct members *self;       /* zooid.serverAddress as a configuration of this server alone; NULL: not given */
    char *members_text;         /* the first one as lines without a version, each with its end; empty: it runs alone */
};

enum settings_severity { SETTINGS_INFO, SETTINGS_WARNING, SETTINGS_ERROR };

struct settings_message {
    enum settings_severity severity;
    const char *file; /* or "command line", or "default" */
    unsigned line;    /* 0: not from a line */
    const char *key;  /* empty: about no key in particular */
    const char *text;
};

/* What there is to say about a configuration, in the order of the file. Zero-initialise it; at most
 * SETTINGS_MESSAGES_MAX messages are kept, further ones are counted. */
#define SETTINGS_MESSAGES_MAX 1000
struct settings_report {
    struct settings_message **messages;
    size_t count;
    size_t capacity;
    size_t errors;   /* of all, also those that were not kept */
    size_t warnings; /* likewise */
    size_t dropped;
    bool no_memory; /* something could not be said */
};

void settings_report_free(struct settings_report *report);

/* One line for each message, "file:line: severity: key: text", of the given severity and above. */
void settings_report_print(const struct settings_report *report, enum settings_severity from, FILE *out);

/* The defaults alone, dataDir empty. ST_NO_MEMORY. Free with settings_free. */
enum status settings_default(struct settings **out);

/* Reads `path` (NULL: no file) and what it names, the dynamic file and dataDir/myid; then `n` definitions "name=value"
 * of the command line, which win. Every finding goes to `report`. `*out` is set only on success and freed with
 * settings_free. ST_BAD_ARGUMENTS: report->errors says why; ST_IO_ERROR: so does it, the file cannot be read;
 * ST_NO_MEMORY. */
enum status settings_load(struct settings **out, const char *path, const char *const *defines, size_t n,
                          struct settings_report *report);

/* The same with the text of zoo.cfg in memory; `name` is what messages call it. */
enum status settings_load_text(struct settings **out, const char *name, const char *text, size_t size,
                               const char *const *defines, size_t n, struct settings_report *report);

/* NULL is allowed. */
void settings_free(struct settings *settings);

struct member;

/* Where this server is, by its own line or else by zooid.serverAddress; NULL when it runs alone. */
const struct member *settings_own_member(const struct settings *settings);

/* Takes over what the files say once a configuration has become the committed one: members, peerType, client ports,
 * dynamicConfigFile (NULL: as it is). ST_NO_MEMORY: some may be as before. */
enum status settings_follow(struct settings *settings, const struct members *members, const char *dynamic_file);

/* Whether a LIST names `word` or holds "*". */
bool settings_list_has(const char *list, const char *word);

/* Adds a message for each value in effect that differs from Apache's default without having been asked for.
 * ST_NO_MEMORY. */
enum status settings_deviations(const struct settings *settings, struct settings_report *report);

/* What a reload finds changed. */
enum { SETTINGS_CHANGES_MAX = SETTINGS_COUNT + 1 };
struct settings_change {
    const char *key; /* "server" stands for all server, group and weight lines */
    bool reloadable; /* false: takes a restart */
};

/* Fills `changes`, room for SETTINGS_CHANGES_MAX, and returns how many there are. */
size_t settings_reload_diff(const struct settings *old, const struct settings *fresh, struct settings_change *changes);

/* Exchanges the values of all reloadable settings: `live` then has the fresh ones, `fresh` holds the old ones and is to
 * be freed. Pointers to text of reloadable settings that were taken from `live` before end with `fresh`. */
void settings_take_reloadable(struct settings *live, struct settings *fresh);

/* All values in effect, in the syntax of the file, each with its unit and where it came from as a comment above it.
 * Secrets that are set stand there as comments, without their values. Read errors from `out` with ferror. */
void settings_print(const struct settings *settings, FILE *out);

/* The part of zooid-zoo.cfg(5) that is made from the rows. */
void settings_print_man(FILE *out);
