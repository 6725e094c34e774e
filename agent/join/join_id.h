/* join_id.h - the number of a server that joins without anybody's having given it one.
 *
 * A session id begins with a byte of the server that makes it, and nothing but this byte keeps the ids of two servers
 * apart (quorum-protocol 3.8). Servers that are given a number have one up to 254, which is that byte; there are fewer
 * of these than hosts that may join. So a joiner gets a large random number, which no other server has. Its low byte is
 * the byte of its session ids: one that no configured server uses, so that these are never met, whatever they do. With
 * other joiners it may be shared; therefore a server with a large number draws the next five bytes of its session ids
 * at random at each start (forty bits; others have the time there), and passes over ids that the ensemble knows.
 *
 * A large number is for observers alone: Apache's servers take any, but a voter's place is the administrator's to
 * give. Having the largest numbers, joiners connect to the other servers and need not be reached by them (1.2). Pure.
 */
#pragma once

#include "core/members/members.h"

enum { JOIN_SMALL_ID_MAX = 254 };

/* A large one, made of 64 random bits, that no server of `m` has. */
int64_t join_large_id(const struct members *m, uint64_t random);

/* The smallest that is free, and whose session ids are nobody's in `m`; 0: there is none. */
int64_t join_small_id(const struct members *m);
