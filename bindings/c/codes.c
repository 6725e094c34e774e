/* codes.c - names and texts of codes, from the list in zooid.h; the version. */
#include "bindings/c/internal.h"

static const struct {
    int code;
    const char *name, *text;
} rows[] = {
#define ROW(name, number, text) {number, #name, text},
    ZOOID_CODES(ROW)
#undef ROW
};

const char *zooid_version(void)
{
    return ZOOID_VERSION;
}

const char *zooid_code_name(int code)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].code == code)
            return rows[i].name;
    return "UNKNOWN";
}

const char *zooid_code_text(int code)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].code == code)
            return rows[i].text;
    return "an error that this library does not know";
}
