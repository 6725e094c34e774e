/* gauge.h - keeps an eye on a server's memory and disk writes while a load runs.
 *
 * A thread of its own reads /proc fifty times a second: it catches the peak of RssAnon (what a checkpoint takes for a
 * while) and tells when the server has come to rest (a checkpoint is over). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct gauge;

/* Dies when the process cannot be read. Ended by gauge_stop. */
struct gauge *gauge_start(int pid);

/* Highest RssAnon in kilobytes since the start or the last call. */
uint64_t gauge_take_peak_kb(struct gauge *gauge);

/* Bytes that the process has had written to disks since it began. */
uint64_t gauge_written_bytes(struct gauge *gauge);

/* Waits until the process has written nothing to a disk and its RssAnon has kept within a megabyte for two seconds.
 * False when that does not happen within the limit. */
bool gauge_wait_rest(struct gauge *gauge, uint64_t limit_s);

void gauge_stop(struct gauge *gauge);
