/* members.h - one configuration of an ensemble: who its servers are, where they listen, who votes with which weight.
 *
 * A configuration is made from text, line by line with a builder or at once, and never changes afterwards; joining and
 * leaving make a new one. The text is that of dynamic configuration files, of /zookeeper/config and of the packets
 * between servers (quorum-protocol 5.1, client-protocol 12.2). Knows names and ports only: nothing is resolved. A
 * client port that stands in zoo.cfg's clientPort alone is not part of it. Pure; a configuration may be read by many
 * threads. */
#pragma once

#include "core/base/bytes.h"
#include "core/jute/records.h"

enum {
    MEMBERS_MAX = 4096,                   /* servers of one configuration, observers included */
    MEMBERS_VOTERS_MAX = 255,             /* participants among them */
    MEMBERS_TEXT_MAX = 512 * 1024 - 1024, /* bytes; a notification with it must stay below Apache's 512 KiB */
    MEMBER_ADDRESSES_MAX = 8,
    MEMBER_HOST_MAX = 255, /* bytes */
    MEMBER_WEIGHT_MAX = INT32_MAX
};

enum member_role { MEMBER_PARTICIPANT, MEMBER_OBSERVER };

/* Where other servers reach it. `host` is as it was given, an IPv6 address without its brackets. */
struct member_address {
    struct bytes host;
    uint16_t quorum_port, election_port;
};

/* Where clients reach it. A null host: there is no such port. */
struct member_door {
    struct bytes host;
    uint16_t port;
};

struct member {
    int64_t sid;
    enum member_role role;
    size_t address_count; /* at least 1; ascending by host */
    struct member_address addresses[MEMBER_ADDRESSES_MAX];
    struct member_door client, secure_client;
    /* The rest is set when the configuration is complete. */
    size_t voter;    /* of a participant: its place among the participants */
    bool has_weight; /* only where there are groups */
    int32_t weight;  /* 1 where there are no groups */
    bool has_group;
    size_t group; /* its place among the groups */
    char text[];  /* what the slices point into */
};

struct member_group {
    int64_t gid;
    int64_t weight; /* of all its members */
};

/* Read it, do not write it. */
struct members {
    struct member **items; /* ascending by sid */
    size_t count, capacity;
    size_t voters;               /* participants */
    struct member_group *groups; /* ascending by gid; none: the majority decides, each voter counting once */
    size_t group_count;
    int64_t version; /* a zxid; 0 for a first configuration */
};

/* Why a configuration was refused. */
struct members_error {
    size_t line;   /* of the text, from 1; 0: no single one, or the lines did not come as a text */
    char key[64];  /* "server.3"; empty: the whole configuration */
    char why[160]; /* goes on where the key ends: "names no host" */
};

enum members_flag {
    MEMBERS_COMMAS = 1,       /* commas separate lines as well: the form of reconfig's arguments */
    MEMBERS_MULTI_ADDRESS = 2 /* several addresses with '|' are allowed (multiAddress.enabled) */
};

/* Makes a configuration of `text`. Empty lines and those that begin with '#' or '!' are passed over. No version in it
 * means 0. ST_BAD_ARGUMENTS: `error` says why; ST_NO_MEMORY. Free with members_free. */
enum status members_parse(struct bytes text, unsigned flags, struct members **out, struct members_error *error);

void members_free(struct members *m); /* NULL is allowed */

/* The same once more. ST_NO_MEMORY; ST_LIMIT: its text is longer than MEMBERS_TEXT_MAX. */
enum status members_copy(const struct members *m, struct members **out);

/* The same by hand, for lines that come from elsewhere. */
struct members_builder;                                      /* opaque */
struct members_builder *members_builder_new(unsigned flags); /* NULL: out of memory; free with members_builder_free */
void members_builder_free(struct members_builder *b);        /* NULL is allowed */

/* Takes KEY=VALUE. ST_BAD_ARGUMENTS: the line is not taken, `error` says why; ST_NO_MEMORY. */
enum status members_builder_take(struct members_builder *b, struct bytes key, struct bytes value,
                                 struct members_error *error);

/* Checks what concerns all lines together and hands out the configuration; the builder is empty afterwards.
 * ST_BAD_ARGUMENTS: `error` says why, naming the key that is to blame; ST_NO_MEMORY. */
enum status members_builder_finish(struct members_builder *b, struct members **out, struct members_error *error);

/* NULL: no such server. */
const struct member *members_find(const struct members *m, int64_t sid);

/* Appends the canonical text: servers, groups and weights ascending, then the version, no newline at the end. Addresses
 * are written as Apache writes them. ST_LIMIT: longer than MEMBERS_TEXT_MAX; ST_NO_MEMORY. On error nothing is
 * appended. */
enum status members_print(const struct members *m, struct buffer *out);

/* Appends what stands behind "server.N=". Errors as buffer_append, with part of it appended. */
enum status member_print(const struct member *member, struct buffer *out);

/* The same up to its role: "host:quorumPort:electionPort". */
enum status member_print_addresses(const struct member *member, struct buffer *out);

/* Are they the same configuration: the same version, or the same content (quorum-protocol 5.1)? */
bool members_equal(const struct members *a, const struct members *b);

/* The same servers, addresses, ports, roles, groups and weights, whatever the versions. Case of host names and the
 * spelling of an IPv6 address make no difference. */
bool members_same_content(const struct members *a, const struct members *b);

/* Is its quorum port reached in the same places? */
bool member_same_quorum_address(const struct member *a, const struct member *b);

/* What a reconfiguration begins from. */
struct members_reconfig {
    const struct members *committed, *last_seen;
    int64_t zxid;            /* of its txn: the new version */
    bool standalone_enabled; /* then one voter is not enough */
    bool multi_address;
};

/* The configuration that a reconfig request asks for, checked as far as it can be without the network: none is pending
 * (ST_RECONFIG_IN_PROGRESS), it is the awaited version that changes (ST_BAD_VERSION), the text can be read, steps of
 * single servers only where the majority decides, whoever joins has a client port, no address belongs to two, enough
 * voters (ST_BAD_ARGUMENTS with `error`). ST_NO_MEMORY. Leaving comes before joining; who joins with the sid of a
 * member takes its place; who leaves need not be there. Source: quorum-protocol 5.3. */
enum status members_reconfig(const struct members_reconfig *from, const struct reconfig_request *request,
                             struct members **out, struct members_error *error);
