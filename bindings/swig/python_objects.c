/* python_objects.c - what Python holds of libzooid: clients and requests, in capsules that free them. A request that
 * was handed over is no request any more. Written into the wrapper that SWIG makes for Python. */

#define CLIENT  "zooid.client"
#define REQUEST "zooid.request"
#define TAKEN   "zooid.request, performed"

/* No call is under way: each holds a reference to the capsule. */
static void free_client(PyObject *capsule)
{
    zooid_handle *handle = PyCapsule_GetPointer(capsule, CLIENT);
    Py_BEGIN_ALLOW_THREADS zooid_handle_free(handle);
    Py_END_ALLOW_THREADS
}

static PyObject *client_object(zooid_handle *handle)
{
    PyObject *capsule = handle == NULL ? NULL : PyCapsule_New(handle, CLIENT, free_client);
    if (capsule == NULL)
        zooid_handle_free(handle);
    return capsule;
}

static void free_request(PyObject *capsule)
{
    zooid_request_free(PyCapsule_GetPointer(capsule, REQUEST));
}

static PyObject *request_object(zooid_request *request)
{
    PyObject *capsule = request == NULL ? PyErr_NoMemory() : PyCapsule_New(request, REQUEST, free_request);
    if (capsule == NULL)
        zooid_request_free(request);
    return capsule;
}

/* What was made of a client holds the capsule of that, which so is the last to go. */
static PyObject *recipe_object(void *recipe, const char *name, PyCapsule_Destructor free_it, PyObject *client)
{
    PyObject *capsule = recipe == NULL ? NULL : PyCapsule_New(recipe, name, free_it);
    if (recipe == NULL)
        PyErr_SetString(PyExc_ValueError, "not a path for that");
    if (capsule == NULL)
        return NULL;
    Py_INCREF(client);
    (void)PyCapsule_SetContext(capsule, client);
    return capsule;
}

#define RECIPE_NAME(type)                   "zooid." #type
#define RECIPE_OBJECT(type, recipe, client) type##_object(recipe, client)
#define RECIPE(type)                                                           \
    static void free_##type(PyObject *capsule)                                 \
    {                                                                          \
        PyObject *client = PyCapsule_GetContext(capsule);                      \
        zooid_##type##_free(PyCapsule_GetPointer(capsule, RECIPE_NAME(type))); \
        Py_XDECREF(client);                                                    \
    }                                                                          \
    static PyObject *type##_object(zooid_##type *recipe, PyObject *client)     \
    {                                                                          \
        return recipe_object(recipe, RECIPE_NAME(type), free_##type, client);  \
    }
RECIPE(lock)
RECIPE(ephemeral)
RECIPE(barrier)
RECIPE(double_barrier)
RECIPE(queue)
RECIPE(cache)

static zooid_request *take_request(PyObject *capsule)
{
    zooid_request *request = PyCapsule_GetPointer(capsule, REQUEST);
    if (request == NULL || PyCapsule_SetDestructor(capsule, NULL) != 0 || PyCapsule_SetName(capsule, TAKEN) != 0)
        return NULL;
    return request;
}
