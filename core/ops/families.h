/* families.h - the functions that the rows of op_table.c name, one block for each file, and what families lend each
 * other.
 *
 * Their contracts are those of struct op's members; they are called through the table. */
#pragma once

#include "core/ops/op.h"

/* create.c */
enum create_flags {
    CREATE_FLAG_EPHEMERAL = 1,
    CREATE_FLAG_SEQUENTIAL = 2,
    CREATE_FLAGS_CONTAINER = 4,
    CREATE_FLAGS_TTL = 5,
    CREATE_FLAGS_TTL_SEQUENTIAL = 6,
    CREATE_FLAGS_LAST = 6,
};

enum status create_decode(struct reader *r, union op_body *body);
enum status create_ttl_decode(struct reader *r, union op_body *body);
bool create_makes_ephemeral(const union op_body *body);
enum status create_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record);
/* When all is checked: writes the record, notes what parent and child will be. */
enum status create_decided(struct prepare *p, const struct op *op, const struct create_ttl_request *request,
                           struct tree_create *create, struct pending_node *parent, struct writer *record);
enum status create_apply(struct apply *a, struct bytes record, struct writer *answer);
enum status create_container_apply(struct apply *a, struct bytes record, struct writer *answer);
enum status create_ttl_apply(struct apply *a, struct bytes record, struct writer *answer);
void create_audit(const struct op *op, const union op_body *body, struct writer *note);

/* delete.c */
enum status path_version_decode(struct reader *r, union op_body *body);
enum status delete_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record);
enum status delete_container_prepare(struct prepare *p, const struct op *op, const union op_body *body,
                                     struct writer *record);
enum status delete_apply(struct apply *a, struct bytes record, struct writer *answer);
void delete_audit(const struct op *op, const union op_body *body, struct writer *note);

/* set_data.c */
enum status set_data_decode(struct reader *r, union op_body *body);
enum status set_data_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record);
enum status set_data_apply(struct apply *a, struct bytes record, struct writer *answer);
void set_data_audit(const struct op *op, const union op_body *body, struct writer *note);
enum status check_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record);
enum status check_apply(struct apply *a, struct bytes record, struct writer *answer);

/* reconfig.c */
enum status reconfig_decode(struct reader *r, union op_body *body);
enum status reconfig_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record);
enum status reconfig_apply(struct apply *a, struct bytes record, struct writer *answer);

/* acl.c */
enum status set_acl_decode(struct reader *r, union op_body *body);
enum status set_acl_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record);
enum status set_acl_apply(struct apply *a, struct bytes record, struct writer *answer);
void set_acl_audit(const struct op *op, const union op_body *body, struct writer *note);
enum status get_acl_answer(const struct read_context *context, const union op_body *body, struct writer *w);

/* read.c */
enum status path_watch_decode(struct reader *r, union op_body *body);
enum status path_decode(struct reader *r, union op_body *body);
enum status path_or_null_decode(struct reader *r, union op_body *body);
enum status exists_answer(const struct read_context *context, const union op_body *body, struct writer *w);
enum status get_data_answer(const struct read_context *context, const union op_body *body, struct writer *w);
enum status get_children_answer(const struct read_context *context, const union op_body *body, struct writer *w);
enum status get_children2_answer(const struct read_context *context, const union op_body *body, struct writer *w);
enum status get_all_children_number_answer(const struct read_context *context, const union op_body *body,
                                           struct writer *w);
enum status get_ephemerals_answer(const struct read_context *context, const union op_body *body, struct writer *w);
size_t get_data_weigh(const struct pending *pending, const union op_body *body);
size_t get_children_weigh(const struct pending *pending, const union op_body *body);
enum status ping_answer(const struct read_context *context, const union op_body *body, struct writer *w);
enum status sync_answer(const struct read_context *context, const union op_body *body, struct writer *w);

/* local.c */
enum status list_page_decode(struct reader *r, union op_body *body);
enum status list_page_answer(const struct read_context *context, const union op_body *body, struct writer *w);
size_t list_page_weigh(const struct pending *pending, const union op_body *body);
enum status read_many_decode(struct reader *r, union op_body *body);
enum status read_many_answer(const struct read_context *context, const union op_body *body, struct writer *w);
size_t read_many_weigh(const struct pending *pending, const union op_body *body);
enum status subtree_decode(struct reader *r, union op_body *body);
enum status subtree_answer(const struct read_context *context, const union op_body *body, struct writer *w);

/* watch.c */
enum status set_watches_decode(struct reader *r, union op_body *body);
enum status set_watches2_decode(struct reader *r, union op_body *body);
enum status set_watches_answer(const struct read_context *context, const union op_body *body, struct writer *w);
enum status add_watch_decode(struct reader *r, union op_body *body);
enum status add_watch_answer(const struct read_context *context, const union op_body *body, struct writer *w);
enum status watcher_type_decode(struct reader *r, union op_body *body);
enum status check_watches_answer(const struct read_context *context, const union op_body *body, struct writer *w);
enum status remove_watches_answer(const struct read_context *context, const union op_body *body, struct writer *w);

/* multi.c */
enum status multi_decode(struct reader *r, union op_body *body);
enum status multi_read_decode(struct reader *r, union op_body *body);
bool multi_makes_ephemeral(const union op_body *body);
enum status multi_prepare(struct prepare *p, const struct op *op, const union op_body *body, struct writer *record);
enum status multi_apply(struct apply *a, struct bytes record, struct writer *answer);
void multi_audit(const struct op *op, const union op_body *body, struct writer *note);
enum status multi_read_answer(const struct read_context *context, const union op_body *body, struct writer *w);
size_t multi_read_weigh(const struct pending *pending, const union op_body *body);

/* session.c */
enum status create_session_prepare(struct prepare *p, const struct op *op, const union op_body *body,
                                   struct writer *record);
enum status create_session_apply(struct apply *a, struct bytes record, struct writer *answer);
enum status close_session_prepare(struct prepare *p, const struct op *op, const union op_body *body,
                                  struct writer *record);
enum status close_session_apply(struct apply *a, struct bytes record, struct writer *answer);
void close_session_audit(const struct op *op, const union op_body *body, struct writer *note);
enum status error_apply(struct apply *a, struct bytes record, struct writer *answer);

/* auth.c */
enum status auth_decode(struct reader *r, union op_body *body);
enum status sasl_decode(struct reader *r, union op_body *body);
enum status auth_identify(const struct identify *i, const union op_body *body, struct writer *answer);
enum status sasl_identify(const struct identify *i, const union op_body *body, struct writer *answer);
enum status who_am_i_answer(const struct read_context *context, const union op_body *body, struct writer *w);

/* Is this the owner of an ordinary ephemeral, which a session has? (create.c) */
bool owner_is_session(const struct op_rules *rules, int64_t owner);

/* Notes that the node will be gone. The checks are the caller's. (delete.c) */
enum status delete_note(struct prepare *p, struct bytes path);

/* Tells of the deletion and does it. (delete.c) */
enum status delete_node(struct apply *a, struct bytes path);

/* A stat in an answer; `owned`: with the owner that is stored. (read.c) */
void write_stat(const struct tree *tree, const struct tree_node *node, bool owned, struct writer *w);

/* A count and each name. Returns the bytes of the names. */
size_t write_names_of_children(const struct tree *tree, const struct tree_node *node, struct writer *w);

/* Writes the stat of a node that exists, unless `answer` is NULL. (set_data.c) */
void write_stat_of(const struct apply *a, struct bytes path, struct writer *answer);
