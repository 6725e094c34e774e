#!/bin/bash
# What the packages say about the sources: the functions of libzooid, what a build needs, and who asks for that.
#
#   tests/lint/packages.sh --rewrite    brings the list of functions up to date
. "$(dirname "$0")/tree.bash"

header=bindings/c/include/zooid.h
symbols=packaging/deb/libzooid0.symbols

# Every function that the header declares, one a line.
declared() {
    perl -0777 -ne 's{/\*.*?\*/}{}gs; s{^\s*#.*$}{}gm; print "$1\n" while /\bZOOID_API\b[^;(]*?\b(zooid_\w+)\s*\(/g' "$header" |
        sort -u
}

listed() {
    sed -n 's/^ \(zooid_[a-z0-9_]*\)@.*/\1/p' "$symbols" | sort -u
}

# Functions keep the version in which they came; new ones get that of the header, those that went are left out.
rewrite() {
    local version name lines
    version=$(sed -n 's/^#define ZOOID_VERSION_[MP][A-Z]* //p' "$header" | paste -sd.)
    lines=$(declared | while read -r name; do
        grep -F " $name@" "$symbols" || echo " $name@Base $version"
    done)
    printf '%s\n' "$(head -1 "$symbols")" "$lines" >"$symbols"
}

# needs WHERE WHAT COLUMN: each package that install-deps has for building stands in the file.
needs() {
    local where=$1 what=$2 column=$3 package
    while read -r package; do
        # What every build environment has.
        [[ " gcc libc6-dev make glibc-devel " == *" $package "* ]] ||
            grep -qE "(^|[ :,])$package(,|$)" "$where" ||
            found "$where" "$what lacks $package" "packaging/install-deps has it for building: add it."
    done < <(awk -v column="$column" '$1 == "build" && $2 ~ /:/ && $column != "-" { print $column }' packaging/install-deps | sort -u)
}

# knows FILE: install-deps takes every call that stands in the file.
knows() {
    local where=$1 groups
    [ -f "$where" ] || return 0
    while read -r groups; do
        # shellcheck disable=SC2086 # one word a group
        packaging/install-deps --check $groups >/dev/null 2>&1
        [ $? -ne 2 ] || found "$where" "packaging/install-deps lacks a group, or more: $groups" "Its table begins with the groups that there are."
    done < <(grep -oP '^[^#]*packaging/install-deps\K( [a-z]+)+' "$where" | sort -u)
}

knows Makefile
knows .ci/run
if [ ! -f "$symbols" ] || [ ! -f "$header" ]; then finish; fi
[ "${1:-}" != --rewrite ] || rewrite
while read -r name; do
    found "$symbols" "lacks $name, which $header declares" "Run tests/lint/packages.sh --rewrite."
done < <(comm -13 <(listed) <(declared))
while read -r name; do
    found "$symbols" "has $name, which $header does not declare" \
        "Programs may use it: keep it, or raise the library's number once it has been released; then tests/lint/packages.sh --rewrite."
done < <(comm -23 <(listed) <(declared))
needs packaging/deb/control Build-Depends 3
needs packaging/rpm/zooid.spec BuildRequires 4
finish
