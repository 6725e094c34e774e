/* type_tcp.c - connects, and with `tls` shakes hands; sends nothing. */
#include "plugins/health/health.h"
#include "plugins/health/text.h"
#include "plugins/health/transfer.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct definition, tcp.member)

static const struct field rows[] = {
    {.key = "address", .kind = FIELD_TEXT, .required = true, .offset = AT(address), .min = 1, .max = 256},
    {.key = "port", .kind = FIELD_NUMBER, .required = true, .offset = AT(port), .min = 1, .max = 65535},
    {.key = "tls", .kind = FIELD_SWITCH, .offset = AT(use_tls)},
    {.key = "tls_verify", .kind = FIELD_SWITCH, .offset = AT(tls.verify)},
    {.key = "server_name", .kind = FIELD_TEXT, .offset = AT(tls.server_name), .min = 1, .max = 256},
    {.key = "ca_file", .kind = FIELD_TEXT, .offset = AT(tls.ca_file), .min = 1, .max = 4096},
    {.key = "cert_file", .kind = FIELD_TEXT, .offset = AT(tls.cert_file), .min = 1, .max = 4096},
    {.key = "key_file", .kind = FIELD_TEXT, .offset = AT(tls.key_file), .min = 1, .max = 4096},
};

static void preset(struct definition *definition)
{
    definition->tcp.tls.verify = true;
}

static bool judge(struct definition *definition, struct complaint *complaint)
{
    const char *address = definition->tcp.address;
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:%";
    if (strspn(address, allowed) != strlen(address))
        return complain(complaint, "address", "must be a host name, an IPv4 or an IPv6 address");
    return true;
}

static void on_done(struct transfer *transfer, void *context)
{
    struct check *check = context;
    const struct tcp_definition *tcp = &check->definition->tcp;
    check->run.transfer = NULL;
    if (transfer->code == CURLE_OK)
        run_end_text(check, CHECK_PASSING, "%s port %d accepts connections", tcp->address, (int)tcp->port);
    else
        run_end_text(check, CHECK_CRITICAL, "%s", transfer_failure(transfer));
}

static char *url_of(const struct tcp_definition *tcp)
{
    const char *host = tcp->use_tls && tcp->tls.server_name != NULL ? tcp->tls.server_name : tcp->address;
    bool ipv6 = strchr(host, ':') != NULL;
    return text_format("%s://%s%s%s:%d/", tcp->use_tls ? "https" : "http", ipv6 ? "[" : "", host, ipv6 ? "]" : "",
                       (int)tcp->port);
}

static bool start(struct check *check)
{
    const struct tcp_definition *tcp = &check->definition->tcp;
    char *url = url_of(tcp);
    if (url == NULL)
        return false;
    struct transfer *transfer = transfer_new(check->health->transfers, url, check->definition->timeout_ms, on_done,
                                             check);
    free(url);
    if (transfer == NULL)
        return false;
    transfer_set_number(transfer, CURLOPT_CONNECT_ONLY, 1);
    transfer_set_tls(transfer, &tcp->tls);
    if (tcp->use_tls && tcp->tls.server_name != NULL)
        transfer_connect_to(transfer, tcp->address);
    return run_start_transfer(check, transfer);
}

const struct check_type type_tcp = {
    .name = "tcp",
    .fields = {rows, sizeof rows / sizeof *rows},
    .preset = preset,
    .judge = judge,
    .start = start,
    .cancel = run_cancel_transfer,
};
