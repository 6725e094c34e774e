/* zab_rig_words.c - takes commands apart and makes configurations and packets of them. */
#include "core/zab/request.h"
#include "tests/support/reconfig_entry.h"
#include "tests/support/zab_rig_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* -- words --------------------------------------------------------------------------------------------------------- */

void words_split(char *line, struct words *words)
{
    words->count = 0;
    while (*line != '\0' && words->count < WORDS_MAX) {
        line += strspn(line, " ");
        const bool quoted = *line == '"';
        line += quoted;
        char *end = line + strcspn(line, quoted ? "\"" : " ");
        if (end == line && !quoted)
            return;
        words->quoted[words->count] = quoted;
        words->items[words->count++] = line;
        line = *end == '\0' ? end : end + 1;
        *end = '\0';
    }
}

const char *words_value(const struct words *words, const char *key)
{
    const size_t len = strlen(key);
    for (size_t i = 0; i < words->count; i++)
        if (!words->quoted[i] && strncmp(words->items[i], key, len) == 0 && words->items[i][len] == '=')
            return words->items[i] + len + 1;
    return NULL;
}

int64_t zxid_of_text(const char *text)
{
    if (strcmp(text, "none") == 0)
        return INT64_MIN;
    char *end;
    const int64_t number = strtoll(text, &end, 0);
    return *end == '_' ? number << 32 | (int64_t)strtoull(end + 1, NULL, 16) : number;
}

int64_t words_number(const struct words *words, const char *key, int64_t none)
{
    const char *value = words_value(words, key);
    return value == NULL ? none : zxid_of_text(value);
}

bool words_have(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (!words->quoted[i] && strcmp(words->items[i], word) == 0)
            return true;
    return false;
}

struct bytes words_quoted(const struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (words->quoted[i])
            return bytes_of(words->items[i]);
    return BYTES_NULL;
}

const char *words_config(const struct words *words, const char *key)
{
    const char *name = words_value(words, key);
    for (size_t i = 0; name != NULL && i < CONFIGS_MAX; i++)
        if (strcmp(words->configs[i].name, name) == 0)
            return words->configs[i].text;
    return NULL;
}

struct bytes words_entry(const struct words *words, struct buffer *entry)
{
    const char *text = words_config(words, "reconfig");
    if (text == NULL)
        return words_quoted(words);
    char lines[sizeof words->configs[0].text];
    const char *version = strstr(text, "version=");
    snprintf(lines, sizeof lines, "%.*s", (int)(version - text), text);
    reconfig_entry_write(entry, 1, strtoll(version + strlen("version="), NULL, 16), lines);
    return buffer_bytes(entry);
}

/* -- configurations ------------------------------------------------------------------------------------------------ */

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

/* `moved` has another address than it would have. */
static void add_servers(char *text, size_t size, const char *sids, const char *role, int64_t moved)
{
    while (sids != NULL && *sids != '\0') {
        char *end;
        const long sid = strtol(sids, &end, 10);
        add(text, size, "server.%ld=127.0.%d.%ld:2888:3888:%s\n", sid, sid == moved, sid, role);
        sids = *end == '\0' ? end : end + 1;
    }
}

/* "1,2/3": the sids of one group, and those of the next. */
static void add_groups(char *text, size_t size, const char *groups)
{
    for (int gid = 1; groups != NULL && *groups != '\0'; gid++) {
        const size_t len = strcspn(groups, "/");
        add(text, size, "group.%d=", gid);
        for (size_t i = 0; i < len; i++)
            add(text, size, "%c", groups[i] == ',' ? ':' : groups[i]);
        add(text, size, "\n");
        groups += len + (groups[len] == '/');
    }
}

/* "3:0,4:2". */
static void add_weights(char *text, size_t size, const char *weights)
{
    while (weights != NULL && *weights != '\0') {
        char *colon, *end;
        const long sid = strtol(weights, &colon, 10);
        add(text, size, "weight.%ld=%ld\n", sid, strtol(colon + 1, &end, 10));
        weights = *end == '\0' ? end : end + 1;
    }
}

void config_text(const struct words *words, char *text, size_t size)
{
    text[0] = '\0';
    const int64_t moved = words_number(words, "moved", 0);
    add_servers(text, size, words_value(words, "voters"), "participant", moved);
    add_servers(text, size, words_value(words, "observers"), "observer", moved);
    add_groups(text, size, words_value(words, "groups"));
    add_weights(text, size, words_value(words, "weights"));
    add(text, size, "version=%" PRIx64, (uint64_t)words_number(words, "version", 0));
}

/* -- capabilities ------------------------------------------------------------------------------------------------- */

/* "failure-detection:500,handover"; any other word, as "nothing", is none. */
bool capabilities_of_text(const char *text, struct capabilities *can)
{
    *can = (struct capabilities){0};
    for (size_t i = 0; text != NULL && i < CAPABILITY_COUNT; i++) {
        const char *name = capability_name((enum capability)i);
        const char *at = strstr(text, name);
        if (at != NULL)
            can->of[i] = at[strlen(name)] == ':' ? (int32_t)strtol(at + strlen(name) + 1, NULL, 10) : 1;
    }
    return text != NULL;
}

static void write_record(struct writer *w, const struct words *words)
{
    struct capabilities can;
    if (capabilities_of_text(words_value(words, "can"), &can))
        capabilities_encode(w, &can);
}

/* "on=... 1=... 2=..." */
static void write_agreement(struct writer *w, const struct words *words)
{
    struct capabilities on, can;
    struct roster roster = {0};
    capabilities_of_text(words_value(words, "on"), &on);
    for (size_t i = 0; i < words->count; i++) {
        char *end;
        const long sid = strtol(words->items[i], &end, 10);
        if (end == words->items[i] || *end != '=')
            continue;
        capabilities_of_text(end + 1, &can);
        if (roster_put(&roster, sid, &can) != ST_OK)
            abort();
    }
    agreement_encode(w, &on, &roster);
    roster_free(&roster);
}

/* -- packets ------------------------------------------------------------------------------------------------------- */

static void write_learner_info(struct writer *w, const struct words *words)
{
    const struct learner_info info = {.sid = words_number(words, "sid", 1),
                                      .protocol_version = QUORUM_PROTOCOL_VERSION,
                                      .config_version = words_number(words, "config", 0)};
    learner_info_encode(w, &info);
    write_record(w, words);
}

static void write_leader_info(struct writer *w, const struct words *words)
{
    const int64_t version = words_number(words, "protocol", QUORUM_PROTOCOL_VERSION);
    leader_info_encode(w, &(struct leader_info){.protocol_version = (int32_t)version});
    write_record(w, words);
}

static void write_ack_epoch(struct writer *w, const struct words *words)
{
    ack_epoch_encode(w, (int32_t)words_number(words, "epoch", -1));
}

static void write_config(struct writer *w, const struct words *words)
{
    const char *text = words_config(words, "config");
    write_raw(w, text == NULL ? BYTES("") : bytes_of(text));
}

static void write_designated(struct writer *w, const struct words *words)
{
    designated_leader_encode(w, words_number(words, "leader", 1));
}

static void write_activated(struct writer *w, const struct words *words)
{
    struct buffer entry = {0};
    activated_entry_encode(w, words_number(words, "leader", 1), words_entry(words, &entry));
    buffer_free(&entry);
}

static void write_entry(struct writer *w, const struct words *words)
{
    struct buffer entry = {0};
    write_raw(w, words_entry(words, &entry));
    buffer_free(&entry);
}

static void write_request(struct writer *w, const struct words *words)
{
    const struct forwarded_request request = {.session_id = words_number(words, "session", 1),
                                              .cxid = (int32_t)words_number(words, "cxid", 1),
                                              .type = (int32_t)words_number(words, "type", 1),
                                              .body = BYTES("")};
    forwarded_request_encode(w, &request);
}

static void write_touches(struct writer *w, const struct words *words)
{
    for (int64_t i = words_number(words, "touches", 0); i > 0; i--)
        touch_encode(w, &(struct touch){.session_id = i, .timeout_ms = 4000});
}

static const struct {
    int32_t type;
    void (*write)(struct writer *w, const struct words *words);
} data_rows[] = {
    {PACKET_PROPOSAL, write_entry},
    {PACKET_INFORM, write_entry},
    {PACKET_REQUEST, write_request},
    {PACKET_PING, write_touches},
    {PACKET_NEWLEADER, write_config},
    {PACKET_FOLLOWERINFO, write_learner_info},
    {PACKET_LEADERINFO, write_leader_info},
    {PACKET_OBSERVERINFO, write_learner_info},
    {PACKET_ACKEPOCH, write_ack_epoch},
    {PACKET_COMMIT_AND_ACTIVATE, write_designated},
    {PACKET_INFORM_AND_ACTIVATE, write_activated},
    {PACKET_CAPABILITIES, write_agreement},
};

static int32_t type_of(const char *name)
{
    for (int32_t type = 1; type < 64; type++)
        if (packet_type_name(type) != NULL && strcmp(packet_type_name(type), name) == 0)
            return type;
    return (int32_t)strtol(name, NULL, 10);
}

bool packet_of_words(const struct words *words, size_t first, struct buffer *data, struct packet *packet)
{
    if (words->count <= first)
        return false;
    const bool has_zxid = words->count > first + 1 && !words->quoted[first + 1] &&
                          strchr(words->items[first + 1], '=') == NULL;
    *packet = (struct packet){.type = type_of(words->items[first]),
                              .zxid = has_zxid ? zxid_of_text(words->items[first + 1]) : -1,
                              .data = words_quoted(words)};
    for (size_t i = 0; i < sizeof data_rows / sizeof data_rows[0]; i++) {
        if (data_rows[i].type != packet->type || words_have(words, "null"))
            continue;
        struct writer w = writer_to(data);
        data_rows[i].write(&w, words);
        if (w.status != ST_OK)
            abort();
        packet->data = data->len == 0 ? BYTES("") : buffer_bytes(data);
    }
    return packet->type != 0;
}
