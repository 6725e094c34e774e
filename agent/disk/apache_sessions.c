/* apache_sessions.c - a file of session ids, eight bytes each, big-endian. */
#include "agent/disk/apache_sessions.h"

#include "agent/disk/data_dir_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_SIZE = 8, LIST_BYTES_MAX = 64 << 20 };

static const char name[] = "apache_sessions";

struct list_ids {
    struct buffer bytes;
    enum status status;
};

static void list_id(void *context, const struct session *session)
{
    struct list_ids *l = context;
    uint8_t id[ID_SIZE];
    be64_put(id, (uint64_t)session->id);
    if (l->status == ST_OK)
        l->status = buffer_append(&l->bytes, id, sizeof id);
}

static enum status write_list(struct data_dir *d, const struct sessions *sessions, struct buffer *message)
{
    struct list_ids l = {0};
    sessions_each(sessions, list_id, &l);
    if (l.status == ST_OK && l.bytes.len > 0)
        l.status = data_dir_write_small(d, name, l.bytes.data, l.bytes.len, 0600, message);
    buffer_free(&l.bytes);
    return l.status;
}

static enum status failed(const char *path, const char *why, struct buffer *message)
{
    (void)buffer_printf(message, "%s: %s", path, why);
    return ST_IO_ERROR;
}

static enum status read_open(int fd, const char *path, struct buffer *ids, struct buffer *message)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return failed(path, strerrordesc_np(errno), message);
    if (st.st_size % ID_SIZE != 0 || st.st_size > LIST_BYTES_MAX) {
        (void)failed(path, "damaged; remove it, then clients that had a session on Apache's server open a new one",
                     message);
        return ST_CORRUPT;
    }
    size_t size = (size_t)st.st_size;
    enum status status = buffer_reserve(ids, size);
    if (status == ST_OK && pread(fd, ids->data, size, 0) != (ssize_t)size)
        return failed(path, "cannot be read", message);
    ids->len = status == ST_OK ? size : 0;
    return status;
}

/* No list is an empty one. */
static enum status read_list(const struct data_dir *d, struct buffer *ids, struct buffer *message)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", d->own, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return failed(d->own, "the path is too long", message);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ST_OK : failed(path, strerrordesc_np(errno), message);
    enum status st = read_open(fd, path, ids, message);
    (void)close(fd); /* nothing was written */
    return st;
}

enum status apache_sessions_mark(struct data_dir *d, struct sessions *sessions, struct buffer *message)
{
    struct buffer ids = {0};
    enum status st = d->fresh ? write_list(d, sessions, message) : ST_OK;
    if (st == ST_OK)
        st = read_list(d, &ids, message);
    for (size_t at = 0; st == ST_OK && at < ids.len; at += ID_SIZE) {
        struct session *session = sessions_get(sessions, (int64_t)be64_get(ids.data + at));
        if (session != NULL)
            session->from_apache = true;
    }
    buffer_free(&ids);
    return st;
}
