/* access.c - permission test and ACL fix-up. */
#include "core/ops/access.h"

#include "core/base/crypto.h"
#include "core/ops/secret.h"

bool access_is_super(struct identities who)
{
    for (size_t i = 0; i < who.count; i++)
        if (bytes_equal(who.items[i].scheme, BYTES("super")))
            return true;
    return false;
}

enum status access_check(const struct tree *tree, const struct op_rules *rules, uint32_t acl, uint32_t wanted,
                         struct identities who)
{
    if (acl == ACL_OPEN)
        return ST_OK;
    const struct acl_table *acls = tree_acls((struct tree *)tree);
    const bool permits = rules->skip_acl || acl_permits(acls, acl, wanted, who);
    return permits && !secret_is(tree, acl) ? ST_OK : ST_NO_AUTH;
}

enum status access_check_names(const struct tree *tree, const struct op_rules *rules, uint32_t acl,
                               struct identities who)
{
    return secret_is(tree, acl) ? ST_OK : access_check(tree, rules, acl, PERMISSION_READ, who);
}

bool access_may_read(const struct op_rules *rules, struct acls list, struct identities who)
{
    return (rules->skip_acl || acls_permit(list, PERMISSION_READ, who)) && !secret_is_list(list);
}

/* Ids that `auth` stands for: those somebody has proved; an address and the mark of a super user prove nothing. The
 * groups of a local client are proved, but it does not mean all their members when it speaks of itself. */
static bool is_authenticated(const struct identity *who)
{
    if (bytes_equal(who->scheme, BYTES("digest")))
        return !bytes_starts_with(who->id, BYTES(IDENTITY_LOCAL_GROUP));
    return bytes_equal(who->scheme, BYTES("sasl")) || bytes_equal(who->scheme, BYTES("x509"));
}

static bool acl_entries_equal(const struct acl_entry *a, const struct acl_entry *b)
{
    return a->perms == b->perms && bytes_equal(a->scheme, b->scheme) && bytes_equal(a->id, b->id);
}

/* A list that is being made, in the scratch from `start` on. */
struct fixed_list {
    struct buffer *scratch;
    size_t start;
    uint32_t count, count_max;
};

/* Appends the entry, unless it stands there already. */
static enum status entry_add(struct fixed_list *list, const struct acl_entry *entry)
{
    struct reader r = reader_of(bytes_from(buffer_bytes(list->scratch), list->start));
    struct acl_entry known;
    while (acls_next(&r, &known))
        if (acl_entries_equal(&known, entry))
            return ST_OK;
    if (list->count == list->count_max)
        return ST_INVALID_ACL;
    struct writer w = writer_to(list->scratch);
    acl_entry_write(&w, entry);
    list->count++;
    return w.status;
}

static enum status entries_of_client(struct fixed_list *list, int32_t perms, struct identities who)
{
    bool any = false;
    for (size_t i = 0; i < who.count; i++) {
        if (!is_authenticated(&who.items[i]))
            continue;
        any = true;
        struct acl_entry entry = {perms, who.items[i].scheme, who.items[i].id};
        enum status st = entry_add(list, &entry);
        if (st != ST_OK)
            return st;
    }
    return any ? ST_OK : ST_INVALID_ACL;
}

/* By far the most common list needs no copy. */
static bool is_open(struct acls list)
{
    static const uint8_t open[] = {0,   0, 0, 31, 0, 0,   0,   5,   'w', 'o', 'r', 'l',
                                   'd', 0, 0, 0,  6, 'a', 'n', 'y', 'o', 'n', 'e'};
    return list.count == 1 && bytes_equal(list.raw, bytes_make(open, sizeof open));
}

/* A scheme that nobody can prove anything by is no scheme. */
static bool entry_is_valid(const struct op_rules *rules, const struct acl_entry *entry)
{
    bool is_known = rules->digest_enabled || !bytes_equal(entry->scheme, BYTES("digest"));
    return is_known && !bytes_is_null(entry->id) && acl_id_is_valid(entry->scheme, entry->id);
}

enum status access_fix_up(const struct op_rules *rules, struct acls list, struct identities who, struct buffer *scratch,
                          struct acls *fixed)
{
    /* Each entry is compared with all before it, which must not become a burden. */
    struct fixed_list made = {scratch, scratch->len, 0,
                              rules->acl_entries_max > 0 ? rules->acl_entries_max : INT32_MAX};
    *fixed = list;
    if (list.count <= 0 || (uint32_t)list.count > made.count_max)
        return ST_INVALID_ACL;
    if (is_open(list))
        return ST_OK;
    /* The capacity is made beforehand: entries are compared with those already in the scratch while more are added. */
    enum status st = buffer_reserve(scratch, list.raw.len);
    struct reader r = reader_of(list.raw);
    struct acl_entry entry;
    while (st == ST_OK && acls_next(&r, &entry)) {
        if (bytes_equal(entry.scheme, BYTES("auth")))
            st = entries_of_client(&made, entry.perms, who);
        else if (!entry_is_valid(rules, &entry))
            st = ST_INVALID_ACL;
        else
            st = entry_add(&made, &entry);
    }
    *fixed = (struct acls){(int32_t)made.count, bytes_from(buffer_bytes(scratch), made.start)};
    return st;
}
