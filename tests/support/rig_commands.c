/* rig_commands.c - the rig's commands, a row each. */
#include "core/base/check.h"
#include "core/base/mem.h"
#include "tests/support/ensemble_rig_internal.h"
#include "tests/support/rig_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { TICK_MS = 500 };

static const char *after(const char *words, const char *name, const char *otherwise)
{
    const char *at = strstr(words, name);
    return at == NULL ? otherwise : at + strlen(name);
}

static void open_client(struct rig *rig, const char *name, const char *words, struct buffer *out)
{
    char who[64] = "ip:127.0.0.1";
    sscanf(after(words, "as=", who), "%63s", who);
    struct rig_client *c = rig_add_client(rig, name);
    c->spoke = c->greeted = strstr(words, "local") != NULL;
    char *colon = strchr(who, ':');
    CHECK(colon != NULL);
    const struct identity id = {bytes_make(who, (size_t)(colon - who)), bytes_of(colon + 1)};
    rig_step(rig,
             (struct replica_event){.kind = REPLICA_CONNECTED,
                                    .client = c->number,
                                    .identities = {&id, 1},
                                    .is_local = strstr(words, "local") != NULL,
                                    .is_of_host = strstr(words, "of-host") != NULL},
             out);
}

/* Apache's rule, as client-protocol 5.2 writes it down. */
void rig_apache_password(int64_t session_id, uint8_t password[16])
{
    uint64_t s = (uint64_t)session_id ^ 0xB3415C00u ^ 0x5DEECE66Du;
    for (int i = 0; i < 16; i++) {
        if (i % 4 == 0)
            s = (s * 0x5DEECE66Du + 0xB) & 0xFFFFFFFFFFFFu;
        password[i] = (uint8_t)(s >> (16 + 8 * (i % 4)));
    }
}

/* Whose session is asked for, and with which password. */
static void write_session(struct writer *w, const struct rig_client *of, const char *words)
{
    static const uint8_t zeros[16];
    int64_t id = of == NULL ? atoll(after(words, "id=", "0")) : of->session_id;
    struct bytes password = bytes_make(of == NULL ? zeros : of->password, sizeof zeros);
    if (strstr(words, "password=bad") != NULL)
        password = bytes_make(zeros, sizeof zeros);
    uint8_t apache[sizeof zeros];
    rig_apache_password(id, apache);
    if (strstr(words, "password=apache") != NULL)
        password = bytes_make(apache, sizeof apache);
    if (strstr(words, "password=none") != NULL)
        password = BYTES_NULL;
    write_i64(w, id);
    write_blob(w, password);
}

static void write_connect(struct rig *rig, const char *words, struct buffer *frame)
{
    char session_of[16] = "";
    sscanf(after(words, "session=", ""), "%15s", session_of);
    const struct rig_client *of = rig->ensemble == NULL ? rig_client_named(rig, session_of)
                                                        : ensemble_rig_client(rig->ensemble, session_of);
    struct writer w = writer_to(frame);
    write_i32(&w, 0);
    write_i64(&w, atoll(after(words, "seen=", "0")));
    write_i32(&w, atoi(after(words, "timeout=", "10000")));
    write_session(&w, of, words);
    if (strstr(words, "old") == NULL)
        write_boolean(&w, strstr(words, "read-only") != NULL);
    CHECK(w.status == ST_OK);
}

/* Two events: the connection, with its identities, and its first frame. */
static void connect_client(struct rig *rig, const char *name, const char *words, struct buffer *out)
{
    struct buffer frame = {0};
    write_connect(rig, words, &frame);
    open_client(rig, name, words, out);
    rig_frame(rig, name, buffer_bytes(&frame), out);
    buffer_free(&frame);
}

/* A local client, opened with `open NAME local`, wants a session after all. */
static void begin_session(struct rig *rig, const char *name, const char *words, struct buffer *out)
{
    struct buffer frame = {0};
    const struct rig_client *c = rig_client_named(rig, name);
    CHECK(c != NULL);
    write_connect(rig, words, &frame);
    rig_expect_session(rig, name);
    rig_step(rig,
             (struct replica_event){.kind = REPLICA_OPEN_SESSION, .client = c->number, .frame = buffer_bytes(&frame)},
             out);
    buffer_free(&frame);
}

static void append_hex(struct buffer *frame, const char *hex)
{
    unsigned byte;
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        CHECK(sscanf(hex, "%2x", &byte) == 1);
        CHECK(buffer_append(frame, &(uint8_t){(uint8_t)byte}, 1) == ST_OK);
    }
}

static void request(struct rig *rig, struct rig_client *c, char *words, struct buffer *out)
{
    struct buffer frame = {0};
    const char *xid = strstr(words, " xid=");
    bool is_bent = strncmp(words, "bent ", 5) == 0;
    uint64_t seed = is_bent ? strtoull(words + 5, &words, 10) : 0;
    words += strspn(words, " ");
    if (strncmp(words, "raw", 3) == 0)
        append_hex(&frame, words + strspn(words, "raw "));
    else
        rig_request(words, xid == NULL ? c->next_xid++ : atoi(xid + 5), &frame);
    if (is_bent)
        rig_bend(&frame, seed);
    if (bytes_is_null(buffer_bytes(&frame)))
        CHECK(buffer_reserve(&frame, 1) == ST_OK);
    rig_frame(rig, c->name, buffer_bytes(&frame), out);
    buffer_free(&frame);
}

static void tick(struct rig *rig, int64_t ms, struct buffer *out)
{
    int64_t end = rig->now_ms + ms;
    while (rig->now_ms < end) {
        rig->now_ms += end - rig->now_ms < TICK_MS ? end - rig->now_ms : TICK_MS;
        rig_step(rig, (struct replica_event){.kind = REPLICA_TICK}, out);
    }
}

/* One step after all that time. */
static void cmd_late(struct rig *rig, char *rest, struct buffer *out)
{
    rig->now_ms += atoll(rest);
    rig_step(rig, (struct replica_event){.kind = REPLICA_TICK}, out);
}

/* `name` as first word of `rest`, which begins behind it afterwards. */
static char *cut_word(char **rest)
{
    char *word = *rest, *end = word + strcspn(word, " ");
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

static void cmd_option(struct rig *rig, char *rest, struct buffer *out)
{
    (void)out;
    const char *name = cut_word(&rest);
    CHECK(rig->replica == NULL);
    rig_set_option(rig, name, rest);
}

static void cmd_connect(struct rig *rig, char *rest, struct buffer *out)
{
    const char *name = cut_word(&rest);
    connect_client(rig, name, rest, out);
}

static void cmd_begin(struct rig *rig, char *rest, struct buffer *out)
{
    const char *name = cut_word(&rest);
    begin_session(rig, name, rest, out);
}

static void cmd_open(struct rig *rig, char *rest, struct buffer *out)
{
    const char *name = cut_word(&rest);
    open_client(rig, name, rest, out);
}

static void cmd_disconnect(struct rig *rig, char *rest, struct buffer *out)
{
    struct rig_client *c = rig_client_named(rig, rest);
    CHECK(c != NULL);
    if (c->gone)
        return;
    c->gone = c->gone_told = true;
    rig_step(rig, (struct replica_event){.kind = REPLICA_DISCONNECTED, .client = c->number}, out);
}

static void cmd_tick(struct rig *rig, char *rest, struct buffer *out)
{
    tick(rig, atoll(rest), out);
}

static void cmd_hold(struct rig *rig, char *rest, struct buffer *out)
{
    (void)rest;
    (void)out;
    rig->holds = true;
}

static void cmd_release(struct rig *rig, char *rest, struct buffer *out)
{
    rig->holds = *rest != '\0';
    rig_release(rig, *rest == '\0' ? rig->logged_zxid : atoll(rest), out);
}

/* The tree is not what its log says any more. */
static void cmd_spoil(struct rig *rig, char *rest, struct buffer *out)
{
    struct tree *tree = replica_tree(rig->replica);
    struct node_stat stat;
    (void)out;
    CHECK(tree_lookup(tree, bytes_of(rest)) != NULL);
    tree_stat(tree, tree_lookup(tree, bytes_of(rest)), &stat);
    CHECK(tree_set_data(tree, bytes_of(rest), BYTES("spoiled"), stat.version, stat.mzxid, stat.mtime) == ST_OK);
}

static void cmd_status(struct rig *rig, char *rest, struct buffer *out)
{
    (void)rest;
    rig_print_status(rig, out);
}

#define PLAIN(name, event)                                                  \
    static void cmd_##name(struct rig *rig, char *rest, struct buffer *out) \
    {                                                                       \
        (void)rest;                                                         \
        rig_step(rig, (struct replica_event){.kind = (event)}, out);        \
    }
PLAIN(full, REPLICA_LOG_FULL)
PLAIN(room, REPLICA_LOG_ROOM)
PLAIN(audit_full, REPLICA_AUDIT_FULL)
PLAIN(audit_room, REPLICA_AUDIT_ROOM)
PLAIN(fail, REPLICA_LOG_FAILED)
PLAIN(stop, REPLICA_STOP)

static const struct command_row {
    const char *name;
    void (*run)(struct rig *rig, char *rest, struct buffer *out);
} commands[] = {
    {"begin", cmd_begin},
    {"connect", cmd_connect},
    {"open", cmd_open},
    {"disconnect", cmd_disconnect},
    {"tick", cmd_tick},
    {"hold", cmd_hold},
    {"release", cmd_release},
    {"spoil", cmd_spoil},
    {"status", cmd_status},
    {"full", cmd_full},
    {"room", cmd_room},
    {"late", cmd_late},
    {"fail", cmd_fail},
    {"stop", cmd_stop},
    {"audit-full", cmd_audit_full},
    {"audit-room", cmd_audit_room},
};

void rig_command(struct rig *rig, char *command, struct buffer *out)
{
    char *rest = command;
    const char *word = cut_word(&rest);
    if (strcmp(word, "option") == 0) {
        cmd_option(rig, rest, out);
        return;
    }
    rig_replica(rig);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, word) == 0) {
            commands[i].run(rig, rest, out);
            return;
        }
    }
    struct rig_client *c = rig_client_named(rig, word);
    if (c == NULL) {
        printf("no such client or command: %s\n", word);
        abort();
    }
    request(rig, c, rest, out);
}

void rig_do(struct rig *rig, const char *command)
{
    char *copy = mem_strdup(command);
    struct buffer ignored = {0};
    CHECK(copy != NULL);
    rig_command(rig, copy, &ignored);
    buffer_free(&ignored);
    mem_free(copy);
}
