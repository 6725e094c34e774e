#!/bin/bash
# limit: 1200
# clang-tidy on core and agent with the checks of .clang-tidy. What passed once is not looked at again until it, a header
# or the checks change: build/tidy holds one empty file for each preprocessed source that was clean.
. "$(dirname "$0")/tree.bash"

cache=${ZOOID_BUILD:-build}/tidy
mkdir -p "$cache"
read -ra lua <<<"$(pkg-config --cflags lua5.4 2>/dev/null || pkg-config --cflags lua)"
flags=("${lua[@]}" -std=c11 -D_GNU_SOURCE -I. -Iplugins/include -isystem "${ZOOID_BUILD:-build}/gen")
# The analyzer follows each function along so many branches; its own limit takes three times as long, and is that of
# `make test-long`.
[ "${ZOOID_LONG:-0}" = 1 ] || flags+=(-Xclang -analyzer-config -Xclang max-nodes=40000)
version=$(clang-tidy --version; cat .clang-tidy; echo "${flags[@]}")

# Prints the sources whose state is not known to be clean, each with the mark to leave.
changed_sources() {
    local source key
    for source in $(files '^(core|agent|bindings/c|plugins)/.*\.c$'); do
        # The text itself counts too: NOLINT is a comment.
        key=$({ echo "$version"; cat "$source"; clang "${flags[@]}" -E "$source" 2>/dev/null; } | sha256sum)
        [ -e "$cache/${key%% *}" ] || echo "$source $cache/${key%% *}"
    done
}

tidy_one() {
    local output
    if output=$(clang-tidy --quiet "$1" -- "${@:3}" 2>/dev/null) && [ -z "$output" ]; then
        : >"$2"
    else
        printf '%s\n' "${output:-$1: clang-tidy failed}"
        return 1
    fi
}
export -f tidy_one

if ! changed_sources | xargs -r -P "$(nproc)" -I{} bash -c "tidy_one {} ${flags[*]}"; then
    echo "tidy.sh: mend the above. A false alarm is silenced on its line with /* NOLINT(check): reason */."
    exit 1
fi
