/* words.h - the four-letter words: one table, word -> report (client-protocol 11.1, 11.2).
 *
 * Loop thread only. */
#pragma once

#include "agent/admin/overview.h"
#include "agent/front/front_zookeeper.h"

struct words; /* opaque */

/* Borrows the overview, which may still be empty. NULL: out of memory. */
struct words *words_new(const struct overview *overview);
void words_free(struct words *w);

/* What the front calls; valid until words_free. */
const struct front_words *words_hooks(struct words *w);
