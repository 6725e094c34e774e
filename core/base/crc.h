/* crc.h - CRC-32 as zlib has it, quicker for the short inputs of which the tree's digest is made. Pure; thread-safe. */
#pragma once

#include "core/base/bytes.h"

/* Continues `crc` over the bytes; 0 to begin with. crc32_continue(crc32_continue(0, a), b) is the CRC of a, then b. */
uint32_t crc32_continue(uint32_t crc, struct bytes b);
