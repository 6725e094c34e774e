#!/bin/bash
# Each mistake that others have made (tests/pitfalls.txt) has a test that is named after it, and no test names another.
. "$(dirname "$0")/tree.bash"

list=tests/pitfalls.txt
[ -f "$list" ] || exit 0

# The marks of all tests, one a line: SECTION NAME FILE.
marks() {
    local tests
    mapfile -t tests < <(files '^tests/' | grep -vE "^($list|tests/lint/)")
    perl -ne 'while (/\[(7\.\d+|weak)((?: [\w-]+)+)\]/g) { $section = $1; print "$section $_ $ARGV\n" for split " ", $2 }' \
        /dev/null "${tests[@]}"
}

rows=$(grep -vE '^(#|$)' "$list")
known=$(cut -d' ' -f1,2 <<<"$rows" | sort)
named=$(marks | sort -u)
while read -r section name what; do
    [ -n "$what" ] || found "$list" "$section $name says nothing" "Say in a line what must not happen."
done <<<"$rows"
while read -r row; do
    found "$list" "$row stands there twice" "Keep one."
done < <(uniq -d <<<"$known")
while read -r row; do
    [ -z "$row" ] || found "$list" "$row has no test" "Write one, with [$row] in its comment."
done < <(comm -23 <(uniq <<<"$known") <(cut -d' ' -f1,2 <<<"$named" | uniq))
while read -r section name file; do
    grep -qxF -- "$section $name" <<<"$known" || [ -z "$section" ] ||
        found "$file" "[$section $name] is no row of $list" "Correct the mark, or add the row."
done <<<"$named"
finish
