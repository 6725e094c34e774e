/* certs.c - see certs.h. */
#include "tests/support/certs.h"

#include "tests/support/test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#define DAY 86400L

static long next_serial = 1;

static void add_name(X509 *x, const char *field, const char *text)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), field, MBSTRING_UTF8,
                                                (const unsigned char *)text, -1, -1, 0),
                     1);
}

static void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static struct certs make(const struct certs *issuer, const char *common_name, const char *hosts, int days_from_now)
{
    struct certs c = {EVP_EC_gen("P-256"), X509_new()};
    assert_non_null(c.key);
    assert_non_null(c.certificate);
    X509_set_version(c.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.certificate), next_serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.certificate), (days_from_now - 1) * DAY);
    X509_gmtime_adj(X509_getm_notAfter(c.certificate), (days_from_now + 1) * DAY);
    add_name(c.certificate, "O", "zooid");
    add_name(c.certificate, "CN", common_name);
    X509_set_pubkey(c.certificate, c.key);
    const struct certs *signer = issuer != NULL ? issuer : &c;
    X509_set_issuer_name(c.certificate, X509_get_subject_name(signer->certificate));
    add_extension(c.certificate, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    if (hosts != NULL)
        add_extension(c.certificate, NID_subject_alt_name, hosts);
    assert_true(X509_sign(c.certificate, signer->key, EVP_sha256()) > 0);
    return c;
}

struct certs certs_authority(const char *common_name)
{
    return make(NULL, common_name, NULL, 0);
}

struct certs certs_issue(const struct certs *issuer, const char *common_name)
{
    return make(issuer, common_name, NULL, 0);
}

struct certs certs_issue_for(const struct certs *issuer, const char *common_name, const char *hosts, int days_from_now)
{
    return make(issuer, common_name, hosts, days_from_now);
}

void certs_free(struct certs *c)
{
    EVP_PKEY_free(c->key);
    X509_free(c->certificate);
}

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

void certs_write_pem(const char *path, const struct certs *c, const struct certs *issuer, const char *password)
{
    FILE *file = open_file(path);
    int len = password == NULL ? 0 : (int)strlen(password);
    assert_int_equal(
        PEM_write_PKCS8PrivateKey(file, c->key, password == NULL ? NULL : EVP_aes_256_cbc(), password, len, NULL, NULL),
        1);
    assert_int_equal(PEM_write_X509(file, c->certificate), 1);
    if (issuer != NULL)
        assert_int_equal(PEM_write_X509(file, issuer->certificate), 1);
    assert_int_equal(fclose(file), 0);
}

void certs_write_trust_pem(const char *path, const struct certs *c)
{
    FILE *file = open_file(path);
    assert_int_equal(PEM_write_X509(file, c->certificate), 1);
    assert_int_equal(fclose(file), 0);
}

static void write_pkcs12(const char *path, EVP_PKEY *key, X509 *certificate, X509 *other, const char *password)
{
    FILE *file = open_file(path);
    STACK_OF(X509) *others = sk_X509_new_null();
    if (other != NULL)
        sk_X509_push(others, other);
    PKCS12 *p12 = PKCS12_create(password, "one", key, certificate, others, 0, 0, 0, 0, 0);
    assert_non_null(p12);
    assert_int_equal(i2d_PKCS12_fp(file, p12), 1);
    PKCS12_free(p12);
    sk_X509_free(others);
    assert_int_equal(fclose(file), 0);
}

void certs_write_pkcs12(const char *path, const struct certs *c, const struct certs *issuer, const char *password)
{
    write_pkcs12(path, c->key, c->certificate, issuer == NULL ? NULL : issuer->certificate, password);
}

void certs_write_trust_pkcs12(const char *path, const struct certs *c, const char *password)
{
    write_pkcs12(path, NULL, NULL, c->certificate, password);
}

void certs_write_file(const char *path, const void *data, size_t len)
{
    FILE *file = open_file(path);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}
