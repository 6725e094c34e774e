/* state_size.h - how much there is in a directory: counted by walking over it, since a user without privileges has no
 * other way. For a thread: a disk may take its time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { STATE_WHY_MAX = 256 };

struct state_size {
    uint64_t bytes; /* that it takes on the disk; a file with several names counts for each */
    uint64_t files; /* names: of files, directories and anything else */
};

/* Adds what is in the directory and below, without following links or leaving the file system, and stops as soon as
 * there are more than `files_max` names. A directory that is not there is empty. False: part of it cannot be read or
 * goes too deep, and `why` says what; what cannot be counted cannot be bounded. */
bool state_size_add(struct state_size *size, const char *directory, uint64_t files_max, char why[STATE_WHY_MAX]);
