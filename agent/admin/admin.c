/* admin.c - HTTP/1.1 for operators: what is asked, by a table of paths, is answered from the overview; what is below
 * /plugins, by local clients, for which the connection waits.
 *
 * GET and HEAD only. A connection holds at most one short URL and one answer, and is closed when it idles. */
#include "agent/admin/admin.h"

#include "agent/admin/commands.h"
#include "agent/admin/monitor.h"
#include "agent/admin/plugins.h"
#include "agent/base/poll_room.h"
#include "agent/net/listener.h"
#include "core/base/list.h"
#include "core/base/mem.h"

#include <http_parser.h>
#include <unistd.h>

enum { URL_BYTES_MAX = 1024, HEAD_BYTES_MAX = 16 * 1024, READ_BYTES = 4096, BACKLOG = 64, METRICS_ONLY = 1 };

struct admin {
    uv_loop_t *loop;
    struct overview *overview;
    struct listener *listeners[2]; /* everything; metrics alone */
    struct list connections;
    int32_t count;
    bool is_closing;
};

struct connection {
    struct list link;
    struct admin *admin;
    bool metrics_only;
    bool is_closing, should_close;
    int handles; /* still open: the socket and the timer */
    uv_tcp_t socket;
    uv_timer_t idle;
    uv_write_t write;
    http_parser parser;
    struct buffer url;
    struct buffer answer;    /* being sent */
    struct local_call *call; /* that it waits for; NULL: for none */
    char input[READ_BYTES];
};

/* -- answers ------------------------------------------------------------------------------------------------------ */

static enum status answer_live(const struct overview *o, struct answer *a)
{
    (void)o;
    return buffer_printf(&a->body, "alive\n");
}

static enum status answer_ready(const struct overview *o, struct answer *a)
{
    const char *trouble = o->log_trouble != NULL ? o->log_trouble : o->trouble;
    a->code = o->is_serving && trouble == NULL ? 200 : 503;
    const char *text = o->is_serving ? "ready" : "not serving";
    return buffer_printf(&a->body, "%s\n", trouble == NULL ? text : trouble);
}

static enum status answer_metrics(const struct overview *o, struct answer *a)
{
    struct report report = {0};
    a->type = "text/plain; version=0.0.4; charset=utf-8";
    if (o->doors == NULL)
        return answer_ready(o, a);
    monitor_fill(o, &report);
    enum status st = report_write_prometheus(&report, &a->body);
    report_free(&report);
    return st;
}

static const struct {
    const char *path;
    bool with_metrics; /* also on the port for metrics alone */
    enum status (*answer)(const struct overview *o, struct answer *a);
} paths[] = {
    {"/live", false, answer_live},
    {"/ready", false, answer_ready},
    {"/metrics", true, answer_metrics},
};

static enum status answer_command(const struct overview *o, const char *name, struct answer *a)
{
    if (name[0] == '\0') {
        a->type = "text/html;charset=utf-8";
        return commands_index(o->settings->admin_command_url, &a->body);
    }
    a->type = "application/json";
    return commands_answer(o, name, &a->body);
}

/* What is below the URL of the commands, without a leading slash; NULL: `path` is not there. */
static const char *below_commands(const struct overview *o, const char *path)
{
    const char *url = o->settings->admin_command_url;
    size_t len = strlen(url);
    if (strncmp(path, url, len) != 0 || (path[len] != '\0' && path[len] != '/'))
        return NULL;
    return path[len] == '/' ? path + len + 1 : path + len;
}

static enum status answer_path(const struct overview *o, const char *path, bool metrics_only, struct answer *a)
{
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (strcmp(paths[i].path, path) == 0 && (!metrics_only || paths[i].with_metrics))
            return paths[i].answer(o, a);
    const char *command = metrics_only ? NULL : below_commands(o, path);
    if (command != NULL)
        return answer_command(o, command, a);
    a->code = 404;
    return buffer_printf(&a->body, "there is nothing at this path; see %s, /live, /ready, /metrics\n",
                         metrics_only ? "/metrics" : o->settings->admin_command_url);
}

static void on_called(void *context, const struct local_answer *answer);

/* What is asked, answered at once, or by somebody for whom c->call waits. */
static enum status find_answer(struct connection *c, struct answer *a)
{
    char *target = (char *)c->url.data;
    bool is_get = c->parser.method == HTTP_GET;
    if (is_get && !c->metrics_only && plugins_has(target))
        return plugins_call(c->admin->overview, target, on_called, c, &c->call, a);
    target[strcspn(target, "?#")] = '\0';
    if (is_get || c->parser.method == HTTP_HEAD)
        return answer_path(c->admin->overview, target, c->metrics_only, a);
    a->code = 405;
    return buffer_printf(&a->body, "GET and HEAD only\n");
}

static enum status write_answer(struct connection *c, const struct answer *a)
{
    c->answer.len = 0;
    enum status st = buffer_printf(&c->answer,
                                   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                                   "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s\r\n",
                                   a->code, http_status_str((enum http_status)a->code), a->type, a->body.len,
                                   c->should_close ? "Connection: close\r\n" : "");
    if (st == ST_OK && c->parser.method != HTTP_HEAD)
        st = buffer_append(&c->answer, a->body.data, a->body.len);
    return st;
}

/* -- connections -------------------------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    if (--c->handles > 0)
        return;
    struct admin *a = c->admin;
    list_remove(&c->link);
    buffer_free(&c->url);
    buffer_free(&c->answer);
    mem_free(c);
    a->count--;
    if (a->is_closing && a->count == 0)
        mem_free(a);
}

static void connection_close(struct connection *c)
{
    if (c->is_closing)
        return;
    c->is_closing = true;
    if (c->call != NULL)
        local_call_drop(c->call);
    c->call = NULL;
    uv_close((uv_handle_t *)&c->socket, on_handle_closed);
    uv_close((uv_handle_t *)&c->idle, on_handle_closed);
}

static void on_idle(uv_timer_t *timer)
{
    connection_close(timer->data);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct connection *c = handle->data;
    *buf = uv_buf_init(c->input, sizeof c->input);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf);

static void on_written(uv_write_t *write, int failed)
{
    struct connection *c = write->data;
    if (failed != 0 || c->should_close) {
        connection_close(c);
        return;
    }
    if (!c->is_closing && uv_read_start((uv_stream_t *)&c->socket, on_alloc, on_read) != 0)
        connection_close(c);
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct connection *c = parser->data;
    return buffer_append(&c->url, at, len) == ST_OK ? 0 : -1;
}

/* False: it cannot be sent. */
static bool send_answer(struct connection *c, struct answer *a)
{
    enum status st = write_answer(c, a);
    buffer_free(&a->body);
    c->write.data = c;
    uv_buf_t buf = uv_buf_init((char *)c->answer.data, (unsigned)c->answer.len);
    return st == ST_OK && uv_write(&c->write, (uv_stream_t *)&c->socket, &buf, 1, on_written) == 0;
}

static void on_called(void *context, const struct local_answer *answer)
{
    struct connection *c = context;
    struct answer a = {.code = 200};
    c->call = NULL;
    bool good = plugins_answer(answer, &a) == ST_OK && send_answer(c, &a) && uv_timer_again(&c->idle) == 0;
    if (!good)
        connection_close(c);
}

/* Reading stops until the answer is gone: one request at a time. While somebody else makes it, the connection does not
 * idle. */
static int on_message(http_parser *parser)
{
    struct connection *c = parser->data;
    struct answer a = {.code = 200, .type = "text/plain; charset=utf-8"};
    c->should_close = http_should_keep_alive(parser) == 0;
    enum status st = buffer_append(&c->url, "", 1);
    if (st == ST_OK)
        st = find_answer(c, &a);
    c->url.len = 0;
    uv_read_stop((uv_stream_t *)&c->socket);
    http_parser_pause(parser, 1);
    if (st == ST_OK && c->call != NULL)
        return uv_timer_stop(&c->idle);
    if (st == ST_OK)
        return send_answer(c, &a) ? 0 : -1;
    buffer_free(&a.body);
    return -1;
}

static const http_parser_settings parser_settings = {.on_url = on_url, .on_message_complete = on_message};

/* A client that sends the next request before it has the answer to the first is not served further. */
static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct connection *c = stream->data;
    if (got == 0)
        return;
    if (got < 0) {
        connection_close(c);
        return;
    }
    uv_timer_again(&c->idle);
    size_t used = http_parser_execute(&c->parser, &parser_settings, buf->base, (size_t)got);
    enum http_errno error = HTTP_PARSER_ERRNO(&c->parser);
    if (error == HPE_PAUSED) {
        http_parser_pause(&c->parser, 0);
        c->should_close |= used + 1 < (size_t)got;
    } else if (error != HPE_OK || c->parser.nread > HEAD_BYTES_MAX) {
        connection_close(c);
    }
}

static struct connection *connection_new(struct admin *a, bool metrics_only)
{
    struct connection *c = mem_calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->admin = a;
    c->metrics_only = metrics_only;
    c->url.max = URL_BYTES_MAX;
    c->handles = 2;
    uv_tcp_init(a->loop, &c->socket);
    uv_timer_init(a->loop, &c->idle);
    c->socket.data = c;
    c->idle.data = c;
    http_parser_init(&c->parser, HTTP_REQUEST);
    c->parser.data = c;
    list_append(&a->connections, &c->link);
    a->count++;
    return c;
}

static void accept_connection(struct admin *a, int fd, bool metrics_only)
{
    struct connection *c = NULL;
    if (a->count < a->overview->settings->admin_max_connections)
        c = connection_new(a, metrics_only);
    if (c == NULL) {
        close(fd);
        return;
    }
    uint64_t idle_ms = (uint64_t)a->overview->settings->admin_idle_timeout_ms;
    if (uv_tcp_open(&c->socket, fd) != 0) {
        close(fd);
        connection_close(c);
    } else if (poll_room_take(a->loop, fd) != 0 || uv_timer_start(&c->idle, on_idle, idle_ms, idle_ms) != 0 ||
               uv_read_start((uv_stream_t *)&c->socket, on_alloc, on_read) != 0) {
        connection_close(c);
    }
}

static void on_accept(void *context, int fd, const struct sockaddr_storage *peer)
{
    (void)peer;
    accept_connection(context, fd, false);
}

static void on_accept_metrics(void *context, int fd, const struct sockaddr_storage *peer)
{
    (void)peer;
    accept_connection(context, fd, true);
}

/* -- the server --------------------------------------------------------------------------------------------------- */

static enum status listen_on(struct admin *a, size_t which, const char *address, int32_t port, struct buffer *message)
{
    const struct listener_parts parts = {a->loop, a->overview->metrics, a->overview->log};
    const struct listener_tcp tcp = {.address = address, .port = port, .backlog = BACKLOG};
    const struct listener_events events = {which == METRICS_ONLY ? on_accept_metrics : on_accept, a};
    return listener_open_tcp(&a->listeners[which], &parts, &tcp, &events, message);
}

/* A member votes without its HTTP server too, as Apache's do: several on one host come with one port for all. */
static enum status listen_for_operators(struct admin *a, struct buffer *message)
{
    const struct settings *s = a->overview->settings;
    size_t before = message->len;
    enum status st = listen_on(a, 0, s->admin_address, s->admin_port, message);
    if (st == ST_OK || st == ST_NO_MEMORY || a->overview->peers == NULL)
        return st;
    LOG_WARN(a->overview->log, "admin",
             "%.*s: this member goes on without an HTTP server; admin.serverPort gives it a port of its own",
             (int)(message->len - before), (const char *)message->data + before);
    message->len = before;
    return ST_OK;
}

enum status admin_open(struct admin **out, uv_loop_t *loop, struct overview *overview, struct buffer *message)
{
    const struct settings *s = overview->settings;
    struct admin *a = mem_calloc(1, sizeof *a);
    if (a == NULL)
        return ST_NO_MEMORY;
    a->loop = loop;
    a->overview = overview;
    list_init(&a->connections);
    enum status st = ST_OK;
    if (s->admin_enabled)
        st = listen_for_operators(a, message);
    if (st == ST_OK && s->metrics_port >= 0)
        st = listen_on(a, METRICS_ONLY, s->metrics_address, s->metrics_port, message);
    if (st != ST_OK) {
        admin_close(a);
        return st;
    }
    *out = a;
    return ST_OK;
}

static int32_t port_of(const struct admin *a, size_t which)
{
    return a->listeners[which] == NULL ? -1 : listener_port(a->listeners[which]);
}

int32_t admin_port(const struct admin *a)
{
    return port_of(a, 0);
}

int32_t admin_metrics_port(const struct admin *a)
{
    return port_of(a, METRICS_ONLY);
}

void admin_close(struct admin *a)
{
    if (a == NULL)
        return;
    a->is_closing = true;
    for (size_t i = 0; i < ARRAY_LEN(a->listeners); i++)
        listener_close(a->listeners[i]);
    LIST_FOR_EACH(at, &a->connections)
    connection_close(LIST_ENTRY(at, struct connection, link));
    if (a->count == 0)
        mem_free(a);
}
