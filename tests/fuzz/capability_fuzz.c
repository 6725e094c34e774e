/* capability_fuzz.c - any bytes as a record of capabilities and as the data of CAPABILITIES: what is read can be
 * written again, and is then read the same. */
#include "core/base/check.h"
#include "core/zab/capability.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(struct bytes in)
{
    struct capabilities can, again;
    struct buffer out = {0};
    struct writer w = writer_to(&out);
    if (capabilities_decode(in, &can) != ST_OK)
        return;
    CHECK(in.len <= CAPABILITY_RECORD_MAX);
    capabilities_encode(&w, &can);
    CHECK(w.status == ST_OK && out.len <= CAPABILITY_RECORD_MAX);
    CHECK(capabilities_decode(buffer_bytes(&out), &again) == ST_OK && capabilities_equal(&can, &again));
    buffer_free(&out);
}

static void check_agreement(struct bytes in)
{
    struct capabilities on, on_again;
    struct roster roster = {0}, again = {0};
    struct buffer out = {0};
    struct writer w = writer_to(&out);
    if (agreement_decode(in, &on, &roster) == ST_OK) {
        agreement_encode(&w, &on, &roster);
        CHECK(w.status == ST_OK && agreement_decode(buffer_bytes(&out), &on_again, &again) == ST_OK);
        CHECK(capabilities_equal(&on, &on_again) && roster.count == again.count);
        for (size_t i = 0; i < roster.count; i++)
            CHECK(capabilities_equal(&roster.items[i].can, roster_of(&again, roster.items[i].sid)));
    }
    roster_free(&roster);
    roster_free(&again);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_record(bytes_make(data, size));
    check_agreement(bytes_make(data, size));
    return 0;
}
