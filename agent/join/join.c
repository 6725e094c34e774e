/* join.c - what a fresh host must know and have to begin as an observer: asked, checked, written. */
#include "agent/join/join.h"

#include "agent/disk/disk_posix.h"
#include "agent/join/join_id.h"
#include "agent/join/join_internal.h"
#include "agent/settings/config_files.h"
#include "agent/settings/config_rewrite.h"
#include "agent/settings/settings_rows.h"
#include "core/base/mem.h"
#include "core/store/files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    LINES_MAX = 16,
    NUMBER_SIZE = 16,
    ADDRESS_SIZE = 96,
    ID_TEXT_SIZE = 32,
    TICK_MS = 2000,
    INIT_LIMIT = 10,
    SYNC_LIMIT = 5,
    QUORUM_PORT = 2888,
    ELECTION_PORT = 3888,
    CLIENT_PORT = 2181,
};

/* One host on its way in. */
struct joining {
    const struct join_command *command;
    struct settings *settings;
    bool is_fresh; /* there is no zoo.cfg */
    struct data_dir dir;
    struct join_known known;
    int64_t id;
    struct buffer message;
};

/* -- checks -------------------------------------------------------------------------------------------------------- */

static enum status count_files(const char *dir, enum store_file_kind kind, size_t *count)
{
    struct store_files files = {0};
    enum status st = store_files_list(disk_posix(), dir, kind, &files);
    *count += files.count;
    store_files_free(&files);
    return st;
}

/* A tree that is there would be given up for the ensemble's. */
static int check_data(struct joining *j)
{
    size_t count = 0;
    enum status st = data_dir_paths(&j->dir, j->settings->data_dir, j->settings->data_log_dir);
    if (st == ST_OK)
        st = data_dir_open(&j->dir, j->settings->datadir_autocreate, &j->message);
    if (st == ST_OK)
        st = count_files(j->dir.snapshots, STORE_SNAPSHOT, &count);
    if (st == ST_OK)
        st = count_files(j->dir.logs, STORE_LOG, &count);
    if (st != ST_OK) {
        join_say("%s", j->message.len > 0 ? (const char *)j->message.data : status_text(st));
        return JOIN_CANNOT_WRITE;
    }
    if (count == 0)
        return 0;
    join_say("%s holds a tree already, which would give way to that of the ensemble: join with an empty dataDir",
             j->settings->data_dir);
    return JOIN_CONFIG;
}

/* The number that a join which did not come to its end has left; 0: none. */
static int64_t former_id(const struct joining *j)
{
    char text[ID_TEXT_SIZE] = "";
    char *path = path_join(j->dir.root, "myid");
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    mem_free(path);
    if (file == NULL)
        return 0;
    bool read = fgets(text, sizeof text, file) != NULL;
    (void)fclose(file);
    return read ? strtoll(text, NULL, 10) : 0;
}

static int choose_id(struct joining *j)
{
    uint64_t random;
    const struct members *m = j->known.members;
    int64_t former = former_id(j);
    j->id = j->command->id != 0 ? j->command->id : former;
    if (j->id > 0 && members_find(m, j->id) == NULL)
        return 0;
    if (j->id > 0) {
        join_say("server %" PRId64 " is a member already: %s", j->id,
                 j->command->id != 0 ? "take another --id" : "this host has its number in dataDir/myid; remove that");
        return JOIN_CONFIG;
    }
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        join_say("no random number is to be had: %s", strerrordesc_np(errno));
        return JOIN_CANNOT_WRITE;
    }
    j->id = join_large_id(m, random);
    return 0;
}

/* Members that may change have a version; in an ensemble whose files are edited by hand it is 0 for ever. */
static int check_reconfig(const struct joining *j)
{
    const struct settings *s = j->settings;
    bool given = s->origins[SETTING_ID_reconfig_enabled].source >= SETTING_FROM_FILE;
    bool changes = j->known.members->version > 0;
    if (!given || s->reconfig_enabled == changes)
        return 0;
    join_say("reconfigEnabled is %s here, and %s in the ensemble", s->reconfig_enabled ? "true" : "false",
             changes ? "true" : "false");
    return JOIN_CONFIG;
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

struct line_texts {
    char tick[NUMBER_SIZE], init[NUMBER_SIZE], sync[NUMBER_SIZE], port[NUMBER_SIZE];
    char address[ADDRESS_SIZE];
};

static const char *number(char text[NUMBER_SIZE], int32_t known, int32_t otherwise)
{
    (void)snprintf(text, NUMBER_SIZE, "%" PRId32, known > 0 ? known : otherwise);
    return text;
}

static const char *own_address(const struct joining *j, char text[ADDRESS_SIZE])
{
    const char *here = j->known.answer.here;
    (void)snprintf(text, ADDRESS_SIZE, strchr(here, ':') != NULL ? "[%s]:%d:%d" : "%s:%d:%d", here, QUORUM_PORT,
                   ELECTION_PORT);
    return text;
}

/* What zoo.cfg must say besides, unless it does. */
static size_t lines_of(const struct joining *j, struct line_texts *t, struct config_line lines[LINES_MAX])
{
    const struct settings *s = j->settings;
    const struct join_answer *a = &j->known.answer;
    bool has_port = s->client_port >= 0 || s->secure_client_port >= 0;
    const struct config_line all[] = {
        {SETTING_ID_data_dir, s->data_dir},
        {SETTING_ID_client_port, has_port ? NULL : number(t->port, CLIENT_PORT, 0)},
        {SETTING_ID_tick_time_ms, number(t->tick, a->tick_ms, TICK_MS)},
        {SETTING_ID_init_limit, number(t->init, a->init_limit, INIT_LIMIT)},
        {SETTING_ID_sync_limit, number(t->sync, a->sync_limit, SYNC_LIMIT)},
        {SETTING_ID_standalone_enabled, a->members->voters > 1 ? NULL : "false"},
        {SETTING_ID_reconfig_enabled, a->members->version > 0 ? "true" : NULL},
        {SETTING_ID_peer_type, "observer"},
        {SETTING_ID_server_address, own_address(j, t->address)},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].value != NULL)
            lines[count++] = all[i];
    return count;
}

/* A zoo.cfg that was not there has what the command line says. */
static enum status begin_zoo_cfg(const struct joining *j, struct buffer *text)
{
    enum status st = buffer_printf(text, "# Made by zooid-agent --join %s.\n", j->command->seeds);
    for (size_t i = 0; i < j->command->define_count && st == ST_OK; i++) {
        const char *define = j->command->defines[i];
        char *key = mem_strdup(define);
        if (key == NULL)
            return ST_NO_MEMORY;
        size_t length = strcspn(define, "=");
        key[length] = '\0';
        st = config_put(text, key, define[length] == '\0' ? "" : define + length + 1);
        mem_free(key);
    }
    return st;
}

static enum status write_config(struct joining *j)
{
    struct config_files *files = NULL;
    struct config_line lines[LINES_MAX];
    struct line_texts texts;
    struct buffer fresh = {0};
    size_t count = lines_of(j, &texts, lines);
    enum status st = begin_zoo_cfg(j, &fresh);
    if (st == ST_OK)
        st = config_files_new(&files, j->command->file, j->id, NULL, &j->message);
    disk_posix_error_clear();
    if (st == ST_OK)
        st = config_files_begin(files, disk_posix(), j->known.answer.text, j->known.members->version, lines, count,
                                buffer_bytes(&fresh));
    if (st != ST_OK && j->message.len == 0)
        (void)buffer_printf(&j->message, "%s: cannot be written: %s", j->command->file,
                            disk_posix_error()[0] != '\0' ? disk_posix_error() : status_text(st));
    config_files_free(files);
    buffer_free(&fresh);
    return st;
}

static int write_all(struct joining *j)
{
    enum status st = join_write_id(&j->dir, j->id, &j->message);
    if (st == ST_OK)
        st = data_dir_settle(&j->dir, &j->message);
    if (st == ST_OK)
        st = write_config(j);
    if (st == ST_OK)
        return 0;
    join_say("%s", (const char *)j->message.data);
    return JOIN_CANNOT_WRITE;
}

/* -- the whole ----------------------------------------------------------------------------------------------------- */

static int ask(struct joining *j)
{
    struct join_seed seeds[JOIN_SEEDS_MAX];
    size_t count;
    int code = join_take_seeds(j->command->seeds, seeds, &count);
    return code == 0 ? join_ask(j->settings, seeds, count, &j->known) : code;
}

static int join(struct joining *j)
{
    int code = check_data(j);
    if (code == 0)
        code = ask(j);
    if (code == 0)
        code = check_reconfig(j);
    if (code == 0)
        code = choose_id(j);
    if (code == 0)
        code = write_all(j);
    if (code == 0)
        join_say("joins as server %" PRId64 " the ensemble of %zu servers that %s told of; %s", j->id,
                 j->known.members->count, j->known.answer.seed,
                 j->known.answer.tick_ms > 0
                     ? "tickTime, initLimit and syncLimit are its"
                     : "tickTime, initLimit and syncLimit, which it does not tell, are 2000, 10 and 5 unless given");
    return code;
}

int join_ensemble(const struct join_command *command)
{
    struct joining j = {.command = command, .dir = {.lock = -1, .log_lock = -1}};
    if (join_load(command, &j.settings, &j.is_fresh) != ST_OK)
        return JOIN_CONFIG;
    int code = 0;
    if (j.settings->is_ensemble)
        join_say("%s is that of a member already (server %" PRId64 "): --join changes nothing", command->file,
                 j.settings->server_id);
    else
        code = join(&j);
    settings_free(j.settings);
    join_known_free(&j.known);
    data_dir_close(&j.dir);
    buffer_free(&j.message);
    return code;
}
