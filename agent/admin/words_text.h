/* words_text.h - what each four-letter word prints (client-protocol 11.2).
 *
 * Each function appends its text; errors are the buffer's. `argument` holds the bytes behind the word. */
#pragma once

#include "agent/admin/overview.h"

typedef enum status words_fn(const struct overview *o, struct bytes argument, struct buffer *text);

words_fn words_conf, words_cons, words_crst, words_dirs, words_dump, words_envi, words_gtmk, words_hash, words_isro,
    words_mntr, words_ruok, words_srst, words_srvr, words_stat, words_stmk, words_wchc, words_wchp, words_wchs;
