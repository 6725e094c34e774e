/* log_reader.c - one request of libuv's for each piece. */
#include "agent/disk/log_reader.h"

#include "agent/disk/disk_posix.h"
#include "core/base/mem.h"

enum { PIECE_MAX = 256 * 1024 };

struct log_reader {
    uv_loop_t *loop;
    char *dir;
    log_reader_fn *fn; /* NULL: it was closed */
    void *context;
    unsigned under_way;
};

struct request {
    uv_work_t work;
    struct log_reader *reader;
    uint64_t link;
    struct log_reading reading;
    struct log_piece piece;
    enum status status;
};

struct log_reader *log_reader_new(uv_loop_t *loop, const char *dir, log_reader_fn *fn, void *context)
{
    struct log_reader *reader = mem_calloc(1, sizeof *reader);
    char *copy = mem_strdup(dir);
    if (reader == NULL || copy == NULL) {
        mem_free(reader);
        mem_free(copy);
        return NULL;
    }
    *reader = (struct log_reader){.loop = loop, .dir = copy, .fn = fn, .context = context};
    return reader;
}

static void free_when_done(struct log_reader *reader)
{
    if (reader->fn != NULL || reader->under_way > 0)
        return;
    mem_free(reader->dir);
    mem_free(reader);
}

/* On a thread of the pool. */
static void do_work(uv_work_t *work)
{
    struct request *request = work->data;
    request->status = log_read(&request->reading, &request->piece);
}

static void after_work(uv_work_t *work, int status)
{
    struct request *request = work->data;
    struct log_reader *reader = request->reader;
    (void)status; /* nothing is ever cancelled */
    if (reader->fn != NULL)
        reader->fn(reader->context, request->link, request->status, &request->piece);
    buffer_free(&request->piece.records);
    mem_free(request);
    reader->under_way--;
    free_when_done(reader);
}

enum status log_reader_ask(struct log_reader *reader, uint64_t link, const struct log_wish *wish, int64_t whole_from)
{
    struct request *request = mem_calloc(1, sizeof *request);
    if (request == NULL)
        return ST_NO_MEMORY;
    request->work.data = request;
    request->reader = reader;
    request->link = link;
    request->reading = (struct log_reading){
        .io = disk_posix(), .dir = reader->dir, .whole_from = whole_from, .piece_max = PIECE_MAX, .wish = *wish};
    if (uv_queue_work(reader->loop, &request->work, do_work, after_work) != 0) {
        mem_free(request);
        return ST_NO_MEMORY;
    }
    reader->under_way++;
    return ST_OK;
}

void log_reader_close(struct log_reader *reader)
{
    if (reader == NULL)
        return;
    reader->fn = NULL;
    free_when_done(reader);
}
