/* zab_rig.h - one member of an ensemble, told its events by lines of text, for cases and tests of core/zab.
 *
 *     config A voters=1,2,3 observers=4 groups=1,2/3 weights=3:0 version=0x1_00 moved=3
 *     new 1 A pending=B observer reconfig tick=100 init=10 sync=5 count=500 can=failure-detection:500,handover
 *         masters snapshots=10 diffs=100 reconnect=0 delay=0 retry=0 observer-bytes=0 seed=1 counter=9 margin=2 (on the
 * same line) load 0x1_05 accepted=1 current=1 tick 200                                 time goes on, and wakes the
 * member whenever it wishes sleep 200                                as if the process had been stopped so long
 *     notified 2 LOOKING leader=3 zxid=0x1_05 epoch=1 round=2 config=B version=0
 *     connected L1 | accepted L1 | closed L1 | snapshot-part L1 | snapshot-taken L1 | snapshot-sent L1
 *     packet L1 PROPOSAL 0x1_06 "bytes"        of others: sid= config= epoch= leader= session= touches= can= on= 1=
 *     logged 0x1_06 | stored #1 | store-refused #1
 *     disk on                                  from now on everything that is to be stored is so at once; or: off
 *     propose "bytes"                          with the next zxid
 *     propose reconfig=B                       a txn that brings that configuration; so can PROPOSAL and INFORM
 *     confirm #1                               does it still lead?
 *     diverged | disk-failed | disk-full | disk-room
 *     state | learners                         what reports say
 *
 * What comes out are the effects as core/zab/zab_text.h writes them; equal notifications stand on one line. */
#pragma once

#include "core/zab/zab.h"

struct zab_rig; /* opaque */

struct zab_rig *zab_rig_new(void);
void zab_rig_free(struct zab_rig *rig);

/* Runs one command, which is written to; what comes out is appended. An unknown one says so. */
void zab_rig_command(struct zab_rig *rig, char *line, struct buffer *out);

/* Called before and after each step of the member, for tests that let memory run out; may be NULL. */
void zab_rig_around_step(struct zab_rig *rig, void (*before)(void), void (*after)(void));

/* What the last step returned. */
enum status zab_rig_status(const struct zab_rig *rig);
