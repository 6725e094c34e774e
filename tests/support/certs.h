/* certs.h - certificates and stores for one test, made with OpenSSL; keys are P-256. Everything checked: a test that
 * cannot have its certificates fails. */
#pragma once

#include <openssl/x509.h>

struct certs {
    EVP_PKEY *key;
    X509 *certificate;
};

/* An authority that signs itself. */
struct certs certs_authority(const char *common_name);

/* Signed by `issuer`, with subject CN=common_name,O=zooid. */
struct certs certs_issue(const struct certs *issuer, const char *common_name);

/* The same for hosts, named as in "IP:127.0.0.1,DNS:localhost", valid for one day around `days_from_now`. */
struct certs certs_issue_for(const struct certs *issuer, const char *common_name, const char *hosts, int days_from_now);
void certs_free(struct certs *c);

/* Key (encrypted when there is a password) and certificate, then the issuer's. */
void certs_write_pem(const char *path, const struct certs *c, const struct certs *issuer, const char *password);
/* Certificates alone. */
void certs_write_trust_pem(const char *path, const struct certs *c);
void certs_write_pkcs12(const char *path, const struct certs *c, const struct certs *issuer, const char *password);
void certs_write_trust_pkcs12(const char *path, const struct certs *c, const char *password);

/* Any file. */
void certs_write_file(const char *path, const void *data, size_t len);
