/* fake_replica.h - stands in for replica and persistence, so that a test can have any effect at any time. To be
 * included by one file of a program: the linker then has no need of the real ones.
 *
 * What a frame's first letter makes it do; the rest is free:
 *     e        echoed whole
 *     q        echoed whole, then the connection is closed
 *     p        the client is paused; echoed
 *     bNNNN    a reply of NNNN (big-endian) bytes
 *     wNNNN    that many bytes to every client but its own
 *     l        appended to the log; echoed when that is said to be logged
 *     a        a line for the audit log; echoed
 * REPLICA_LOGGED with zxid 0 answers what waits for the log; with another zxid it resumes the client of that number. */
#pragma once

#include "agent/disk/persistence.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/replica/replica.h"
#include "tests/support/test.h"

struct fake {
    struct map64 clients; /* those that are connected */
    uint32_t connected, of_host, disconnected, frames, ticks, starts, turns;
    uint32_t appends, appended_txns;
    uint32_t items_at_append; /* of the outbox that were delivered before the log was handed over */
    uint64_t last_client;
    char identities[512]; /* of the last client: "scheme:id scheme:id " */
    char order[4096];     /* first letters of the frames */
    int64_t wake_us;
    uint32_t turns_wanted; /* how often persistence_turn asks for another */
    bool errand_due;
    enum status step_status, append_status;
    struct buffer unlogged; /* client and letter of each l */
};

static struct fake fake;

static inline void fake_reset(void)
{
    map64_free(&fake.clients);
    buffer_free(&fake.unlogged);
    fake = (struct fake){.wake_us = INT64_MAX};
}

static inline struct replica *fake_replica(void)
{
    return (struct replica *)(void *)&fake;
}

static inline void fake_send(struct outbox *out, uint64_t client, const void *data, size_t len)
{
    size_t start = out->bytes.len;
    uint8_t head[4];
    be32_put(head, (uint32_t)len);
    assert_int_equal(buffer_append(&out->bytes, head, sizeof head), ST_OK);
    assert_int_equal(buffer_reserve(&out->bytes, len), ST_OK);
    if (data != NULL)
        memcpy(out->bytes.data + out->bytes.len, data, len);
    else
        memset(out->bytes.data + out->bytes.len, 'b', len);
    out->bytes.len += len;
    assert_int_equal(outbox_send(out, client, start), ST_OK);
}

static inline uint32_t fake_number(struct bytes frame)
{
    assert_true(frame.len >= 5);
    return be32_get(frame.data + 1);
}

static inline void fake_send_to_others(struct outbox *out, uint64_t client, uint32_t len)
{
    MAP64_FOR_EACH(at, &fake.clients)
    if (at->key != client)
        fake_send(out, at->key, NULL, len);
}

static inline void fake_log(struct outbox *out, uint64_t client, struct bytes frame)
{
    assert_int_equal(buffer_append(&fake.unlogged, &client, sizeof client), ST_OK);
    assert_int_equal(buffer_append(&out->log, frame.data, frame.len), ST_OK);
    out->log_count++;
}

static inline void fake_frame(struct outbox *out, uint64_t client, struct bytes frame)
{
    assert_true(frame.len > 0 && map64_get(&fake.clients, client) != NULL);
    if (fake.frames < sizeof fake.order - 1)
        fake.order[fake.frames] = (char)frame.data[0];
    fake.frames++;
    switch (frame.data[0]) {
    case 'e': fake_send(out, client, frame.data, frame.len); break;
    case 'q':
        fake_send(out, client, frame.data, frame.len);
        assert_int_equal(outbox_add(out, client, OUTBOX_CLOSE), ST_OK);
        break;
    case 'p':
        fake_send(out, client, frame.data, frame.len);
        assert_int_equal(outbox_add(out, client, OUTBOX_PAUSE), ST_OK);
        break;
    case 'b': fake_send(out, client, NULL, fake_number(frame)); break;
    case 'w': fake_send_to_others(out, client, fake_number(frame)); break;
    case 'l': fake_log(out, client, frame); break;
    case 'a':
        fake_send(out, client, frame.data, frame.len);
        assert_int_equal(buffer_append(&out->audit, "line\n", 5), ST_OK);
        break;
    default: fail_msg("no such frame"); break;
    }
}

static inline void fake_logged(struct outbox *out, int64_t zxid)
{
    if (zxid != 0) {
        assert_int_equal(outbox_add(out, (uint64_t)zxid, OUTBOX_RESUME), ST_OK);
        return;
    }
    for (size_t at = 0; at < fake.unlogged.len; at += sizeof(uint64_t)) {
        uint64_t client;
        memcpy(&client, fake.unlogged.data + at, sizeof client);
        if (map64_get(&fake.clients, client) != NULL)
            fake_send(out, client, "l", 1);
    }
    fake.unlogged.len = 0;
}

static inline void fake_note_identities(struct identities who)
{
    size_t at = 0;
    fake.identities[0] = '\0';
    for (size_t i = 0; i < who.count; i++)
        at += (size_t)snprintf(fake.identities + at, sizeof fake.identities - at, "%.*s:%.*s ",
                               BYTES_PRINT(who.items[i].scheme), BYTES_PRINT(who.items[i].id));
}

enum status replica_step(struct replica *r, const struct replica_event *event, struct outbox *out)
{
    assert_ptr_equal(r, fake_replica());
    switch (event->kind) {
    case REPLICA_START: fake.starts++; break;
    case REPLICA_TICK:
        fake.ticks++;
        fake.wake_us = INT64_MAX;
        break;
    case REPLICA_CONNECTED:
        fake.connected++;
        fake.of_host += event->is_of_host;
        fake.last_client = event->client;
        fake_note_identities(event->identities);
        assert_int_equal(map64_put(&fake.clients, event->client, &fake), ST_OK);
        break;
    case REPLICA_DISCONNECTED:
        fake.disconnected++;
        assert_non_null(map64_remove(&fake.clients, event->client));
        break;
    case REPLICA_FRAME: fake_frame(out, event->client, event->frame); break;
    case REPLICA_LOGGED: fake_logged(out, event->zxid); break;
    default: break;
    }
    out->wake_us = fake.wake_us;
    return fake.step_status;
}

struct tree *replica_tree(struct replica *r)
{
    (void)r;
    return NULL;
}

enum replica_service replica_service(const struct replica *r)
{
    (void)r;
    return SERVICE_ALONE;
}

bool replica_sync_is_linearizable(const struct replica *r)
{
    (void)r;
    return true;
}

bool replica_serves_all(const struct replica *r)
{
    enum replica_service service = replica_service(r);
    return service != SERVICE_NONE && service != SERVICE_READ_ONLY;
}

int64_t replica_heard_ms(const struct replica *r)
{
    (void)r;
    return -1;
}

const struct sessions *replica_sessions(const struct replica *r)
{
    (void)r;
    return NULL;
}

int64_t replica_last_zxid(const struct replica *r)
{
    (void)r;
    return 0;
}

const struct changes *replica_changes(const struct replica *r)
{
    (void)r;
    return NULL;
}

enum status replica_may_follow(const struct replica *r, uint64_t client)
{
    (void)r, (void)client;
    return ST_OK;
}

bool replica_may_read(const struct replica *r, uint64_t client, struct acls acl)
{
    (void)r, (void)client, (void)acl;
    return true;
}

enum status persistence_append(struct persistence *p, struct buffer *records, int64_t first_zxid, int64_t last_zxid,
                               uint32_t count)
{
    (void)p;
    (void)first_zxid;
    (void)last_zxid;
    fake.appends++;
    fake.appended_txns += count;
    if (fake.append_status == ST_OK)
        buffer_free(records);
    return fake.append_status;
}

bool persistence_errand_is_due(const struct persistence *p)
{
    (void)p;
    return fake.errand_due;
}

bool persistence_turn(struct persistence *p, struct tree *tree, const struct sessions *sessions, int64_t last_zxid)
{
    (void)p;
    (void)tree;
    (void)sessions;
    (void)last_zxid;
    fake.turns++;
    if (fake.turns_wanted == 0)
        return false;
    fake.turns_wanted--;
    return true;
}
