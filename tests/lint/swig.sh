#!/bin/bash
# What SWIG makes for Go and is kept in the tree is what it makes now.
. "$(dirname "$0")/tree.bash"

kept=bindings/go/zooid/internal/swig
[ -d "$kept" ] || exit 0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bindings/swig/make-go "$scratch" || exit 1
for file in swig.go zooid_wrap.c; do
    cmp -s "$scratch/$file" "$kept/$file" ||
        found "$kept/$file" "not what SWIG makes of bindings/swig ($(swig -version | sed -n 's/^SWIG Version/SWIG/p'))" \
            "Run 'make swig-go', with the version of SWIG that the file names."
done
finish
