/* save.c - see save.h
 *
 * Around a reload two processes have the same file. It is the older one's until that has ended: the new one reads it at
 * its start, and once more when it takes it over (takeover.c), and does not write before. It sees the end of the older
 * one by a descriptor of that process, or, where there can be none, when it would write. */
#include "plugins/health/save.h"

#include "plugins/health/health.h"
#include "plugins/health/numbers.h"
#include "plugins/health/process.h"
#include "plugins/health/record.h"
#include "plugins/health/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct saver {
    struct health *health;
    char *path, *beside, *damaged;
    bool changed;       /* since it was written last */
    uint64_t next_ms;   /* not before; host's time */
    bool failed;        /* the last time; told once */
    zooid_handle pause; /* timer; 0: none */
    /* The thread, and what it leaves behind. */
    bool writing;
    pthread_t thread;
    char *text;
    int error;
    int told; /* eventfd */
    zooid_handle told_handle;
    int64_t before; /* the process that has the file yet; 0: none */
    int watched;    /* its descriptor; -1: none */
    zooid_handle watched_handle;
};

/* ---- writing
 * ----------------------------------------------------------------------------------------------------------------- */

static int write_all(int descriptor, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(descriptor, text, len);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return fsync(descriptor) == 0 ? 0 : errno;
}

static int write_file(struct saver *saver)
{
    int descriptor = open(saver->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return errno;
    int error = write_all(descriptor, saver->text, strlen(saver->text));
    if (error == 0 && rename(saver->beside, saver->path) != 0)
        error = errno;
    (void)close(descriptor);
    return error;
}

static bool make_text(struct saver *saver, bool clean)
{
    const struct health *health = saver->health;
    json_t *file = records_make(&health->checks, health->api->now_ms(health->host), clean);
    saver->text = file == NULL ? NULL : json_dumps(file, JSON_COMPACT);
    json_decref(file);
    return saver->text != NULL;
}

static void tell_outcome(struct saver *saver)
{
    const struct health *health = saver->health;
    numbers_saved(saver->health, saver->error == 0);
    char *line = NULL;
    if (saver->error != 0 && !saver->failed)
        line = text_format("%s cannot be written: %s", saver->beside, strerror(saver->error));
    if (line != NULL)
        health->api->log(health->host, ZOOID_PLUGIN_ERROR, line);
    free(line);
    saver->failed = saver->error != 0;
    free(saver->text);
    saver->text = NULL;
}

/* ---- the process before
 * ------------------------------------------------------------------------------------------------------ */

static void note_before(struct saver *saver, const json_t *file)
{
    int64_t pid = json_integer_value(json_object_get(file, "pid"));
    int64_t start = json_integer_value(json_object_get(file, "pid_start"));
    bool lives = pid > 0 && pid != getpid() && !json_is_true(json_object_get(file, "clean")) &&
                 process_start_time(pid) == start;
    saver->before = lives ? pid : 0;
}

/* True while another process has the file. Once it has not, what it knew last is taken over. */
static bool is_others(struct saver *saver)
{
    if (saver->before == 0)
        return false;
    json_t *file = json_load_file(saver->path, JSON_REJECT_DUPLICATES, NULL);
    note_before(saver, file);
    if (saver->before == 0 && !saver->health->stopping)
        take_over(saver->health, file);
    json_decref(file);
    return saver->before != 0;
}

static void end_watch(struct saver *saver)
{
    const struct health *health = saver->health;
    health->api->cancel(health->host, saver->watched_handle);
    saver->watched_handle = 0;
    if (saver->watched >= 0)
        (void)close(saver->watched);
    saver->watched = -1;
}

/* ---- the thread
 * -------------------------------------------------------------------------------------------------------------- */

static void *run(void *context)
{
    struct saver *saver = context;
    saver->error = write_file(saver);
    uint64_t one = 1;
    (void)!write(saver->told, &one, sizeof one); /* cannot be full */
    return NULL;
}

static void pause_then_write(struct saver *saver);

static void on_written(void *context, unsigned ready)
{
    struct saver *saver = context;
    uint64_t count;
    (void)ready;
    if (read(saver->told, &count, sizeof count) != sizeof count || !saver->writing)
        return;
    (void)pthread_join(saver->thread, NULL);
    saver->writing = false;
    saver->changed |= saver->error != 0; /* and is tried again */
    tell_outcome(saver);
    if (saver->changed)
        pause_then_write(saver);
}

static void begin_write(void *context)
{
    struct saver *saver = context;
    saver->pause = 0;
    saver->next_ms = saver->health->api->now_ms(saver->health->host) +
                     (uint64_t)saver->health->settings.save_interval_ms;
    if (is_others(saver)) {
        pause_then_write(saver);
        return;
    }
    saver->changed = false;
    /* Once it runs, `error` is the thread's. */
    int error = make_text(saver, false) ? pthread_create(&saver->thread, NULL, run, saver) : ENOMEM;
    saver->writing = error == 0;
    if (saver->writing)
        return;
    saver->error = error;
    tell_outcome(saver);
    saver->changed = true;
    pause_then_write(saver);
}

static void pause_then_write(struct saver *saver)
{
    const struct health *health = saver->health;
    uint64_t next = saver->next_ms, now = health->api->now_ms(health->host);
    saver->pause = health->api->timer(health->host, next > now ? (uint32_t)(next - now) : 0, 0, begin_write, saver);
}

void save_soon(struct health *health)
{
    struct saver *saver = health->saver;
    if (saver == NULL)
        return;
    saver->changed = true;
    if (!saver->writing && saver->pause == 0)
        pause_then_write(saver);
}

/* ---- the end of the process before
 * ---------------------------------------------------------------------------------------------- */

static void watch_before(struct saver *saver);

static void on_before_ended(void *context, unsigned ready)
{
    struct saver *saver = context;
    const struct health *health = saver->health;
    (void)ready;
    end_watch(saver);
    if (is_others(saver)) { /* by now another one has it */
        watch_before(saver);
        return;
    }
    health->api->cancel(health->host, saver->pause);
    begin_write(saver); /* so that whoever comes next knows whose it is */
}

static void watch_before(struct saver *saver)
{
    const struct health *health = saver->health;
    saver->watched = saver->before == 0 ? -1 : process_open(saver->before);
    if (saver->watched >= 0)
        saver->watched_handle = health->api->descriptor(health->host, saver->watched, ZOOID_PLUGIN_READABLE,
                                                        on_before_ended, saver);
}

/* ---- life
 * --------------------------------------------------------------------------------------------------------------------
 */

static void saver_free(struct saver *saver)
{
    free(saver->path);
    free(saver->beside);
    free(saver->damaged);
    free(saver->text);
    if (saver->told >= 0)
        (void)close(saver->told);
    free(saver);
}

struct saver *saver_new(struct health *health, const char *directory)
{
    struct saver *saver = calloc(1, sizeof *saver);
    if (saver == NULL)
        return NULL;
    saver->health = health;
    saver->watched = -1;
    saver->path = text_format("%s/checks.json", directory);
    saver->beside = text_format("%s/checks.json.%d", directory, (int)getpid());
    saver->damaged = text_format("%s/checks.json.damaged", directory);
    saver->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (saver->told >= 0)
        saver->told_handle = health->api->descriptor(health->host, saver->told, ZOOID_PLUGIN_READABLE, on_written,
                                                     saver);
    if (saver->path != NULL && saver->beside != NULL && saver->damaged != NULL && saver->told_handle != 0)
        return saver;
    saver_free(saver);
    return NULL;
}

void saver_end(struct saver *saver, bool write)
{
    if (saver == NULL)
        return;
    const struct health *health = saver->health;
    end_watch(saver);
    if (saver->writing) {
        (void)pthread_join(saver->thread, NULL);
        saver->writing = false;
        tell_outcome(saver);
    }
    if (write && !is_others(saver)) {
        saver->error = make_text(saver, true) ? write_file(saver) : ENOMEM;
        tell_outcome(saver);
    }
    health->api->cancel(health->host, saver->told_handle);
    health->api->cancel(health->host, saver->pause);
    saver_free(saver);
}

bool saver_waits(const struct saver *saver)
{
    return saver != NULL && saver->before != 0;
}

json_t *saver_read(struct saver *saver)
{
    const struct health *health = saver->health;
    json_error_t error;
    json_t *file = json_load_file(saver->path, JSON_REJECT_DUPLICATES, &error);
    note_before(saver, file);
    watch_before(saver);
    if (file != NULL || access(saver->path, F_OK) != 0)
        return file;
    char *line = text_format("%s cannot be read, line %d: %s; it is kept as %s", saver->path, error.line, error.text,
                             saver->damaged);
    if (line != NULL)
        health->api->log(health->host, ZOOID_PLUGIN_ERROR, line);
    free(line);
    (void)rename(saver->path, saver->damaged);
    return NULL;
}
