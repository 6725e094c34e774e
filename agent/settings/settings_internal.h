/* settings_internal.h - what the parts of the loader share. */
#pragma once

#include "agent/settings/settings.h"
#include "agent/settings/settings_rows.h"
#include "core/base/bytes.h"

/* A value on its way from text to the struct. Text is owned by whoever holds the value. */
struct setting_value {
    int64_t number;
    double ratio;
    char *text; /* of the text types */
};

enum { SETTING_WHY_SIZE = 200 };

/* How a type is read and written. */
struct setting_type_ops {
    const char *name;
    size_t size; /* of the field */
    /* Text to number or ratio; false: `why` says why not, as "is not a number". NULL: a text type. */
    bool (*parse)(const struct setting_row *row, const char *text, struct setting_value *out, const char **why);
    void (*print)(const struct setting_row *row, const void *field, FILE *out);
    const char *(*check_text)(const char *text); /* why this text will not do, or NULL; NULL: any will */
};
extern const struct setting_type_ops setting_types[TYPE_COUNT];

/* ST_BAD_ARGUMENTS: `why` says what is wrong, naming the value unless it is secret; ST_NO_MEMORY. */
enum status setting_parse(const struct setting_row *row, const char *text, struct setting_value *out,
                          char why[SETTING_WHY_SIZE]);

/* Moves the value into the struct, freeing what was there. */
void setting_store(struct settings *settings, const struct setting_row *row, struct setting_value value);

/* Replaces a text. ST_NO_MEMORY: nothing has changed. */
enum status setting_set_text(char **field, const char *text);

bool setting_equal(const struct setting_row *row, const struct settings *a, const struct settings *b);

/* Exchanges one value between two structs. */
void setting_swap(const struct setting_row *row, struct settings *a, struct settings *b);

/* The value as it would stand in the file, without escapes; secrets too. */
void setting_print_value(const struct setting_row *row, const struct settings *settings, FILE *out);

/* Whether both texts mean the same value of the type; false when one means none. */
bool setting_same_meaning(enum setting_type type, const char *a, const char *b);

/* Who asks for something, for messages. */
struct setting_place {
    const char *file;
    struct setting_origin origin;
};

/* Adds a message; on lack of memory sets report->no_memory. */
void settings_report_add(struct settings_report *report, enum settings_severity severity, struct setting_place place,
                         const char *key, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Orders the messages by line, those of no line behind. */
void settings_report_sort(struct settings_report *report);

/* A key of a family, as it was given. */
struct family_value {
    const struct foreign_row *row;
    const char *name;
    const char *text;
    struct setting_origin origin;
};

/* Derives what was not given and checks what must agree; findings go to `report`. ST_NO_MEMORY. */
enum status settings_check(struct settings *settings, struct settings_report *report);
enum status settings_check_tls(struct settings *settings, struct settings_report *report);

/* One line that describes the ensemble, and where it stands. */
struct server_line {
    const char *key; /* "server.1" */
    const char *text;
    struct setting_place place;
};

struct server_lines {
    struct server_line *items;
    size_t count, capacity;
    char *memory; /* that the lines of a dynamic file point into */
};

/* Frees what the list owns. */
void server_lines_free(struct server_lines *lines);

/* ST_NO_MEMORY. */
enum status server_lines_add(struct server_lines *lines, struct server_line line);

/* Adds the lines of dynamicConfigFile, the version last; what is wrong with the file goes to `report`, and then nothing
 * is added. Their places and texts point into `settings` and `lines`. ST_NO_MEMORY. */
enum status settings_read_dynamic(const struct settings *settings, struct server_lines *lines,
                                  struct settings_report *report);

/* With reconfigEnabled: has dynamicConfigFile name the newest of the files that stand beside zoo.cfg for it, when that
 * is newer than what zoo.cfg asks for (quorum-protocol 7.5: 3829). ST_NO_MEMORY. */
enum status settings_take_newest(struct settings *settings, struct settings_report *report);

/* With reconfigEnabled: reads the configuration that was proposed and not committed, if there is one. ST_NO_MEMORY. */
enum status settings_read_pending(struct settings *settings, struct settings_report *report);

/* The version that the name of a dynamic file holds, as text; NULL: none, which means 0. */
const char *settings_dynamic_version(const char *path, int64_t *version);

/* Reads an ordinary file of at most `text->max` bytes; `why` says why it cannot be read (ST_IO_ERROR). ST_NO_MEMORY. */
enum status settings_read_file(const char *path, struct buffer *text, char why[SETTING_WHY_SIZE]);

/* Looks at the lines that describe an ensemble: makes settings->members of them, or finds that the agent runs alone,
 * and checks what a member needs. Before settings_check. ST_NO_MEMORY. */
enum status settings_check_servers(struct settings *settings, const struct family_value *values, size_t count,
                                   struct settings_report *report);

/* What a member of settings->members needs: its number, its own line, its limits. ST_NO_MEMORY. */
enum status settings_check_member(struct settings *settings, const struct server_lines *lines,
                                  struct settings_report *report);

struct member;

/* Takes the client ports of this server's own line over. `why` is set when they contradict keys of their own: an error,
 * but with reconfigEnabled, where members change without anybody's looking at zoo.cfg and the line counts.
 * ST_NO_MEMORY. */
enum status settings_take_doors(struct settings *settings, const struct member *member, struct setting_place place,
                                const char **why);

/* A place in the file or on the command line. */
struct setting_place settings_place_of(const struct settings *settings, struct setting_origin origin);

/* The place of a setting's value. */
struct setting_place settings_place(const struct settings *settings, enum setting_id id);

/* Whether the user gave this one. */
bool settings_given(const struct settings *settings, enum setting_id id);
