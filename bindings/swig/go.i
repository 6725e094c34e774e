/* go.i - how values cross between Go and libzooid. Private: bindings/go/zooid makes of it what a program uses. Clients,
 * requests and locks are addresses there, and are freed by name. */

%insert(cgo_comment_typedefs) %{
#cgo pkg-config: zooid
%}

%rename("%(strip:[zooid_])s", %$isfunction) "";
%rename("$ignore", %$isenumitem) "";
%rename("$ignore", %$isconstant) "";

%insert(header) "go_values.c"

/* ---- what C owns ---- */

%typemap(gotype) zooid_handle *, zooid_client *, const zooid_client *, zooid_request * "uintptr"
%typemap(in) zooid_handle *, zooid_request * "$1 = ($1_ltype)$input;"
%typemap(in) zooid_client *, const zooid_client * "$1 = ((zooid_handle *)$input)->client;"
%typemap(out) zooid_request * "$result = $1;"
%typemap(goout) zooid_request * ""

%define RECIPE(type)
%typemap(gotype) zooid_ ## type *, const zooid_ ## type * "uintptr"
%typemap(in) zooid_ ## type *, const zooid_ ## type * "$1 = ($1_ltype)$input;"
%typemap(out) zooid_ ## type * "$result = $1;"
%typemap(goout) zooid_ ## type * ""
%enddef
RECIPE(lock)
RECIPE(ephemeral)
RECIPE(barrier)
RECIPE(double_barrier)
RECIPE(queue)
RECIPE(cache)

%apply int { enum zooid_lock_kind };
%apply int { enum zooid_node_kind, enum zooid_watch_mode, enum zooid_session_state };

/* ---- texts and bytes ---- */

%typemap(in) const char * "$1 = ended_text($input.p, (size_t)$input.n);"
%typemap(in) const char *socket, const char *name, const char *after, const char *joining, const char *leaving,
    const char *members, const char *identifier "$1 = $input.n == 0 ? NULL : ended_text($input.p, (size_t)$input.n);"
%typemap(freearg) const char * "free($1);"

%typemap(gotype) (const void *data, size_t len) "[]byte"
%typemap(in) (const void *data, size_t len) {
    $1 = $input.array;
    $2 = (size_t)$input.len;
}
%apply (const void *data, size_t len) { (const void *auth, size_t len), (const void *bytes, size_t len) };

/* Texts that stay where they are, and rows of bytes that are the caller's. */
%insert(go_wrapper) %{
func copied(text string) string { return string([]byte(text)) }

func taken(text string) string {
	address := (*[2]uintptr)(unsafe.Pointer(&text))[0]
	if address == 0 {
		return ""
	}
	copy := copied(text)
	Free_text(address)
	return copy
}
%}
%typemap(out) const char * {
    $result.p = (char *)$1;
    $result.n = $1 == NULL ? 0 : (intgo)strlen($1);
}
%typemap(goout) const char * "$result = copied($1)"
%typemap(gotype) zooid_packed "string"
%typemap(out) zooid_packed {
    $result.p = $1.data;
    $result.n = $1.failed ? 0 : (intgo)$1.len;
}
%typemap(goout) zooid_packed "$result = taken($1)"

%typemap(gotype) char *taken "uintptr"
%typemap(in) char *taken "$1 = (char *)$input;"
%typemap(freearg) char *taken ""
%{
#define free_text(taken) free(taken)
%}
void free_text(char *taken);

/* ---- what returns a reply or events ---- */

%ignore zooid_perform;
%rename("$ignore", %$isfunction, regexmatch$name="^zooid_counter_(get|add)$|^zooid_group_members$") "";
%rename("$ignore", %$isfunction, regexmatch$name="^zooid_lock_(acquire|try|release|contenders)$") "";
%rename("$ignore", %$isfunction, regexmatch$name="^zooid_(barrier|ephemeral|cache)_wait$") "";
%rename("$ignore", %$isfunction, regexmatch$name="^zooid_barrier_(set|lift)$") "";
%rename("$ignore", %$isfunction, regexmatch$name="^zooid_double_barrier_(enter|leave)$") "";
%rename("$ignore", %$isfunction, regexmatch$name="^zooid_queue_(put|take|finish|return)$") "";
%rename("$ignore", %$isfunction, regexmatch$name="^zooid_cache_(get|list)$") "";
%ignore zooid_next_event;
%ignore zooid_handle_open;
%ignore zooid_handle_next_log;
%ignore zooid_ensure_path;
%ignore zooid_backup;
%ignore zooid_delete_recursive;
%ignore zooid_get;
%ignore zooid_exists;
%ignore zooid_list;
%ignore zooid_set;
%ignore zooid_create;
%ignore zooid_delete;
%ignore zooid_sync;
%ignore zooid_repeat_logins;

zooid_packed packed_open(const char *socket, const char *name, uint32_t connect_ms, uint32_t session_timeout_ms,
                         uint32_t watchdog_ms, uint32_t linger_ms, int64_t resume_id, const void *data, size_t len,
                         uint32_t logins_max);
zooid_packed packed_session_key(zooid_client *client);
zooid_packed packed_perform(zooid_client *client, zooid_request *taken, uint32_t ms);
zooid_packed packed_get(zooid_client *client, const char *path, uint32_t ms);
zooid_packed packed_repeat_logins(zooid_client *client, zooid_client *from, uint32_t ms);
zooid_packed packed_backup(zooid_client *client, int fd, uint32_t ms);
zooid_packed packed_events(zooid_client *client, uint32_t wait_ms, unsigned most);
zooid_packed packed_log(zooid_handle *handle);
void zooid_handle_free(zooid_handle *handle);
void zooid_request_free(zooid_request *request);

zooid_packed packed_cache_get(zooid_cache *cache, const char *path);
zooid_packed packed_cache_list(zooid_cache *cache, const char *path);
