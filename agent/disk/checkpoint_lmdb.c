/* checkpoint_lmdb.c - three LMDB databases with numbers as keys, in one file. */
#include "agent/disk/checkpoint_lmdb.h"

#include "core/base/check.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room that one transaction may need beyond what is used: any one value and a few thousand pages. */
#define MAP_HEADROOM ((uint64_t)2 << 30)
/* What one transaction may take and give back. */
#define UNWRITTEN_MAX ((uint64_t)64 << 20)

enum { ERROR_MAX = 256 };

struct checkpoint_lmdb {
    struct checkpoint_store store;
    char *path;
    MDB_env *env;
    MDB_dbi spaces[CHECKPOINT_SPACES];
    bool has_space[CHECKPOINT_SPACES];
    bool writable, created;
    uint64_t size_max, map_size;
    MDB_txn *txn; /* the write transaction */
    MDB_cursor *cursors[CHECKPOINT_SPACES];
    int64_t last_key[CHECKPOINT_SPACES]; /* the largest there is; -1: none */
    char error[ERROR_MAX];
};

static const char *const space_names[CHECKPOINT_SPACES] =
    {[CHECKPOINT_NODES] = "nodes", [CHECKPOINT_SESSIONS] = "sessions", [CHECKPOINT_META] = "meta"};

/* -- errors ------------------------------------------------------------------------------------------------------- */

static enum status say(struct checkpoint_lmdb *db, enum status st, const char *text)
{
    (void)snprintf(db->error, sizeof db->error, "%s", text);
    return st;
}

/* LMDB's own codes, but for two, say that the file does not hold together. */
static enum status status_of(struct checkpoint_lmdb *db, int rc)
{
    static const struct {
        int rc;
        enum status st;
    } rows[] = {{MDB_SUCCESS, ST_OK},  {MDB_NOTFOUND, ST_NOT_FOUND}, {ENOENT, ST_NOT_FOUND}, {ENOMEM, ST_NO_MEMORY},
                {ENOSPC, ST_NO_SPACE}, {EDQUOT, ST_NO_SPACE},        {EFBIG, ST_NO_SPACE}};
    if (rc == MDB_MAP_FULL)
        return say(db, ST_NO_SPACE, "it would grow beyond zooid.checkpointMapSize");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].rc == rc)
            return rc == MDB_SUCCESS ? ST_OK : say(db, rows[i].st, mdb_strerror(rc));
    }
    return say(db, rc >= MDB_KEYEXIST && rc <= MDB_LAST_ERRCODE ? ST_CORRUPT : ST_IO_ERROR, mdb_strerror(rc));
}

const char *checkpoint_lmdb_error(const struct checkpoint_lmdb *db)
{
    return db == NULL ? "" : db->error;
}

/* -- transactions ------------------------------------------------------------------------------------------------- */

static uint64_t used_bytes(const struct checkpoint_lmdb *db)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(db->env, &info) != MDB_SUCCESS || mdb_env_stat(db->env, &stat) != MDB_SUCCESS)
        return 0;
    return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

/* The map only grows between transactions, so it is made to hold the next one beforehand. */
static enum status ensure_map(struct checkpoint_lmdb *db)
{
    uint64_t needed = used_bytes(db) + MAP_HEADROOM;
    if (db->map_size >= needed || db->map_size == db->size_max)
        return ST_OK;
    uint64_t wanted = needed + MAP_HEADROOM < db->size_max ? needed + MAP_HEADROOM : db->size_max;
    enum status st = status_of(db, mdb_env_set_mapsize(db->env, wanted));
    if (st == ST_OK)
        db->map_size = wanted;
    return st;
}

static enum status open_spaces(struct checkpoint_lmdb *db, MDB_txn *txn)
{
    for (int i = 0; i < CHECKPOINT_SPACES; i++) {
        unsigned flags = MDB_INTEGERKEY | (db->writable ? MDB_CREATE : 0);
        int rc = mdb_dbi_open(txn, space_names[i], flags, &db->spaces[i]);
        if (rc == MDB_NOTFOUND && !db->writable)
            continue;
        if (rc != MDB_SUCCESS)
            return status_of(db, rc);
        db->has_space[i] = true;
    }
    return ST_OK;
}

static int find_last_key(MDB_cursor *cursor, int64_t *last)
{
    MDB_val key, value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    *last = -1;
    if (rc == MDB_NOTFOUND)
        return MDB_SUCCESS;
    if (rc == MDB_SUCCESS) {
        uint32_t number;
        if (key.mv_size != sizeof number)
            return MDB_CORRUPTED;
        memcpy(&number, key.mv_data, sizeof number);
        *last = number;
    }
    return rc;
}

static void lmdb_abort(void *context)
{
    struct checkpoint_lmdb *db = context;
    if (db->txn != NULL)
        mdb_txn_abort(db->txn); /* its cursors go with it */
    db->txn = NULL;
}

static enum status lmdb_begin(void *context)
{
    struct checkpoint_lmdb *db = context;
    CHECK(db->writable && db->txn == NULL);
    enum status st = ensure_map(db);
    if (st != ST_OK)
        return st;
    int rc = mdb_txn_begin(db->env, NULL, 0, &db->txn);
    for (int i = 0; rc == MDB_SUCCESS && i < CHECKPOINT_SPACES; i++) {
        rc = mdb_cursor_open(db->txn, db->spaces[i], &db->cursors[i]);
        if (rc == MDB_SUCCESS)
            rc = find_last_key(db->cursors[i], &db->last_key[i]);
    }
    if (rc != MDB_SUCCESS)
        lmdb_abort(db);
    return status_of(db, rc);
}

static enum status lmdb_put(void *context, enum checkpoint_space space, uint32_t key, struct bytes value)
{
    struct checkpoint_lmdb *db = context;
    MDB_val k = {sizeof key, &key}, v = {value.len, (void *)(uintptr_t)value.data};
    /* What comes behind everything else fills its pages to the brim instead of splitting them in halves. */
    bool append = (int64_t)key > db->last_key[space];
    if (append)
        db->last_key[space] = key;
    return status_of(db, mdb_cursor_put(db->cursors[space], &k, &v, append ? MDB_APPEND : 0));
}

static enum status lmdb_del(void *context, enum checkpoint_space space, uint32_t key)
{
    struct checkpoint_lmdb *db = context;
    MDB_val k = {sizeof key, &key};
    int rc = mdb_cursor_get(db->cursors[space], &k, NULL, MDB_SET);
    if (rc == MDB_SUCCESS)
        rc = mdb_cursor_del(db->cursors[space], 0);
    /* When the largest key goes, appending starts again with the next transaction. */
    return status_of(db, rc);
}

static enum status lmdb_clear(void *context, enum checkpoint_space space)
{
    struct checkpoint_lmdb *db = context;
    mdb_cursor_close(db->cursors[space]);
    db->cursors[space] = NULL;
    int rc = mdb_drop(db->txn, db->spaces[space], 0);
    if (rc == MDB_SUCCESS)
        rc = mdb_cursor_open(db->txn, db->spaces[space], &db->cursors[space]);
    db->last_key[space] = -1;
    return status_of(db, rc);
}

/* The entry of a new file in its directory must be as durable as the file. */
static enum status sync_entry(struct checkpoint_lmdb *db)
{
    char *slash = strrchr(db->path, '/');
    if (slash != NULL)
        *slash = '\0';
    int fd = open(slash != NULL ? db->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slash != NULL)
        *slash = '/';
    int rc = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        (void)close(fd);
    return status_of(db, rc);
}

static enum status lmdb_commit(void *context)
{
    struct checkpoint_lmdb *db = context;
    enum status st = ST_OK;
    if (db->created)
        st = sync_entry(db);
    if (st != ST_OK) {
        lmdb_abort(db);
        return st;
    }
    db->created = false;
    for (int i = 0; i < CHECKPOINT_SPACES; i++) {
        mdb_cursor_close(db->cursors[i]);
        db->cursors[i] = NULL;
    }
    MDB_txn *txn = db->txn;
    db->txn = NULL; /* gone, whatever comes of it */
    return status_of(db, mdb_txn_commit(txn));
}

/* -- reading ------------------------------------------------------------------------------------------------------ */

static enum status lmdb_get(void *context, enum checkpoint_space space, uint32_t key, checkpoint_value_fn *fn,
                            void *fn_context)
{
    struct checkpoint_lmdb *db = context;
    MDB_txn *txn;
    MDB_val k = {sizeof key, &key}, v;
    if (!db->has_space[space])
        return ST_NOT_FOUND;
    int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS)
        return status_of(db, rc);
    rc = mdb_get(txn, db->spaces[space], &k, &v);
    enum status st = rc == MDB_SUCCESS ? fn(fn_context, key, bytes_make(v.mv_data, v.mv_size)) : status_of(db, rc);
    mdb_txn_abort(txn);
    return st;
}

/* Keys that do not rise are damage, and would be an endless walk where pages form a ring. */
static enum status walk_cursor(struct checkpoint_lmdb *db, MDB_cursor *cursor, checkpoint_value_fn *fn,
                               void *fn_context)
{
    int64_t last = -1;
    MDB_val k, v;
    int rc;
    while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == MDB_SUCCESS) {
        uint32_t key;
        if (k.mv_size != sizeof key)
            return say(db, ST_CORRUPT, "a key is of the wrong size");
        memcpy(&key, k.mv_data, sizeof key);
        if (key <= last)
            return say(db, ST_CORRUPT, "keys are out of order");
        last = key;
        enum status st = fn(fn_context, key, bytes_make(v.mv_data, v.mv_size));
        if (st != ST_OK)
            return st;
    }
    return rc == MDB_NOTFOUND ? ST_OK : status_of(db, rc);
}

static enum status lmdb_walk(void *context, enum checkpoint_space space, checkpoint_value_fn *fn, void *fn_context)
{
    struct checkpoint_lmdb *db = context;
    MDB_txn *txn;
    MDB_cursor *cursor;
    if (!db->has_space[space])
        return ST_OK;
    int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS)
        return status_of(db, rc);
    enum status st;
    rc = mdb_cursor_open(txn, db->spaces[space], &cursor);
    if (rc == MDB_SUCCESS) {
        st = walk_cursor(db, cursor, fn, fn_context);
        mdb_cursor_close(cursor);
    } else {
        st = status_of(db, rc);
    }
    mdb_txn_abort(txn);
    return st;
}

/* -- opening ------------------------------------------------------------------------------------------------------ */

static const struct checkpoint_store functions = {
    .begin = lmdb_begin,
    .put = lmdb_put,
    .del = lmdb_del,
    .clear = lmdb_clear,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .get = lmdb_get,
    .walk = lmdb_walk,
};

static enum status create(struct checkpoint_lmdb **out, const char *path)
{
    struct checkpoint_lmdb *db = mem_calloc(1, sizeof *db);
    if (db == NULL)
        return ST_NO_MEMORY;
    db->store = functions;
    db->store.context = db;
    db->path = mem_strdup(path);
    *out = db;
    return db->path == NULL ? ST_NO_MEMORY : ST_OK;
}

static enum status open_env(struct checkpoint_lmdb *db)
{
    unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | (db->writable ? 0 : MDB_RDONLY);
    int rc = mdb_env_create(&db->env);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_maxdbs(db->env, CHECKPOINT_SPACES);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_mapsize(db->env, db->map_size);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_open(db->env, db->path, flags, 0640);
    MDB_txn *txn = NULL;
    if (rc == MDB_SUCCESS)
        rc = mdb_txn_begin(db->env, NULL, db->writable ? 0 : MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS)
        return status_of(db, rc);
    enum status st = open_spaces(db, txn);
    if (st != ST_OK)
        mdb_txn_abort(txn);
    else
        st = status_of(db, mdb_txn_commit(txn));
    return st;
}

/* A page that the file should have but has not would be a bus error. The last few may be missing rightly: pages that
 * one transaction took and gave back are never written. A start makes them readable. */
static enum status check_whole(struct checkpoint_lmdb *db, uint64_t file_size, bool extend)
{
    uint64_t used = used_bytes(db);
    if (used == 0)
        return say(db, ST_CORRUPT, "it has no page size");
    if (used <= file_size)
        return ST_OK;
    if (used - file_size > UNWRITTEN_MAX)
        return say(db, ST_CORRUPT, "the file has been cut short");
    return extend && truncate(db->path, (off_t)used) != 0 ? status_of(db, errno) : ST_OK;
}

enum status checkpoint_lmdb_open(struct checkpoint_lmdb **out, const char *path, bool extend)
{
    struct stat stat_of;
    *out = NULL;
    if (stat(path, &stat_of) != 0)
        return errno == ENOENT ? ST_NOT_FOUND : ST_IO_ERROR;
    if (stat_of.st_size == 0) /* a first checkpoint got no further */
        return ST_NOT_FOUND;
    enum status st = create(out, path);
    if (st != ST_OK)
        return st;
    (*out)->map_size = (uint64_t)stat_of.st_size;
    st = open_env(*out);
    if (st == ST_OK)
        st = check_whole(*out, (uint64_t)stat_of.st_size, extend);
    /* Memory is short only when a damaged page wants an absurd map. */
    return st == ST_NO_MEMORY ? ST_CORRUPT : st;
}

enum status checkpoint_lmdb_open_write(struct checkpoint_lmdb **out, const char *path, uint64_t size_max)
{
    struct stat stat_of;
    *out = NULL;
    enum status st = create(out, path);
    if (st != ST_OK)
        return st;
    struct checkpoint_lmdb *db = *out;
    db->writable = true;
    db->created = stat(path, &stat_of) != 0;
    db->size_max = size_max;
    db->map_size = db->created ? MAP_HEADROOM : (uint64_t)stat_of.st_size + MAP_HEADROOM;
    if (db->map_size > size_max)
        db->map_size = size_max;
    return open_env(db);
}

const struct checkpoint_store *checkpoint_lmdb_store(struct checkpoint_lmdb *db)
{
    return &db->store;
}

void checkpoint_lmdb_close(struct checkpoint_lmdb *db)
{
    if (db == NULL)
        return;
    lmdb_abort(db);
    if (db->env != NULL)
        mdb_env_close(db->env);
    mem_free(db->path);
    mem_free(db);
}
