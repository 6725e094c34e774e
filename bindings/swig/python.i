/* python.i - how values cross between Python and libzooid. Private: bindings/python/zooid makes of it what a program
 * uses. Functions that may wait release the interpreter's lock. */

%rename("%(strip:[zooid_])s") "";
%rename("%(strip:[ZOOID_])s", %$isenumitem) "";
%rename("%(strip:[ZOOID_])s", %$isconstant) "";

/* ---- who owns what: python_objects.c ---- */

%insert(header) "python_objects.c"

%typemap(out) zooid_request * "$result = request_object($1);";
%typemap(in) zooid_request * {
    $1 = PyCapsule_GetPointer($input, REQUEST);
    if ($1 == NULL)
        SWIG_fail;
}
%typemap(in) zooid_request *taken {
    $1 = take_request($input);
    if ($1 == NULL)
        SWIG_fail;
}

%typemap(in) zooid_handle * {
    $1 = PyCapsule_GetPointer($input, CLIENT);
    if ($1 == NULL)
        SWIG_fail;
}
%typemap(in) zooid_client * {
    const zooid_handle *handle = PyCapsule_GetPointer($input, CLIENT);
    if (handle == NULL)
        SWIG_fail;
    $1 = handle->client;
}

%define RECIPE(type)
%ignore zooid_ ## type ## _free;
%typemap(out) zooid_ ## type * "$result = RECIPE_OBJECT(type, $1, swig_obj[0]);";
%typemap(in) zooid_ ## type *, const zooid_ ## type * {
    $1 = PyCapsule_GetPointer($input, RECIPE_NAME(type));
    if ($1 == NULL)
        SWIG_fail;
}
%enddef
RECIPE(lock)
RECIPE(ephemeral)
RECIPE(barrier)
RECIPE(double_barrier)
RECIPE(queue)
RECIPE(cache)

/* ---- texts and bytes ---- */

/* Text without a zero byte, which would cut it short; None is NULL. The text lives as long as the arguments. */
%typemap(in) const char * {
    Py_ssize_t len = 0;
    if ($input != Py_None) {
        $1 = (char *)PyUnicode_AsUTF8AndSize($input, &len);
        if ($1 == NULL)
            SWIG_fail;
        if (strlen($1) != (size_t)len)
            SWIG_exception_fail(SWIG_ValueError, "embedded null character");
    }
}
%typemap(freearg) const char * "";

/* Whatever has bytes; None is null. */
%typemap(in) (const void *data, size_t len) (Py_buffer view = {NULL}) {
    if ($input != Py_None) {
        if (PyObject_GetBuffer($input, &view, PyBUF_SIMPLE) != 0)
            SWIG_fail;
        $1 = view.buf;
        $2 = (size_t)view.len;
    } else {
        $1 = NULL;
        $2 = 0;
    }
}
%typemap(freearg) (const void *data, size_t len) "PyBuffer_Release(&view$argnum);";
%apply (const void *data, size_t len) { (const void *auth, size_t len), (const void *bytes, size_t len) };

%typemap(in) bool {
    int truth = PyObject_IsTrue($input);
    if (truth < 0)
        SWIG_fail;
    $1 = truth != 0;
}

/* ---- replies and events ---- */

%insert(header) "python_values.c"

/* The reply alone is the result: it has the code too. */
%typemap(in, numinputs=0) zooid_reply ** (zooid_reply *reply = NULL) "$1 = &reply;";
%typemap(argout) zooid_reply **reply {
    Py_XDECREF($result);
    $result = reply_value(*$1);
    if ($result == NULL)
        SWIG_fail;
}

/* The client, or the reply that tells why there is none. */
%typemap(out) zooid_handle * "$result = client_object($1);";
%typemap(argout) zooid_reply **why {
    if ($result == NULL)
        $result = reply_value(*$1);
    if ($result == NULL)
        SWIG_fail;
}

%typemap(out) zooid_event * {
    $result = event_value($1);
    if ($result == NULL)
        SWIG_fail;
}

%typemap(out) PyObject * {
    $result = $1;
    if ($result == NULL)
        SWIG_fail;
}

%typemap(out) zooid_log_line * {
    $result = log_value($1);
    if ($result == NULL)
        SWIG_fail;
}

/* ---- the interpreter's lock ---- */

%nothread;
PyObject *session_key(zooid_client *client);
%thread zooid_handle_open;
%thread zooid_handle_shutdown;
%thread zooid_handle_next_log;
%thread zooid_perform;
%thread zooid_submit;
%thread zooid_cancel;
%thread zooid_call_answer;
%thread zooid_call_refuse;
%thread zooid_next_event;
%thread zooid_get;
%thread zooid_exists;
%thread zooid_list;
%thread zooid_set;
%thread zooid_create;
%thread zooid_delete;
%thread zooid_sync;
%thread zooid_ensure_path;
%thread zooid_delete_recursive;
%thread zooid_lock_try;
%thread zooid_lock_release;
%thread zooid_lock_contenders;
%thread zooid_lock_submit_acquire;
%thread zooid_lock_submit_release;
%thread zooid_lock_submit_try;
%thread zooid_lock_submit_contenders;
%thread zooid_submit_ensure_path;
%thread zooid_submit_delete_recursive;
%thread zooid_group_submit_members;
%thread zooid_barrier_submit_set;
%thread zooid_barrier_submit_lift;
%thread zooid_queue_submit_put;
%thread zooid_queue_submit_finish;
%thread zooid_queue_submit_return;
%thread zooid_counter_submit_get;
%thread zooid_counter_submit_add;
%thread zooid_group_members;
%thread zooid_barrier_set;
%thread zooid_barrier_lift;
%thread zooid_double_barrier_leave;
%thread zooid_queue_put;
%thread zooid_queue_finish;
%thread zooid_queue_return;
%thread zooid_counter_get;
%thread zooid_counter_add;
%thread zooid_backup;
