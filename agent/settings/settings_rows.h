/* settings_rows.h - the rows of settings.def as tables: for the loader, and for whoever wants to know what keys there
 * are. Constant data; thread-safe. */
#pragma once

#include "agent/settings/settings.h"

enum setting_type {
    TYPE_BOOL,
    TYPE_INT,
    TYPE_PORT,
    TYPE_MS,
    TYPE_LONG,
    TYPE_KIB,
    TYPE_BYTES,
    TYPE_DURATION,
    TYPE_HOURS,
    TYPE_OCTAL,
    TYPE_RATIO,
    TYPE_WORD,
    TYPE_STRING,
    TYPE_PATH,
    TYPE_LIST,
    TYPE_ADDRESS,
    TYPE_COUNT
};

enum setting_state {
    STATE_USED,
    STATE_NO_EFFECT,
    STATE_ENSEMBLE,
    STATE_IGNORED,
    STATE_REFUSED,
    STATE_SERVER,
    STATE_PROVIDER
};

enum { SETTING_RELOAD = 1, SETTING_SECRET = 2 };

/* One SETTING. */
struct setting_row {
    const char *key;
    enum setting_type type;
    size_t offset; /* of the field in struct settings */
    int64_t min;
    int64_t max;
    const char *default_text;
    const char *apache_default; /* NULL: the same */
    const char *unit;           /* of a WORD: its words, separated by | */
    unsigned flags;
    enum setting_state state;
    const char *help;
};

/* One FOREIGN or FAMILY. */
struct foreign_row {
    const char *key; /* of a family: the prefix */
    enum setting_type type;
    const char *default_text;
    enum setting_state state;
    const char *reason;
};

extern const struct setting_row setting_rows[SETTINGS_COUNT];
extern const struct foreign_row foreign_rows[];
extern const size_t foreign_row_count;
extern const struct foreign_row family_rows[];
extern const size_t family_row_count;

/* One ALIAS. */
struct setting_alias {
    const char *name;
    const char *key;
};

extern const struct setting_alias setting_aliases[];
extern const size_t setting_alias_count;

/* What a key is: one of the three rows, or none for an unknown key. */
struct setting_key {
    const struct setting_row *setting;
    const struct foreign_row *foreign;
    const struct foreign_row *family;
    const char *name; /* without the prefix "zookeeper." and with aliases resolved; of a family as it was written */
};

/* Takes a key with or without "zookeeper." before it. */
struct setting_key settings_find_key(const char *key);

/* The known key that is written most alike; NULL: none is near. */
const char *settings_nearest_key(const char *key);

const char *setting_type_name(enum setting_type type);
bool setting_type_is_text(enum setting_type type);
