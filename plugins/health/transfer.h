/* transfer.h - libcurl in the host's loop: one transfer for each run of an HTTP or a TCP check.
 *
 * Each has a connection of its own, which ends with it: a check is to show that somebody accepts connections. */
#pragma once

#include "plugins/health/definition.h"

#include <curl/curl.h>
#include <zooid_plugin.h>

struct transfers;

struct transfers *transfers_new(const struct zooid_host_api *api, zooid_host *host); /* NULL: no memory */
void transfers_free(struct transfers *transfers);                                    /* ends what is under way */

struct transfer {
    CURL *easy; /* on which the caller sets its options, between transfer_new() and transfer_start() */
    struct transfers *transfers;
    void (*done)(struct transfer *transfer, void *context); /* the transfer is gone when it returns */
    void *context;
    struct curl_slist *headers, *connect_to;
    bool no_memory; /* one of the options could not be set */
    bool started;
    /* What came of it. */
    CURLcode code;
    char error[CURL_ERROR_SIZE];
    size_t body_max;
    char *body;
    size_t body_len, body_room;
    bool body_cut; /* there was more; it was not waited for */
};

/* NULL: no memory. Sets what all have in common. */
struct transfer *transfer_new(struct transfers *transfers, const char *url, int64_t timeout_ms,
                              void (*done)(struct transfer *transfer, void *context), void *context);
/* Options that can fail for lack of memory only, which transfer_start() tells. */
void transfer_set_text(struct transfer *transfer, CURLoption option, const char *text); /* NULL: not set */
void transfer_set_number(struct transfer *transfer, CURLoption option, long number);
void transfer_set_tls(struct transfer *transfer, const struct tls_definition *tls);
void transfer_add(struct transfer *transfer, struct curl_slist **list, const char *text);
/* "HOST:PORT", "HOST" or an address, to be connected to whatever the URL says. */
void transfer_connect_to(struct transfer *transfer, const char *address);

/* False: no memory, and it is gone. */
bool transfer_start(struct transfer *transfer);
void transfer_cancel(struct transfer *transfer);

/* `url` with another host; NULL: no memory, or it is no URL. The caller frees it. */
char *transfer_url_with_host(const char *url, const char *host);
/* Why it failed, in one line. */
const char *transfer_failure(const struct transfer *transfer);
