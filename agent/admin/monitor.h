/* monitor.h - the figures of a running agent as a report, under ZooKeeper's names (client-protocol 11.3). */
#pragma once

#include "agent/admin/overview.h"
#include "agent/base/report.h"

/* Fills `report`; errors stick in it. Reads a few files below /proc. */
void monitor_fill(const struct overview *o, struct report *report);

/* "3.9.3-..., built on ...": what the settings or the build say. */
const char *monitor_version(const struct overview *o);
