/* version.h - who we say we are.
 *
 * Tools read ZooKeeper's version up to the first '-' (client-protocol 11.2), so that comes first: what our behaviour is
 * that of. The date has the form that go-zookeeper's pattern wants. */
#pragma once

#include "bindings/c/include/zooid.h" /* ZOOID_VERSION */

#define ZOOID_ZOOKEEPER_VERSION "3.9.3"
#define ZOOID_VERSION_TEXT      ZOOID_ZOOKEEPER_VERSION "-zooid." ZOOID_VERSION ", built on 11/22/2026 00:00 UTC"
