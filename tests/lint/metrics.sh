#!/bin/bash
# metrics.def tells the truth: a metric is counted somewhere, or its help says that it is always 0; the manual has its help.
. "$(dirname "$0")/tree.bash"

[ -f core/base/metrics.def ] || exit 0
page=packaging/man/zooid-agent.8
mapfile -t sources < <(files '^(core|agent)/.*\.c$')
all=$(cat /dev/null "${sources[@]}")
count=0
while IFS=$'\t' read -r kind name help; do
    count=$((count + 1))
    [ "$kind" != ADVANCED ] || kind=SUMMARY
    if grep -q -- "\b${kind}_$name\b" <<<"$all"; then
        [[ $help != "Always 0"* ]] || found core/base/metrics.def "$name is counted, but said to be always 0" "Say what it counts."
    else
        [[ $help == "Always 0"* ]] || found core/base/metrics.def "nobody counts $name" "Count it, or say 'Always 0:' and why."
    fi
    [ ! -f "$page" ] || grep -qxF -- "$name"$'\t'"$help" "$page" ||
        found "$page" "the line of $name is not that of core/base/metrics.def" "Write its name, a tab and its help."
done < <(perl -ne 'print "$1\t$2\t$3\n" if /^(COUNTER|SUMMARY|ADVANCED|KEYED)\((\w+), "(.*)"\)$/' core/base/metrics.def)
rows=$(grep -cE '^(COUNTER|SUMMARY|ADVANCED|KEYED)\(' core/base/metrics.def)
[ "$count" -eq "$rows" ] ||
    found core/base/metrics.def "$count of $rows rows could be read" "Write the row as the others, in one line."
finish
