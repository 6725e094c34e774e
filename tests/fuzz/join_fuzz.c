/* join_fuzz.c - what anybody may say to a host that asks who the members are: refused, or a configuration. */
#include "agent/join/join_answer.h"
#include "core/base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_seeds(const uint8_t *data, size_t size)
{
    struct join_seed seeds[4];
    struct buffer text = {0};
    size_t count = 0;
    CHECK(buffer_append(&text, data, size) == ST_OK && buffer_append(&text, "", 1) == ST_OK);
    if (join_parse_seeds((const char *)text.data, seeds, 4, &count))
        for (size_t i = 0; i < count; i++)
            CHECK(seeds[i].port > 0 && seeds[i].host.len > 0 &&
                  memchr(seeds[i].host.data, 0, seeds[i].host.len) == NULL);
    buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[JOIN_WHY_SIZE] = "";
    struct members *members = NULL;
    struct bytes text, frame = bytes_make(data, size);
    struct join_answer answer = {0};
    enum status st = join_read_config(frame, &members, &text, why);
    CHECK((st == ST_OK) == (members != NULL) && (st == ST_OK || why[0] != '\0'));
    CHECK(st != ST_OK || members->voters > 0);
    members_free(members);
    st = join_read_session(frame, why);
    CHECK(st == ST_OK || st == ST_BAD_ARGUMENTS);
    CHECK(join_read_lines(frame, &answer) <= size && answer.tick_ms >= 0);
    check_seeds(data, size);
    return 0;
}
