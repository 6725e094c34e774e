/* crypto.c - the only file of core that calls libcrypto. */
#include "core/base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

size_t crypto_digest(const char *algorithm, struct bytes data, uint8_t out[64])
{
    const EVP_MD *md = EVP_get_digestbyname(algorithm);
    unsigned len = 0;
    if (md == NULL || EVP_MD_get_size(md) > 64 || EVP_Digest(data.data, data.len, out, &len, md, NULL) != 1)
        return 0;
    return len;
}

bool crypto_hmac(struct bytes key, struct bytes data, uint8_t out[32])
{
    unsigned len = 0;
    return HMAC(EVP_sha256(), key.data, (int)key.len, data.data, data.len, out, &len) != NULL && len == 32;
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
