/* audit.h - what an audit log says of a write, in lines of Apache's form (org.apache.zookeeper.audit, 3.6 and later).
 *
 *     session=0x1000\tuser=alice,::1\tip=::1\toperation=create\tznode=/a\tznode_type=persistent\tresult=success
 *
 * A note is made where the request came in: who asked for what. It stands alone, so that it does not matter what
 * becomes of the client. When the outcome is known, the txn turns it into lines: one, or one for each part of a multi
 * that was done. What a client chose cannot make a line or a field of its own: control characters, what is no UTF-8,
 * and the backslash are escaped, and a comma in the name of a user. Pure. */
#pragma once

#include "core/ops/op.h"

enum audit_result {
    AUDIT_SUCCESS,
    AUDIT_FAILURE,
    AUDIT_INVOKED, /* it was asked for; what came of it is not known here */
};

/* Who asks. */
struct audit_asker {
    int64_t session_id;
    struct identities who;   /* a client's */
    const char *server_user; /* not NULL: it is the server itself, which runs as this user */
};

/* Is there anything to be said of such requests? */
static inline bool audit_knows(const struct op *op)
{
    return op->audit_name != NULL;
}

/* Appends the note of one request, or nothing when there is nothing to be said of it: of a multi of checks, which can
 * change nothing. `body` NULL: it could not be read. Errors stick in the writer. */
void audit_note(struct writer *note, const struct audit_asker *asker, const struct op *op, const union op_body *body);

/* For op.audit: what one part of a request is about. `path` and `acl` may be null. */
struct audit_subject {
    struct bytes path;
    const char *znode_type; /* NULL: none is made */
    const struct acls *acl; /* NULL: none is set */
};

void audit_subject(struct writer *note, const struct op *op, const struct audit_subject *subject);

/* Appends the lines that the note comes to. `record` is the txn's, of the type that the operation has, and is looked at
 * after AUDIT_SUCCESS only: it knows what path a sequence came to. Errors stick in the writer. */
void audit_lines(struct writer *lines, struct bytes note, const struct op *op, struct bytes record,
                 enum audit_result result);

/* The same for an ephemeral that ends with its session; the note is that of the closeSession. */
void audit_deletion(struct writer *lines, struct bytes note, struct bytes path);

/* "user=root\toperation=serverStart\tresult=success\n": what the server does itself. */
void audit_server_line(struct writer *lines, const char *user, const char *operation, enum audit_result result);
