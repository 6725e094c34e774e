/* join_ask.c - the loop in which members are asked, and what joining and being promoted say and write alike. */
#include "agent/disk/disk_posix.h"
#include "agent/join/join_client.h"
#include "agent/join/join_internal.h"
#include "agent/net/stream.h"
#include "agent/net/tls.h"
#include "core/base/check.h"
#include "core/base/mem.h"
#include "core/store/atomic_file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

enum { ANSWER_MS = 10000 }; /* for each that is asked */

void join_say(const char *format, ...)
{
    va_list args;
    fputs("zooid-agent: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

enum status join_load(const struct join_command *command, struct settings **settings, bool *is_fresh)
{
    struct settings_report report = {0};
    *is_fresh = access(command->file, F_OK) != 0;
    enum status st = settings_load(settings, *is_fresh ? NULL : command->file, command->defines, command->define_count,
                                   &report);
    settings_report_print(&report, SETTINGS_ERROR, stderr);
    settings_report_free(&report);
    return st;
}

/* -- asking -------------------------------------------------------------------------------------------------------- */

struct asking {
    struct join_known *known;
    enum status status;
};

static enum status keep_text(struct buffer *to, const char *text)
{
    return buffer_append(to, text, strlen(text) + 1);
}

static enum status keep(struct join_known *known, const struct join_answer *answer)
{
    enum status st = members_copy(answer->members, &known->members);
    if (st == ST_OK)
        st = buffer_append(&known->text, answer->text.data, answer->text.len);
    if (st == ST_OK)
        st = keep_text(&known->here, answer->here);
    if (st == ST_OK)
        st = keep_text(&known->seed, answer->seed);
    if (st != ST_OK)
        return st;
    known->answer = *answer;
    known->answer.members = known->members;
    known->answer.text = buffer_bytes(&known->text);
    known->answer.here = (const char *)known->here.data;
    known->answer.seed = (const char *)known->seed.data;
    return ST_OK;
}

static void on_answer(void *context, const struct join_answer *answer, const char *why)
{
    struct asking *a = context;
    if (answer != NULL) {
        a->status = keep(a->known, answer);
        return;
    }
    a->status = ST_NOT_FOUND;
    join_say("nobody could be asked who the members are:\n%s", why);
}

static bool is_by_tls(const struct join_seed *seeds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (seeds[i].tls)
            return true;
    return false;
}

/* NULL when nobody wants it. */
static enum status make_tls(struct tls **out, const struct settings *settings, const struct join_seed *seeds,
                            size_t count, uv_loop_t *loop)
{
    struct buffer message = {0};
    *out = NULL;
    if (!is_by_tls(seeds, count))
        return ST_OK;
    if (settings->tls_trust_store[0] == '\0') {
        join_say("a member that is asked by TLS has to be believed: that needs ssl.trustStore.location");
        return ST_BAD_ARGUMENTS;
    }
    enum status st = tls_new(out, settings, TLS_AS_CLIENT, loop, NULL, &message);
    if (st != ST_OK)
        join_say("no member can be asked by TLS: %s", message.len > 0 ? (const char *)message.data : status_text(st));
    buffer_free(&message);
    return st == ST_OK || st == ST_NO_MEMORY ? st : ST_BAD_ARGUMENTS;
}

int join_take_seeds(const char *text, struct join_seed seeds[JOIN_SEEDS_MAX], size_t *count)
{
    if (join_parse_seeds(text, seeds, JOIN_SEEDS_MAX, count))
        return 0;
    join_say("--join wants host:port, the client port of a member, or tls://host:port when it is one for TLS, or "
             "several of them with commas between");
    return JOIN_CONFIG;
}

static enum status ask_all(const struct settings *settings, const struct join_seed *seeds, size_t count,
                           struct join_known *known)
{
    struct asking a = {known, ST_NO_MEMORY};
    struct join_client *client;
    struct tls *tls;
    uv_loop_t loop;
    struct streams streams;
    *known = (struct join_known){0};
    if (uv_loop_init(&loop) != 0)
        return ST_IO_ERROR;
    streams_init(&streams, &loop);
    enum status st = make_tls(&tls, settings, seeds, count, &loop);
    if (st == ST_OK && join_client_start(&client, &streams, tls, seeds, count, ANSWER_MS, on_answer, &a) == ST_OK)
        (void)uv_run(&loop, UV_RUN_DEFAULT);
    tls_close(tls);
    streams_close(&streams, NULL, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
    return st == ST_OK ? a.status : st;
}

int join_ask(const struct settings *settings, const struct join_seed *seeds, size_t count, struct join_known *known)
{
    switch (ask_all(settings, seeds, count, known)) {
    case ST_OK: return 0;
    case ST_BAD_ARGUMENTS: return JOIN_CONFIG;
    default: return JOIN_UNAVAILABLE;
    }
}

void join_known_free(struct join_known *known)
{
    members_free(known->members);
    buffer_free(&known->text);
    buffer_free(&known->here);
    buffer_free(&known->seed);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

enum status join_write_id(const struct data_dir *dir, int64_t id, struct buffer *message)
{
    struct buffer text = {0};
    char *path = path_join(dir->root, "myid");
    enum status st = path == NULL ? ST_NO_MEMORY : buffer_printf(&text, "%" PRId64 "\n", id);
    disk_posix_error_clear();
    if (st == ST_OK)
        st = atomic_file_write(disk_posix(), dir->root, path, buffer_bytes(&text), NULL);
    if (st != ST_OK)
        (void)buffer_printf(message, "%s/myid: cannot be written: %s", dir->root,
                            disk_posix_error()[0] != '\0' ? disk_posix_error() : status_text(st));
    buffer_free(&text);
    mem_free(path);
    return st;
}
