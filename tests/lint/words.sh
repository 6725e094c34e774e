#!/bin/bash
# Banned calls and words, each with what to write instead.
. "$(dirname "$0")/tree.bash"

# look STREAM PATH_REGEX EXCEPT_REGEX PATTERN ADVICE: every line of STREAM (path:number:text) whose path matches the one,
# not the other, and whose text matches the Perl pattern, is a finding.
look() {
    local stream=$1 path=$2 except=$3 pattern=$4 advice=$5 line file rest
    while IFS= read -r line; do
        file=${line%%:*} rest=${line#*:}
        found "$file:${rest%%:*}" "${rest#*:}" "$advice"
    done < <(grep -P -- "^(?=$path)(?!$except)[^:]*:\d+:.*?(?:$pattern)" "$stream")
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
code=$scratch/code text=$scratch/text
mapfile -t sources < <(files '^(core|agent|plugins|tests)/.*\.(c|h|def)$')
code_lines "${sources[@]}" >"$code"
# Everything that a person wrote, comments included; licences, recorded bytes and this list left out.
mapfile -t written < <(files '.' | grep -Ev '^LICENSE$|^tests/lint/words\.sh$|^tests/(golden|fuzz)/.*/|\.(bin|hex|png|jar|p12|pem)$')
grep -nIH '' -- "${written[@]}" >"$text"

none='\n'
ours='(core|agent(?!/cli/))/'
loops='(core|agent(?!/cli/)|plugins)/' # and those that have another allocator
plain='"(?:[^"\\{}]|\\.)*"' # a string without a brace
call='(?<![A-Za-z0-9_.>])'

look "$code" "" "$none" "${call}(strcpy|strcat|stpcpy|strncat|sprintf|vsprintf|gets)\s*\(" \
    "No bound is checked: use snprintf, or buffer_append of core/base/bytes.h."
look "$code" "$loops" "$none" "${call}(strncpy)\s*\(" \
    "It may leave the end off and pads the rest: use snprintf, or memcpy with a checked length."
look "$code" "$loops" "$none" "${call}(atoi|atol|atoll|atof)\s*\(" \
    "It cannot report an error: use strtol and friends with errno and the end pointer."
look "$code" "$loops" "$none" "${call}(strtok|localtime|gmtime|ctime|asctime|getpwnam|getpwuid)\s*\(" \
    "It answers from a global: use the form that ends in _r."
look "$code" "$loops" "$none" "${call}(rand|srand|random|drand48)\s*\(" \
    "Randomness comes in as a seed; keys come from the OpenSSL generator."
look "$code" "$ours" "core/base/mem" "${call}(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|posix_memalign|aligned_alloc)\s*\(" \
    "Use mem_alloc, mem_calloc, mem_realloc, mem_free, mem_strdup of core/base/mem.h, so that tests can fail each allocation."
look "$code" "$ours" "core/ops/" "\bcase\s+OP_" \
    "Operations are rows: put what differs into the row of core/ops/op_table.c and look it up."
look "$code" "$ours" "$none" "${call}assert\s*\(" \
    "Use CHECK (always on) or DCHECK (sanitizer builds) of core/base/check.h."
look "$code" "(agent|plugins)/" "$none" "${call}(getaddrinfo|gethostbyname|getnameinfo)\s*\(" \
    "It blocks the loop: use uv_getaddrinfo."
look "$code" "(agent|plugins)/" "$none" "${call}(system|popen)\s*\(" \
    "No shell between us and a program: use uv_spawn."
look "$code" "(agent|plugins)/" "$none" "${call}signal\s*\((?!.*SIG_IGN)" \
    "Its meaning differs between systems: use uv_signal or sigaction."
look "$code" "$ours" "agent/base/report" "(printf|_append[a-z_]*|_put[a-z_]*|_write[a-z_]*)\s*\((?:[^\"]|$plain)*\"(?:[^\"\\\\{}]|\\\\.)*[{}]" \
    "Structured text is not put together by hand: make a report value and let the report's emitters write it."
look "$code" "tests/" "$none" "${call}(sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep|uv_sleep)\s*\(" \
    "A test waits for a condition, never for a time: use a wait_until over something that can be observed."
look "$text" "tests/.*\.py:" "tests/clients/harness\.py:" "\b(time|asyncio)\.sleep\s*\(|\bfrom time import .*\bsleep\b" \
    "A test waits for a condition, never for a time: use wait_until of tests/clients/harness.py."
look "$text" "tests/.*\.(java|go):" "$none" "\b(Thread|TimeUnit\.[A-Z]+|time)\.[sS]leep\s*\(" \
    "A test waits for a condition, never for a time: wait for an event, a latch or a channel."
look "$text" "(tests/(?!lint/selftest).*\.(sh|bash)|tests/[a-z]+/run|\.ci/run):" "$none" "(?<![\w.-])sleep\s+[0-9\$]" \
    "A test waits for a condition, never for a time: loop over something that can be observed."
look "$text" "" "$none" "\b(TODO|FIXME|XXX)\b" \
    "Finish it, or open an issue: a note in the code is read by nobody."
look "$text" "" "tests/lint/words\.sh:" "^(<{7} |>{7} |={7}$)" \
    "A merge that was not finished: choose, and take the marks out."
finish
