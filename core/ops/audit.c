/* audit.c - notes and lines of an audit log.
 *
 * A note is a text that all its lines begin with, then for each part of the request the operation's name (null: nothing
 * is said of it), the path and the fields behind it. */
#include "core/ops/audit.h"

#include "core/base/check.h"
#include "core/tree/path.h"

#include <inttypes.h>
#include <stdio.h>

static void put(struct writer *w, const char *text)
{
    write_raw(w, bytes_of(text));
}

/* -- escapes ------------------------------------------------------------------------------------------------------ */

/* U+2028 and U+2029, which some programs take for the end of a line. */
static bool has_separator(struct bytes text)
{
    for (size_t i = 0; i + 2 < text.len; i++)
        if (text.data[i] == 0xe2 && text.data[i + 1] == 0x80 && (text.data[i + 2] & 0xfe) == 0xa8)
            return true;
    return false;
}

static bool is_plain(struct bytes text, char special)
{
    return text.len == 0 || (path_may_hold(text) && !has_separator(text) && memchr(text.data, '\\', text.len) == NULL &&
                             (special == '\0' || memchr(text.data, special, text.len) == NULL));
}

static void put_byte(struct writer *w, uint8_t byte, char special)
{
    static const char names[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r', ['\\'] = '\\'};
    char text[8];
    if (byte < sizeof names && names[byte] != '\0')
        (void)snprintf(text, sizeof text, "\\%c", names[byte]);
    else if (byte < 0x20 || byte > 0x7e || (char)byte == special)
        (void)snprintf(text, sizeof text, "\\x%02x", byte);
    else
        (void)snprintf(text, sizeof text, "%c", byte);
    put(w, text);
}

/* Almost every text is plain. One that is not is escaped as a whole, whatever is no ASCII with it, so that it can be
 * read back in one way only. `special` is one more character that is not plain; NUL: none is. */
static void put_text(struct writer *w, struct bytes text, char special)
{
    if (is_plain(text, special)) {
        write_raw(w, text);
        return;
    }
    for (size_t i = 0; i < text.len; i++)
        put_byte(w, text.data[i], special);
}

/* -- who asks ----------------------------------------------------------------------------------------------------- */

/* "uid:1000" of what the kernel says of a local client; null: this is no such id. */
static struct bytes local_id(struct bytes scheme, struct bytes id)
{
    static const size_t kept = sizeof "unix-" - 1;
    size_t prefix = sizeof IDENTITY_LOCAL_USER - 1; /* that of groups is as long */
    if (!bytes_equal(scheme, BYTES("digest")) ||
        !(bytes_starts_with(id, BYTES(IDENTITY_LOCAL_USER)) || bytes_starts_with(id, BYTES(IDENTITY_LOCAL_GROUP))))
        return BYTES_NULL;
    for (size_t i = prefix; i < id.len; i++)
        if (id.data[i] < '0' || id.data[i] > '9')
            return BYTES_NULL;
    return bytes_from(id, kept);
}

/* Up to the colon, behind which the hash of a password stands. */
static struct bytes digest_user(struct bytes id)
{
    const uint8_t *colon = id.len == 0 ? NULL : memchr(id.data, ':', id.len);
    return colon == NULL ? id : bytes_make(id.data, (size_t)(colon - id.data));
}

/* As Apache's AuthUtil names them; super is a right and nobody's name. A subject of a certificate has commas of its
 * own, and an authority has signed it; all others are the client's choice or have none. */
static void put_user(struct writer *w, const struct identity *identity)
{
    bool is_subject = bytes_equal(identity->scheme, BYTES("x509"));
    struct bytes local = local_id(identity->scheme, identity->id);
    struct bytes name = !bytes_is_null(local)                            ? local
                        : bytes_equal(identity->scheme, BYTES("digest")) ? digest_user(identity->id)
                                                                         : identity->id;
    put_text(w, name, is_subject ? '\0' : ',');
}

static void put_users(struct writer *w, struct identities who)
{
    bool is_first = true;
    put(w, "user=");
    for (size_t i = 0; i < who.count; i++) {
        if (bytes_equal(who.items[i].scheme, BYTES("super")))
            continue;
        if (!is_first)
            put(w, ",");
        put_user(w, &who.items[i]);
        is_first = false;
    }
}

static void put_address(struct writer *w, struct identities who)
{
    for (size_t i = 0; i < who.count; i++) {
        if (!bytes_equal(who.items[i].scheme, BYTES("ip")))
            continue;
        put(w, "\tip=");
        put_text(w, who.items[i].id, '\0');
        return;
    }
}

static void put_asker(struct writer *w, const struct audit_asker *asker)
{
    char session[32];
    (void)snprintf(session, sizeof session, "session=0x%" PRIx64 "\t", (uint64_t)asker->session_id);
    put(w, session);
    if (asker->server_user != NULL) {
        put(w, "user=");
        put_text(w, bytes_of(asker->server_user), ',');
        return;
    }
    put_users(w, asker->who);
    put_address(w, asker->who);
}

/* -- notes -------------------------------------------------------------------------------------------------------- */

static void put_permissions(struct writer *w, uint32_t perms)
{
    static const struct {
        uint32_t permission;
        const char *letter;
    } rows[] = {{PERMISSION_CREATE, "c"},
                {PERMISSION_DELETE, "d"},
                {PERMISSION_READ, "r"},
                {PERMISSION_WRITE, "w"},
                {PERMISSION_ADMIN, "a"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((perms & rows[i].permission) != 0)
            put(w, rows[i].letter);
}

/* One behind the other without a space, as Apache's has them. Hashes of passwords are no business of whoever reads a
 * log (getACL masks them in the same way). */
static void put_acl(struct writer *w, struct acls list)
{
    struct reader r = reader_of(list.raw);
    struct acl_entry entry;
    while (acls_next(&r, &entry)) {
        struct bytes local = local_id(entry.scheme, entry.id);
        struct bytes user = digest_user(entry.id);
        bool has_hash = bytes_equal(entry.scheme, BYTES("digest")) && bytes_is_null(local) && user.len < entry.id.len;
        put_text(w, bytes_is_null(local) ? entry.scheme : BYTES("unix"), '\0');
        put(w, ":");
        put_text(w, !bytes_is_null(local) ? local : has_hash ? user : entry.id, '\0');
        put(w, has_hash ? ":x:" : ":");
        put_permissions(w, (uint32_t)entry.perms);
    }
}

/* A text whose length is known only when it is written. */
static size_t begin_text(struct writer *w)
{
    write_i32(w, 0);
    return w->out->len;
}

static void end_text(struct writer *w, size_t start)
{
    write_i32_at(w, start - 4, (int32_t)(w->out->len - start));
}

void audit_subject(struct writer *note, const struct op *op, const struct audit_subject *subject)
{
    write_text(note, bytes_of(op->audit_name));
    write_text(note, subject->path);
    size_t start = begin_text(note);
    if (subject->znode_type != NULL) {
        put(note, "\tznode_type=");
        put(note, subject->znode_type);
    }
    if (subject->acl != NULL) {
        put(note, "\tacl=");
        put_acl(note, *subject->acl);
    }
    end_text(note, start);
}

static bool has_part(struct bytes parts)
{
    struct reader r = reader_of(parts);
    bool found = false;
    while (!found && reader_left(&r) > 0) {
        found = !bytes_is_null(read_text(&r));
        (void)read_text(&r);
        (void)read_text(&r);
    }
    return found;
}

void audit_note(struct writer *note, const struct audit_asker *asker, const struct op *op, const union op_body *body)
{
    size_t begin = note->out->len, start = begin_text(note);
    put_asker(note, asker);
    end_text(note, start);
    size_t parts = note->out->len;
    if (op->audit != NULL && body != NULL)
        op->audit(op, body, note);
    else
        audit_subject(note, op, &(struct audit_subject){.path = BYTES_NULL});
    if (op->number == TXN_MULTI && note->status == ST_OK && !has_part(bytes_from(buffer_bytes(note->out), parts)))
        note->out->len = begin;
}

/* -- lines -------------------------------------------------------------------------------------------------------- */

static void put_result(struct writer *w, enum audit_result result)
{
    static const char *const words[] = {
        [AUDIT_SUCCESS] = "success", [AUDIT_FAILURE] = "failure", [AUDIT_INVOKED] = "invoked"};
    put(w, "\tresult=");
    put(w, words[result]);
    put(w, "\n");
}

static void put_line(struct writer *w, struct bytes head, struct bytes operation, struct bytes path,
                     struct bytes details, enum audit_result result)
{
    write_raw(w, head);
    put(w, "\toperation=");
    write_raw(w, operation);
    if (!bytes_is_null(path)) {
        put(w, "\tznode=");
        put_text(w, path, '\0');
    }
    write_raw(w, details);
    put_result(w, result);
}

/* Every record of a write begins with the path of its node. */
static struct bytes path_of(struct bytes record)
{
    struct reader r = reader_of(record);
    return read_text(&r);
}

static bool is_refused_multi(struct bytes record)
{
    struct reader at;
    int32_t left;
    struct sub_txn sub;
    bool refused = txn_multi_begin(record, &at, &left) != ST_OK;
    while (!refused && txn_next_sub(&at, &left, &sub))
        refused = sub.type == TXN_ERROR;
    return refused;
}

/* All parts are done, and the record has them in the same order. */
static void put_multi(struct writer *w, struct bytes head, struct reader *parts, struct bytes record)
{
    struct reader at;
    int32_t left;
    struct sub_txn sub;
    CHECK(txn_multi_begin(record, &at, &left) == ST_OK);
    while (reader_left(parts) > 0 && txn_next_sub(&at, &left, &sub)) {
        struct bytes operation = read_text(parts);
        (void)read_text(parts);
        struct bytes details = read_text(parts);
        if (!bytes_is_null(operation))
            put_line(w, head, operation, path_of(sub.record), details, AUDIT_SUCCESS);
    }
}

void audit_lines(struct writer *lines, struct bytes note, const struct op *op, struct bytes record,
                 enum audit_result result)
{
    struct reader parts = reader_of(note);
    struct bytes head = read_text(&parts);
    if (op->number == TXN_MULTI && result == AUDIT_SUCCESS && is_refused_multi(record))
        result = AUDIT_FAILURE;
    if (op->number == TXN_MULTI && result == AUDIT_SUCCESS) {
        put_multi(lines, head, &parts, record);
        return;
    }
    if (op->number == TXN_MULTI) {
        put_line(lines, head, bytes_of(op->audit_name), BYTES_NULL, BYTES_NULL, result);
        return;
    }
    while (reader_left(&parts) > 0) {
        struct bytes operation = read_text(&parts);
        struct bytes path = read_text(&parts);
        struct bytes details = read_text(&parts);
        put_line(lines, head, operation, result == AUDIT_SUCCESS ? path_of(record) : path, details, result);
    }
}

void audit_deletion(struct writer *lines, struct bytes note, struct bytes path)
{
    struct reader parts = reader_of(note);
    struct bytes head = read_text(&parts);
    put_line(lines, head, bytes_of(op_find(TXN_CLOSE_SESSION)->audit_name), path, BYTES_NULL, AUDIT_SUCCESS);
}

void audit_server_line(struct writer *lines, const char *user, const char *operation, enum audit_result result)
{
    put(lines, "user=");
    put_text(lines, bytes_of(user), ',');
    put(lines, "\toperation=");
    put(lines, operation);
    put_result(lines, result);
}
