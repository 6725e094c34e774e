/* members_internal.h - what the parts of core/members share. */
#pragma once

#include "core/members/members.h"

/* Fills `error` with key and text; returns ST_BAD_ARGUMENTS. */
enum status members_refuse(struct members_error *error, struct bytes key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Cuts the next part off `rest` at a separator outside brackets; false when nothing is left. The last part leaves
 * `rest` null; an empty text has one empty part. */
bool members_next_part(struct bytes *rest, char separator, struct bytes *part);

/* Without the blanks around it. */
struct bytes members_trim(struct bytes text);

/* Decimal digits to 0 .. `max`. */
bool members_parse_number(struct bytes text, int64_t max, int64_t *number);

/* What stands behind "server.N=" as a member without group and weight. `why` is set to why not. ST_NO_MEMORY. */
enum status member_parse(int64_t sid, struct bytes value, unsigned flags, struct member **out, const char **why);

/* A flag beside those of members_flag: nothing but server lines is taken. */
enum { MEMBERS_SERVERS_ONLY = 1 << 8 };

/* Takes the lines of the text one by one, up to the first that is refused. */
enum status members_take_lines(struct members_builder *b, struct bytes text, unsigned flags,
                               struct members_error *error);

/* The servers taken so far; valid until the next one is taken. */
const struct members *members_builder_servers(const struct members_builder *b);

/* Same number, role, addresses, ports, group and weight. */
bool member_equal(const struct member *a, const struct member *b);

/* Where `sid` stands in the configuration, or would have to be put in. */
size_t members_place(const struct members *m, int64_t sid);

/* Makes room and puts it in at its place. ST_NO_MEMORY: it is still the caller's. */
enum status members_insert(struct members *m, struct member *member);

/* -- host names and addresses, members_host.c ---------------------------------------------------------------------- */

enum { HOST_TEXT_MAX = MEMBER_HOST_MAX + 1 };

/* May this stand as a host? `bracketed`: it stood in brackets, as an IPv6 address must. */
bool host_is_valid(struct bytes host, bool bracketed);

/* As Apache writes it, without brackets and terminated: an IPv6 address is written out, one that holds an IPv4 address
 * becomes that. Returns the length. */
size_t host_write(struct bytes host, char text[HOST_TEXT_MAX]);

/* Order of the written forms. */
int host_compare(struct bytes a, struct bytes b);

/* The same order without regard to case. */
int host_compare_case(struct bytes a, struct bytes b);

/* The same host as far as the names tell: case makes no difference. */
bool host_equal(struct bytes a, struct bytes b);

/* Every address of a host, or its loopback: means another host to each server that has it. */
bool host_is_everywhere(struct bytes host);
