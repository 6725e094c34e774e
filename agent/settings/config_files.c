/* config_files.c - the files in the order in which they have to be on the disk: the configuration, zoo.cfg as it was,
 * zoo.cfg that names the configuration. */
#include "agent/settings/config_files.h"

#include "agent/settings/config_rewrite.h"
#include "core/base/mem.h"
#include "core/members/members.h"
#include "core/store/atomic_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ZOO_CFG_MAX = 1024 * 1024 };

/* Where this server is, as zoo.cfg has it; empty: nothing is known. */
struct place {
    struct buffer address; /* host:quorumPort:electionPort */
    struct buffer client_host, client_port, secure_host, secure_port;
};

struct config_files {
    char *zoo_cfg, *zoo_cfg_dir; /* the file itself, where the name given was a link to it */
    char *beside, *beside_dir;   /* the name given: what the other names begin with */
    int64_t sid;
    struct place own; /* by the last configuration that named it; the log thread's, once there is one */
};

/* -- this server -------------------------------------------------------------------------------------------------- */

static void place_free(struct place *place)
{
    buffer_free(&place->address);
    buffer_free(&place->client_host);
    buffer_free(&place->client_port);
    buffer_free(&place->secure_host);
    buffer_free(&place->secure_port);
}

/* All addresses are what zoo.cfg says by naming none. */
static enum status print_door(const struct member_door *door, struct buffer *host, struct buffer *port)
{
    if (bytes_is_null(door->host))
        return ST_OK;
    enum status st = buffer_printf(port, "%u", (unsigned)door->port);
    if (st == ST_OK && !bytes_equal(door->host, BYTES("0.0.0.0")))
        st = buffer_printf(host, "%.*s", BYTES_PRINT(door->host));
    return st;
}

static enum status remember_place(struct config_files *f, const struct member *own)
{
    struct place place = {0};
    if (own == NULL)
        return ST_OK;
    enum status st = member_print_addresses(own, &place.address);
    if (st == ST_OK)
        st = print_door(&own->client, &place.client_host, &place.client_port);
    if (st == ST_OK)
        st = print_door(&own->secure_client, &place.secure_host, &place.secure_port);
    if (st == ST_OK) {
        place_free(&f->own);
        f->own = place;
    } else {
        place_free(&place);
    }
    return st;
}

enum { PLACE_LINES = 5 };

/* The lines of zoo.cfg that say so. They point into it. */
static size_t place_lines(const struct place *place, struct config_line lines[PLACE_LINES])
{
    const struct config_line all[PLACE_LINES] = {
        {SETTING_ID_server_address, (const char *)place->address.data},
        {SETTING_ID_client_port, (const char *)place->client_port.data},
        {SETTING_ID_client_port_address, (const char *)place->client_host.data},
        {SETTING_ID_secure_client_port, (const char *)place->secure_port.data},
        {SETTING_ID_secure_client_port_address, (const char *)place->secure_host.data},
    };
    size_t count = 0;
    for (size_t i = 0; i < PLACE_LINES; i++)
        if (all[i].value != NULL)
            lines[count++] = all[i];
    return count;
}

/* -- where -------------------------------------------------------------------------------------------------------- */

/* What stands before the last slash; of a name directly below the root, the root. NULL: out of memory. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = mem_strdup(slash == NULL ? "." : path);
    if (dir != NULL && slash != NULL)
        dir[slash == path ? 1 : slash - path] = '\0';
    return dir;
}

static enum status failed(struct buffer *message, const char *path, const char *what)
{
    (void)buffer_printf(message, "%s: %s: %s", path, what, strerrordesc_np(errno));
    return errno == ENOMEM ? ST_NO_MEMORY : ST_IO_ERROR;
}

/* An absolute path to `path`, of which only the directory has been followed through links. */
static enum status absolute(const char *path, char **out, struct buffer *message)
{
    char real[PATH_MAX];
    struct buffer text = {0};
    const char *slash = strrchr(path, '/');
    char *dir = directory_of(path);
    enum status st = dir == NULL ? ST_NO_MEMORY : ST_OK;
    if (st == ST_OK && realpath(dir, real) == NULL)
        st = failed(message, dir, "cannot be found");
    if (st == ST_OK)
        st = buffer_printf(&text, "%s/%s", strcmp(real, "/") == 0 ? "" : real, slash == NULL ? path : slash + 1);
    if (st == ST_OK && (*out = mem_strdup((const char *)text.data)) == NULL)
        st = ST_NO_MEMORY;
    mem_free(dir);
    buffer_free(&text);
    return st;
}

/* Found out at the start, and not when the first change has been agreed to. */
static enum status check_writable(const char *dir, struct buffer *message)
{
    if (access(dir, W_OK | X_OK) == 0)
        return ST_OK;
    return failed(message, dir,
                  "must be writable with reconfigEnabled=true, since the members are kept beside zoo.cfg");
}

static enum status find(struct config_files *f, const char *zoo_cfg, struct buffer *message)
{
    char real[PATH_MAX];
    enum status st = absolute(zoo_cfg, &f->beside, message);
    if (st != ST_OK)
        return st;
    bool is_there = realpath(zoo_cfg, real) != NULL;
    if (!is_there && errno != ENOENT)
        return failed(message, zoo_cfg, "cannot be found");
    f->zoo_cfg = mem_strdup(is_there ? real : f->beside);
    f->zoo_cfg_dir = directory_of(is_there ? real : f->beside);
    f->beside_dir = directory_of(f->beside);
    if (f->zoo_cfg == NULL || f->zoo_cfg_dir == NULL || f->beside_dir == NULL)
        return ST_NO_MEMORY;
    st = check_writable(f->zoo_cfg_dir, message);
    return st == ST_OK ? check_writable(f->beside_dir, message) : st;
}

enum status config_files_new(struct config_files **out, const char *zoo_cfg, int64_t sid, const struct member *own,
                             struct buffer *message)
{
    struct config_files *f = mem_calloc(1, sizeof *f);
    if (f == NULL)
        return ST_NO_MEMORY;
    f->sid = sid;
    enum status st = remember_place(f, own);
    if (st == ST_OK)
        st = find(f, zoo_cfg, message);
    if (st != ST_OK) {
        config_files_free(f);
        return st;
    }
    *out = f;
    return ST_OK;
}

void config_files_free(struct config_files *f)
{
    if (f == NULL)
        return;
    place_free(&f->own);
    mem_free(f->zoo_cfg);
    mem_free(f->zoo_cfg_dir);
    mem_free(f->beside);
    mem_free(f->beside_dir);
    mem_free(f);
}

enum status config_files_path(const struct config_files *f, int64_t version, struct buffer *path)
{
    return buffer_printf(path, "%s" CONFIG_DYNAMIC_SUFFIX "%" PRIx64, f->beside, (uint64_t)version);
}

/* -- the configuration's own file --------------------------------------------------------------------------------- */

static int compare_lines(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Cuts the text at its line ends; `*count` of them, owned. NULL: out of memory. */
static struct bytes *cut_lines(struct bytes text, size_t *count)
{
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.data[i] == '\n';
    struct bytes *lines = mem_calloc(most, sizeof *lines);
    *count = 0;
    while (lines != NULL && text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        if (len > 0)
            lines[(*count)++] = bytes_make(text.data, len);
        text = bytes_from(text, end == NULL ? len : len + 1);
    }
    return lines;
}

/* As Apache writes them: sorted as bytes, no line end behind the last. */
static enum status sort_lines(struct bytes text, bool with_version, struct buffer *out)
{
    size_t count, put = 0;
    struct bytes *lines = cut_lines(text, &count);
    if (lines == NULL)
        return ST_NO_MEMORY;
    enum status st = ST_OK;
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        if (!with_version && bytes_starts_with(lines[i], BYTES("version=")))
            continue;
        if (put++ > 0)
            st = buffer_append(out, "\n", 1);
        if (st == ST_OK)
            st = buffer_append(out, lines[i].data, lines[i].len);
    }
    mem_free(lines);
    return st;
}

static enum status write_lines(const struct config_files *f, const struct store_io *io, struct bytes text,
                               bool with_version, const char *path)
{
    struct buffer lines = {0};
    enum status st = sort_lines(text, with_version, &lines);
    if (st == ST_OK)
        st = atomic_file_write(io, f->beside_dir, path, buffer_bytes(&lines), NULL);
    buffer_free(&lines);
    return st;
}

/* -- zoo.cfg ------------------------------------------------------------------------------------------------------ */

static enum status keep_former(const struct config_files *f, const struct store_io *io, struct bytes text)
{
    struct buffer path = {0};
    enum status st = buffer_printf(&path, "%s.bak", f->beside);
    if (st == ST_OK)
        st = atomic_file_write(io, f->beside_dir, (const char *)path.data, text, f->zoo_cfg);
    buffer_free(&path);
    return st;
}

/* What this server's own line says now. */
static void tell_own(const struct member *own, struct config_rewrite *change)
{
    change->names_server = own != NULL;
    change->names_client_port = own != NULL && !bytes_is_null(own->client.host);
    change->names_secure_client_port = own != NULL && !bytes_is_null(own->secure_client.host);
}

/* `text` is what it says now; `like` the file it takes the place of, or NULL. */
static enum status rewrite_text(const struct config_files *f, const struct store_io *io, struct bytes text,
                                const struct config_rewrite *change, const char *like)
{
    struct buffer rewritten = {.max = 2 * ZOO_CFG_MAX};
    bool has_servers = false;
    enum status st = config_rewrite(text, change, &rewritten, &has_servers);
    if (st == ST_OK && has_servers && change->dynamic_file != NULL)
        st = keep_former(f, io, text);
    if (st == ST_OK && !bytes_equal(text, buffer_bytes(&rewritten)))
        st = atomic_file_write(io, f->zoo_cfg_dir, f->zoo_cfg, buffer_bytes(&rewritten), like);
    buffer_free(&rewritten);
    return st;
}

static enum status rewrite(const struct config_files *f, const struct store_io *io, const struct config_rewrite *change)
{
    struct buffer text = {.max = ZOO_CFG_MAX};
    enum status st = atomic_file_read(io, f->zoo_cfg, &text);
    if (st == ST_OK)
        st = rewrite_text(f, io, buffer_bytes(&text), change, f->zoo_cfg);
    buffer_free(&text);
    return st;
}

/* A server that the configuration names no more keeps its place, so that it starts again and is found by its clients.
 * Before the configuration is there, which may count as soon as it is. */
static enum status keep_place(const struct config_files *f, const struct store_io *io)
{
    struct config_line lines[PLACE_LINES];
    const struct config_rewrite change = {.lines = lines, .line_count = place_lines(&f->own, lines)};
    return rewrite(f, io, &change);
}

enum status config_files_forget_role(struct config_files *f, const struct store_io *io)
{
    const struct config_rewrite change = {.forgets_role = true};
    return rewrite(f, io, &change);
}

static enum status point_to(const struct config_files *f, const struct store_io *io, const char *dynamic_file,
                            const struct member *own)
{
    struct config_rewrite change = {.dynamic_file = dynamic_file};
    tell_own(own, &change);
    return rewrite(f, io, &change);
}

/* -- both --------------------------------------------------------------------------------------------------------- */

static enum status store(struct config_files *f, const struct store_io *io, struct bytes text,
                         const struct members *members)
{
    struct buffer path = {0};
    const struct member *own = members_find(members, f->sid);
    enum status st = config_files_path(f, members->version, &path);
    if (st == ST_OK && own == NULL)
        st = keep_place(f, io);
    if (st == ST_OK)
        st = write_lines(f, io, text, false, (const char *)path.data);
    if (st == ST_OK)
        st = point_to(f, io, (const char *)path.data, own);
    if (st == ST_OK)
        st = remember_place(f, own);
    buffer_free(&path);
    return st;
}

enum status config_files_store(struct config_files *f, const struct store_io *io, struct bytes text)
{
    struct members *members = NULL;
    struct members_error error;
    enum status st = members_parse(text, MEMBERS_MULTI_ADDRESS, &members, &error);
    if (st == ST_BAD_ARGUMENTS)
        return ST_CORRUPT;
    if (st == ST_OK)
        st = store(f, io, text, members);
    members_free(members);
    return st;
}

enum status config_files_begin(struct config_files *f, const struct store_io *io, struct bytes text, int64_t version,
                               const struct config_line *lines, size_t line_count, struct bytes fresh)
{
    struct buffer path = {0}, old = {.max = ZOO_CFG_MAX};
    struct config_rewrite change = {.lines = lines, .line_count = line_count};
    enum status st = config_files_path(f, version, &path);
    change.dynamic_file = (const char *)path.data;
    if (st == ST_OK)
        st = write_lines(f, io, text, false, change.dynamic_file);
    if (st == ST_OK)
        st = atomic_file_read(io, f->zoo_cfg, &old);
    if (st == ST_OK)
        st = rewrite_text(f, io, buffer_bytes(&old), &change, f->zoo_cfg);
    else if (st == ST_NOT_FOUND)
        st = rewrite_text(f, io, fresh, &change, NULL);
    buffer_free(&path);
    buffer_free(&old);
    return st;
}

enum status config_files_store_last_seen(struct config_files *f, const struct store_io *io, struct bytes text)
{
    struct buffer path = {0};
    enum status st = buffer_printf(&path, "%s" CONFIG_DYNAMIC_SUFFIX CONFIG_NEXT_NAME, f->beside);
    if (st == ST_OK && text.len > 0)
        st = write_lines(f, io, text, true, (const char *)path.data);
    else if (st == ST_OK)
        st = io->remove(io->context, (const char *)path.data);
    if (st == ST_OK && text.len == 0)
        st = io->sync_dir(io->context, f->beside_dir);
    buffer_free(&path);
    return st == ST_NOT_FOUND ? ST_OK : st;
}
