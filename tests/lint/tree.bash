# What every lint script shares: which files there are, and how a finding is told. Sourced, not run.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
findings=0

# All files of the project, one a line: tracked, or new and not ignored. Outside of a repository: all but build/.
all_files() {
    if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$PWD" ]; then
        git ls-files -co --exclude-standard
    else
        find . -name .git -prune -o -path ./build -prune -o -type f -print | sed 's|^\./||'
    fi | sort -u | while IFS= read -r file; do
        if [ -f "$file" ]; then echo "$file"; fi
    done
}

# files REGEX: those whose path matches the extended regular expression.
files() {
    all_files | grep -E -- "$1" || true
}

# code_lines FILE...: every line as path:number:text, comments of C blanked and text in quotes kept.
code_lines() {
    [ $# -gt 0 ] || return 0
    awk '
        FNR == 1 { inside = 0 }
        {
            line = $0; out = ""
            while (line != "") {
                if (inside) {
                    end = index(line, "*/")
                    if (end == 0) break
                    line = substr(line, end + 2); inside = 0
                } else if (match(line, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\//)) {
                    word = substr(line, RSTART, RLENGTH)
                    out = out substr(line, 1, RSTART - 1)
                    line = substr(line, RSTART + RLENGTH)
                    if (word == "//") break
                    if (word == "/*") inside = 1; else out = out word
                } else {
                    out = out line
                    break
                }
            }
            print FILENAME ":" FNR ":" out
        }' "$@"
}

# found WHERE WHAT ADVICE: one finding.
found() {
    printf '%s: %s\n    %s\n' "$1" "$2" "$3"
    findings=$((findings + 1))
}

# Last line of each script.
finish() {
    [ "$findings" -eq 0 ] && exit 0
    echo "${0##*/}: $findings to mend"
    exit 1
}
