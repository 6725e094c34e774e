/* address.h - which address others reach this host at. */
#pragma once

/* The local end of the route to an address, nothing being sent; without such a route the first address that is up and
 * not loopback, else 127.0.0.1. NULL: out of memory. Free with free(). */
char *address_of_route(const char *to);
