/* host_lua_hash.c - zooid.hash: digests, by OpenSSL. */
#include "plugins/host/host_lua_internal.h"

#include <openssl/evp.h>

/* hash(algorithm, bytes): hexadecimal */
static int hash(lua_State *L)
{
    static const char *const names[] = {"sha256", "sha1", "sha512", "md5", NULL};
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE];
    unsigned len = 0;
    size_t size = 0;
    const EVP_MD *algorithm = EVP_get_digestbyname(names[luaL_checkoption(L, 1, NULL, names)]);
    const char *bytes = luaL_checklstring(L, 2, &size);
    if (algorithm == NULL || EVP_Digest(bytes, size, digest, &len, algorithm, NULL) != 1)
        return luaL_error(L, "this system does not have %s", lua_tostring(L, 1));
    for (unsigned i = 0; i < len; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    lua_pushlstring(L, text, 2 * (size_t)len);
    return 1;
}

void open_hash(lua_State *L)
{
    lua_pushcfunction(L, hash);
    lua_setfield(L, -2, "hash");
}
