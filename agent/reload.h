/* reload.h - the settings read again at SIGHUP: what can change at run time is taken over, the rest is named. */
#pragma once

#include "agent/base/turns.h"
#include "agent/doors.h"
#include "agent/log_output.h"
#include "agent/peers/ensemble.h"
#include "core/replica/replica.h"

struct audit_log;

struct reload {
    struct settings *settings; /* in effect; changed in place */
    const char *file;
    const char *const *defines;
    size_t define_count;
    struct log_output *output; /* opened anew, and its level set */
    struct audit_log *audit;   /* opened anew; NULL: there is none */
    const struct hash_key *hash_key;
    const uint8_t *password_key; /* 32 bytes */
    struct replica *replica;
    struct turns *turns;
    struct doors *doors;
    struct ensemble *ensemble; /* NULL: the agent runs alone */
};

/* Signals that ask for a reload wait from here on, before anything is read that could change, until they are released,
 * when they are heard: unheard they would end the process. */
void reload_signals_hold(void);
void reload_signals_release(void);

/* A file with an error in it changes nothing. What is found is logged. */
void reload_settings(const struct reload *r);

/* Every message of the report, at the level that its severity asks for. */
void reload_log_report(const struct log_sink *log, const struct settings_report *report);
