/* codec.h - messages of the local door as bytes and back, for both of its ends.
 *
 * What protobuf-c's own functions do, in one pass each way and a fraction of their time: nothing is measured before it
 * is written, nothing is looked for, and what is read lies in memory that goes at once. Messages are known by
 * protobuf-c's descriptors alone, which are made into tables once; of what these can describe it takes what local.proto
 * has: optional and repeated fields, texts and bytes, whole numbers, booleans, enums and messages. */
#ifndef ZOOID_CODEC_H
#define ZOOID_CODEC_H

#include <protobuf-c/protobuf-c.h>

#include <stdbool.h>

struct codec_type; /* opaque; made once, never freed */

/* The tables of a type and all types within it; thread-safe, and to be called once for what is read or written often.
 * NULL: it has fields of other kinds, or there are more types than there is room for. */
const struct codec_type *codec_type_of(const ProtobufCMessageDescriptor *descriptor);

/* Where what is read gets its memory, which goes all at once: nothing is given back alone. */
struct codec_memory {
    uint8_t *room; /* is used up first; aligned for anything, and afterwards what is left of it */
    size_t left;
    void *(*take)(void *context, size_t size); /* aligned as well; NULL: there is no more */
    void *context;
};

/* Reads a message into memory of the caller's; the message itself is the first that is taken. What is not known is
 * passed over, and of a field that comes twice protobuf's rules hold: the last one counts, messages are merged, what is
 * repeated is appended. NULL: it is no such message, or there was not enough memory. */
void *codec_read(const struct codec_type *type, const uint8_t *data, size_t len, struct codec_memory *memory);

/* Writes the message to `room`; its size is in `*size`. False: it has no room in there. Byte for byte what
 * protobuf_c_message_pack would write. Most messages are small: offer them CODEC_SMALL, and measure (with protobuf-c)
 * only what does not fit. */
#define CODEC_SMALL ((size_t)1024)
bool codec_write(const struct codec_type *type, const void *message, uint8_t *room, size_t room_size, size_t *size);

#endif
