/* version.h - who we say we are.
 *
 * Tools read ZooKeeper's version up to the first '-' (client-protocol 11.2), so that comes first: what our behaviour is
 * that of. The date has the form that go-zookeeper's pattern wants. */
#pragma once

#define ZOOID_VERSION           "0.1.0"
#define ZOOID_ZOOKEEPER_VERSION "3.9.3"
#define ZOOID_VERSION_TEXT      ZOOID_ZOOKEEPER_VERSION "-zooid." ZOOID_VERSION ", built on 11/22/2026 00:00 UTC"
