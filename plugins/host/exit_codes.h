/* exit_codes.h - as sysexits.h has them. */
#pragma once

enum { EXIT_USAGE = 64, EXIT_SOFTWARE = 70, EXIT_CONFIG = 78 };
