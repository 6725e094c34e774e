#!/bin/bash
# Documentation against code: every setting, option and metric stands in its page, every local link leads somewhere.
. "$(dirname "$0")/tree.bash"

settings_page=packaging/man/zooid-zoo.cfg.5
agent_page=packaging/man/zooid-agent.8

# plain FILE...: the text of the pages that exist, without the backslashes of roff.
plain() {
    local file
    for file in "$@"; do
        [ ! -f "$file" ] || sed -e 's/\\-/-/g' -e 's/\\&//g' -e 's/\\(aq/'\''/g' -e 's/\\f[A-Z]//g' "$file"
    done
}

# mentioned WORD TEXT: the word stands there, not as part of a longer one.
mentioned() {
    grep -qP -- "(?<![A-Za-z0-9_])(?<![A-Za-z0-9_]-)\Q$1\E(?![A-Za-z0-9_-])" <<<"$2"
}

# rows FILE PATTERN: what the first group of the Perl pattern matches in each line.
rows() {
    [ ! -f "$1" ] || perl -ne "print \"\$1\n\" if /$2/" "$1" | sort -u
}

# demand_each WHAT SOURCE PATTERN PAGES...: every row of the source is mentioned in one of the pages.
demand_each() {
    local what=$1 source=$2 pattern=$3 text word
    shift 3
    [ -f "$source" ] && [ -f "$1" ] || return 0
    text=$(plain "$@")
    for word in $(rows "$source" "$pattern"); do
        mentioned "$word" "$text" ||
            found "$source" "$what $word is not documented" "Give it an entry in ${*: -1}: what it does, its unit, its default."
    done
}

demand_each setting agent/settings/settings.def '^\s*[A-Z_]+\(.*?"([A-Za-z][A-Za-z0-9_.]*)"' "$agent_page" "$settings_page"
for source in agent/main.c agent/arguments.c; do
    demand_each option "$source" '^\s*\{\s*"([a-z][a-z-]+)",\s*(?:no|required|optional)_argument' "$agent_page"
done
for source in $(files '^plugins/host/host_lua_.*\.c$'); do
    demand_each function "$source" '\{"([a-z][a-z_0-9]*)", [a-z_]+[,}]' packaging/man/zooid-lua.7
done
for source in $(files '^lua/zooid/(init|recipes)\.lua$'); do
    demand_each function "$source" '^function [A-Za-z]+[.:]([a-z][a-z_]*)' packaging/man/zooid-lua.7
done
demand_each limit plugins/host/limits.def '^LIMIT\(([a-z_]+),' packaging/man/zooid-plugins.conf.5
demand_each setting plugins/host/supervision.def '^SUPERVISION\(([a-z_]+),' packaging/man/zooid-plugins.conf.5
demand_each option plugins/host/main.c '^\s*\{"([a-z][a-z-]+)",\s*(?:no|required|optional)_argument' packaging/man/zooid-plugin-host.8
mapfile -t pages < <(files '^([^/]+\.md|packaging/man/.*)$')
if [ -f "$agent_page" ]; then
    demand_each metric core/base/metrics.def '^\s*[A-Z_]+\(([a-z][a-z0-9_]*),' "${pages[@]}" "$agent_page"
fi

for page in $(files '\.md$'); do
    while IFS=: read -r number link; do
        [ -e "$(dirname "$page")/$link" ] ||
            found "$page:$number" "the link to $link leads nowhere" "Name a file of this repository, relative to the page."
    done < <(grep -noP '\]\(\K(?![a-z]+:|#)[^)#\s]+' "$page")
done
finish
