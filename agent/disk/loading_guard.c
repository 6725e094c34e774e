/* loading_guard.c - the last words of a start that a damaged checkpoint brings down. */
#include "agent/disk/loading.h"

#include "core/base/check.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE};
static struct sigaction before[ARRAY_LEN(signals)];
static char last_words[1024]; /* made beforehand: a signal handler cannot format */
static size_t last_words_len;

static void on_crash(int number)
{
    (void)number;
    ssize_t ignored = write(STDERR_FILENO, last_words, last_words_len);
    (void)ignored;
    _exit(1);
}

void loading_guard(const char *file)
{
    int len = snprintf(
        last_words, sizeof last_words,
        "zooid-agent: %s: damaged: reading it crashed; start again, the tree is then built from snapshot "
        "and log\n",
        file);
    last_words_len = len < 0 ? 0 : (size_t)len < sizeof last_words ? (size_t)len : sizeof last_words - 1;
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        (void)sigaction(signals[i], &action, &before[i]);
}

void loading_guard_end(void)
{
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        (void)sigaction(signals[i], &before[i], NULL);
}
