#!/bin/bash
# The include arrows: which folder may include which headers.
. "$(dirname "$0")/tree.bash"

# folder        what its files may include besides their own folder: a folder, or one header by name.
# A row may also begin with a pattern of files, which then may include that much more.
arrows='
core/base
core/jute       core/base
core/members    core/base core/jute
core/tree       core/base core/jute
core/session    core/base core/jute
core/zab        core/base core/jute core/members
core/store      core/base core/jute core/tree/tree.h core/session/session.h
core/ops        core/base core/jute core/tree core/session core/members
core/replica    core/base core/jute core/tree core/session core/members core/zab core/store core/ops
agent           core/base core/jute core/members core/store core/replica/replica.h core/replica/status_report.h core/ops/op.h core/ops/audit.h agent/base agent/settings agent/net agent/disk agent/front agent/local agent/peers agent/join agent/admin
agent/base      core/base core/jute core/members
agent/base/version.h  bindings/c/include/zooid.h
agent/base/turns*     bindings/c/patience.h
agent/settings  core/base core/jute core/members core/store/io.h core/store/atomic_file.h agent/base
agent/net       core/base core/jute core/members agent/base agent/settings
agent/disk      core/base core/jute core/members core/store core/replica/replica.h agent/base agent/settings
agent/disk/persistence*  core/tree/changes.h core/tree/tree.h core/session/session.h
agent/disk/loading*      core/tree/changes.h core/session/session.h core/ops/apply.h
agent/disk/check_start*  core/tree/tree.h core/session/session.h core/ops/apply.h
agent/disk/checkpoint*   core/tree/tree.h core/session/session.h
agent/disk/restore*      core/tree/tree.h core/session/session.h core/ops/apply.h
agent/disk/apache_sessions*  core/session/session.h
agent/front     core/base core/jute core/replica/replica.h core/ops/op.h agent/base agent/settings agent/net agent/pump.h
agent/local     core/base core/jute core/replica/replica.h core/ops/op.h core/session/session.h core/tree/acl.h core/tree/path.h core/tree/path_set.h bindings/c/codec.h bindings/c/local_path.h agent/base agent/settings agent/net agent/front
agent/local/local_backup*  core/store/snapshot.h
agent/peers     core/base core/jute core/members core/store core/replica/replica.h agent/base agent/settings agent/net agent/disk agent/pump.h
agent/peers/peers*     core/zab/notification.h
agent/peers/ensemble*  core/zab/zab.h core/zab/zab_text.h
agent/join      core/base core/jute core/members core/store agent/base agent/settings agent/net agent/disk
agent/admin/plugins*  bindings/c/include/zooid.h
agent/admin     core/base core/jute core/members core/replica/replica.h core/replica/status_report.h core/replica/observer_report.h core/ops/op.h core/zab/zab.h core/zab/zab_text.h agent/base agent/settings agent/net agent/disk agent/front agent/local/local.h agent/peers agent/doors.h
agent/cli           bindings/c/include/zooid.h
bindings/c          bindings/c/include/zooid.h
bindings/c/recipes  bindings/c/include/zooid.h bindings/c/internal.h bindings/c/task.h
plugins/include
plugins/host        bindings/c/include/zooid.h agent/base/journal.h plugins/include/zooid_plugin.h plugins/host/supervise/run.h plugins/host/supervise/supervisor.h
plugins/host/supervise  bindings/c/include/zooid.h plugins/include/zooid_plugin.h plugins/host agent/base/notify.h
plugins/discovery
plugins/health
plugins/render
'

# What core may take from outside: the C library without files, clocks, threads; zlib and libdeflate for checksums.
core_system='^(assert|ctype|errno|inttypes|limits|math|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|strings|zlib|libdeflate)\.h$'

# header        the only files that may include it, as a regular expression
owners='
lmdb.h          ^agent/disk/checkpoint_lmdb\.c$|^tests/
uv.h            ^agent/|^plugins/host/|^tests/
libconfig.h     ^plugins/host/config|^plugins/discovery/
(lua|lauxlib|lualib)\.h  ^plugins/host/host_lua
openssl/.*      ^core/base/crypto\.c$|^agent/|^plugins/host/host_lua_hash\.c$|^tests/
arpa/inet.h     ^core/tree/acl|^agent/|^plugins/|^tests/
http_parser.h   ^agent/|^tests/
sanitizer/asan_interface.h  ^core/base/pool\.c$|^tests/
local.pb-c.h    ^agent/local/local_internal\.h$|^bindings/c/(message|local_path)\.h$|^tests/
'

# allowed_for FILE: what the rows of its folder and of itself say, or failure when the folder has none.
allowed_for() {
    local rows allowed known=1 all=
    while read -r rows allowed; do
        [ "$rows" != "${1%/*}" ] || known=0
        # shellcheck disable=SC2053 # a pattern
        if [[ -n $rows && (${1%/*} == "$rows" || $1 == $rows) ]]; then all+=" $allowed"; fi
    done <<<"$arrows"
    echo "$all"
    return $known
}

# may_include ALLOWED... HEADER
may_include() {
    local header=${*: -1} entry
    for entry in "${@:1:$#-1}"; do
        [[ $header == "$entry" || $header == "$entry"/* ]] && return 0
    done
    return 1
}

check_project_include() {
    local where=$1 file=$2 header=$3 allowed folder=${2%/*}
    case $header in
    core/* | agent/* | bindings/c/* | plugins/*) ;;
    local.pb-c.h) # made from bindings/c/local.proto
        check_system_include "$where" "$file" "$header"
        return
        ;;
    *)
        found "$where" "#include \"$header\" does not start at the top of the repository" \
            "Write the whole path, as in \"core/base/bytes.h\"."
        return
        ;;
    esac
    if ! allowed=$(allowed_for "$file"); then
        found "$where" "folder $folder has no row in the table of arrows" \
            "Add a row to tests/lint/includes.sh and argue it in ARCHITECTURE.md."
        return
    fi
    # shellcheck disable=SC2086 # a list of words
    may_include "$folder" $allowed "$header" ||
        found "$where" "$folder must not include $header" \
            "It may include:${allowed:- nothing but its own folder}. Pass what is needed as a value or a function, or move it down."
}

check_system_include() {
    local where=$1 file=$2 header=$3 pattern owner
    while read -r pattern owner; do
        [[ -n $pattern && $header =~ ^$pattern$ ]] || continue
        [[ $file =~ $owner ]] ||
            found "$where" "<$header> is not for this file" "Only files that match $owner may include it; ask one of them."
        return
    done <<<"$owners"
    [[ $file != core/* || $header =~ $core_system ]] ||
        found "$where" "core includes <$header>" \
            "Core is a pure state machine: time, input and randomness come in as events. Do this in agent/."
}

check_internal() {
    local where=$1 folder=$2 header=$3
    # The unit tests of a folder count as part of it: tests/unit/tree is core/tree's, tests/unit/agent is agent's.
    local home=${header%/*} own=${folder#tests/unit/}
    [[ $header != *_internal.h || $home == "$own" || $home == "core/$own" || $home == "$own"/* ]] ||
        found "$where" "$header is internal to $home" "Use that folder's public header, or make the function public."
}

mapfile -t sources < <(files '^(core|agent|bindings/c|plugins|tests)/.*\.(c|h|def)$')
directive='^[[:space:]]*#[[:space:]]*include[[:space:]]*(["<])([^">]+)'
while IFS=: read -r file number text; do
    [[ $text =~ $directive ]] || continue
    kind=${BASH_REMATCH[1]} header=${BASH_REMATCH[2]} folder=${file%/*}
    check_internal "$file:$number" "$folder" "$header"
    if [ "$kind" = '<' ]; then
        check_system_include "$file:$number" "$file" "$header"
    elif [[ $file != tests/* ]]; then
        check_project_include "$file:$number" "$file" "$header"
    fi
done < <(code_lines "${sources[@]}" | grep -E '^[^:]*:[0-9]+:[[:space:]]*#[[:space:]]*include')

for header in $(files '^(core|agent|plugins/host|tests)/.*\.h$'); do
    grep -q '^#pragma once' "$header" || found "$header" "no include guard" "Put '#pragma once' below the head comment."
done
finish
