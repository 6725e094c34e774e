#!/bin/bash
# Purity of core at link level: nothing from outside but plain computing, and no writable globals.
. "$(dirname "$0")/tree.bash"

archive=${ZOOID_BUILD:-build}/lib/libzooid-core.a
# The runner's build is up to date already.
[ -n "${ZOOID_BUILD:-}" ] || make -s "$archive" || exit 1

# object (regular expression)   the outside symbols it may use (regular expression); __popcountdi2 and its like are the
# compiler's own arithmetic
allowed='
.*          (__)?(mem|str)[a-z0-9_]+
.*          (__)?v?snprintf(_chk)?
.*          __(isoc(99|23)_)?(strto[a-z]+|sscanf)|__ctype_[a-z_]+|__errno_location
.*          __stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__fortify_fail
.*          qsort|bsearch|abort|crc32|crc32_z|adler32|adler32_z
.*          __[a-z]+[sdt]i[23]
acl.*\.o    inet_pton|inet_ntop
snapshot_load\.o  inflate|inflateEnd|inflateInit2_
crc\.o       libdeflate_crc32
mem.*\.o    malloc|calloc|realloc|free
check\.o    stderr|fprintf|__fprintf_chk|fputs|fwrite|fflush
crypto\.o   [A-Z][A-Za-z0-9_]*|CRYPTO_[a-z_]+
'

may_use() {
    local object=$1 symbol=$2 objects symbols
    while read -r objects symbols; do
        [[ -n $objects && $object =~ ^$objects$ && $symbol =~ ^($symbols)$ ]] && return 0
    done <<<"$allowed"
    return 1
}

declare -A defined
while read -r symbol; do
    defined[$symbol]=1
done < <(nm -j --defined-only --extern-only "$archive" 2>/dev/null | grep -v ':$')

# Prints "object symbol class section" for each symbol of the archive.
symbols() {
    nm -f sysv "$archive" | awk -F'|' '
        /\.o\]?:$/ { object = $0; sub(/^.*\[/, "", object); sub(/\]?:$/, "", object); sub(/^Symbols from /, "", object); next }
        NF >= 7 { gsub(/ /, ""); print object, $1, $3, ($7 == "" ? "-" : $7) }'
}

while read -r object symbol class section; do
    case $class in
    U | w)
        [ -n "${defined[$symbol]:-}" ] || may_use "$object" "$symbol" ||
            found "$object" "core refers to $symbol" \
                "Core has no clock, file, socket, thread, environment or library of the host: let agent/ do it and pass it in as an event, or hand in a function."
        ;;
    *)
        # Constants that hold addresses lie in .data.rel.ro, which is read-only once the program runs.
        [[ $section == .data.rel.ro* || $section != @(.data|.bss|.tdata|.tbss|\*COM\*)* ]] ||
            found "$object" "writable global $symbol in $section" \
                "Make it const, or a member of the struct that the caller owns: a process may run many members at once."
        ;;
    esac
done < <(symbols)
finish
