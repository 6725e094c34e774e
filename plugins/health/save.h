/* save.h - the file that outlives the plugin. It is written beside its place, synced and moved there, by a thread,
 * since a disk may take longer than a check can wait. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct health;
struct saver;

/* NULL: no memory. `directory` is the plugin's own. */
struct saver *saver_new(struct health *health, const char *directory);
/* `write`: everything is written a last time. */
void saver_end(struct saver *saver, bool write);

/* Another process has the file yet. NULL is allowed: no. */
bool saver_waits(const struct saver *saver);

/* What the file says; NULL: there is none, or it cannot be read, which is logged; then it is kept beside. */
json_t *saver_read(struct saver *saver);
