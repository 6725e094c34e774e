/* config_files.h - the configuration of the ensemble, as a member keeps it beside zoo.cfg (quorum-protocol 5.2):
 *
 *     zoo.cfg                     its key dynamicConfigFile names the committed one
 *     zoo.cfg.dynamic.<version>   the committed one: its lines sorted, the version (hexadecimal) in the name alone
 *     zoo.cfg.dynamic.next        the newest one that was proposed, while it is not committed, with its version
 *     zoo.cfg.bak                 zoo.cfg as it was when it still held the server lines itself
 *
 * Names and contents are Apache's, so that each of both servers starts on what the other has written. A configuration
 * counts from the moment in which zoo.cfg, which names its file, is replaced; a crash before that leaves the one before
 * (settings_servers.c takes the newer file then, if it is whole). Written by the log thread, in its turn (design 4.9).
 */
#pragma once

#include "core/store/io.h"

#define CONFIG_DYNAMIC_SUFFIX ".dynamic."
#define CONFIG_NEXT_NAME      "next" /* behind the suffix */

struct config_files; /* opaque */

struct member;

/* For `zoo_cfg` as it was given on the command line, and the server `sid`. `own` (copied): where it is, for a time in
 * which no configuration says so any more. ST_NO_MEMORY; ST_IO_ERROR: no file could be written beside it, `message`
 * (appended) says why. */
enum status config_files_new(struct config_files **out, const char *zoo_cfg, int64_t sid, const struct member *own,
                             struct buffer *message);
void config_files_free(struct config_files *f); /* NULL is allowed */

/* Makes the text of a configuration, its version= line included, the committed one: zoo.cfg names it when this has
 * returned ST_OK. After an error it may be done again. ST_CORRUPT: it is none. Errors of the disk; ST_NO_MEMORY. */
enum status config_files_store(struct config_files *f, const struct store_io *io, struct bytes text);

struct config_line; /* config_rewrite.h */

/* The first of them, of a host that joins: writes the file of the configuration `text`, then zoo.cfg, which names it
 * and has the lines besides; `fresh` is what stands in a zoo.cfg that was not there. Errors as config_files_store. */
enum status config_files_begin(struct config_files *f, const struct store_io *io, struct bytes text, int64_t version,
                               const struct config_line *lines, size_t line_count, struct bytes fresh);

/* Whatever role zoo.cfg gives this server is forgotten: while no configuration names it, it follows. Errors as
 * config_files_store. */
enum status config_files_forget_role(struct config_files *f, const struct store_io *io);

/* Appends the name of the file for a version, terminated. Errors as buffer_append. */
enum status config_files_path(const struct config_files *f, int64_t version, struct buffer *path);

/* Keeps the text of the configuration that was proposed last, its version= line included; empty: forgets it. Errors as
 * config_files_store. */
enum status config_files_store_last_seen(struct config_files *f, const struct store_io *io, struct bytes text);
