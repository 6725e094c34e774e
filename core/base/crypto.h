/* crypto.h - the few pure functions of cryptography that core needs, from OpenSSL's libcrypto.
 *
 * No keys are made here and no randomness is drawn: the shell hands both in. Pure; thread-safe, but for what is said of
 * struct crypto_mac. */
#pragma once

#include "core/base/bytes.h"

/* Digest by name ("SHA1", "SHA-256", ...; Java's and OpenSSL's spellings) of `data` into `out` (room for 64 bytes);
 * returns its length, 0 when the algorithm is not known or OpenSSL refuses it. */
size_t crypto_digest(const char *algorithm, struct bytes data, uint8_t out[64]);

/* What HMACs are made with, by one thread at a time; whoever makes many keeps it, since to have OpenSSL find the
 * algorithm anew takes longer than a short HMAC. */
struct crypto_mac;

/* NULL: out of memory, or OpenSSL has no HMAC-SHA-256. Free with crypto_mac_free, which allows NULL. */
struct crypto_mac *crypto_mac_new(void);
void crypto_mac_free(struct crypto_mac *mac);

/* HMAC-SHA-256 of `data`, 32 bytes; `key` is not empty. False: OpenSSL failed. */
bool crypto_hmac(struct crypto_mac *mac, struct bytes key, struct bytes data, uint8_t out[32]);

/* Standard base64 with padding, appended. Errors as buffer_append. */
enum status crypto_base64(struct buffer *out, struct bytes data);

/* Equal content, in a time that depends on the lengths only. */
bool crypto_equal(struct bytes a, struct bytes b);
