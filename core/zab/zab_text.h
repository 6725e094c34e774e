/* zab_text.h - every event and every effect as one line of text, for cases, for the simulator and for logs.
 *
 *     notified 2 LOOKING leader=3 zxid=0x1_1f epoch=1 round=4
 *     packet L7 PROPOSAL 0x2_01 "create /a"
 *     send L7 ACK 0x2_00
 *     store-current #3 epoch=2
 *
 * Zxids are written as epoch and counter; links with an L, tickets with a #. Pure; thread-safe. */
#pragma once

#include "core/zab/zab.h"

/* Each appends the line, without an end. Errors as buffer_append, with part of it appended. */
enum status zab_print_event(const struct zab_event *event, struct buffer *line);
enum status zab_print_effect(const struct zab_output *out, const struct zab_effect *effect, struct buffer *line);

/* "PROPOSAL 0x2_01 "create /a"": the type by name or number, and of the data what the type says. */
enum status zab_print_packet(const struct packet *packet, struct buffer *line);

/* "0x2_01"; below 0 the plain number, or "none" for the smallest one. */
enum status zab_print_zxid(int64_t zxid, struct buffer *line);

/* "=failure-detection:500,handover", or "=nothing". */
enum status zab_print_capabilities(const struct capabilities *can, struct buffer *line);

const char *zab_role_name(enum zab_role role);    /* "looking", ... */
const char *zab_phase_name(enum zab_phase phase); /* "loading", ... */
const char *zab_event_name(enum zab_event_kind kind);
const char *zab_effect_name(enum zab_effect_kind kind);
