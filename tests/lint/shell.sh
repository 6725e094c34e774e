#!/bin/bash
# Runs shellcheck on every shell script, found by name or by first line.
. "$(dirname "$0")/tree.bash"

scripts=()
while IFS= read -r file; do
    case $file in
    *.sh | *.bash) scripts+=("$file") ;;
    *.*) [ "$file" = .ci/run ] && scripts+=("$file") ;;
    *) head -c 32 "$file" | grep -qaE '^#!.*[/ ](ba|da|k)?sh( |$)' && scripts+=("$file") ;;
    esac
done < <(files '^(agent|core|packaging|plugins|bindings|tests|\.ci)/')
[ "${#scripts[@]}" -gt 0 ] || exit 0
shellcheck --exclude=SC1091 "${scripts[@]}" || {
    echo "shell.sh: mend the above; https://www.shellcheck.net/wiki/SC... explains each number"
    exit 1
}
