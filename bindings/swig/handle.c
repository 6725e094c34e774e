/* handle.c - what the bindings hold of a client: the client, and the lines of its log. The log function is called under
 * the library's lock and from its threads, where no interpreter may be entered; so lines are kept here until a thread
 * of the language fetches them. Written into the wrappers that SWIG makes of zooid.i. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOG_LINES = 64, LOG_LINE_LEN = 512 };

typedef struct zooid_log_line {
    enum zooid_log_level level;
    unsigned missed; /* lines before this one that had no room */
    char text[LOG_LINE_LEN];
} zooid_log_line;

typedef struct zooid_handle {
    zooid_client *client;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    zooid_log_line lines[LOG_LINES];
    unsigned first, count, missed;
    bool ended;
} zooid_handle;

static void keep_line(void *context, enum zooid_log_level level, const char *text)
{
    zooid_handle *handle = context;
    pthread_mutex_lock(&handle->lock);
    if (handle->count == LOG_LINES) {
        handle->missed++;
    } else {
        zooid_log_line *line = &handle->lines[(handle->first + handle->count++) % LOG_LINES];
        line->level = level;
        line->missed = handle->missed;
        handle->missed = 0;
        (void)snprintf(line->text, sizeof line->text, "%s", text);
        pthread_cond_signal(&handle->changed);
    }
    pthread_mutex_unlock(&handle->lock);
}

/* Nobody is in a call of the client any more. */
static void zooid_handle_free(zooid_handle *handle)
{
    if (handle == NULL)
        return;
    zooid_close(handle->client);
    (void)pthread_mutex_destroy(&handle->lock);
    (void)pthread_cond_destroy(&handle->changed);
    free(handle);
}

static zooid_handle *zooid_handle_open(const char *socket, const char *name, uint32_t connect_ms,
                                       uint32_t session_timeout_ms, uint32_t watchdog_ms, uint32_t linger_ms,
                                       int64_t resume_id, const void *token, size_t token_len, uint32_t logins_max,
                                       zooid_reply **reply)
{
    struct zooid_options options = ZOOID_OPTIONS_INIT;
    zooid_handle *handle = calloc(1, sizeof *handle);
    if (handle == NULL)
        return NULL;
    if (pthread_mutex_init(&handle->lock, NULL) != 0 || pthread_cond_init(&handle->changed, NULL) != 0) {
        free(handle);
        return NULL;
    }
    options.socket = socket;
    options.name = name;
    options.connect_ms = connect_ms;
    options.session_timeout_ms = session_timeout_ms;
    options.watchdog_ms = watchdog_ms;
    options.linger_ms = linger_ms;
    options.resume_id = resume_id;
    options.resume_token = token;
    options.resume_token_len = token_len;
    options.logins_max = logins_max;
    options.log = keep_line;
    options.log_context = handle;
    if (zooid_open(&handle->client, &options, reply) == ZOOID_OK)
        return handle;
    zooid_handle_free(handle);
    return NULL;
}

enum { TOKEN_MAX = 64 };

/* What a session is taken over with: its number, 0 when there is none, and what proves that it is ours. */
struct session_key {
    int64_t id;
    uint8_t token[TOKEN_MAX];
    size_t len;
};

static struct session_key session_key_of(const zooid_client *client)
{
    struct session_key key = {.id = 0};
    do { /* it may become another one between the two */
        key.id = zooid_session_id(client);
        key.len = zooid_session_token(client, key.token, sizeof key.token);
    } while (key.id != zooid_session_id(client));
    if (key.len == 0 || key.len > sizeof key.token)
        key.id = 0;
    return key;
}

/* Everything that waits in a call of the client, or for its log, returns. */
static void zooid_handle_shutdown(zooid_handle *handle)
{
    zooid_shutdown(handle->client);
    pthread_mutex_lock(&handle->lock);
    handle->ended = true;
    pthread_cond_broadcast(&handle->changed);
    pthread_mutex_unlock(&handle->lock);
}

/* Waits for a line. It is the caller's, to be freed. NULL: none will come any more, or there is no memory. */
static zooid_log_line *zooid_handle_next_log(zooid_handle *handle)
{
    zooid_log_line *line = malloc(sizeof *line);
    if (line == NULL)
        return NULL;
    pthread_mutex_lock(&handle->lock);
    while (handle->count == 0 && !handle->ended)
        pthread_cond_wait(&handle->changed, &handle->lock);
    bool found = handle->count > 0;
    if (found) {
        *line = handle->lines[handle->first];
        handle->first = (handle->first + 1) % LOG_LINES;
        handle->count--;
    }
    pthread_mutex_unlock(&handle->lock);
    if (found)
        return line;
    free(line);
    return NULL;
}

static int zooid_request_fresh(zooid_request *request, bool latest, int64_t zxid_min, uint32_t age_max_ms)
{
    struct zooid_freshness freshness = {.latest = latest, .zxid_min = zxid_min, .age_max_ms = age_max_ms};
    return zooid_request_set_freshness(request, &freshness);
}

static int zooid_request_behind(zooid_request *request, int64_t zxid, uint32_t index)
{
    struct zooid_cursor cursor = {.zxid = zxid, .index = index};
    return zooid_request_set_cursor(request, &cursor);
}
