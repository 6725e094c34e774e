/* crc.c - libdeflate's CRC, which uses the processor's carry-less multiplication where there is one: the digest takes
 * two of these for each write, over inputs of a hundred bytes, for which zlib's takes five times as long. */
#include "core/base/crc.h"

#include <libdeflate.h>

uint32_t crc32_continue(uint32_t crc, struct bytes b)
{
    return b.len == 0 ? crc : libdeflate_crc32(crc, b.data, b.len);
}
