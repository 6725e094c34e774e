#!/bin/bash
# clang-format decides. With --rewrite it does so on the spot (`make format`).
. "$(dirname "$0")/tree.bash"

# What SWIG writes is as SWIG writes it.
mapfile -t sources < <(files '^(core|agent|tests|bindings|plugins)/.*\.[ch]$' | grep -v '/internal/swig/')
[ "${#sources[@]}" -gt 0 ] || exit 0
if [ "${1:-}" = --rewrite ]; then
    exec clang-format -i "${sources[@]}"
fi
while IFS= read -r first; do
    found "$first" "not formatted as .clang-format says" "Run 'make format'."
done < <(printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 20 clang-format --dry-run 2>&1 |
    sed -n 's/: warning: code should be clang-formatted.*//p' | sort -t: -k1,1 -u)
finish
