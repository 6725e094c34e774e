#!/bin/bash
# limit: 1200
# The second compiler has its own warnings: everything must compile with clang without one.
. "$(dirname "$0")/tree.bash"

if ! make V=clang WERROR=1 BUILD="${ZOOID_BUILD:-build}" objects; then
    echo "clang.sh: mend the above; 'make V=clang WERROR=1 objects' shows it again"
    exit 1
fi
