/* servers.c - lists of servers on the command line, and sums over their processes. */
#include "tests/bench/lib/servers.h"

#include <stdlib.h>
#include <string.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/session.h"

enum { WORD_SIZE = 64 };

/* Takes the next word of a list with commas off it; NULL at its end. */
static const char *next_word(const char **list, char word[WORD_SIZE])
{
    if (*list == NULL)
        return NULL;
    size_t size = strcspn(*list, ",");
    if (size >= WORD_SIZE)
        die("too long: %s", *list);
    memcpy(word, *list, size);
    word[size] = '\0';
    *list = (*list)[size] == ',' ? *list + size + 1 : NULL;
    return word;
}

static int pid_parse(const char *text)
{
    char *end = NULL;
    unsigned long pid = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || pid == 0 || pid > INT32_MAX)
        die("not the number of a process: %s", text);
    return (int)pid;
}

struct servers servers_parse(const char *endpoints, const char *pids)
{
    struct servers servers = {0};
    char word[WORD_SIZE];
    while (next_word(&endpoints, word) != NULL) {
        if (servers.count == SERVERS_MAX)
            die("more than %d servers", SERVERS_MAX);
        servers.endpoints[servers.count++] = endpoint_parse(word);
    }
    while (next_word(&pids, word) != NULL) {
        if (servers.process_count == SERVERS_MAX)
            die("more than %d processes", SERVERS_MAX);
        servers.pids[servers.process_count++] = pid_parse(word);
    }
    return servers;
}

const struct sockaddr_in *servers_endpoint(const struct servers *servers, uint32_t connection)
{
    return &servers->endpoints[connection % servers->count];
}

uint64_t servers_cpu_ns(const struct servers *servers)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < servers->process_count; i++)
        sum += clock_cpu_ns(servers->pids[i]);
    return sum;
}

struct process_memory servers_memory(const struct servers *servers)
{
    struct process_memory sum = {0};
    for (uint32_t i = 0; i < servers->process_count; i++) {
        struct process_memory one = process_memory_read(servers->pids[i]);
        sum.rss_kb += one.rss_kb;
        sum.anon_kb += one.anon_kb;
        sum.file_kb += one.file_kb;
    }
    return sum;
}
