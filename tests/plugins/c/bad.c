/* bad.c - a plugin that misbehaves as its setting "how" says. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zooid_plugin.h>

static const struct zooid_host_api *api;
static zooid_host *self;
static char how[64] = "good";

static void crash(void *context)
{
    (void)context;
    signal(SIGSEGV, SIG_DFL); /* a sanitizer has its own */
    raise(SIGSEGV);
}

static void hang(void *context)
{
    (void)context;
    for (volatile int i = 0;; i++)
        ;
}

static void eat(void *context)
{
    enum { BITE = 4 * 1024 * 1024 };
    char *bite = malloc(BITE);
    (void)context;
    if (bite != NULL)
        memset(bite, 1, BITE);
}

/* Busy, but never for long. */
static void burn(void *context)
{
    uint64_t until = api->now_ms(self) + 20;
    (void)context;
    while (api->now_ms(self) < until)
        ;
}

static void flood(void *context)
{
    (void)context;
    for (int i = 0; i < 200; i++)
        api->log(self, ZOOID_PLUGIN_INFO, "flood");
}

static void talk(void *context)
{
    (void)context;
    api->log(self, ZOOID_PLUGIN_WARNING, "weighs more");
    api->log(self, ZOOID_PLUGIN_DEBUG, "weighs least");
}

static void fill(void *context)
{
    static char block[1024 * 1024];
    static int file = -1;
    (void)context;
    if (file < 0)
        file = open("filled", O_CREAT | O_WRONLY | O_TRUNC, 0600);
    (void)!write(file, block, sizeof block);
}

static void litter(void *context)
{
    static int number;
    char name[32];
    (void)context;
    mkdir("litter", 0700);
    snprintf(name, sizeof name, "litter/%d", number++);
    int file = open(name, O_CREAT | O_WRONLY, 0600);
    (void)!write(file, name, sizeof name);
    close(file);
}

/* No file is large; all of them are. */
static void pile_up(void *context)
{
    static char block[512 * 1024];
    static int number;
    char name[32];
    (void)context;
    snprintf(name, sizeof name, "pile-%d", number++);
    int file = open(name, O_CREAT | O_WRONLY, 0600);
    (void)!write(file, block, sizeof block);
    close(file);
}

/* What it has cannot be counted. */
static void hide(void *context)
{
    (void)context;
    mkdir("hidden", 0300);
}

/* The child leaves its process group, and outlives us if it is let. */
static pid_t have_child(void (*act)(void *context))
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    setsid();
    while (act != NULL)
        act(NULL);
    execlp("sleep", "sleep", "1000", (char *)NULL);
    _exit(1);
}

static void leave_child(void *context)
{
    char line[64];
    snprintf(line, sizeof line, "left %d", (int)have_child(NULL));
    api->log(self, ZOOID_PLUGIN_INFO, line);
    crash(context);
}

static void have_eater(void *context)
{
    (void)context;
    have_child(eat);
}

static void *burn_on(void *context)
{
    while (context == NULL)
        burn(context);
    return NULL;
}

/* By threads, so that it has its share of a machine that is busy, too. */
static void burn_much(void *context)
{
    static int threads = 0;
    pthread_t thread;
    while (threads < 16 && pthread_create(&thread, NULL, burn_on, NULL) == 0)
        threads++;
    burn(context);
}

/* A child of a child, whose parent has gone. */
static void have_burner(void *context)
{
    (void)context;
    pid_t pid = fork();
    if (pid != 0)
        return;
    have_child(burn_much);
    _exit(0);
}

static void have_many(void *context)
{
    (void)context;
    have_child(NULL);
}

static void ended(void *context, const struct zooid_plugin_child_end *end)
{
    (void)context;
    (void)end;
}

/* It hears that it is to end, and does not. */
static void have_stubborn(void *context)
{
    const char *const argv[] = {
        "sh", "-c", "trap 'echo told >>told' TERM; echo $$ >pid.new; mv pid.new pid; while :; do sleep 0.02; done",
        NULL};
    const struct zooid_plugin_child child = {.size = sizeof child,
                                             .argv = argv,
                                             .timeout_ms = UINT32_MAX,
                                             .uid = -1,
                                             .gid = -1,
                                             .stop_signal = SIGTERM,
                                             .stop_ms = 60000};
    (void)context;
    api->child(self, &child, ended, NULL);
}

static void give_up(void *context)
{
    (void)context;
    api->fail(self, "enough");
}

static void get_ready(void *context)
{
    (void)context;
    api->ready(self);
}

static const struct {
    const char *how;
    zooid_plugin_timer_fn *act;
    uint32_t first_ms, every_ms;
    int started;
} rows[] = {
    {"crash at start", crash, 0, 0, ZOOID_PLUGIN_STARTING},
    {"crash later", crash, 50, 0, ZOOID_PLUGIN_READY},
    {"hang", hang, 1, 0, ZOOID_PLUGIN_READY},
    {"eat", eat, 1, 5, ZOOID_PLUGIN_READY},
    {"burn", burn, 1, 1, ZOOID_PLUGIN_READY},
    {"flood", flood, 1, 5, ZOOID_PLUGIN_READY},
    {"talk", talk, 1, 0, ZOOID_PLUGIN_READY},
    {"fill", fill, 1, 1, ZOOID_PLUGIN_READY},
    {"litter", litter, 1, 1, ZOOID_PLUGIN_READY},
    {"pile up", pile_up, 1, 1, ZOOID_PLUGIN_READY},
    {"hide", hide, 1, 0, ZOOID_PLUGIN_READY},
    {"a child eats", have_eater, 1, 0, ZOOID_PLUGIN_READY},
    {"a child burns", have_burner, 1, 0, ZOOID_PLUGIN_READY},
    {"many children", have_many, 1, 1, ZOOID_PLUGIN_READY},
    {"stubborn child", have_stubborn, 1, 0, ZOOID_PLUGIN_READY},
    {"leave a child", leave_child, 1, 0, ZOOID_PLUGIN_READY},
    {"give up", give_up, 1, 0, ZOOID_PLUGIN_READY},
    {"late", get_ready, 300, 0, ZOOID_PLUGIN_STARTING},
    {"never ready", get_ready, 1000000, 0, ZOOID_PLUGIN_STARTING},
    {"hang at stop", NULL, 0, 0, ZOOID_PLUGIN_READY},
    {"refuse", NULL, 0, 0, ZOOID_PLUGIN_REFUSED},
    {"good", NULL, 0, 0, ZOOID_PLUGIN_READY},
};

static void held(void *context, enum zooid_plugin_hold event, uint64_t number, const char *message)
{
    static const char *const names[] = {"held", "lost", "failed"};
    (void)context;
    (void)number;
    (void)message;
    api->log(self, ZOOID_PLUGIN_INFO, names[event]);
}

static void lock_held(void *context, enum zooid_plugin_hold event, uint64_t number, const char *message)
{
    char line[128];
    (void)context;
    (void)message;
    snprintf(line, sizeof line, "lock %s by %d, token %llu", event == ZOOID_PLUGIN_HELD ? "held" : "lost",
             (int)getpid(), (unsigned long long)number);
    api->log(self, ZOOID_PLUGIN_INFO, line);
}

static void session(void *context, enum zooid_plugin_session state)
{
    (void)context;
    if (state == ZOOID_PLUGIN_SESSION_GOOD)
        api->log(self, ZOOID_PLUGIN_INFO, "session");
}

static int start(const struct zooid_host_api *table, zooid_host *host, void **state)
{
    char line[128], path[128];
    *state = NULL;
    api = table;
    self = host;
    const char *at = strstr(api->settings(host), "\"how\":\"");
    if (at != NULL)
        sscanf(at, "\"how\":\"%63[^\"]", how);
    snprintf(line, sizeof line, "started: %s, pid %d", how, (int)getpid());
    api->log(host, ZOOID_PLUGIN_INFO, line);
    api->status(host, how);
    if (api->state_dir(host) != NULL && chdir(api->state_dir(host)) != 0)
        return ZOOID_PLUGIN_REFUSED;
    if (strstr(api->settings(host), "\"holds\"") != NULL) {
        snprintf(path, sizeof path, "%s/held-%s",
                 strstr(api->settings(host), "\"nowhere\"") == NULL ? "" : "/zookeeper/config", api->instance(host));
        api->session(host, session, NULL);
        api->ephemeral(host, path, "", 0, held, NULL);
    }
    if (strstr(api->settings(host), "\"locks\"") != NULL)
        api->lock(host, "/locked", api->instance(host), lock_held, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].how, how) != 0)
            continue;
        if (rows[i].act != NULL)
            api->timer(host, rows[i].first_ms, rows[i].every_ms, rows[i].act, NULL);
        if (strcmp(how, "crash at start") == 0)
            crash(NULL);
        return rows[i].started;
    }
    return ZOOID_PLUGIN_REFUSED;
}

static void stop(void *state)
{
    char line[64];
    snprintf(line, sizeof line, "stopped, pid %d", (int)getpid());
    api->log(self, ZOOID_PLUGIN_INFO, line);
    if (strcmp(how, "hang at stop") == 0)
        hang(state);
}

ZOOID_PLUGIN_EXPORT const struct zooid_plugin zooid_plugin = {
    .abi = ZOOID_PLUGIN_ABI,
    .size = sizeof(struct zooid_plugin),
    .api_size = sizeof(struct zooid_host_api),
    .name = "bad",
    .version = "1.0",
    .start = start,
    .stop = stop,
};
