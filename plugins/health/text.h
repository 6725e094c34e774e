/* text.h - pieces of text, and what a check's counterpart printed made fit to be kept and shown. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* All return memory that the caller frees; NULL: there is none. */
char *text_copy(const char *text);
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_format_list(const char *format, va_list list);

/* At most `max` bytes of UTF-8 from any bytes, cut between characters. What is not UTF-8 becomes U+FFFD, control
 * characters other than line feed and tab become spaces, and white space at the end goes. */
char *text_clean(const void *bytes, size_t len, size_t max);
