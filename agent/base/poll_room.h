/* poll_room.h - a place for a descriptor among those that the kernel watches for a loop.
 *
 * libuv takes that place only when the loop turns next, where nobody could be told of a failure any more: it aborts the
 * process when there is none left (fs.epoll.max_user_watches, which all processes of a user share) or no memory for
 * it. So whoever starts a handle for a descriptor takes the place first; libuv finds it taken and goes on from there.
 */
#pragma once

#include <uv.h>

/* 0, or an errno: then the handle must not be started. Harmless when repeated. The place goes when a handle for the
 * descriptor is stopped, after which it has to be taken again, or closed. */
int poll_room_take(uv_loop_t *loop, int fd);
