/* codes.c - names and texts of codes, from the list in zooid.h; the version. */
#include "bindings/c/internal.h"

#define TEXT_OF(x)   #x
#define TEXT(x)      TEXT_OF(x)
#define VERSION_TEXT TEXT(ZOOID_VERSION_MAJOR) "." TEXT(ZOOID_VERSION_MINOR) "." TEXT(ZOOID_VERSION_PATCH)

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
    return VERSION_TEXT;
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
