/* zooid.i - what Python and Go see of libzooid. Replies and events become values of the language where they leave the
 * library (python.i, go.i), so that of what C has made only clients and requests are ever held on the other side. */
%module zooid

%{
#include <zooid.h>
%}
%insert(header) "handle.c"

%include <stdint.i>
#define ZOOID_API

#ifdef SWIGPYTHON
%include "python.i"
#endif
#ifdef SWIGGO
%include "go.i"
#endif

/* Parts of replies and events are taken apart in C; options, which hold a function, are filled there. */
%rename("$ignore", %$isfunction, regexmatch$name="^zooid_(reply|event)_") "";
%rename("$ignore", %$isclass, regexmatch$name="^zooid_(stat|acl|node|freshness|options|cursor)$") "";
%ignore ZOOID_CODES;
%ignore ZOOID_OPTIONS_INIT;
%ignore zooid_log_fn;
%ignore zooid_open;
%ignore zooid_close;
%ignore zooid_shutdown;
%ignore zooid_session_token;
%ignore zooid_ephemeral_inherit;
%ignore zooid_inherit_locks;
%ignore zooid_request_set_freshness;
%ignore zooid_request_set_cursor;

/* A function and an enumeration cannot share a name everywhere. */
%rename(session_state_of, %$isfunction) zooid_session_state;

/* Declared again, since a request that is taken over needs a name of its own for its typemap; the header's are passed
 * over. */

%typemap(in, numinputs=0) void *tag "$1 = NULL;";
zooid_ticket zooid_submit(zooid_client *client, zooid_request *taken, uint32_t deadline_ms, void *tag);
int zooid_perform(zooid_client *client, zooid_request *taken, uint32_t deadline_ms, zooid_reply **reply);
int zooid_request_add(zooid_request *multi, zooid_request *taken);

zooid_handle *zooid_handle_open(const char *socket, const char *name, uint32_t connect_ms, uint32_t session_timeout_ms,
                                uint32_t watchdog_ms, uint32_t linger_ms, int64_t resume_id, const void *bytes,
                                size_t len, uint32_t logins_max, zooid_reply **why);
void zooid_handle_shutdown(zooid_handle *handle);
zooid_log_line *zooid_handle_next_log(zooid_handle *handle);
int zooid_request_fresh(zooid_request *request, bool latest, int64_t zxid_min, uint32_t age_max_ms);
int zooid_request_behind(zooid_request *request, int64_t zxid, uint32_t index);

%include "zooid.h"
