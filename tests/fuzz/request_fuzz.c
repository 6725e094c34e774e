/* request_fuzz.c - any messages of several clients to a replica, with the log now ahead and now behind. The rig looks
 * at everything that comes out, and at the end everything that was logged is applied again.
 *
 * The input is a byte of options, then steps: a byte that says which and of whom, and for a message its length in two
 * bytes and the message. */
#include "core/base/check.h"
#include "tests/support/replica_rig.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 4, STEPS_MAX = 200, XID_LEN = 4, CLIENTS_EVER_MAX = 60 };

struct input {
    const uint8_t *at, *end;
    int32_t next_xid;
    int connects;
};

static uint8_t take(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* Each request gets an xid of its own, lest one has that of events. */
static void send_message(struct rig *rig, struct input *in, const char *client)
{
    size_t len = (size_t)take(in) << 8;
    len |= take(in);
    len = len < (size_t)(in->end - in->at) ? len : (size_t)(in->end - in->at);
    struct buffer frame = {0};
    CHECK(buffer_reserve(&frame, len + 1) == ST_OK && buffer_append(&frame, in->at, len) == ST_OK);
    in->at += len;
    if (len >= XID_LEN)
        be32_put(frame.data, (uint32_t)in->next_xid++);
    struct buffer out = {0};
    rig_frame(rig, client, buffer_bytes(&frame), &out);
    buffer_free(&out);
    buffer_free(&frame);
}

static void do_with(struct rig *rig, const char *format, const char *client)
{
    char command[64];
    snprintf(command, sizeof command, format, client, client);
    rig_do(rig, command);
}

static void connect(struct rig *rig, struct input *in, uint8_t how, const char *client)
{
    static const char *const ways[] = {"connect %s", "connect %s session=%s", "open %s", "connect %s timeout=3000"};
    if (in->connects++ < CLIENTS_EVER_MAX)
        do_with(rig, ways[how % ARRAY_LEN(ways)], client);
}

static void step(struct rig *rig, struct input *in)
{
    static const char *const turns[] = {"hold", "release", "tick 700", "tick 4000", "full", "room", "status"};
    const uint8_t what = take(in);
    const char client[] = {(char)('A' + what % CLIENTS), '\0'};
    const bool is_there = rig_is_connected(rig, client);
    const uint8_t kind = what / CLIENTS;
    if (kind < ARRAY_LEN(turns))
        rig_do(rig, turns[kind]);
    else if (kind == ARRAY_LEN(turns) && is_there)
        do_with(rig, "disconnect %s", client);
    else if (!is_there)
        connect(rig, in, kind, client);
    else
        send_message(rig, in, client);
}

static void set_options(struct rig *rig, uint8_t bits)
{
    static const char *const options[] = {"option extended_types on", "option enforce_quota on",
                                          "option outstanding 2",     "option txn_bytes 400",
                                          "option watches 3",         "option close_paths off",
                                          "option outstanding_all 4", "option require_auth digest"};
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if ((bits >> i & 1) != 0)
            rig_do(rig, options[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size, 1, 0};
    struct rig *rig = rig_new();
    set_options(rig, take(&in));
    rig_do(rig, "option audit zooid");
    rig_do(rig, "connect A");
    for (int i = 0; i < STEPS_MAX && in.at < in.end; i++)
        step(rig, &in);
    rig_do(rig, "room");
    CHECK(rig_replays(rig));
    rig_free(rig);
    return 0;
}
