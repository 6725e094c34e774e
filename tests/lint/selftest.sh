#!/bin/bash
# The rules themselves: each must find a fault planted in a small tree, and nothing in the tree without it; and the
# test runner must count, skip, stop and clean up as it says.
. "$(dirname "$0")/tree.bash"

root=$PWD
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/tests"
cp -r tests/lint tests/run Makefile packaging .clang-format .clang-tidy "$tree/" 2>/dev/null
rm -rf "${tree:?}/packaging/man"
mv "$tree/lint" "$tree/run" "$tree/tests/"

# expect SCRIPT FILE TEXT PHRASE: with TEXT as FILE the script fails and says PHRASE; without it, it is content.
expect() {
    local script=$1 file=$2 text=$3 phrase=$4 output
    mkdir -p "$tree/$(dirname "$file")"
    printf '%s\n' "$text" >"$tree/$file"
    output=$(cd "$tree" && env -u ZOOID_BUILD "tests/lint/$script.sh" 2>&1) &&
        found "tests/lint/$script.sh" "blind to a planted fault: $text" "Mend the rule."
    grep -qF -- "$phrase" <<<"$output" ||
        found "tests/lint/$script.sh" "does not say '$phrase' about: $text" "It said: $output"
    rm -f "$tree/$file"
}

head='/* x - a file. */'
include() { printf '%s\n#include %s' "$head" "$1"; }

expect includes core/base/x.c "$(include '"core/tree/tree.h"')" 'core/base must not include core/tree/tree.h'
expect includes core/store/x.c "$(include '"core/tree/watch.h"')" 'core/store must not include'
expect includes agent/x.c "$(include '"core/tree/tree.h"')" 'agent must not include'
expect includes core/tree/x.c "$(include '"agent/pump.h"')" 'core/tree must not include'
expect includes core/tree/x.c "$(include '"tree.h"')" 'top of the repository'
expect includes core/tree/x.c "$(include '<time.h>')" 'core includes <time.h>'
expect includes core/tree/x.c "$(include '<uv.h>')" '<uv.h> is not for this file'
expect includes agent/pump.c "$(include '<lmdb.h>')" '<lmdb.h> is not for this file'
expect includes agent/x.c "$(include '"core/store/store_internal.h"')" 'internal to core/store'
expect includes core/novel/x.c "$(include '"core/base/bytes.h"')" 'has no row'
expect includes core/base/x.h "$head" 'no include guard'

expect words core/base/x.c 'strcpy(a, b);' 'snprintf'
expect words agent/x.c 'p = malloc(3);' 'mem_alloc'
expect words core/tree/x.c 'switch (op) { case OP_CREATE: }' 'Operations are rows'
expect words tests/unit/base/x.c 'usleep(10);' 'waits for a condition'
expect words tests/clients/x_test.py 'time.sleep(1)' 'waits for a condition'
expect words tests/clients/x_test.sh 'sleep 1' 'waits for a condition'
expect words agent/x.c 'snprintf(b, n, "{\"a\":%d}", a);' 'report value'
expect words agent/x.c "/* TO""DO later */" 'Finish it'

expect shape core/base/x.c 'int x;' 'no head comment'
expect shape core/base/x.c "$head$(printf '\nint x;%.0s' {1..401})" 'more than 400'
expect format core/base/x.c 'int  x ;' 'make format'
expect shell tests/x.sh "$(printf '#!/bin/bash\nrm $%d/x' 1)" 'SC2086'
expect tidy core/base/x.c 'int f(int *p); int f(int *p) { p = 0; return *p; }' 'NullDereference'
expect clang core/base/x.c 'int f(void) { return 1; }' 'Wmissing-prototypes'
expect symbols core/base/x.c 'int x;' 'writable global x'
expect symbols core/base/x.c 'int x(void); extern int open(const char *, int, ...); int x(void) { return open("a", 0); }' \
    'core refers to open'
mkdir -p "$tree/packaging/man"
echo '.TH zooid' | tee "$tree/packaging/man/zooid-agent.8" >"$tree/packaging/man/zooid-zoo.cfg.5"
expect documents agent/settings/settings.def 'SETTING(tick_time, "tickTime", 2000)' 'setting tickTime is not documented'
expect documents core/base/metrics.def 'COUNTER(commit_count, "x")' 'metric commit_count is not documented'
expect metrics core/base/metrics.def 'COUNTER(commit_count, "x")' 'nobody counts commit_count'
expect packages bindings/c/include/zooid.h 'ZOOID_API int zooid_x(void);' 'lacks zooid_x'
expect packages .ci/run 'packaging/install-deps build nonsense' 'lacks a group, or more: build nonsense'
expect documents README.md '[x](no/such/file.md)' 'leads nowhere'

mkdir -p "$tree/bindings/c"
cp -r bindings/swig "$tree/bindings/"
cp -r bindings/c/include "$tree/bindings/c/"
expect swig bindings/go/zooid/internal/swig/zooid_wrap.c 'int x;' 'not what SWIG makes'
rm -rf "${tree:?}/bindings"

expect pitfalls tests/pitfalls.txt '7.1 1 a mistake' '7.1 1 has no test'
echo '7.1 1 a mistake' >"$tree/tests/pitfalls.txt"
expect pitfalls tests/unit/x.c '/* [7.1 1] [7.1 2] */' '[7.1 2] is no row'
rm "$tree/tests/pitfalls.txt"

# innocent SCRIPT FILE TEXT: the script has nothing against it.
innocent() {
    mkdir -p "$tree/$(dirname "$2")"
    printf '%s\n' "$3" >"$tree/$2"
    (cd "$tree" && env -u ZOOID_BUILD "tests/lint/$1.sh" >/dev/null 2>&1) ||
        found "tests/lint/$1.sh" "complains about what is right: $3" "Mend the rule."
    rm -f "$tree/$2"
}

innocent words agent/x.c 'if (x) { buffer_printf(b, "a %d", c); return; }'
innocent words core/base/x.c '/* never strcpy(a, b) */ mem_free(x->free(y)); tree_sleep(1);'
innocent symbols core/base/x.c 'extern const char *const x[]; const char *const x[] = {"a", "b"};'
innocent includes core/ops/x.c "$(include '"core/tree/tree.h"')"

# run_says PHRASE TEST...: what the runner prints holds the phrase, which for a tally is its last line.
run_says() {
    local phrase=$1 output
    output=$(env CI= "$root/tests/run" --limit 2 "${@:2}" 2>&1)
    grep -qF -- "$phrase" <<<"$output" || found tests/run "does not say '$phrase' for ${*:2}" "It said: $output"
}

printf '#!/bin/bash\necho no such server\nexit 77\n' >"$tree/skips"
printf '#!/bin/bash\nread -r -t 60 <> <(:)\n' >"$tree/hangs"
# It ends when the other one has its own environment, by which the runner finds it.
cat >"$tree/leaks" <<'END'
#!/bin/bash
setsid tail -f /dev/null & disown
until read -r name <"/proc/$!/comm" && [ "$name" = tail ]; do :; done
END
printf '#!/bin/bash\necho "[  PASSED  ] 3 test(s)."; echo "[  FAILED  ] 2 test(s), listed below:"; exit 2\n' >"$tree/counts"
# Its verdict stands before more output than is printed.
printf '#!/bin/bash\necho "X_SEED=7"; echo "[   LINE   ] the line that failed"; yes | head -c 30000; exit 1\n' >"$tree/talks"
chmod +x "$tree"/{skips,hangs,leaks,counts,talks}
run_says '1 passed, 1 failed, 0 skipped' true false
run_says '0 passed, 0 failed, 1 skipped' "$tree/skips"
run_says '0 passed, 1 failed, 0 skipped' "$tree/no-such-program"
run_says '3 passed, 2 failed, 0 skipped' "$tree/counts"
run_says '| [   LINE   ] the line that failed' "$tree/talks"
run_says '| X_SEED=7' "$tree/talks"
run_says 'not finished within its limit' "$tree/hangs"
run_says 'left processes behind' "$tree/leaks"
[ "$(env CI=true "$root/tests/run" "$tree/skips" | tail -1)" = '0 passed, 1 failed, 0 skipped' ] ||
    found tests/run 'does not count a skip as a failure when CI=true' 'Mend it.'
finish
