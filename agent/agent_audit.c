/* agent_audit.c - the audit log between the replica, which says what is written, and the file. */
#include "agent/agent_internal.h"
#include "core/jute/codec.h"

static void on_pressed(void *context, bool is_full)
{
    struct agent *a = context;
    if (is_full)
        LOG_ERROR(a->log, "agent", "the audit log takes no more lines: writes are refused, reads and sessions go on");
    else
        LOG_INFO(a->log, "agent", "there is room in the audit log again");
    if (a->pump != NULL)
        (void)pump_feed_plain(a->pump, is_full ? REPLICA_AUDIT_FULL : REPLICA_AUDIT_ROOM, 0);
}

enum status agent_open_audit(struct agent *a, struct buffer *message)
{
    const struct audit_log_parts parts = {.loop = &a->loop,
                                          .file = a->settings->audit_file,
                                          .bytes_max = (size_t)a->settings->audit_queue_max,
                                          .metrics = a->metrics,
                                          .log = a->log,
                                          .pressed = on_pressed,
                                          .context = a};
    return a->settings->audit_enable ? audit_log_open(&a->audit, &parts, message) : ST_OK;
}

void agent_on_audited(void *context, struct bytes lines)
{
    struct agent *a = context;
    if (a->audit != NULL)
        audit_log_write(a->audit, lines);
}

void agent_audit(struct agent *a, const char *operation, enum audit_result result)
{
    struct buffer line = {0};
    struct writer w = writer_to(&line);
    audit_server_line(&w, a->environment.user_name, operation, result);
    if (w.status == ST_OK)
        agent_on_audited(a, buffer_bytes(&line));
    buffer_free(&line);
}
