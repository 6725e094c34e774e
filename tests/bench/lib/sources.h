/* sources.h - the requests of each scenario: gets, sets, creates and so on over known nodes. */
#pragma once
#include <stdint.h>

#include "tests/bench/lib/loop.h"

enum source_kind {
    SOURCE_GET,
    SOURCE_EXISTS,
    SOURCE_GETSET, /* gets with some sets among them */
    SOURCE_SET,
    SOURCE_MULTI, /* each multi is some sets */
    SOURCE_CREATE,
    SOURCE_DELETE, /* of what SOURCE_CREATE made, newest first */
    SOURCE_ECHO,   /* a frame of a given size, for a server that is none of ZooKeeper's */
    SOURCE_PREPARE,
    SOURCE_KIND_COUNT
};

struct source_sizes {
    uint32_t keys;         /* nodes that get, exists, set and multi choose from, evenly and at random */
    uint32_t data_size;    /* bytes of data of a key, a set and a create; of a whole echo request */
    uint32_t set_percent;  /* of SOURCE_GETSET */
    uint32_t multi_ops;    /* sets in a multi */
    uint64_t requests_max; /* 0: no limit; else no connection sends more than its even share */
    uint32_t connections;  /* that will ask */
    uint32_t name_first;   /* created nodes lie in one directory for each connection; number of the first one */
};

struct sources;

/* All requests of one run, built from the sizes; freed with sources_free. Dies without memory. */
struct sources *sources_new(const struct source_sizes *sizes);
void sources_free(struct sources *sources);

/* The kind that a word on the command line names. Dies on a word it does not know. */
enum source_kind source_kind_parse(const char *word);

/* The source of one kind over `sources`. Creates and deletes share their count of nodes. SOURCE_PREPARE makes every key
 * hold data of the right size (create, which may fail, then set). */
struct request_source source_of(struct sources *sources, enum source_kind kind);

/* Creates what is above keys and created nodes. Dies when it cannot. */
void sources_make_directories(const struct sources *sources, const struct sockaddr_in *endpoint);
