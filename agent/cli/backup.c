/* backup.c - the tree into a file, which is there when it is whole, on the disk and read back; and the log beside it.
 */
#include "agent/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PATH_LEN = 4096, READ_BYTES = 1 << 16, SEAL_LEN = 13 };

/* Ends a snapshot file: the Adler-32 of all before it, and "/". */
struct seal {
    uint8_t bytes[SEAL_LEN];
};

static int complain_file(const char *path, const char *verb)
{
    fprintf(stderr, "zooid: %s: cannot be %s: %s\n", path, verb, strerror(errno));
    return EXIT_FAILED;
}

/* -- read back ----------------------------------------------------------------------------------------------------- */

static bool seal_is(const struct seal *seal, uLong adler)
{
    static const uint8_t end[] = {0, 0, 0, 1, '/'};
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | seal->bytes[i];
    return number == adler && memcmp(seal->bytes + 8, end, sizeof end) == 0;
}

/* Of the first `size` bytes. False: they cannot be read. */
static bool checksum_of(int fd, off_t size, uLong *adler)
{
    uint8_t block[READ_BYTES];
    *adler = adler32_z(0, NULL, 0);
    for (off_t at = 0; at < size;) {
        size_t want = size - at < (off_t)sizeof block ? (size_t)(size - at) : sizeof block;
        ssize_t n = pread(fd, block, want, at);
        if (n <= 0)
            return false;
        *adler = adler32_z(*adler, block, (size_t)n);
        at += n;
    }
    return true;
}

static bool is_whole(int fd, off_t *size)
{
    struct stat stat_of;
    struct seal seal;
    uLong adler;
    if (fstat(fd, &stat_of) != 0 || stat_of.st_size < 2 * SEAL_LEN)
        return false;
    *size = stat_of.st_size;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* from the disk, if that can be */
    return pread(fd, seal.bytes, SEAL_LEN, *size - SEAL_LEN) == SEAL_LEN && checksum_of(fd, *size - SEAL_LEN, &adler) &&
           seal_is(&seal, adler);
}

/* -- written ------------------------------------------------------------------------------------------------------- */

static bool sync_directory_of(const char *path)
{
    char copy[PATH_LEN];
    (void)snprintf(copy, sizeof copy, "%s", path);
    char *slash = strrchr(copy, '/');
    if (slash != NULL)
        slash[slash == copy] = '\0';
    int fd = open(slash == NULL ? "." : copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd); /* nothing was written */
    return ok;
}

/* A file that a try of before has left is taken over; one that is being written is not. */
static int open_temporary(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)complain_file(path, "made");
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fchmod(fd, 0600) == 0 && ftruncate(fd, 0) == 0)
        return fd;
    (void)complain_file(path, "taken");
    (void)close(fd); /* nothing was written */
    return -1;
}

struct backup {
    char temporary[PATH_LEN + 64], path[PATH_LEN + 64];
    int64_t zxid;
    uint64_t nodes;
    off_t size;
};

static int fill(struct cli *cli, int fd, struct backup *b)
{
    zooid_reply *reply = NULL;
    if (zooid_backup(cli->client, fd, cli->deadline_ms, &reply) != ZOOID_OK)
        return complain(reply);
    b->zxid = zooid_reply_zxid(reply);
    b->nodes = zooid_reply_number(reply);
    zooid_reply_free(reply);
    if (fsync(fd) != 0)
        return complain_file(b->temporary, "written");
    if (is_whole(fd, &b->size))
        return EXIT_FINE;
    fprintf(stderr, "zooid: %s: what was read back is not what was written\n", b->temporary);
    return EXIT_FAILED;
}

static int put_in_place(const char *directory, struct backup *b)
{
    if (directory != NULL)
        (void)snprintf(b->path, sizeof b->path, "%s/version-2/snapshot.%" PRIx64, directory, (uint64_t)b->zxid);
    if (rename(b->temporary, b->path) != 0 || !sync_directory_of(b->path))
        return complain_file(b->path, "put in place");
    return EXIT_FINE;
}

static void show(const struct cli *cli, const struct backup *b)
{
    if (cli->json)
        print_json(json_pack("{s:s,s:I,s:I,s:I}", "file", b->path, "zxid", (json_int_t)b->zxid, "nodes",
                             (json_int_t)b->nodes, "bytes", (json_int_t)b->size));
    else
        printf("%s: zxid 0x%" PRIx64 ", %" PRIu64 " znodes, %" PRIu64 " bytes\n", b->path, (uint64_t)b->zxid, b->nodes,
               (uint64_t)b->size);
}

/* Into the directory's version-2, or, where it is NULL, to the path in `b`. */
static int take(struct cli *cli, const char *directory, struct backup *b)
{
    int fd = open_temporary(b->temporary);
    if (fd < 0)
        return EXIT_FAILED;
    int code = fill(cli, fd, b);
    if (code == EXIT_FINE)
        code = put_in_place(directory, b);
    if (code != EXIT_FINE)
        (void)unlink(b->temporary);
    (void)close(fd); /* it was synced */
    if (code == EXIT_FINE)
        show(cli, b);
    return code;
}

/* -- the command --------------------------------------------------------------------------------------------------- */

static int into_directory(struct cli *cli, const char *directory)
{
    struct backup b = {.zxid = 0};
    char files[PATH_LEN + 16];
    (void)snprintf(files, sizeof files, "%s/version-2", directory);
    if (mkdir(files, 0700) != 0 && errno != EEXIST)
        return complain_file(files, "made");
    (void)snprintf(b.temporary, sizeof b.temporary, "%s/backup.tmp", files);
    return take(cli, directory, &b);
}

static int into_file(struct cli *cli, const char *path)
{
    struct backup b = {.zxid = 0};
    (void)snprintf(b.path, sizeof b.path, "%s", path);
    (void)snprintf(b.temporary, sizeof b.temporary, "%s.tmp", path);
    return take(cli, NULL, &b);
}

/* Up to the last txn that the agent knows to be committed. */
static int archive_log(struct cli *cli, const char *directory)
{
    zooid_reply *reply = NULL;
    char until[32];
    if (perform(cli, zooid_request_exists("/"), &reply) != ZOOID_OK)
        return complain(reply);
    (void)snprintf(until, sizeof until, "0x%" PRIx64, (uint64_t)zooid_reply_zxid(reply));
    zooid_reply_free(reply);
    int code;
    json_t *answer = ask_command(cli, "configuration", &code);
    if (answer == NULL)
        return code;
    const char *log = json_string_value(json_object_get(answer, "data_log_dir"));
    const char *const words[] = {"--archive-log", log == NULL ? "" : log, "--until", until, directory, NULL};
    static const struct agent_outcome outcome = {": ", " txns added, up to zxid 0x", "txns"};
    code = run_agent_program(cli, words, &outcome);
    json_decref(answer);
    return code;
}

int run_backup(struct cli *cli, const struct arguments *a)
{
    const char *to = a->words[0];
    struct stat stat_of;
    bool is_there = stat(to, &stat_of) == 0, is_directory = is_there && S_ISDIR(stat_of.st_mode);
    if (strlen(to) >= PATH_LEN)
        return complain_usage("the name is too long");
    if (!is_directory && a->flags['l'])
        return complain_usage("-l: %s is not a directory", to);
    int code = !is_directory                       ? into_file(cli, to)
               : a->flags['l'] && has_snapshot(to) ? EXIT_FINE
                                                   : into_directory(cli, to);
    return code == EXIT_FINE && a->flags['l'] ? archive_log(cli, to) : code;
}
