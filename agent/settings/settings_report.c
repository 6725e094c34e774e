/* settings_report.c - the growing list of what there is to say about a configuration. */
#include "agent/settings/settings_internal.h"
#include "core/base/array.h"
#include "core/base/mem.h"

#include <stdarg.h>
#include <string.h>

enum { TEXT_SIZE = 512 };

/* A file can hold anything, a terminal should not be sent it. */
static const char *copy_printable(char *to, const char *from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)from[i];
        to[i] = (c < ' ' && c != '\0') || c == 0x7f ? '?' : from[i];
    }
    return to;
}

/* A message and its texts in one block. */
static struct settings_message *message_new(struct setting_place place, const char *key, const char *text)
{
    size_t file_size = strlen(place.file) + 1, key_size = strlen(key) + 1, text_size = strlen(text) + 1;
    struct settings_message *message = mem_alloc(sizeof *message + file_size + key_size + text_size);
    if (message == NULL)
        return NULL;
    char *texts = (char *)(message + 1);
    *message = (struct settings_message){.line = place.origin.line,
                                         .file = copy_printable(texts, place.file, file_size),
                                         .key = copy_printable(texts + file_size, key, key_size),
                                         .text = copy_printable(texts + file_size + key_size, text, text_size)};
    return message;
}

static bool make_room(struct settings_report *report)
{
    struct settings_message **messages = array_room(report->messages, report->count, &report->capacity,
                                                    sizeof(struct settings_message *), 16);
    if (messages == NULL)
        return false;
    report->messages = messages;
    return true;
}

void settings_report_add(struct settings_report *report, enum settings_severity severity, struct setting_place place,
                         const char *key, const char *format, ...)
{
    report->errors += severity == SETTINGS_ERROR;
    report->warnings += severity == SETTINGS_WARNING;
    if (report->count >= SETTINGS_MESSAGES_MAX) {
        report->dropped++;
        return;
    }
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct settings_message *message = make_room(report) ? message_new(place, key, text) : NULL;
    if (message == NULL) {
        report->no_memory = true;
        return;
    }
    message->severity = severity;
    report->messages[report->count++] = message;
}

static bool stands_before(const struct settings_message *a, const struct settings_message *b)
{
    return a->line != 0 && (b->line == 0 || a->line < b->line);
}

/* By insertion: messages of one line keep their order, and there are few. */
void settings_report_sort(struct settings_report *report)
{
    for (size_t i = 1; i < report->count; i++) {
        struct settings_message *message = report->messages[i];
        size_t at = i;
        for (; at > 0 && stands_before(message, report->messages[at - 1]); at--)
            report->messages[at] = report->messages[at - 1];
        report->messages[at] = message;
    }
}

void settings_report_free(struct settings_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        mem_free(report->messages[i]);
    mem_free(report->messages);
    *report = (struct settings_report){0};
}

void settings_report_print(const struct settings_report *report, enum settings_severity from, FILE *out)
{
    static const char *const severities[] = {"info", "warning", "error"};
    for (size_t i = 0; i < report->count; i++) {
        const struct settings_message *m = report->messages[i];
        if (m->severity < from)
            continue;
        fputs(m->file, out);
        if (m->line > 0)
            fprintf(out, ":%u", m->line);
        fprintf(out, ": %s: ", severities[m->severity]);
        if (m->key[0] != '\0')
            fprintf(out, "%s: ", m->key);
        fprintf(out, "%s\n", m->text);
    }
    if (report->dropped > 0)
        fprintf(out, "and %zu more\n", report->dropped);
}
