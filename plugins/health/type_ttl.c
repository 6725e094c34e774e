/* type_ttl.c - a check that is told how it is, by the commands pass, warn and fail; when nothing is told for ttl_ms, it
 * is critical. What is scheduled is that end. */
#include "plugins/health/health.h"

#include <stdio.h>

#define AT(member) offsetof(struct definition, ttl.member)
#define MONTH_MS   (30LL * 24 * 60 * 60 * 1000)

static const struct field rows[] = {
    {.key = "ttl_ms", .kind = FIELD_NUMBER, .required = true, .offset = AT(ttl_ms), .min = 1, .max = MONTH_MS},
    {.key = "user", .kind = FIELD_NUMBER, .offset = AT(user), .min = 0, .max = UINT32_MAX},
};

static void preset(struct definition *definition)
{
    definition->ttl.user = -1;
}

static bool start(struct check *check)
{
    char text[64];
    int len = snprintf(text, sizeof text, "no heartbeat for %lld ms", (long long)check->definition->ttl.ttl_ms);
    struct check_result result = {.status = CHECK_CRITICAL, .certain = true, .output = text, .output_len = (size_t)len};
    run_end(check, &result);
    return true;
}

const struct check_type type_ttl = {
    .name = "ttl",
    .fields = {rows, sizeof rows / sizeof *rows},
    .by_heartbeat = true,
    .preset = preset,
    .start = start,
};
