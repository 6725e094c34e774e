/* transfer.c - see transfer.h */
#include "plugins/health/transfer.h"

#include "plugins/health/text.h"

#include <stdlib.h>
#include <string.h>

/* A socket that libcurl wants to be told of. */
struct watched {
    struct transfers *transfers;
    int descriptor;
    zooid_handle handle;
};

enum { RECEIVE_BUFFER = 4096 };

struct transfers {
    const struct zooid_host_api *api;
    zooid_host *host;
    CURLM *multi;
    zooid_handle timer;
};

/* ---- what has ended
 * ---------------------------------------------------------------------------------------------------------- */

static void transfer_free(struct transfer *transfer)
{
    if (transfer->easy != NULL) {
        if (transfer->started)
            (void)curl_multi_remove_handle(transfer->transfers->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
    }
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    free(transfer->body);
    free(transfer);
}

static void tell_ended(struct transfers *transfers)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(transfers->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct transfer *transfer = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer->code = transfer->body_cut && code == CURLE_WRITE_ERROR ? CURLE_OK : code;
        transfer->done(transfer, transfer->context);
        transfer_free(transfer);
    }
}

static void act(struct transfers *transfers, curl_socket_t socket, int events)
{
    int running;
    (void)curl_multi_socket_action(transfers->multi, socket, events, &running);
    tell_ended(transfers);
}

/* ---- sockets and times
 * ------------------------------------------------------------------------------------------------------- */

static void on_ready(void *context, unsigned ready)
{
    const struct watched *watched = context;
    int events = ((ready & ZOOID_PLUGIN_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                 ((ready & ZOOID_PLUGIN_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0) |
                 ((ready & ZOOID_PLUGIN_HANGUP) != 0 ? CURL_CSELECT_ERR : 0);
    act(watched->transfers, watched->descriptor, events);
}

static void unwatch(struct watched *watched)
{
    watched->transfers->api->cancel(watched->transfers->host, watched->handle);
    free(watched);
}

static struct watched *watch(struct transfers *transfers, int descriptor, unsigned wanted)
{
    struct watched *watched = calloc(1, sizeof *watched);
    if (watched == NULL)
        return NULL;
    watched->transfers = transfers;
    watched->descriptor = descriptor;
    watched->handle = transfers->api->descriptor(transfers->host, descriptor, wanted, on_ready, watched);
    if (watched->handle != 0)
        return watched;
    free(watched);
    return NULL;
}

/* A socket that cannot be watched for lack of memory lets its transfer run into its time-out. */
static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *assigned)
{
    static const unsigned wants[] = {
        [CURL_POLL_NONE] = 0,
        [CURL_POLL_IN] = ZOOID_PLUGIN_READABLE,
        [CURL_POLL_OUT] = ZOOID_PLUGIN_WRITABLE,
        [CURL_POLL_INOUT] = ZOOID_PLUGIN_READABLE | ZOOID_PLUGIN_WRITABLE,
    };
    struct transfers *transfers = context;
    struct watched *watched = assigned;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watched != NULL)
            unwatch(watched);
    } else if (watched != NULL) {
        (void)transfers->api->descriptor_want(transfers->host, watched->handle, wants[what]);
    } else {
        watched = watch(transfers, socket, wants[what]);
        (void)curl_multi_assign(transfers->multi, socket, watched);
    }
    return 0;
}

static void on_time(void *context)
{
    struct transfers *transfers = context;
    transfers->timer = 0;
    act(transfers, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct transfers *transfers = context;
    (void)multi;
    if (transfers->timer != 0)
        transfers->api->cancel(transfers->host, transfers->timer);
    transfers->timer = timeout_ms < 0
                           ? 0
                           : transfers->api->timer(transfers->host, (uint32_t)timeout_ms, 0, on_time, transfers);
    return 0;
}

struct transfers *transfers_new(const struct zooid_host_api *api, zooid_host *host)
{
    struct transfers *transfers = calloc(1, sizeof *transfers);
    if (transfers == NULL)
        return NULL;
    transfers->api = api;
    transfers->host = host;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(transfers);
        return NULL;
    }
    transfers->multi = curl_multi_init();
    if (transfers->multi == NULL) {
        transfers_free(transfers);
        return NULL;
    }
    (void)curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    (void)curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
    return transfers;
}

void transfers_free(struct transfers *transfers)
{
    if (transfers == NULL)
        return;
    if (transfers->multi != NULL)
        (void)curl_multi_cleanup(transfers->multi);
    if (transfers->timer != 0)
        transfers->api->cancel(transfers->host, transfers->timer);
    curl_global_cleanup();
    free(transfers);
}

/* ---- one transfer
 * ------------------------------------------------------------------------------------------------------------ */

static bool make_room(struct transfer *transfer, size_t more)
{
    if (transfer->body_room - transfer->body_len >= more)
        return true;
    size_t room = transfer->body_room == 0 ? 1024 : transfer->body_room;
    while (room - transfer->body_len < more)
        room *= 2;
    char *body = realloc(transfer->body, room);
    if (body == NULL)
        return false;
    transfer->body = body;
    transfer->body_room = room;
    return true;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t len = size * count, left = transfer->body_max - transfer->body_len;
    size_t kept = len < left ? len : left;
    if (kept > 0 && !make_room(transfer, kept))
        return CURL_WRITEFUNC_ERROR;
    if (kept > 0)
        memcpy(transfer->body + transfer->body_len, bytes, kept);
    transfer->body_len += kept;
    transfer->body_cut = kept < len;
    return kept;
}

#define SET(transfer, option, value) \
    ((transfer)->no_memory |= curl_easy_setopt((transfer)->easy, option, value) != CURLE_OK)

static void set_common(struct transfer *transfer, const char *url, int64_t timeout_ms)
{
    SET(transfer, CURLOPT_PRIVATE, transfer);
    SET(transfer, CURLOPT_URL, url);
    SET(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(transfer, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(transfer, CURLOPT_PROXY, ""); /* the environment is not asked */
    SET(transfer, CURLOPT_NOSIGNAL, 1L);
    SET(transfer, CURLOPT_FRESH_CONNECT, 1L);
    SET(transfer, CURLOPT_FORBID_REUSE, 1L);
    SET(transfer, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
    SET(transfer, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    SET(transfer, CURLOPT_ERRORBUFFER, transfer->error);
    SET(transfer, CURLOPT_WRITEFUNCTION, on_body);
    SET(transfer, CURLOPT_WRITEDATA, transfer);
}

struct transfer *transfer_new(struct transfers *transfers, const char *url, int64_t timeout_ms,
                              void (*done)(struct transfer *transfer, void *context), void *context)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL)
        return NULL;
    transfer->transfers = transfers;
    transfer->done = done;
    transfer->context = context;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL) {
        free(transfer);
        return NULL;
    }
    set_common(transfer, url, timeout_ms);
    return transfer;
}

void transfer_set_text(struct transfer *transfer, CURLoption option, const char *text)
{
    if (text != NULL)
        SET(transfer, option, text);
}

void transfer_set_number(struct transfer *transfer, CURLoption option, long number)
{
    SET(transfer, option, number);
}

void transfer_set_tls(struct transfer *transfer, const struct tls_definition *tls)
{
    transfer_set_number(transfer, CURLOPT_SSL_VERIFYPEER, tls->verify ? 1 : 0);
    transfer_set_number(transfer, CURLOPT_SSL_VERIFYHOST, tls->verify ? 2 : 0);
    transfer_set_text(transfer, CURLOPT_CAINFO, tls->ca_file);
    transfer_set_text(transfer, CURLOPT_SSLCERT, tls->cert_file);
    transfer_set_text(transfer, CURLOPT_SSLKEY, tls->key_file);
}

void transfer_add(struct transfer *transfer, struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = text == NULL ? NULL : curl_slist_append(*list, text);
    if (longer == NULL)
        transfer->no_memory = true;
    else
        *list = longer;
}

/* The port that stands behind an address, or the colon of its place. An IPv6 address without brackets gets them. */
static char *connect_rule(const char *address)
{
    const char *colon = strchr(address, ':');
    bool bare_ipv6 = address[0] != '[' && colon != NULL && strchr(colon + 1, ':') != NULL;
    if (bare_ipv6)
        return text_format("::[%s]:", address);
    const char *end = strchr(address, ']');
    bool has_port = strchr(end != NULL ? end : address, ':') != NULL;
    return text_format("::%s%s", address, has_port ? "" : ":");
}

void transfer_connect_to(struct transfer *transfer, const char *address)
{
    char *rule = connect_rule(address);
    transfer_add(transfer, &transfer->connect_to, rule);
    free(rule);
}

bool transfer_start(struct transfer *transfer)
{
    if (transfer->headers != NULL)
        SET(transfer, CURLOPT_HTTPHEADER, transfer->headers);
    if (transfer->connect_to != NULL)
        SET(transfer, CURLOPT_CONNECT_TO, transfer->connect_to);
    if (!transfer->no_memory)
        transfer->started = curl_multi_add_handle(transfer->transfers->multi, transfer->easy) == CURLM_OK;
    if (transfer->started)
        return true;
    transfer_free(transfer);
    return false;
}

void transfer_cancel(struct transfer *transfer)
{
    transfer_free(transfer);
}

char *transfer_url_with_host(const char *url, const char *host)
{
    CURLU *parts = curl_url();
    char *made = NULL, *copy = NULL;
    if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_set(parts, CURLUPART_HOST, host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_URL, &made, 0) == CURLUE_OK)
        copy = text_copy(made);
    curl_free(made);
    curl_url_cleanup(parts);
    return copy;
}

const char *transfer_failure(const struct transfer *transfer)
{
    return transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(transfer->code);
}
