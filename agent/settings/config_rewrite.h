/* config_rewrite.h - zoo.cfg with some of its lines taken out and others put behind it; all the rest stays as it was
 * written, comments too. */
#pragma once

#include "agent/settings/settings.h"
#include "core/base/bytes.h"

/* One that is put there unless the key is there already. */
struct config_line {
    enum setting_id id;
    const char *value;
};

/* What becomes of zoo.cfg when a configuration has become the committed one (quorum-protocol 5.2), or otherwise. */
struct config_rewrite {
    const char *dynamic_file; /* what dynamicConfigFile is to say; NULL: no line goes, some are put there */
    /* Said by the configuration, and no longer by zoo.cfg: what this server is, and where its clients find it. */
    bool names_server, names_client_port, names_secure_client_port;
    bool forgets_role; /* peerType goes */
    const struct config_line *lines;
    size_t line_count;
};

/* Appends the new text to `out`; lines that describe servers, and the former dynamicConfigFile, are gone. `has_servers`
 * (may be NULL): there were lines that describe servers. ST_NO_MEMORY, ST_LIMIT. */
enum status config_rewrite(struct bytes text, const struct config_rewrite *change, struct buffer *out,
                           bool *has_servers);

/* Appends "key=value" with its end, escaped as zoo.cfg wants it. Errors as buffer_append. */
enum status config_put(struct buffer *out, const char *key, const char *value);
