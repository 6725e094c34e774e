#!/bin/bash
# The library of templates in Lua alone: the language and its errors, what templates read, copies of the tree, and how
# files get into place.
# sanitizers: no
set -euo pipefail

lua=$(command -v lua5.4 || command -v lua) || { echo "Lua 5.4 is not installed (package lua5.4)"; exit 77; }
"$lua" "$ZOOID_ROOT/tests/plugins/template_cases.lua" "$ZOOID_ROOT"/tests/plugins/templates/*.txt
"$lua" "$ZOOID_ROOT/tests/plugins/view_test.lua"
"$lua" "$ZOOID_ROOT/tests/plugins/render_units_test.lua"
"$lua" "$ZOOID_ROOT/tests/plugins/render_swap_test.lua"
