/* status.c - the rows of status.h as tables. */
#include "core/base/status.h"

#include <stddef.h>

static const struct {
    int32_t code;
    const char *text;
} rows[] = {
#define STATUS(name, code, text) {code, text},
    STATUS_LIST(STATUS)
#undef STATUS
};

int32_t status_code(enum status status)
{
    return (unsigned)status < ST_COUNT ? rows[status].code : -1;
}

const char *status_text(enum status status)
{
    return (unsigned)status < ST_COUNT ? rows[status].text : "unknown status";
}

enum status status_from_code(int32_t code)
{
    for (size_t i = 0; i < ST_COUNT; i++)
        if (rows[i].code == code)
            return (enum status)i;
    return ST_SYSTEM_ERROR;
}
