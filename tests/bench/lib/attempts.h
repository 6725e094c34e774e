/* attempts.h - asks servers one thing again and again until one of them grants it.
 *
 * An attempt is a connection, a session and one question, sent in one segment. A refused or dropped attempt is repeated
 * after a short pause. A server may take a connection and leave it without an answer while it loads or has no leader,
 * so a further attempt is begun every few milliseconds beside those that wait; the first that is answered ends it. The
 * servers are asked in turn. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/lib/servers.h"
#include "tests/bench/lib/wire.h"

enum { ATTEMPT_PATH_MAX = 512 };

/* What is asked: get the node, set it, or create one of that name with the attempt's number behind it. */
struct attempts_plan {
    const struct servers *servers;
    enum wire_op op; /* WIRE_GET_DATA, WIRE_SET_DATA or WIRE_CREATE */
    const char *path;
};

struct attempts;

/* The plan must outlive it. */
struct attempts *attempts_new(const struct attempts_plan *plan);

/* Begins an attempt when one is due, and waits a moment for an answer; whether one has been granted. Dies when the
 * question is answered with an error. */
bool attempts_step(struct attempts *attempts);

/* Closes whatever still waits. */
void attempts_free(struct attempts *attempts);
