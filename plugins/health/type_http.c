/* type_http.c - asks a URL: by default 200 to 299 passes, 429 is a warning, and everything else a failure. Redirects
 * are answers like others unless redirects_max says to follow them. */
#include "plugins/health/health.h"
#include "plugins/health/text.h"
#include "plugins/health/transfer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { URL_MAX = 8192, SEARCHED_MAX = 65536, SHOWN_MAX = 4096 };

#define AT(member) offsetof(struct definition, http.member)
#define PATH(name, member)                                                             \
    {                                                                                  \
        .key = (name), .kind = FIELD_TEXT, .offset = AT(member), .min = 1, .max = 4096 \
    }

static const struct field rows[] = {
    {.key = "url", .kind = FIELD_TEXT, .required = true, .offset = AT(url), .min = 1, .max = URL_MAX},
    {.key = "method", .kind = FIELD_TEXT, .offset = AT(method), .min = 1, .max = 32},
    {.key = "headers", .kind = FIELD_TEXTS, .offset = AT(headers), .min = 0, .max = 64},
    {.key = "body", .kind = FIELD_TEXT, .offset = AT(body), .min = 0, .max = SEARCHED_MAX},
    {.key = "expect", .kind = FIELD_TEXT, .offset = AT(expect), .min = 1, .max = 4096},
    {.key = "status", .kind = FIELD_TEXTS, .offset = AT(status), .min = 1, .max = STATUS_RANGES_MAX},
    {.key = "status_warning", .kind = FIELD_TEXTS, .offset = AT(status_warning), .min = 0, .max = STATUS_RANGES_MAX},
    {.key = "redirects_max", .kind = FIELD_NUMBER, .offset = AT(redirects_max), .min = 0, .max = 20},
    {.key = "connect_address", .kind = FIELD_TEXT, .offset = AT(connect_address), .min = 1, .max = 256},
    PATH("unix_socket", unix_socket),
    {.key = "tls_verify", .kind = FIELD_SWITCH, .offset = AT(tls.verify)},
    {.key = "server_name", .kind = FIELD_TEXT, .offset = AT(tls.server_name), .min = 1, .max = 256},
    PATH("ca_file", tls.ca_file),
    PATH("cert_file", tls.cert_file),
    PATH("key_file", tls.key_file),
};

/* ---- the definition
 * ---------------------------------------------------------------------------------------------------------- */

static void preset(struct definition *definition)
{
    definition->http.tls.verify = true;
    definition->http.passing[0] = (struct status_range){200, 299};
    definition->http.warning[0] = (struct status_range){429, 429};
}

/* "204" or "200-299". */
static bool read_range(const char *text, struct status_range *range)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    range->low = range->high = strtol(text, &end, 10);
    if (*end == '-' && isdigit((unsigned char)end[1]))
        range->high = strtol(end + 1, &end, 10);
    return *end == '\0' && range->low >= 100 && range->low <= range->high && range->high <= 999;
}

static bool judge_ranges(const char *key, char **texts, struct status_range *ranges, struct complaint *complaint)
{
    if (texts == NULL)
        return true;
    memset(ranges, 0, STATUS_RANGES_MAX * sizeof *ranges);
    for (size_t i = 0; texts[i] != NULL; i++) {
        if (!read_range(texts[i], &ranges[i])) {
            (void)complaint_enter(complaint, key, i);
            return complain(complaint, "", "must be a status such as \"204\" or a range such as \"200-299\"");
        }
    }
    return true;
}

static bool judge_headers(char **headers, struct complaint *complaint)
{
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        const char *colon = strchr(headers[i], ':');
        if (colon == NULL || colon == headers[i] || strpbrk(headers[i], "\r\n") != NULL) {
            (void)complaint_enter(complaint, "headers", i);
            return complain(complaint, "", "must be one line, \"Name: value\"");
        }
    }
    return true;
}

static bool judge_url(const char *url, struct complaint *complaint)
{
    CURLU *parts = curl_url();
    char *scheme = NULL;
    if (parts == NULL)
        return complain_no_memory(complaint);
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    bool usable = code == CURLUE_OK && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(parts);
    if (code == CURLUE_OUT_OF_MEMORY)
        return complain_no_memory(complaint);
    return usable || complain(complaint, "url", "must be a URL of http or https");
}

static bool judge(struct definition *definition, struct complaint *complaint)
{
    struct http_definition *http = &definition->http;
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
    if (http->method != NULL && strspn(http->method, letters) != strlen(http->method))
        return complain(complaint, "method", "must be in capital letters");
    if (http->unix_socket != NULL && http->connect_address != NULL)
        return complain(complaint, "unix_socket", "cannot stand beside connect_address");
    return judge_url(http->url, complaint) && judge_headers(http->headers, complaint) &&
           judge_ranges("status", http->status, http->passing, complaint) &&
           judge_ranges("status_warning", http->status_warning, http->warning, complaint);
}

/* ---- what came back
 * ---------------------------------------------------------------------------------------------------------- */

static bool in_ranges(const struct status_range *ranges, long status)
{
    for (size_t i = 0; i < STATUS_RANGES_MAX && ranges[i].low != 0; i++)
        if (status >= ranges[i].low && status <= ranges[i].high)
            return true;
    return false;
}

static enum check_status status_of(const struct http_definition *http, long status)
{
    if (in_ranges(http->passing, status))
        return CHECK_PASSING;
    return in_ranges(http->warning, status) ? CHECK_WARNING : CHECK_CRITICAL;
}

/* What passes says no more than the status: bodies differ from run to run, and each new output is a write. */
static void tell_answer(struct check *check, const struct transfer *transfer, long status)
{
    const struct http_definition *http = &check->definition->http;
    enum check_status result = status_of(http, status);
    const char *body = transfer->body_len == 0 ? "" : transfer->body;
    size_t shown = transfer->body_len < SHOWN_MAX ? transfer->body_len : SHOWN_MAX;
    bool lacking = result == CHECK_PASSING && http->expect != NULL &&
                   memmem(body, transfer->body_len, http->expect, strlen(http->expect)) == NULL;
    if (lacking)
        run_end_bytes(check, CHECK_CRITICAL, body, shown, "HTTP %ld, without the expected text", status);
    else if (result == CHECK_PASSING)
        run_end_text(check, result, "HTTP %ld", status);
    else
        run_end_bytes(check, result, body, shown, "HTTP %ld", status);
}

static void on_done(struct transfer *transfer, void *context)
{
    struct check *check = context;
    long status = 0;
    check->run.transfer = NULL;
    if (transfer->code != CURLE_OK) {
        run_end_text(check, CHECK_CRITICAL, "%s", transfer_failure(transfer));
        return;
    }
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    tell_answer(check, transfer, status);
}

/* ---- what is asked
 * ----------------------------------------------------------------------------------------------------------- */

static void set_request(struct transfer *transfer, const struct http_definition *http)
{
    transfer_add(transfer, &transfer->headers, "Connection: close");
    for (size_t i = 0; http->headers != NULL && http->headers[i] != NULL; i++)
        transfer_add(transfer, &transfer->headers, http->headers[i]);
    transfer_set_text(transfer, CURLOPT_USERAGENT, "zooid-health/1");
    if (http->body != NULL) {
        transfer_set_number(transfer, CURLOPT_POSTFIELDSIZE, (long)strlen(http->body));
        transfer_set_text(transfer, CURLOPT_POSTFIELDS, http->body); /* not copied: the definition outlives the run */
    }
    if (http->method != NULL && strcmp(http->method, "HEAD") == 0)
        transfer_set_number(transfer, CURLOPT_NOBODY, 1);
    else
        transfer_set_text(transfer, CURLOPT_CUSTOMREQUEST, http->method);
    transfer_set_number(transfer, CURLOPT_FOLLOWLOCATION, http->redirects_max > 0 ? 1 : 0);
    transfer_set_number(transfer, CURLOPT_MAXREDIRS, (long)http->redirects_max);
    transfer_set_text(transfer, CURLOPT_UNIX_SOCKET_PATH, http->unix_socket);
    transfer->body_max = http->expect != NULL ? SEARCHED_MAX : SHOWN_MAX;
}

/* The host of the URL is connected to, and server_name asked for. */
static bool set_server_name(struct transfer *transfer, const struct http_definition *http)
{
    char *host = NULL;
    CURLU *parts = curl_url();
    char *url = transfer_url_with_host(http->url, http->tls.server_name);
    bool good = parts != NULL && url != NULL && curl_url_set(parts, CURLUPART_URL, http->url, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    if (good)
        transfer_set_text(transfer, CURLOPT_URL, url);
    if (good && http->connect_address == NULL && http->unix_socket == NULL)
        transfer_connect_to(transfer, host);
    curl_free(host);
    free(url);
    curl_url_cleanup(parts);
    return good;
}

static bool start(struct check *check)
{
    const struct definition *definition = check->definition;
    const struct http_definition *http = &definition->http;
    struct transfer *transfer = transfer_new(check->health->transfers, http->url, definition->timeout_ms, on_done,
                                             check);
    if (transfer == NULL)
        return false;
    set_request(transfer, http);
    transfer_set_tls(transfer, &http->tls);
    if (http->tls.server_name != NULL && !set_server_name(transfer, http))
        transfer->no_memory = true;
    if (http->connect_address != NULL)
        transfer_connect_to(transfer, http->connect_address);
    return run_start_transfer(check, transfer);
}

const struct check_type type_http = {
    .name = "http",
    .fields = {rows, sizeof rows / sizeof *rows},
    .preset = preset,
    .judge = judge,
    .start = start,
    .cancel = run_cancel_transfer,
};
