/* tls_subject.c - a certificate's subject as Java's X500Principal.getName() writes it, since that is what stands in
 * ACLs.
 *
 * RFC 2253, with Java's reading of it: keywords for nine attributes only; all others by number, their values as
 * hexadecimal DER; '=' and '#' escaped wherever they stand. */
#include "agent/net/tls.h"
#include "core/base/check.h"

#include <openssl/ssl.h>

static const struct keyword {
    const char *number, *word;
} keywords[] = {
    {"2.5.4.3", "CN"},
    {"2.5.4.6", "C"},
    {"2.5.4.7", "L"},
    {"2.5.4.8", "ST"},
    {"2.5.4.9", "STREET"},
    {"2.5.4.10", "O"},
    {"2.5.4.11", "OU"},
    {"0.9.2342.19200300.100.1.25", "DC"},
    {"0.9.2342.19200300.100.1.1", "UID"},
};

static const char *keyword_of(const char *number)
{
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
        if (strcmp(keywords[i].number, number) == 0)
            return keywords[i].word;
    return NULL;
}

/* The types that Java takes for text. It reads the bytes of all of them as UTF-8. */
static bool is_text(int type)
{
    return type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING || type == V_ASN1_T61STRING ||
           type == V_ASN1_IA5STRING || type == V_ASN1_GENERALSTRING || type == V_ASN1_BMPSTRING ||
           type == V_ASN1_UNIVERSALSTRING;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\r';
}

/* How many bytes the character at the front has; 0: it is no UTF-8. */
static size_t character_len(struct bytes text)
{
    static const struct {
        uint8_t from, to;
        size_t len;
    } heads[] = {{0x00, 0x7f, 1}, {0xc2, 0xdf, 2}, {0xe0, 0xef, 3}, {0xf0, 0xf4, 4}};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        if (text.data[0] < heads[i].from || text.data[0] > heads[i].to || text.len < heads[i].len)
            continue;
        for (size_t k = 1; k < heads[i].len; k++)
            if ((text.data[k] & 0xc0) != 0x80)
                return 0;
        return heads[i].len;
    }
    return 0;
}

static enum status append_character(struct buffer *name, struct bytes text, size_t len, bool escape)
{
    if (len == 0)
        return buffer_append(name, "\xEF\xBF\xBD", 3); /* what Java reads instead */
    if (text.data[0] == '\0')
        return buffer_append(name, "\\00", 3);
    enum status st = ST_OK;
    if (escape || strchr(",=+<>#;\"\\", text.data[0]) != NULL)
        st = buffer_append(name, "\\", 1);
    return st == ST_OK ? buffer_append(name, text.data, len) : st;
}

static enum status append_text(struct buffer *name, struct bytes text)
{
    size_t lead = 0;
    size_t trail = text.len;
    enum status st = ST_OK;
    while (lead < text.len && is_space(text.data[lead]))
        lead++;
    while (trail > 0 && is_space(text.data[trail - 1]))
        trail--;
    for (size_t i = 0; i < text.len && st == ST_OK;) {
        size_t len = character_len(bytes_from(text, i));
        st = append_character(name, bytes_from(text, i), len, i < lead || i >= trail);
        i += len == 0 ? 1 : len;
    }
    return st;
}

static enum status append_hex(struct buffer *name, const ASN1_STRING *value)
{
    ASN1_TYPE holder = {.type = ASN1_STRING_type(value), .value.asn1_string = (ASN1_STRING *)(uintptr_t)value};
    unsigned char *der = NULL;
    int len = i2d_ASN1_TYPE(&holder, &der);
    if (len < 0)
        return ST_NO_MEMORY;
    enum status st = buffer_append(name, "#", 1);
    for (int i = 0; i < len && st == ST_OK; i++)
        st = buffer_printf(name, "%02x", der[i]);
    OPENSSL_free(der);
    return st;
}

static enum status append_attribute(struct buffer *name, const X509_NAME_ENTRY *entry)
{
    char number[128];
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
    OBJ_obj2txt(number, sizeof number, X509_NAME_ENTRY_get_object(entry), 1);
    const char *word = keyword_of(number);
    enum status st = buffer_printf(name, "%s=", word != NULL ? word : number);
    if (st != ST_OK)
        return st;
    if (word == NULL || !is_text(ASN1_STRING_type(value)))
        return append_hex(name, value);
    return append_text(name, bytes_make(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
}

/* The attributes from `from` to `to`, which are one relative name. */
static enum status append_relative(struct buffer *name, const X509_NAME *subject, int from, int to)
{
    enum status st = ST_OK;
    for (int i = from; i < to && st == ST_OK; i++) {
        if (i > from)
            st = buffer_append(name, "+", 1);
        if (st == ST_OK)
            st = append_attribute(name, X509_NAME_get_entry(subject, i));
    }
    return st;
}

/* The last relative name comes first. */
enum status tls_subject_print(const struct X509_name_st *subject, struct buffer *name)
{
    enum status st = ST_OK;
    for (int end = X509_NAME_entry_count(subject); end > 0 && st == ST_OK;) {
        int set = X509_NAME_ENTRY_set(X509_NAME_get_entry(subject, end - 1));
        int from = end - 1;
        while (from > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(subject, from - 1)) == set)
            from--;
        st = append_relative(name, subject, from, end);
        if (st == ST_OK && from > 0)
            st = buffer_append(name, ",", 1);
        end = from;
    }
    return st;
}

bool tls_peer_has_certificate(const struct ssl_st *ssl)
{
    return SSL_get0_peer_certificate(ssl) != NULL;
}

enum status tls_peer_subject(const struct ssl_st *ssl, struct buffer *name)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    return certificate == NULL ? ST_OK : tls_subject_print(X509_get_subject_name(certificate), name);
}
