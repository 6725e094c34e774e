/* main.c - the command line of zooid-agent: which of its jobs is wanted, with which settings. */
#include "agent/agent.h"
#include "agent/base/version.h"
#include "agent/disk/persistence.h"
#include "agent/disk/restore.h"
#include "agent/join/join.h"
#include "agent/reload.h"
#include "core/base/mem.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Exit codes, as sysexits.h has them where it has one. */
enum { EXIT_USAGE = 64, EXIT_CONFIG = 78 };

enum { DEFINES_MAX = 256 };

enum job {
    JOB_RUN,
    JOB_CHECK_CONFIG,
    JOB_PRINT_CONFIG,
    JOB_PRINT_MAN,
    JOB_CHECK_DATA,
    JOB_EXPORT_SNAPSHOT,
    JOB_PROMOTE,
    JOB_RESTORE,
    JOB_ARCHIVE_LOG
};

enum option_code {
    OPTION_CHECK_CONFIG = 256,
    OPTION_PRINT_CONFIG,
    OPTION_PRINT_MAN,
    OPTION_CHECK_DATA,
    OPTION_EXPORT_SNAPSHOT,
    OPTION_PROMOTE,
    OPTION_RESTORE,
    OPTION_ARCHIVE_LOG,
    OPTION_UNTIL,
    OPTION_JOIN,
    OPTION_ID,
    OPTION_VERSION,
    OPTION_HELP
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
    {"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
    {"print-man", no_argument, NULL, OPTION_PRINT_MAN},
    {"check-data", required_argument, NULL, OPTION_CHECK_DATA},
    {"export-snapshot", no_argument, NULL, OPTION_EXPORT_SNAPSHOT},
    {"promote", optional_argument, NULL, OPTION_PROMOTE},
    {"restore", required_argument, NULL, OPTION_RESTORE},
    {"archive-log", required_argument, NULL, OPTION_ARCHIVE_LOG},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"join", required_argument, NULL, OPTION_JOIN},
    {"id", required_argument, NULL, OPTION_ID},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: zooid-agent -c FILE [-Dname=value ...]   serve, with the settings of FILE (zoo.cfg)\n"
    "       zooid-agent -c FILE --check-config       say what is wrong with the settings\n"
    "       zooid-agent -c FILE --print-config       print every setting, its value and where that came from\n"
    "       zooid-agent -c FILE --export-snapshot    write a snapshot that Apache ZooKeeper starts on\n"
    "       zooid-agent -c FILE --join [tls://]HOST:PORT[,...] [--id=ID] [-Dname=value ...]\n"
    "                                                join an ensemble as an observer, told of it by a member's client\n"
    "                                                port; then serve. Makes FILE; a member already only serves\n"
    "       zooid-agent -c FILE --promote[=ID] [--join [tls://]HOST:PORT[,...]]\n"
    "                                                give an observer a small number, so that it may be made to vote;\n"
    "                                                the members to ask first are those of --join\n"
    "       zooid-agent --check-data DIR [LOGDIR]    read a data directory and judge it: 0 sound, 1 repairable,\n"
    "                                                2 damaged, 3 unreadable\n"
    "       zooid-agent --restore BACKUP [--until ZXID|TIME] DIR [LOGDIR]\n"
    "                                                make an empty directory a data directory from a backup\n"
    "       zooid-agent --archive-log LOGDIR --until ZXID BACKUP\n"
    "                                                add to a backup what the log has of txns that are committed\n"
    "       zooid-agent --version | --help\n";

struct command {
    enum job job;
    const char *file, *data_dir, *log_dir, *seeds;
    const char *from; /* a backup that is restored, a log that is archived */
    struct until until;
    int64_t id; /* 0: none was asked for */
    const char *defines[DEFINES_MAX];
    size_t define_count;
};

static int usage_error(const char *text)
{
    fprintf(stderr, "zooid-agent: %s\n%s", text, usage);
    return EXIT_USAGE;
}

static int take_id(struct command *command)
{
    char *end;
    errno = 0;
    command->id = strtoll(optarg, &end, 10);
    bool is_one = errno == 0 && end != optarg && *end == '\0' && command->id > 0 && (command->id & 0xff) != 0xff;
    return is_one ? 0 : usage_error("that cannot be the number of a server");
}

/* 0: go on; otherwise -1 for "done" or an exit code. */
static int take_option(struct command *command, int code)
{
    static const enum job jobs[] = {
        [OPTION_CHECK_CONFIG - OPTION_CHECK_CONFIG] = JOB_CHECK_CONFIG,
        [OPTION_PRINT_CONFIG - OPTION_CHECK_CONFIG] = JOB_PRINT_CONFIG,
        [OPTION_PRINT_MAN - OPTION_CHECK_CONFIG] = JOB_PRINT_MAN,
        [OPTION_CHECK_DATA - OPTION_CHECK_CONFIG] = JOB_CHECK_DATA,
        [OPTION_EXPORT_SNAPSHOT - OPTION_CHECK_CONFIG] = JOB_EXPORT_SNAPSHOT,
        [OPTION_PROMOTE - OPTION_CHECK_CONFIG] = JOB_PROMOTE,
        [OPTION_RESTORE - OPTION_CHECK_CONFIG] = JOB_RESTORE,
        [OPTION_ARCHIVE_LOG - OPTION_CHECK_CONFIG] = JOB_ARCHIVE_LOG,
    };
    if (code == 'c') {
        command->file = optarg;
    } else if (code == 'D') {
        if (command->define_count == DEFINES_MAX)
            return usage_error("too many -D");
        command->defines[command->define_count++] = optarg;
    } else if (code == OPTION_VERSION) {
        printf("zooid-agent %s (ZooKeeper %s)\n", ZOOID_VERSION, ZOOID_ZOOKEEPER_VERSION);
        return -1;
    } else if (code == OPTION_HELP) {
        fputs(usage, stdout);
        return -1;
    } else if (code == OPTION_JOIN) {
        command->seeds = optarg;
    } else if (code == OPTION_ID) {
        return take_id(command);
    } else if (code == OPTION_UNTIL) {
        if (!until_parse(optarg, &command->until))
            return usage_error("--until is neither a zxid (0x1f) nor a time (2024-05-01T12:00:00Z, @1714557600)");
    } else if (code >= OPTION_CHECK_CONFIG && code <= OPTION_ARCHIVE_LOG) {
        command->job = jobs[code - OPTION_CHECK_CONFIG];
        command->data_dir = code == OPTION_CHECK_DATA ? optarg : command->data_dir;
        command->from = optarg;
        if (code == OPTION_PROMOTE && optarg != NULL)
            return take_id(command);
    } else {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return 0;
}

static int parse(struct command *command, int argc, char **argv)
{
    int code;
    while ((code = getopt_long(argc, argv, "c:D:", options, NULL)) != -1) {
        int result = take_option(command, code);
        if (result != 0)
            return result;
    }
    bool has_dir = command->job == JOB_RESTORE || command->job == JOB_ARCHIVE_LOG;
    if (has_dir && optind < argc)
        command->data_dir = argv[optind++];
    if ((command->job == JOB_CHECK_DATA || command->job == JOB_RESTORE) && optind < argc)
        command->log_dir = argv[optind++];
    if (optind < argc)
        return usage_error("too many arguments");
    if (has_dir && command->data_dir == NULL)
        return usage_error("the directory is missing");
    if (command->job == JOB_ARCHIVE_LOG && command->until.kind != UNTIL_ZXID)
        return usage_error("--archive-log needs --until ZXID");
    if (command->until.kind != UNTIL_END && !has_dir)
        return usage_error("--until is for --restore and --archive-log");
    if (command->seeds != NULL && command->job != JOB_RUN && command->job != JOB_PROMOTE)
        return usage_error("--join is for an agent that is to serve, and for --promote");
    bool needs_file = command->job != JOB_CHECK_DATA && command->job != JOB_PRINT_MAN && !has_dir;
    return needs_file && command->file == NULL ? usage_error("-c FILE is missing") : 0;
}

static int check_data(const struct command *command)
{
    struct buffer message = {0};
    const char *log_dir = command->log_dir != NULL ? command->log_dir : command->data_dir;
    int code = persistence_check(command->data_dir, log_dir, &message);
    fwrite(message.data, 1, message.len, stdout);
    buffer_free(&message);
    return code;
}

static int use_backup(const struct command *command)
{
    struct buffer message = {0};
    const char *log_dir = command->log_dir != NULL ? command->log_dir : command->data_dir;
    const struct restore_command restore = {command->from, command->data_dir, log_dir, command->until};
    int code = command->job == JOB_RESTORE
                   ? restore_data(&restore, &message)
                   : archive_log(command->from, command->data_dir, command->until.value, &message);
    fprintf(code == 0 ? stdout : stderr, "%.*s", BYTES_PRINT(buffer_bytes(&message)));
    buffer_free(&message);
    return code;
}

static int export_snapshot(const struct settings *settings)
{
    struct buffer message = {0};
    enum status st = persistence_export_snapshot(settings, &message);
    fprintf(st == ST_OK ? stdout : stderr, "%.*s", BYTES_PRINT(buffer_bytes(&message)));
    buffer_free(&message);
    return st == ST_OK ? 0 : 1;
}

static int serve(struct settings *settings, const struct command *command)
{
    struct log_output *log;
    const struct agent_config config = {command->file, command->defines, command->define_count};
    if (log_output_open(&log, settings->log_file, (enum log_format)settings->log_format,
                        (enum log_level)settings->log_level) != ST_OK) {
        fprintf(stderr, "zooid-agent: zooid.logFile %s: %s\n", settings->log_file, strerror(errno));
        settings_free(settings);
        return EXIT_CONFIG;
    }
    int code = agent_run(settings, &config, log);
    log_output_close(log);
    return code;
}

/* Loads the settings and does what needs them. */
static int run_with_settings(const struct command *command)
{
    struct settings_report report = {0};
    struct settings *settings = NULL;
    enum status st = settings_load(&settings, command->file, command->defines, command->define_count, &report);
    bool is_verbose = command->job == JOB_CHECK_CONFIG;
    settings_report_print(&report, is_verbose ? SETTINGS_INFO : SETTINGS_WARNING, stderr);
    settings_report_free(&report);
    if (st != ST_OK)
        return EXIT_CONFIG;
    if (command->job == JOB_RUN)
        return serve(settings, command);
    int code = 0;
    if (command->job == JOB_CHECK_CONFIG)
        printf("%s: the settings are sound\n", command->file);
    else if (command->job == JOB_PRINT_CONFIG)
        settings_print(settings, stdout);
    else
        code = export_snapshot(settings);
    settings_free(settings);
    return code;
}

/* Left alone, the allocator learns from one large buffer that comes and goes to keep tens of megabytes for the next. */
static void return_large_buffers(void)
{
    enum { OF_ITS_OWN = 4 << 20, KEPT_AT_THE_END = 2 << 20 };
    (void)mallopt(M_MMAP_THRESHOLD, OF_ITS_OWN);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_AT_THE_END);
}

int main(int argc, char **argv)
{
    struct command command = {.job = JOB_RUN};
    return_large_buffers();
    int result = parse(&command, argc, argv);
    if (result != 0)
        return result < 0 ? 0 : result;
    if (command.job == JOB_CHECK_DATA)
        return check_data(&command);
    if (command.job == JOB_RESTORE || command.job == JOB_ARCHIVE_LOG)
        return use_backup(&command);
    if (command.job == JOB_PRINT_MAN) {
        settings_print_man(stdout);
        return 0;
    }
    const struct join_command join = {command.file, command.defines, command.define_count, command.seeds, command.id};
    if (command.job == JOB_PROMOTE)
        return promote_server(&join);
    if (command.job == JOB_RUN)
        reload_signals_hold();
    result = command.seeds != NULL ? join_ensemble(&join) : 0;
    return result == 0 ? run_with_settings(&command) : result;
}
