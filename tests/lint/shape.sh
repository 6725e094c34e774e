#!/bin/bash
# The shape of a source file: one subject, named in a head comment, on few enough lines to be read at once.
. "$(dirname "$0")/tree.bash"

lines_max=400
columns_max=120

for source in $(files '^(core|agent|bindings/c|plugins|tests)/.*\.[ch]$'); do
    head -1 "$source" | grep -q '^/\*' ||
        found "$source:1" "no head comment" "Open with a comment of a few lines that says what the file is for."
done
# What clang-format cannot break, as a long string, is for its author to break.
while IFS=: read -r file number; do
    found "$file:$number" "more than $columns_max columns" "Break the line."
done < <(files '^(core|agent|bindings/c|plugins|tests)/.*\.[ch]$' | xargs -r awk -v max=$columns_max 'length > max { print FILENAME ":" FNR }')

# The public headers are wholes by promise: a program or a plugin includes nothing else.
for source in $(files '^(core|agent|bindings/c|plugins)/.*\.[ch]$' | grep -Ev '/include/zooid(_plugin)?\.h$'); do
    lines=$(wc -l <"$source")
    [ "$lines" -le "$lines_max" ] ||
        found "$source" "$lines lines, more than $lines_max" "Find the second subject in it and give that a file of its own."
done
finish
