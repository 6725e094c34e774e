/* promote.c - zooid-agent --promote: a small number for an observer that is to vote, free in the ensemble as it is now,
 * and the words by which the ensemble is told. The agent need not stand still meanwhile: the number counts from its
 * next start on.
 *
 * From then on it follows without a vote (quorum-protocol 5.6) instead of observing: observers cannot acknowledge, so
 * that a change of the members for which they are needed would be refused, as the second voter is beside a first. */
#include "agent/disk/disk_posix.h"
#include "agent/join/join_id.h"
#include "agent/join/join_internal.h"
#include "agent/settings/config_files.h"

#include <inttypes.h>

struct promotion {
    const struct join_command *command;
    struct settings *settings;
    struct data_dir dir;
    struct join_known known;
    int64_t id;
    struct buffer message;
};

/* -- whom to ask ----------------------------------------------------------------------------------------------------
 */

static bool is_everywhere(struct bytes host)
{
    return host.len == 0 || bytes_equal(host, BYTES("0.0.0.0")) || bytes_equal(host, BYTES("::"));
}

struct seeds {
    struct join_seed items[JOIN_SEEDS_MAX];
    size_t count;
};

/* `host` is where it listens, `known_as` what it is called otherwise. */
static void add_seed(struct seeds *seeds, struct bytes host, struct bytes known_as, int32_t port, bool tls)
{
    if (port > 0 && seeds->count < JOIN_SEEDS_MAX)
        seeds->items[seeds->count++] = (struct join_seed){is_everywhere(host) ? known_as : host, (uint16_t)port, tls};
}

static void add_by_clear_text(struct seeds *seeds, const struct settings *s)
{
    add_seed(seeds, bytes_of(s->client_port_address), BYTES("127.0.0.1"), s->client_port, false);
    for (size_t i = 0; i < s->members->count; i++) {
        const struct member *m = s->members->items[i];
        if (!bytes_is_null(m->client.host))
            add_seed(seeds, m->client.host, m->addresses[0].host, m->client.port, false);
    }
}

/* The configuration has no ports for TLS: they are looked for where this agent has its own, on hosts by the names that
 * their certificates should have. */
static void add_by_tls(struct seeds *seeds, const struct settings *s)
{
    const struct member *own = settings_own_member(s);
    if (own != NULL)
        add_seed(seeds, bytes_of(s->secure_client_port_address), own->addresses[0].host, s->secure_client_port, true);
    for (size_t i = 0; i < s->members->count; i++) {
        const struct member *m = s->members->items[i];
        if (m != own && bytes_is_null(m->client.host))
            add_seed(seeds, BYTES_NULL, m->addresses[0].host, s->secure_client_port, true);
    }
}

/* Those that --join names, then this agent, if it runs, and the members. Where nobody could be believed TLS is left
 * alone, unless there is nothing else. */
static int collect_seeds(const struct promotion *p, struct seeds *seeds)
{
    const struct settings *s = p->settings;
    int code = p->command->seeds == NULL ? 0 : join_take_seeds(p->command->seeds, seeds->items, &seeds->count);
    if (code != 0)
        return code;
    add_by_clear_text(seeds, s);
    if (seeds->count == 0 || s->tls_trust_store[0] != '\0')
        add_by_tls(seeds, s);
    return 0;
}

static int ask(struct promotion *p)
{
    struct seeds seeds = {.count = 0};
    int code = collect_seeds(p, &seeds);
    if (code == 0 && seeds.count == 0) {
        join_say("no client port is known, of this agent or of another member, where it could be asked who the members "
                 "are: name one with --join");
        return JOIN_UNAVAILABLE;
    }
    return code == 0 ? join_ask(p->settings, seeds.items, seeds.count, &p->known) : code;
}

/* -- the number -----------------------------------------------------------------------------------------------------
 */

static int choose(struct promotion *p)
{
    const struct members *m = p->known.members;
    const struct member *own = members_find(m, p->settings->server_id);
    if (own != NULL && own->role == MEMBER_PARTICIPANT) {
        join_say("server %" PRId64 " votes already", own->sid);
        return JOIN_CONFIG;
    }
    if (p->command->id == 0)
        p->id = p->settings->server_id <= JOIN_SMALL_ID_MAX ? p->settings->server_id : join_small_id(m);
    else
        p->id = p->command->id;
    if (p->id < 0 || p->id > JOIN_SMALL_ID_MAX || (p->id == 0 && p->command->id == 0)) {
        join_say("no number up to %d is free", JOIN_SMALL_ID_MAX);
        return JOIN_CONFIG;
    }
    if (p->id != p->settings->server_id && members_find(m, p->id) != NULL) {
        join_say("server %" PRId64 " is a member already: take another number", p->id);
        return JOIN_CONFIG;
    }
    return 0;
}

static int write_id(struct promotion *p)
{
    enum status st = p->id == p->settings->server_id
                         ? ST_OK
                         : data_dir_paths(&p->dir, p->settings->data_dir, p->settings->data_log_dir);
    if (st == ST_OK && p->id != p->settings->server_id)
        st = join_write_id(&p->dir, p->id, &p->message);
    if (st == ST_OK)
        return 0;
    join_say("%s", p->message.len > 0 ? (const char *)p->message.data : status_text(st));
    return JOIN_CANNOT_WRITE;
}

static int write_role(struct promotion *p)
{
    struct config_files *files = NULL;
    enum status st = config_files_new(&files, p->command->file, p->id, NULL, &p->message);
    disk_posix_error_clear();
    if (st == ST_OK)
        st = config_files_forget_role(files, disk_posix());
    config_files_free(files);
    if (st == ST_OK)
        return 0;
    join_say("%s: %s", p->command->file, p->message.len > 0 ? (const char *)p->message.data : status_text(st));
    return JOIN_CANNOT_WRITE;
}

/* -- what is to be done ----------------------------------------------------------------------------------------------
 */

static enum status print_line(const struct promotion *p, struct buffer *line)
{
    const struct settings *s = p->settings;
    const char *host = s->client_port_address[0] == '\0' ? "0.0.0.0" : s->client_port_address;
    enum status st = buffer_printf(line, "server.%" PRId64 "=", p->id);
    if (st == ST_OK)
        st = member_print_addresses(settings_own_member(s), line);
    if (st == ST_OK)
        st = buffer_printf(line, ":participant");
    if (st == ST_OK && s->client_port >= 0)
        st = buffer_printf(line, strchr(host, ':') != NULL ? ";[%s]:%d" : ";%s:%d", host, (int)s->client_port);
    return st;
}

static int advise(const struct promotion *p)
{
    struct buffer line = {0};
    int64_t former = p->settings->server_id;
    bool leaves = former != p->id && members_find(p->known.members, former) != NULL;
    if (print_line(p, &line) != ST_OK) {
        join_say("out of memory");
        return JOIN_CANNOT_WRITE;
    }
    if (former != p->id)
        printf("It is server %" PRId64 " from its next start on: start it again. When it is in step (/ready),\n",
               p->id);
    if (p->known.members->version == 0) {
        printf(
            "put this line into the configuration of every server, this one too, and start them again, one by one:\n\n"
            "    %s\n",
            (const char *)line.data);
    } else {
        printf("tell the ensemble, as a user who may write /zookeeper/config; with zkCli.sh:\n\n    reconfig ");
        if (leaves)
            printf("-remove %" PRId64 " ", former);
        printf("-add %s\n", (const char *)line.data);
    }
    buffer_free(&line);
    return 0;
}

static int promote(struct promotion *p)
{
    int code = ask(p);
    if (code == 0)
        code = choose(p);
    if (code == 0)
        code = write_id(p);
    if (code == 0)
        code = write_role(p);
    return code == 0 ? advise(p) : code;
}

int promote_server(const struct join_command *command)
{
    struct promotion p = {.command = command, .dir = {.lock = -1, .log_lock = -1}};
    bool is_fresh;
    if (join_load(command, &p.settings, &is_fresh) != ST_OK)
        return JOIN_CONFIG;
    int code = JOIN_CONFIG;
    if (!p.settings->is_ensemble)
        join_say("%s is not that of a member: --join comes first", command->file);
    else
        code = promote(&p);
    settings_free(p.settings);
    join_known_free(&p.known);
    data_dir_close(&p.dir);
    buffer_free(&p.message);
    return code;
}
