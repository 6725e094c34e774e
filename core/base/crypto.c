/* crypto.c - the only file of core that calls libcrypto. */
#include "core/base/crypto.h"

#include "core/base/mem.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

size_t crypto_digest(const char *algorithm, struct bytes data, uint8_t out[64])
{
    const EVP_MD *md = EVP_get_digestbyname(algorithm);
    unsigned len = 0;
    if (md == NULL || EVP_MD_get_size(md) > 64 || EVP_Digest(data.data, data.len, out, &len, md, NULL) != 1)
        return 0;
    return len;
}

struct crypto_mac {
    EVP_MAC_CTX *ctx;
};

struct crypto_mac *crypto_mac_new(void)
{
    char sha256[] = "SHA256"; /* OpenSSL only reads it; its struct merely has no const */
    const OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
                                 OSSL_PARAM_construct_end()};
    struct crypto_mac *mac = mem_calloc(1, sizeof *mac);
    if (mac == NULL)
        return NULL;
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    mac->ctx = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); /* the context holds it */
    if (mac->ctx == NULL || EVP_MAC_CTX_set_params(mac->ctx, digest) != 1) {
        crypto_mac_free(mac);
        return NULL;
    }
    return mac;
}

void crypto_mac_free(struct crypto_mac *mac)
{
    if (mac == NULL)
        return;
    EVP_MAC_CTX_free(mac->ctx);
    mem_free(mac);
}

bool crypto_hmac(struct crypto_mac *mac, struct bytes key, struct bytes data, uint8_t out[32])
{
    size_t len = 0;
    return EVP_MAC_init(mac->ctx, key.data, key.len, NULL) == 1 && EVP_MAC_update(mac->ctx, data.data, data.len) == 1 &&
           EVP_MAC_final(mac->ctx, out, &len, 32) == 1 && len == 32;
}

enum status crypto_base64(struct buffer *out, struct bytes data)
{
    size_t len = (data.len + 2) / 3 * 4;
    enum status st = buffer_reserve(out, len + 1);
    if (st != ST_OK)
        return st;
    EVP_EncodeBlock(out->data + out->len, data.data, (int)data.len);
    out->len += len;
    return ST_OK;
}

bool crypto_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}
