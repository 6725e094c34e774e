/* tls_store.c - the kind of a store is told by its content where that is clear, else by its type. */
#include "agent/net/tls_store.h"

#include "agent/net/tls.h"
#include "agent/settings/settings.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum { STORE_BYTES_MAX = 16 * 1024 * 1024, PASSWORD_BYTES_MAX = 4096, READ_STEP = 16384 };

static enum status say(struct buffer *message, const struct tls_store_place *place, const char *what)
{
    enum status st = buffer_printf(message, "%s: %s: %s", place->setting, place->location, what);
    return st == ST_OK ? ST_BAD_ARGUMENTS : ST_NO_MEMORY;
}

/* -- files --------------------------------------------------------------------------------------------------------- */

static enum status read_all(int fd, struct buffer *content, int *error)
{
    for (;;) {
        enum status st = buffer_reserve(content, READ_STEP);
        if (st != ST_OK)
            return st;
        ssize_t n = read(fd, content->data + content->len, READ_STEP);
        if (n > 0)
            content->len += (size_t)n;
        if (n == 0)
            return ST_OK;
        if (n < 0 && errno != EINTR) {
            *error = errno;
            return ST_IO_ERROR;
        }
    }
}

static enum status read_file(const struct tls_store_place *place, const char *path, struct buffer *content,
                             struct buffer *message)
{
    int error = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum status st = ST_IO_ERROR;
    if (fd >= 0) {
        st = read_all(fd, content, &error);
        close(fd);
    } else {
        error = errno;
    }
    if (st == ST_IO_ERROR) {
        char text[128];
        uv_strerror_r(-error, text, sizeof text);
        st = buffer_printf(message, "%s: %s cannot be read: %s", place->setting, path, text) == ST_OK ? ST_IO_ERROR
                                                                                                      : ST_NO_MEMORY;
    }
    return st == ST_LIMIT ? say(message, place, "is too large") : st;
}

/* The password, terminated. One end of line behind it is an editor's. */
static enum status read_password(const struct tls_store_place *place, struct buffer *password, struct buffer *message)
{
    enum status st = ST_OK;
    password->max = PASSWORD_BYTES_MAX + READ_STEP;
    if (place->password_path[0] != '\0')
        st = read_file(place, place->password_path, password, message);
    else
        st = buffer_append(password, place->password, strlen(place->password));
    if (st == ST_OK && place->password_path[0] != '\0' && password->len > 0 &&
        password->data[password->len - 1] == '\n')
        password->len--;
    return st == ST_OK ? buffer_append(password, "", 1) : st;
}

/* -- PEM ----------------------------------------------------------------------------------------------------------- */

static int give_password(char *into, int room, int writing, void *context)
{
    (void)writing;
    struct bytes password = bytes_of(context);
    if (password.len == 0 || password.len > (size_t)room)
        return -1;
    memcpy(into, password.data, password.len);
    return (int)password.len;
}

static enum status say_reason(struct buffer *message, const struct tls_store_place *place, const char *what)
{
    enum status st = buffer_printf(message, "%s: %s: %s: %s", place->setting, place->location, what, tls_reason());
    return st == ST_OK ? ST_BAD_ARGUMENTS : ST_NO_MEMORY;
}

/* "BEGIN PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY", "BEGIN EC PRIVATE KEY", ... */
static bool has_private_key(struct bytes content)
{
    static const char mark[] = "PRIVATE KEY-----";
    return memmem(content.data, content.len, mark, sizeof mark - 1) != NULL;
}

/* Certificates of the file, in its order. */
static enum status pem_certificates(struct tls_store *out, BIO *bio, const struct tls_store_place *place,
                                    struct buffer *message)
{
    X509 *certificate = NULL;
    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(out->others, certificate) == 0) {
            X509_free(certificate);
            return ST_NO_MEMORY;
        }
    }
    bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    return end ? ST_OK : say_reason(message, place, "a certificate cannot be read");
}

static enum status pem_key(struct tls_store *out, BIO *bio, char *password, const struct tls_store_place *place,
                           struct buffer *message)
{
    ERR_clear_error();
    out->key = PEM_read_bio_PrivateKey(bio, NULL, give_password, password);
    return out->key != NULL ? ST_OK
                            : say_reason(message, place, "the private key cannot be read (is the password right?)");
}

/* Takes the key's certificate out of the others. */
static void pair_up(struct tls_store *out)
{
    for (int i = 0; out->key != NULL && i < sk_X509_num(out->others); i++) {
        if (X509_check_private_key(sk_X509_value(out->others, i), out->key) == 1) {
            out->certificate = sk_X509_delete(out->others, i);
            return;
        }
    }
}

static enum status read_pem(struct tls_store *out, struct bytes content, char *password,
                            const struct tls_store_place *place, struct buffer *message)
{
    out->others = sk_X509_new_null();
    BIO *bio = BIO_new_mem_buf(content.data, (int)content.len);
    if (bio == NULL || out->others == NULL) {
        BIO_free(bio);
        return ST_NO_MEMORY;
    }
    enum status st = pem_certificates(out, bio, place, message);
    if (st == ST_OK && has_private_key(content)) {
        (void)BIO_reset(bio);
        st = pem_key(out, bio, password, place, message);
    }
    BIO_free(bio);
    ERR_clear_error();
    pair_up(out);
    return st;
}

/* -- PKCS#12 ------------------------------------------------------------------------------------------------------- */

static enum status read_pkcs12(struct tls_store *out, struct bytes content, const char *password,
                               const struct tls_store_place *place, struct buffer *message)
{
    const unsigned char *at = content.data;
    ERR_clear_error();
    PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)content.len);
    if (p12 == NULL)
        return say_reason(message, place, "is not a PKCS#12 store");
    bool good = PKCS12_parse(p12, password, &out->key, &out->certificate, &out->others) == 1;
    PKCS12_free(p12);
    if (good && out->others == NULL)
        out->others = sk_X509_new_null();
    if (good)
        return out->others != NULL ? ST_OK : ST_NO_MEMORY;
    return say_reason(message, place,
                      "cannot be opened (a wrong password, or an encryption that is no longer supported, which "
                      "`keytool -importkeystore` of a current Java replaces)");
}

/* -- the kinds ----------------------------------------------------------------------------------------------------- */

static enum status refuse_java(const struct tls_store_place *place, struct buffer *message)
{
    bool bcfks = place->type == TLS_STORE_BCFKS;
    enum status st = buffer_printf(message,
                                   "%s: %s is a Java keystore (%s), which is not read. Convert it with: keytool "
                                   "-importkeystore -srckeystore %s%s -destkeystore %s.p12 -deststoretype PKCS12",
                                   place->setting, place->location, bcfks ? "BCFKS" : "JKS", place->location,
                                   bcfks ? " -srcstoretype BCFKS -providername BCFIPS" : "", place->location);
    return st == ST_OK ? ST_BAD_ARGUMENTS : ST_NO_MEMORY;
}

static bool is_java(struct bytes content)
{
    return bytes_starts_with(content, BYTES("\xFE\xED\xFE\xED")) ||
           bytes_starts_with(content, BYTES("\xCE\xCE\xCE\xCE"));
}

static enum status read_content(struct tls_store *out, struct bytes content, char *password,
                                const struct tls_store_place *place, struct buffer *message)
{
    if (is_java(content) || place->type == TLS_STORE_BCFKS)
        return refuse_java(place, message);
    /* keytool calls PKCS#12 stores JKS; a sequence of DER is what they begin with. */
    if (place->type != TLS_STORE_PEM && content.len > 0 && content.data[0] == 0x30)
        return read_pkcs12(out, content, password, place, message);
    if (place->type == TLS_STORE_PEM || place->type == TLS_STORE_NONE)
        return read_pem(out, content, password, place, message);
    return say(message, place, place->type == TLS_STORE_JKS ? "is not a keystore" : "is not a PKCS#12 store");
}

enum status tls_store_read(struct tls_store *out, const struct tls_store_place *place, struct buffer *message)
{
    struct buffer content = {.max = STORE_BYTES_MAX};
    struct buffer password = {0};
    *out = (struct tls_store){0};
    enum status st = read_password(place, &password, message);
    if (st == ST_OK)
        st = read_file(place, place->location, &content, message);
    if (st == ST_OK)
        st = read_content(out, buffer_bytes(&content), (char *)password.data, place, message);
    if (content.data != NULL)
        OPENSSL_cleanse(content.data, content.len);
    if (password.data != NULL)
        OPENSSL_cleanse(password.data, password.len);
    buffer_free(&content);
    buffer_free(&password);
    if (st != ST_OK)
        tls_store_free(out);
    return st;
}

void tls_store_free(struct tls_store *store)
{
    EVP_PKEY_free(store->key);
    X509_free(store->certificate);
    sk_X509_pop_free(store->others, X509_free);
    *store = (struct tls_store){0};
}
