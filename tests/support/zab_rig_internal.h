/* zab_rig_internal.h - words of a command, and what is made of them. */
#pragma once

#include "core/zab/capability.h"
#include "core/zab/packet.h"
#include "tests/support/zab_rig.h"

enum { WORDS_MAX = 24, CONFIGS_MAX = 8 };

struct rig_config {
    char name[16];
    char text[2048];
};

/* The words of one command: NAME, or NAME=VALUE, or "TEXT", whose quotes are taken off. */
struct words {
    char *items[WORDS_MAX];
    bool quoted[WORDS_MAX];
    size_t count;
    const struct rig_config *configs;
};

void words_split(char *line, struct words *words);
const char *words_value(const struct words *words, const char *key);            /* NULL: there is none */
int64_t words_number(const struct words *words, const char *key, int64_t none); /* decimal, or a zxid */
bool words_have(const struct words *words, const char *word);
struct bytes words_quoted(const struct words *words);                 /* the first; null: there is none */
const char *words_config(const struct words *words, const char *key); /* text of the named one; NULL: there is none */

/* The entry that the words speak of: "bytes", or a reconfig txn, which is written to `entry`. */
struct bytes words_entry(const struct words *words, struct buffer *entry);

/* "0x1_05", "-1", "none". */
int64_t zxid_of_text(const char *text);

/* The text of a configuration from `voters=` and so on. */
void config_text(const struct words *words, char *text, size_t size);

/* "failure-detection:500,handover", or "nothing". False: there is no text, and `*can` is nothing. */
bool capabilities_of_text(const char *text, struct capabilities *can);

/* The packet that words[first] and those behind it speak of; its data is put into `data`. False: no such type. */
bool packet_of_words(const struct words *words, size_t first, struct buffer *data, struct packet *packet);
