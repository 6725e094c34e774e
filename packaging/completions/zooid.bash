# Completion of the command zooid for bash: commands, then paths of the tree.
# shellcheck shell=bash

_zooid() {
    local word=${COMP_WORDS[COMP_CWORD]} i
    local commands='get ls stat set create delete watch lock elect semaphore acl multi status members sessions'
    commands+=' command debug bench backup restore sync shell whoami'
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ " $commands " == *" ${COMP_WORDS[i]} "* ]]; then
            if [[ ${COMP_WORDS[i]} == @(backup|restore) ]]; then
                mapfile -t COMPREPLY < <(compgen -f -- "$word")
                return
            fi
            _zooid_paths "$word"
            return
        fi
    done
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
}

# Children of what stands before the last slash.
_zooid_paths() {
    local word=$1 parent name
    [[ $word == /* ]] || return
    parent=${word%/*}
    while IFS= read -r name; do
        COMPREPLY+=("$parent/$name")
    done < <(zooid -t 500 ls "${parent:-/}" 2>/dev/null)
    mapfile -t COMPREPLY < <(printf '%s\n' "${COMPREPLY[@]}" | grep -F -- "$word")
    compopt -o nospace 2>/dev/null
}

complete -F _zooid zooid
