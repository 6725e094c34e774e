#!/bin/bash
# settings.def tells the truth: a setting is read somewhere, or its row says that it is not followed.
. "$(dirname "$0")/tree.bash"

# The state of a row stands after its flags, before the text in quotes that ends it.
settings_rows() {
    perl -0777 -ne 'while (/^SETTING\((\w+), "([^"]+)",.*?\b(USED|IGNORED),\s*"/msg) { print "$1 $2 $3\n" }' agent/settings/settings.def
}

# What only the check of the settings themselves has to look at.
is_for_the_check() {
    [[ " standalone_enabled dynamic_config_file server_address metrics_provider tls_protocol quorum_protocol " == *" $1 "* ]]
}

[ -f agent/settings/settings.def ] || exit 0
mapfile -t readers < <(files '^agent/.*\.c$' | grep -v '^agent/settings/')
all=$(cat /dev/null "${readers[@]}")
count=0
while read -r field key state; do
    count=$((count + 1))
    if grep -qE -- "(->|\.)$field\b" <<<"$all"; then
        [ "$state" = USED ] ||
            found agent/settings/settings.def "$key is read, but its row says IGNORED" "Say USED, so that setting it does not warn."
    elif [ "$state" = USED ] && ! is_for_the_check "$field"; then
        found agent/settings/settings.def "nobody reads $field ($key)" "Read it, or say IGNORED, so that setting it warns."
    fi
done < <(settings_rows)
rows=$(grep -c '^SETTING(' agent/settings/settings.def)
[ "$count" -eq "$rows" ] ||
    found agent/settings/settings.def "$count of $rows rows could be read" "Write the row as the others, the state before the help."
finish
