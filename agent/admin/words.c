/* words.c - one row for each four-letter word; what they print is Apache's text to the letter (client-protocol 11.2),
 * since client libraries and monitoring agents take it apart. */
#include "agent/admin/words.h"

#include "agent/admin/words_text.h"
#include "core/base/mem.h"

struct words {
    const struct overview *overview;
    struct front_words hooks;
};

static const struct word_row {
    const char *word;
    int argument_bytes;
    bool needs_serving; /* otherwise it is answered at any time */
    enum status (*write)(const struct overview *o, struct bytes argument, struct buffer *text);
} rows[] = {
    {"conf", 0, true, words_conf},  {"cons", 0, true, words_cons},  {"crst", 0, true, words_crst},
    {"dirs", 0, true, words_dirs},  {"dump", 0, true, words_dump},  {"envi", 0, false, words_envi},
    {"gtmk", 0, false, words_gtmk}, {"hash", 0, true, words_hash},  {"isro", 0, false, words_isro},
    {"mntr", 0, true, words_mntr},  {"ruok", 0, false, words_ruok}, {"srst", 0, true, words_srst},
    {"srvr", 0, true, words_srvr},  {"stat", 0, true, words_stat},  {"stmk", 8, false, words_stmk},
    {"wchc", 0, true, words_wchc},  {"wchp", 0, true, words_wchp},  {"wchs", 0, true, words_wchs},
};

static const struct word_row *row_of(const char word[4])
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (memcmp(rows[i].word, word, 4) == 0)
            return &rows[i];
    return NULL;
}

/* Clients in read-only mode use isro to look for a better server. */
static bool is_allowed(const struct settings *s, const char *word)
{
    return settings_list_has(s->words_whitelist, word) || (s->read_only_mode_enabled && strcmp(word, "isro") == 0);
}

/* What is not answered anyway need not be waited for. */
static int find(void *context, const char word[4])
{
    const struct words *w = context;
    const struct word_row *row = row_of(word);
    if (row == NULL)
        return -1;
    return is_allowed(w->overview->settings, row->word) ? row->argument_bytes : 0;
}

/* What is served by a door is what is said at it. */
static struct overview seen_from(const struct overview *o, bool of_host)
{
    struct overview seen = *o;
    seen.is_serving = o->is_serving && (of_host || !replica_serves_host_only(o->replica));
    return seen;
}

static enum status answer(void *context, const char word[4], struct bytes argument, bool of_host, struct buffer *text)
{
    const struct words *w = context;
    const struct overview seen = seen_from(w->overview, of_host);
    const struct word_row *row = row_of(word);
    if (row == NULL)
        return ST_NOT_FOUND;
    if (!is_allowed(seen.settings, row->word))
        return buffer_printf(text, "%s is not executed because it is not in the whitelist.\n", row->word);
    if (row->needs_serving && !seen.is_serving)
        return buffer_printf(text, "This ZooKeeper instance is not currently serving requests\n");
    return row->write(&seen, argument, text);
}

struct words *words_new(const struct overview *overview)
{
    struct words *w = mem_calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->overview = overview;
    w->hooks = (struct front_words){w, find, answer};
    return w;
}

void words_free(struct words *w)
{
    mem_free(w);
}

const struct front_words *words_hooks(struct words *w)
{
    return &w->hooks;
}
