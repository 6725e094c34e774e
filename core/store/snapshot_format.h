/* snapshot_format.h - numbers of the snapshot's format that writer and reader share (quorum-protocol 6.2). */
#pragma once

#include "core/base/bytes.h"

#define SNAPSHOT_MAGIC          0x5a4b534e /* "ZKSN" */
#define SNAPSHOT_VERSION        2
#define SNAPSHOT_DBID           -1
#define SNAPSHOT_ACL_OPEN       -1 /* world:anyone with all permissions, which is not in the map */
#define SNAPSHOT_DIGEST_VERSION 2

/* The path behind the last node, and the end of each seal. */
#define SNAPSHOT_END BYTES("/")

/* Ends the stream between servers, behind SNAPSHOT_END (quorum-protocol 2.7). */
#define SNAPSHOT_SIGNATURE     BYTES("BenWasHere")
#define SNAPSHOT_SIGNATURE_LEN 14 /* with its length */
