/* member_fuzz.c - a leader and a follower that hear from each other what no sound member says about sessions and
 * clients' requests, between requests of real clients. Nothing crashes, each client is answered in order, and in the
 * end all members have the same tree and nothing is outstanding: the rigs look for themselves. */
#include "core/base/check.h"
#include "core/zab/packet.h"
#include "core/zab/request.h"
#include "tests/support/ensemble_rig.h"
#include "tests/support/replica_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 64, BODY_MAX = 255 };

/* What clients ask for meanwhile; those that are gone ask for nothing. */
static const char *const commands[] = {
    "1 A ping",
    "1 A create /a flags=1",
    "1 A create /b- flags=3",
    "1 A setData /a x",
    "1 A sync /",
    "1 A getChildren /",
    "1 A closeSession",
    "1 A multi create /m ; create /n flags=1",
    "1 B create /c",
    "1 B create /d flags=1",
    "1 B exists /a watch",
    "1 B delete /c",
    "3 C ping",
    "3 C create /e flags=1",
    "3 C getChildren / watch",
    "3 C sync /",
    "4 D create /f",
    "4 D create /g flags=1",
    "4 D sync /",
    "4 D closeSession",
    "stall 1->3",
    "go 1->3",
    "stall 3->1",
    "go 3->1",
    "tick 500",
    "tick 2500",
    "2 connect E session=A",
    "1 connect F session=A",
    "3 connect G session=B",
    "1 connect H session=C",
};

struct input {
    const uint8_t *at, *end;
};

static uint8_t take(struct input *in)
{
    return in->at == in->end ? 0 : *in->at++;
}

static struct bytes take_bytes(struct input *in)
{
    size_t len = take(in) % (BODY_MAX + 1), left = (size_t)(in->end - in->at);
    len = len < left ? len : left;
    in->at += len;
    return bytes_make(in->at - len, len);
}

/* One that there is, mostly, or will be. */
static int64_t take_session(struct input *in)
{
    uint8_t byte = take(in);
    if (byte == 0xff)
        return 0;
    return (int64_t)((uint64_t)(byte >> 5) << 56 | (uint64_t)RIG_START_MS << 16 | (byte & 3));
}

static bool can_be_done(const struct ensemble_rig *e, const char *command)
{
    char name[2] = {command[2], '\0'};
    bool is_request = command[1] == ' ' && command[3] == ' ';
    return !is_request || ensemble_rig_is_connected(e, command[0] - '0', name);
}

static void ask(struct ensemble_rig *e, struct input *in)
{
    const char *command = commands[take(in) % ARRAY_LEN(commands)];
    if (can_be_done(e, command))
        ensemble_rig_do(e, command);
}

static void inject(struct ensemble_rig *e, int64_t from, int64_t to, struct packet packet, const struct buffer *data)
{
    struct buffer bytes = {0}, ignored = {0};
    struct writer w = writer_to(&bytes);
    packet.data = data->len > 0 ? buffer_bytes(data) : packet.data;
    packet_encode(&w, &packet);
    CHECK(w.status == ST_OK);
    ensemble_rig_inject(e, from, to, buffer_bytes(&bytes), &ignored);
    buffer_free(&bytes);
    buffer_free(&ignored);
}

/* A request of a client, as a follower forwards it; its body is whatever comes. */
static void forward(struct ensemble_rig *e, struct input *in)
{
    static const int8_t types[] = {1, 2, 5, 7, 9, 14, 15, 16, 19, 20, 21, -10, -11, 13, 4, 99};
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    const int64_t session = take_session(in);
    const int32_t cxid = (int8_t)take(in), type = types[take(in) % ARRAY_LEN(types)];
    forwarded_request_encode(
        &w, &(struct forwarded_request){.session_id = session, .cxid = cxid, .type = type, .body = take_bytes(in)});
    inject(e, 1, 3, (struct packet){.type = PACKET_REQUEST, .zxid = -1}, &data);
    buffer_free(&data);
}

/* A create that can be read, of any session. */
static void forward_create(struct ensemble_rig *e, struct input *in)
{
    struct buffer data = {0}, frame = {0};
    struct writer w = writer_to(&data);
    char words[64];
    const int64_t session = take_session(in);
    const uint8_t byte = take(in);
    snprintf(words, sizeof words, "create /x%d flags=%d", byte & 7, byte >> 6);
    rig_request(words, byte, &frame);
    forwarded_request_encode(
        &w, &(struct forwarded_request){
                .session_id = session, .cxid = byte, .type = 1, .body = bytes_from(buffer_bytes(&frame), 8)});
    inject(e, 1, 3, (struct packet){.type = PACKET_REQUEST, .zxid = -1}, &data);
    buffer_free(&data);
    buffer_free(&frame);
}

static void revalidate(struct ensemble_rig *e, struct input *in)
{
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    const int64_t session = take_session(in);
    touch_encode(&w, &(struct touch){session, (int8_t)take(in) * 100});
    inject(e, 1, 3, (struct packet){.type = PACKET_REVALIDATE, .zxid = -1}, &data);
    buffer_free(&data);
}

static void revalidated(struct ensemble_rig *e, struct input *in)
{
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    const int64_t session = take_session(in);
    revalidated_encode(&w, session, (take(in) & 1) != 0);
    inject(e, 3, 1, (struct packet){.type = PACKET_REVALIDATE, .zxid = -1}, &data);
    buffer_free(&data);
}

static void touch(struct ensemble_rig *e, struct input *in)
{
    struct buffer data = {0};
    struct writer w = writer_to(&data);
    for (uint8_t count = take(in) % 4; count > 0; count--) {
        const int64_t session = take_session(in);
        touch_encode(&w, &(struct touch){session, (int8_t)take(in) * 100});
    }
    inject(e, 1, 3, (struct packet){.type = PACKET_PING, .data = BYTES("")}, &data);
    buffer_free(&data);
}

/* Data that is none, of the packets that the layer above zab takes. */
static void nonsense(struct ensemble_rig *e, struct input *in)
{
    static const int32_t types[] = {PACKET_REQUEST, PACKET_REVALIDATE, PACKET_PING, PACKET_SYNC};
    const uint8_t byte = take(in);
    const struct bytes bytes = take_bytes(in);
    struct buffer data = {0};
    CHECK(buffer_append(&data, bytes.data, bytes.len) == ST_OK);
    const int64_t from = (byte & 4) != 0 ? 1 : 3;
    inject(e, from, 4 - from, (struct packet){.type = types[byte & 3], .zxid = -1}, &data);
    buffer_free(&data);
}

typedef void step_fn(struct ensemble_rig *e, struct input *in);

static step_fn *const steps[] = {ask, ask, ask, ask, forward, forward_create, revalidate, revalidated, touch, nonsense};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    struct ensemble_rig *e = ensemble_rig_new();
    const uint8_t options = take(&in);
    ensemble_rig_do(e, (options & 1) != 0 ? "option local_sessions on" : "option local_sessions off");
    ensemble_rig_do(e, (options & 2) != 0 ? "option upgrading on" : "option upgrading off");
    ensemble_rig_do(e, "option audit zooid");
    ensemble_rig_do(e, "ensemble 3 1");
    ensemble_rig_do(e, "1 connect A timeout=4000");
    ensemble_rig_do(e, "1 connect B timeout=60000");
    ensemble_rig_do(e, "3 connect C timeout=4000");
    ensemble_rig_do(e, "4 connect D timeout=60000");
    for (int i = 0; i < STEPS_MAX && in.at < in.end; i++)
        steps[take(&in) % ARRAY_LEN(steps)](e, &in);
    ensemble_rig_do(e, "go 1->3");
    ensemble_rig_do(e, "go 3->1");
    ensemble_rig_do(e, "tick 30000");
    const char *complaint = ensemble_rig_complaint(e);
    if (complaint != NULL) {
        printf("%s\n", complaint);
        abort();
    }
    ensemble_rig_free(e);
    return 0;
}
