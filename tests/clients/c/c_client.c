/* c_client.c - shows that Apache's C client works with a server: c_client HOST:PORT
 *
 * One line on standard output for each thing shown. The line `restart` asks whoever started us to kill the server and
 * start it again, and is answered with a line on standard input. Exit code 1 at the first thing that is not so. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

#define DEADLINE_S 30
#define EVENTS_MAX 16

/* What the client's own thread tells ours. */
struct news {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int state;
    int state_changes;
    char events[EVENTS_MAX][64]; /* "type path" of each watch event */
    int event_count;
};

static struct news news = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
static const char *hosts;

#define DEMAND(what)                                                  \
    do {                                                              \
        if (!(what)) {                                                \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            exit(1);                                                  \
        }                                                             \
    } while (0)

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    (void)handle;
    (void)context;
    pthread_mutex_lock(&news.lock);
    if (type == ZOO_SESSION_EVENT) {
        news.state = state;
        news.state_changes++;
    } else if (news.event_count < EVENTS_MAX) {
        snprintf(news.events[news.event_count++], sizeof news.events[0], "%d %s", type, path);
    }
    pthread_cond_broadcast(&news.changed);
    pthread_mutex_unlock(&news.lock);
}

static void wait_for_news(bool (*reached)(const void *), const void *wanted)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&news.lock);
    int waited = 0;
    while (!reached(wanted) && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&news.changed, &news.lock, &until);
    bool is_so = reached(wanted);
    pthread_mutex_unlock(&news.lock);
    DEMAND(is_so);
}

static bool is_connected(const void *unused)
{
    (void)unused;
    return news.state == ZOO_CONNECTED_STATE;
}

static bool was_reconnected(const void *changes_before)
{
    return news.state == ZOO_CONNECTED_STATE && news.state_changes >= *(const int *)changes_before + 2;
}

static bool has_event(const void *wanted)
{
    for (int i = 0; i < news.event_count; i++)
        if (strcmp(news.events[i], wanted) == 0)
            return true;
    return false;
}

static zhandle_t *open_session(void)
{
    news.state = 0;
    zhandle_t *handle = zookeeper_init(hosts, on_event, 30000, NULL, NULL, 0);
    DEMAND(handle != NULL);
    wait_for_news(is_connected, NULL);
    return handle;
}

static void shows_create_get_set_delete(zhandle_t *zh)
{
    char path[64], data[64];
    int length = sizeof data;
    struct Stat stat;

    DEMAND(zoo_create(zh, "/c", "one", 3, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZOK);
    DEMAND(zoo_create(zh, "/c", "one", 3, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZNODEEXISTS);
    DEMAND(zoo_create(zh, "/c/s-", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, path, sizeof path) == ZOK);
    DEMAND(strcmp(path, "/c/s-0000000000") == 0);
    DEMAND(zoo_create2(zh, "/c/2", "x", 1, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path, &stat) == ZOK);
    DEMAND(stat.dataLength == 1 && stat.czxid == stat.mzxid);
    DEMAND(zoo_get(zh, "/c", 0, data, &length, &stat) == ZOK);
    DEMAND(length == 3 && memcmp(data, "one", 3) == 0 && stat.version == 0 && stat.numChildren == 2);
    DEMAND(zoo_set2(zh, "/c", "two!", 4, 0, &stat) == ZOK && stat.version == 1);
    DEMAND(zoo_set(zh, "/c", "x", 1, 0) == ZBADVERSION);
    DEMAND(zoo_delete(zh, "/c", -1) == ZNOTEMPTY);
    DEMAND(zoo_delete(zh, "/c/2", -1) == ZOK && zoo_exists(zh, "/c/2", 0, &stat) == ZNONODE);

    struct String_vector names;
    DEMAND(zoo_get_children2(zh, "/c", 0, &names, &stat) == ZOK && names.count == 1 && stat.cversion == 3);
    deallocate_String_vector(&names);
    puts("create, get, set, delete, children");
}

static void shows_ttl_and_container(zhandle_t *zh)
{
    char path[64];
    DEMAND(zoo_create_ttl(zh, "/c-ttl", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 3600000, path,
                          sizeof path) == ZOK);
    DEMAND(zoo_create(zh, "/c-container", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_CONTAINER, path, sizeof path) == ZOK);
    puts("TTL node and container");
}

static void shows_multi(zhandle_t *zh)
{
    char path[64];
    struct Stat stat;
    zoo_op_t ops[4];
    zoo_op_result_t results[4];

    zoo_create_op_init(&ops[0], "/c/m", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
    zoo_set_op_init(&ops[1], "/c/m", "v", 1, 0, &stat);
    zoo_check_op_init(&ops[2], "/c/m", 1);
    zoo_delete_op_init(&ops[3], "/c/m", 1);
    DEMAND(zoo_multi(zh, 4, ops, results) == ZOK && strcmp(path, "/c/m") == 0 && stat.version == 1);

    zoo_create_op_init(&ops[0], "/c/never", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
    zoo_check_op_init(&ops[1], "/c", 99);
    zoo_delete_op_init(&ops[2], "/c", -1);
    DEMAND(zoo_multi(zh, 3, ops, results) == ZBADVERSION);
    DEMAND(results[0].err == ZOK && results[1].err == ZBADVERSION && results[2].err == ZRUNTIMEINCONSISTENCY);
    DEMAND(zoo_exists(zh, "/c/never", 0, &stat) == ZNONODE);
    puts("multi, whole or not at all");
}

static void shows_watches(zhandle_t *zh)
{
    char path[64], data[64];
    int length = sizeof data;
    struct Stat stat;
    struct String_vector names;

    DEMAND(zoo_exists(zh, "/c-w", 1, &stat) == ZNONODE);
    DEMAND(zoo_create(zh, "/c-w", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZOK);
    wait_for_news(has_event, "1 /c-w");
    DEMAND(zoo_get(zh, "/c-w", 1, data, &length, &stat) == ZOK && zoo_get_children(zh, "/c-w", 1, &names) == ZOK);
    deallocate_String_vector(&names);
    DEMAND(zoo_set(zh, "/c-w", "1", 1, -1) == ZOK);
    wait_for_news(has_event, "3 /c-w");
    DEMAND(zoo_create(zh, "/c-w/k", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZOK);
    wait_for_news(has_event, "4 /c-w");
    DEMAND(zoo_exists(zh, "/c-w/k", 1, &stat) == ZOK && zoo_delete(zh, "/c-w/k", -1) == ZOK);
    wait_for_news(has_event, "2 /c-w/k");
    puts("watches: created, changed, child, deleted");
}

static void note_result(int code, const void *result)
{
    pthread_mutex_lock(&news.lock);
    *(int *)(uintptr_t)result = code;
    pthread_cond_broadcast(&news.changed);
    pthread_mutex_unlock(&news.lock);
}

static bool is_answered(const void *result)
{
    return *(const int *)result != 1;
}

static void log_in(zhandle_t *zh, const char *credentials)
{
    int result = 1;
    DEMAND(zoo_add_auth(zh, "digest", credentials, (int)strlen(credentials), note_result, &result) == ZOK);
    wait_for_news(is_answered, &result);
    DEMAND(result == ZOK);
}

static void shows_acls(zhandle_t *zh)
{
    char path[64], data[8];
    int length = sizeof data;
    struct Stat stat;
    struct ACL_vector acl;

    log_in(zh, "ann:secret");
    DEMAND(zoo_create(zh, "/c-acl", "x", 1, &ZOO_CREATOR_ALL_ACL, 0, path, sizeof path) == ZOK);
    zhandle_t *other = open_session();
    DEMAND(zoo_get(other, "/c-acl", 0, data, &length, &stat) == ZNOAUTH);
    log_in(other, "ann:secret");
    DEMAND(zoo_get(other, "/c-acl", 0, data, &length, &stat) == ZOK);
    DEMAND(zoo_get_acl(other, "/c-acl", &acl, &stat) == ZOK && acl.count == 1);
    DEMAND(strcmp(acl.data[0].id.scheme, "digest") == 0 && acl.data[0].perms == ZOO_PERM_ALL);
    deallocate_ACL_vector(&acl);
    DEMAND(zoo_set_acl(other, "/c-acl", -1, &ZOO_READ_ACL_UNSAFE) == ZOK);
    DEMAND(zoo_set(other, "/c-acl", "y", 1, -1) == ZNOAUTH);
    DEMAND(zookeeper_close(other) == ZOK);
    puts("ACLs and digest logins");
}

static void shows_session_end(zhandle_t *zh)
{
    char path[64];
    struct Stat stat;
    zhandle_t *other = open_session();

    DEMAND(zoo_create(other, "/c-eph", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, path, sizeof path) == ZOK);
    DEMAND(zoo_exists(zh, "/c-eph", 0, &stat) == ZOK && stat.ephemeralOwner == zoo_client_id(other)->client_id);
    DEMAND(zookeeper_close(other) == ZOK);
    DEMAND(zoo_exists(zh, "/c-eph", 0, &stat) == ZNONODE);
    puts("close takes the ephemerals along");
}

static void shows_reconnect(zhandle_t *zh)
{
    char path[64], line[32];
    struct Stat stat;
    int64_t session = zoo_client_id(zh)->client_id;

    DEMAND(zoo_create(zh, "/c-kept", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, path, sizeof path) == ZOK);
    DEMAND(zoo_exists(zh, "/c-later", 1, &stat) == ZNONODE);
    int changes_before = news.state_changes;
    puts("restart");
    fflush(stdout);
    DEMAND(fgets(line, sizeof line, stdin) != NULL);
    wait_for_news(was_reconnected, &changes_before);
    DEMAND(zoo_client_id(zh)->client_id == session);
    DEMAND(zoo_exists(zh, "/c-kept", 0, &stat) == ZOK && stat.ephemeralOwner == session);
    DEMAND(zoo_create(zh, "/c-later", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZOK);
    wait_for_news(has_event, "1 /c-later");
    puts("same session, ephemeral and watch after a restart of the server");
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    hosts = argv[1];
    setvbuf(stdout, NULL, _IOLBF, 0);
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    zhandle_t *zh = open_session();
    shows_create_get_set_delete(zh);
    shows_ttl_and_container(zh);
    shows_multi(zh);
    shows_watches(zh);
    shows_session_end(zh);
    shows_reconnect(zh);
    shows_acls(zh);
    DEMAND(zookeeper_close(zh) == ZOK);
    return 0;
}
