/* restore_until.c - the place up to which a backup is wanted, as people write it. */
#include "agent/disk/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Takes a number off the text. False: there is none. */
static bool take_number(const char **text, int base, int64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoll(*text, &end, base);
    bool is_one = errno == 0 && end != *text && (*text)[0] != '-' && (*text)[0] != '+' && (*text)[0] != ' ';
    *text = end;
    return is_one;
}

/* ".25": thousandths, further digits are dropped. */
static int64_t take_fraction(const char **text)
{
    int64_t ms = 0;
    if (**text != '.')
        return 0;
    ++*text;
    for (int64_t worth = 100; **text >= '0' && **text <= '9'; worth /= 10, ++*text)
        ms += (**text - '0') * worth;
    return ms;
}

/* "Z" or "+02:00"; without either it is local time. False: it is neither. */
static bool to_seconds(struct tm *tm, const char *zone, int64_t *seconds)
{
    if (*zone == '\0') {
        tm->tm_isdst = -1;
        *seconds = (int64_t)mktime(tm);
        return true;
    }
    struct tm offset = {0};
    const char *end = strptime(zone, "%z", &offset);
    if (end == NULL || *end != '\0')
        return false;
    *seconds = (int64_t)timegm(tm) - offset.tm_gmtoff;
    return true;
}

static bool parse_time(const char *text, int64_t *ms)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest == NULL)
        rest = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
    if (rest == NULL)
        return false;
    int64_t fraction = take_fraction(&rest), seconds;
    if (!to_seconds(&tm, rest, &seconds))
        return false;
    *ms = seconds * 1000 + fraction;
    return true;
}

bool until_parse(const char *text, struct until *until)
{
    if (strncmp(text, "0x", 2) == 0) {
        text += 2;
        until->kind = UNTIL_ZXID;
        return take_number(&text, 16, &until->value) && *text == '\0';
    }
    until->kind = UNTIL_TIME;
    if (text[0] != '@')
        return parse_time(text, &until->value);
    text++;
    if (!take_number(&text, 10, &until->value) || until->value > INT64_MAX / 1000 - 1)
        return false;
    until->value = until->value * 1000 + take_fraction(&text);
    return *text == '\0';
}
