/* python_values.c - replies, events and log lines as tuples, in the order in which zooid/_zooid.pyi names their parts.
 * What is turned into a value is freed. Written into the wrapper that SWIG makes for Python. */

static PyObject *text_value(const char *text)
{
    if (text == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

static PyObject *bytes_value(const void *data, size_t len)
{
    if (data == NULL)
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)len);
}

static PyObject *stat_value(const struct zooid_stat *s)
{
    if (s == NULL)
        Py_RETURN_NONE;
    return Py_BuildValue("(LLLLiiiLiiLi)", (long long)s->czxid, (long long)s->mzxid, (long long)s->ctime,
                         (long long)s->mtime, s->version, s->cversion, s->aversion, (long long)s->ephemeral_owner,
                         s->data_length, s->num_children, (long long)s->pzxid, (int)s->kind);
}

/* A tuple of what `item` makes of each number below `count`. */
static PyObject *tuple_value(size_t count, PyObject *(*item)(const void *of, size_t index), const void *of)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *value = item(of, i);
        if (value == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, value);
    }
    return tuple;
}

static PyObject *child_value(const void *node, size_t index)
{
    return text_value(((const struct zooid_node *)node)->children[index]);
}

static PyObject *name_value(const void *reply, size_t index)
{
    return text_value(zooid_reply_name(reply, index));
}

static PyObject *node_value(const void *reply, size_t index)
{
    const struct zooid_node *n = zooid_reply_node(reply, index);
    return Py_BuildValue("(iNNNN)", n->code, text_value(n->path), bytes_value(n->data, n->data_len),
                         stat_value(n->stat), tuple_value(n->child_count, child_value, n));
}

static PyObject *acl_value(const void *reply, size_t index)
{
    const struct zooid_acl *a = zooid_reply_acl(reply, index);
    return Py_BuildValue("(INN)", a->perms, text_value(a->scheme), text_value(a->id));
}

static PyObject *reply_value(zooid_reply *r)
{
    int code = zooid_reply_code(r);
    PyObject *value = Py_BuildValue(
        "(iNNNNLIiNNKNNNN)", code, text_value(code == ZOOID_OK ? NULL : zooid_reply_message(r)),
        text_value(zooid_reply_path(r)), PyBool_FromLong(zooid_reply_retry(r)),
        PyBool_FromLong(zooid_reply_outcome_unknown(r)), (long long)zooid_reply_zxid(r), zooid_reply_age_ms(r),
        (int)zooid_reply_role(r), bytes_value(zooid_reply_data(r), zooid_reply_data_len(r)),
        stat_value(zooid_reply_stat(r)), (unsigned long long)zooid_reply_number(r),
        PyBool_FromLong(zooid_reply_complete(r)), tuple_value(zooid_reply_name_count(r), name_value, r),
        tuple_value(zooid_reply_node_count(r), node_value, r), tuple_value(zooid_reply_acl_count(r), acl_value, r));
    zooid_reply_free(r);
    return value;
}

static PyObject *cursor_value(const zooid_event *e)
{
    struct zooid_cursor cursor;
    if (!zooid_event_cursor(e, &cursor))
        Py_RETURN_NONE;
    return Py_BuildValue("(LI)", (long long)cursor.zxid, cursor.index);
}

/* What is asked of a provider, or becomes of its offer. */
static PyObject *invoked_value(const zooid_event *e)
{
    enum zooid_event_kind kind = zooid_event_kind(e);
    if (kind != ZOOID_EVENT_OFFER && kind != ZOOID_EVENT_CALL && kind != ZOOID_EVENT_CALL_OVER)
        Py_RETURN_NONE;
    return Py_BuildValue("(NKNNK)", PyBool_FromLong(zooid_event_stands(e)), (unsigned long long)zooid_event_call(e),
                         text_value(zooid_event_command(e)), text_value(zooid_event_caller(e)),
                         (unsigned long long)zooid_event_deadline_ms(e));
}

static PyObject *event_value(zooid_event *e)
{
    if (e == NULL)
        Py_RETURN_NONE;
    enum zooid_event_kind kind = zooid_event_kind(e);
    bool has_reply = kind == ZOOID_EVENT_REPLY || kind == ZOOID_EVENT_LOST;
    PyObject *value = Py_BuildValue(
        "(iKNiiNLNNNNNNI)", (int)kind, (unsigned long long)zooid_event_ticket(e),
        has_reply ? reply_value(zooid_event_take_reply(e)) : text_value(NULL), (int)zooid_event_session_state(e),
        (int)zooid_event_change(e), text_value(zooid_event_path(e)), (long long)zooid_event_zxid(e),
        bytes_value(zooid_event_data(e), zooid_event_data_len(e)), stat_value(zooid_event_stat(e)), cursor_value(e),
        PyBool_FromLong(zooid_event_fell_behind(e)), PyBool_FromLong(zooid_event_ends_txn(e)), invoked_value(e),
        zooid_event_missed(e));
    zooid_event_free(e);
    return value;
}

static PyObject *log_value(zooid_log_line *line)
{
    if (line == NULL)
        Py_RETURN_NONE;
    PyObject *value = Py_BuildValue("(iIN)", (int)line->level, line->missed, text_value(line->text));
    free(line);
    return value;
}

/* None: there is no session. */
static PyObject *session_key(zooid_client *client)
{
    struct session_key key = session_key_of(client);
    if (key.id == 0)
        Py_RETURN_NONE;
    return Py_BuildValue("(LN)", (long long)key.id, bytes_value(key.token, key.len));
}
