/* local_ops.h - the functions that the rows of local_ops.c are made of: bodies of requests (local_encode.c), bodies of
 * answers (local_decode.c). */
#pragma once

#include "agent/local/local_internal.h"

/* -- local_encode.c */

#define LOCAL_ENCODER(name) enum status encode_##name(const to_agent *m, struct arena *arena, struct writer *w)
LOCAL_ENCODER(nothing);
LOCAL_ENCODER(auth);
LOCAL_ENCODER(get);
LOCAL_ENCODER(exists);
LOCAL_ENCODER(list);
LOCAL_ENCODER(get_acl);
LOCAL_ENCODER(read_many);
LOCAL_ENCODER(subtree);
LOCAL_ENCODER(ephemerals);
LOCAL_ENCODER(count);
LOCAL_ENCODER(sync);
LOCAL_ENCODER(create);
LOCAL_ENCODER(delete);
LOCAL_ENCODER(set);
LOCAL_ENCODER(set_acl);
LOCAL_ENCODER(multi);
LOCAL_ENCODER(reconfigure);
LOCAL_ENCODER(add_watch);
LOCAL_ENCODER(remove_watch);
LOCAL_ENCODER(restore_watches);

/* The replica's operation for a create of this kind. */
int32_t create_number(const Zooid__Local__Create *create);

const Zooid__Local__Freshness *freshness_get(const to_agent *m);
const Zooid__Local__Freshness *freshness_exists(const to_agent *m);
const Zooid__Local__Freshness *freshness_list(const to_agent *m);
const Zooid__Local__Freshness *freshness_get_acl(const to_agent *m);
const Zooid__Local__Freshness *freshness_read_many(const to_agent *m);
const Zooid__Local__Freshness *freshness_subtree(const to_agent *m);

/* -- local_decode.c */

void decode_identities(struct local_decoding *d, struct reader *r);
void decode_data(struct local_decoding *d, struct reader *r);
void decode_stat(struct local_decoding *d, struct reader *r);
void decode_created(struct local_decoding *d, struct reader *r);
void decode_page(struct local_decoding *d, struct reader *r);
void decode_acls(struct local_decoding *d, struct reader *r);
void decode_many(struct local_decoding *d, struct reader *r);
void decode_subtree(struct local_decoding *d, struct reader *r);
void decode_paths(struct local_decoding *d, struct reader *r);
void decode_count(struct local_decoding *d, struct reader *r);
void decode_results(struct local_decoding *d, struct reader *r);

/* -- local_command.c */

enum status local_command(struct local_client *c, struct local_request *request, const to_agent *m);

/* Wait: the connection was held until its time had come. */
enum status local_waited(struct local_client *c, struct local_request *request, const to_agent *m);
