/* config_json.c - a libconfig setting as JSON: groups become objects, lists and arrays become arrays. */
#include "plugins/host/config_json.h"

#include <jansson.h>
#include <libconfig.h>

static json_t *value_of(const config_setting_t *setting);

static json_t *elements_of(const config_setting_t *setting, json_t *into)
{
    for (int i = 0; into != NULL && i < config_setting_length(setting); i++) {
        const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
        json_t *value = value_of(element);
        int failed = json_is_object(into) ? json_object_set_new(into, config_setting_name(element), value)
                                          : json_array_append_new(into, value);
        if (failed != 0) {
            json_decref(into);
            return NULL;
        }
    }
    return into;
}

static json_t *value_of(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP: return elements_of(setting, json_object());
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST: return elements_of(setting, json_array());
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64: return json_integer(config_setting_get_int64(setting));
    case CONFIG_TYPE_FLOAT: return json_real(config_setting_get_float(setting));
    case CONFIG_TYPE_BOOL: return json_boolean(config_setting_get_bool(setting));
    case CONFIG_TYPE_STRING: return json_string(config_setting_get_string(setting));
    default: return json_null();
    }
}

char *setting_json(const config_setting_t *setting)
{
    json_t *value = value_of(setting);
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    return text;
}
