/* local_path.h - which path a message of the local door is about, as both of its ends have it. */
#ifndef ZOOID_LOCAL_PATH_H
#define ZOOID_LOCAL_PATH_H

#include "local.pb-c.h"

/* The message's own text, valid as long as the message; NULL when it has none or is not about one path. */
static inline const char *local_path_of(const Zooid__Local__ToAgent *m)
{
    switch (m->body_case) {
    case ZOOID__LOCAL__TO_AGENT__BODY_GET: return m->get->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_EXISTS: return m->exists->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_LIST: return m->list->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_GET_ACL: return m->get_acl->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_SUBTREE: return m->subtree->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_COUNT_DESCENDANTS: return m->count_descendants->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_CREATE: return m->create->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_DELETE: return m->delete_->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_SET: return m->set->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_SET_ACL: return m->set_acl->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_ADD_WATCH: return m->add_watch->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_REMOVE_WATCH: return m->remove_watch->path;
    case ZOOID__LOCAL__TO_AGENT__BODY_SUBSCRIBE: return m->subscribe->prefix;
    default: return NULL;
    }
}

#endif
