/* acl.h - interned ACL lists, and the test whether they permit something to someone (client-protocol 8.1, 8.2).
 *
 * A list is kept as the bytes it has on the wire (struct acls: count and entries) and is known by a small number.
 * ACL_OPEN stands for world:anyone with all permissions and takes no memory. Numbers are local to the process. */
#pragma once

#include "core/base/map.h"
#include "core/jute/records.h"

enum permission {
    PERMISSION_READ = 1,
    PERMISSION_WRITE = 2,
    PERMISSION_CREATE = 4,
    PERMISSION_DELETE = 8,
    PERMISSION_ADMIN = 16,
    PERMISSION_ALL = 31,
};

enum {
    ACL_OPEN = 0, /* world:anyone:cdrwa */
    ACL_NONE = 1, /* no entry at all, which permits everything to everyone */
};

/* Who somebody is: one of the ids of a connection. */
struct identity {
    struct bytes scheme, id;
};

struct identities {
    const struct identity *items;
    size_t count;
};

/* What the kernel says of a local client: the schemes `unix` with `uid:N` and `gid:N` are kept as ids of scheme
 * `digest` that no digest login can produce, so that servers take them that know only ZooKeeper's schemes. */
#define IDENTITY_LOCAL_USER  "unix-uid:"
#define IDENTITY_LOCAL_GROUP "unix-gid:"

struct acl_table; /* opaque */

struct acl_table *acl_table_new(const struct hash_key *hash_key); /* NULL: out of memory */
void acl_table_free(struct acl_table *t);

/* The number of the list, counted once more. A null or empty list is ACL_NONE. ST_NO_MEMORY. */
enum status acl_intern(struct acl_table *t, struct acls list, uint32_t *number);

/* Counts the number once more, for a second holder. */
void acl_hold(struct acl_table *t, uint32_t number);

/* Counts it once less; at zero the list is forgotten. */
void acl_release(struct acl_table *t, uint32_t number);

/* The smallest number >= `from` that stands for a list of the table; 0: none. ACL_OPEN and ACL_NONE are not in it. */
uint32_t acl_next(const struct acl_table *t, uint32_t from);

/* The list, valid while the number is held. ACL_NONE gives count 0. */
struct acls acl_get(const struct acl_table *t, uint32_t number);

/* Does the list grant any of `wanted` (a set of permission bits) to one of the identities? An identity of scheme
 * "super" may do everything, and so may anyone on an empty list. */
bool acl_permits(const struct acl_table *t, uint32_t number, uint32_t wanted, struct identities who);
bool acls_permit(struct acls list, uint32_t wanted, struct identities who);

/* Does an entry's id match an identity's id of the same scheme? Equality, except for "ip" (address, or address/bits;
 * IPv4 and IPv6). */
bool acl_id_matches(struct bytes scheme, struct bytes entry_id, struct bytes own_id);

/* Is `id` a legal id of `scheme` in an ACL (client-protocol 8.2, column "valid when")? Schemes: world, digest, ip,
 * x509. */
bool acl_id_is_valid(struct bytes scheme, struct bytes id);

/* Walks a list: false at its end. `at` starts as a reader over list.raw. */
bool acls_next(struct reader *at, struct acl_entry *entry);
