/* child.c - a command under a lock: in a process group of its own, so that what it has started ends with it, with the
 * terminal if there is one, and killed by the clock, whatever has not been heard from the agent. */
#include "agent/cli/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_FOUND = 127, NOT_RUNNABLE = 126 };

static const int handed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH};

uint64_t boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* -- waiting
 * -----------------------------------------------------------------------------------------------------------
 */

static void watched_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < sizeof handed_on / sizeof handed_on[0]; i++)
        sigaddset(set, handed_on[i]);
}

bool vigil_begin(struct vigil *v, zooid_client *client)
{
    sigset_t set;
    watched_signals(&set);
    v->client = client;
    sigemptyset(&v->before);
    v->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    v->signals = sigprocmask(SIG_BLOCK, &set, &v->before) == 0 ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
    if (v->timer >= 0 && v->signals >= 0)
        return true;
    fprintf(stderr, "zooid: %s\n", strerror(errno));
    vigil_end(v);
    return false;
}

void vigil_end(struct vigil *v)
{
    if (v->timer >= 0)
        (void)close(v->timer);
    if (v->signals >= 0)
        (void)close(v->signals);
    v->timer = v->signals = -1;
    (void)sigprocmask(SIG_SETMASK, &v->before, NULL);
}

static void set_timer(const struct vigil *v, uint64_t until_ms)
{
    struct itimerspec when = {{0, 0}, {(time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000}};
    (void)timerfd_settime(v->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

struct vigil_news vigil_wait(struct vigil *v, uint64_t until_ms)
{
    struct pollfd fds[] = {{.fd = zooid_descriptor(v->client), .events = POLLIN},
                           {.fd = v->signals, .events = POLLIN},
                           {.fd = v->timer, .events = POLLIN}};
    struct vigil_news news = {0};
    struct signalfd_siginfo info;
    set_timer(v, until_ms);
    for (;;) {
        news.is_time = until_ms != 0 && boot_ms() >= until_ms;
        if (read(v->signals, &info, sizeof info) == (ssize_t)sizeof info)
            news.signal = (int)info.ssi_signo;
        else
            news.event = zooid_next_event(v->client, 0);
        if (news.is_time || news.signal != 0 || news.event != NULL)
            return news;
        (void)poll(fds, sizeof fds / sizeof fds[0], -1);
    }
}

bool ends_programs(int signal)
{
    return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

/* -- the child
 * ---------------------------------------------------------------------------------------------------------
 */

static bool has_terminal(void)
{
    return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* A terminal that is handed from group to group stops whoever is not in front; here nobody is to be stopped. */
static void give_terminal(pid_t group)
{
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTTOU);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    (void)tcsetpgrp(STDIN_FILENO, group);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* In the child. When this command is killed, the lock is gone, and so is the child. */
static void become(const char *const *command, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
        sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        _exit(NOT_RUNNABLE);
    (void)execvp(command[0], (char *const *)command);
    _exit(errno == ENOENT ? NOT_FOUND : NOT_RUNNABLE);
}

static pid_t start(const zooid_lock *lock, const char *const *command)
{
    char token[24];
    pid_t parent = getpid();
    (void)snprintf(token, sizeof token, "%llu", (unsigned long long)zooid_lock_token(lock));
    if (setenv("ZOOID_TOKEN", token, 1) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0)
        become(command, parent);
    if (child > 0)
        (void)setpgid(child, child); /* whoever is first */
    return child;
}

static bool has_become(pid_t child, int state)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)child, &info, state | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

/* Its exit code. What it has left behind is without the lock, and goes too: before its number can be another's. */
static int bury(pid_t child)
{
    int status = 0;
    (void)kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : SHELL_SIGNAL + WTERMSIG(status);
}

/* Somebody at the terminal has stopped it: this command stops too, so that the shell sees it, until it is continued. */
static void stop_too(pid_t child, bool terminal)
{
    siginfo_t info;
    (void)waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOHANG);
    if (!terminal)
        return;
    give_terminal(getpgrp());
    (void)raise(SIGSTOP);
    if (has_terminal())
        give_terminal(child);
}

/* One look at the clock: the moment at which to look again. */
static uint64_t look_at_clock(const zooid_lock *lock, pid_t group, uint32_t warn_ms, bool *warned, bool *lost)
{
    uint64_t until = zooid_lock_good_until_ms(lock), now = boot_ms();
    if (until == 0 || until <= now) {
        (void)kill(-group, SIGKILL);
        *lost = true;
        return 0;
    }
    if (until > now + warn_ms)
        return until - warn_ms;
    if (!*warned)
        (void)kill(-group, SIGTERM);
    *warned = true;
    return until;
}

struct child_end child_run(struct vigil *v, const zooid_lock *lock, const char *const *command, uint32_t warn_ms)
{
    bool terminal = has_terminal(), warned = false;
    struct child_end end = {0};
    pid_t child = start(lock, command);
    if (child < 0) {
        fprintf(stderr, "zooid: %s: %s\n", command[0], strerror(errno));
        end.code = NOT_RUNNABLE;
        return end;
    }
    end.started = true;
    if (terminal)
        give_terminal(child);
    while (!has_become(child, WEXITED)) {
        if (has_become(child, WSTOPPED))
            stop_too(child, terminal);
        uint64_t again = end.lost ? 0 : look_at_clock(lock, child, warn_ms, &warned, &end.lost);
        struct vigil_news news = vigil_wait(v, again);
        if (news.signal != 0 && news.signal != SIGCHLD)
            (void)kill(-child, news.signal);
        zooid_event_free(news.event); /* the clock is looked at anyway: a loss is seen there */
    }
    end.code = bury(child);
    if (terminal)
        give_terminal(getpgrp());
    if (end.code == NOT_FOUND || end.code == NOT_RUNNABLE)
        fprintf(stderr, "zooid: %s cannot be run\n", command[0]);
    return end;
}
