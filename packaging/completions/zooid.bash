# Completion of the command zooid for bash: commands and options, then paths of the tree, plugins and what they offer, or services.
# shellcheck shell=bash

_zooid() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i command='' agent=()
    local commands='get ls stat set create delete watch lock elect semaphore acl multi status members sessions'
    commands+=' command monitor plugin service check debug bench backup restore lua render sync shell whoami'
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -S) agent=(-S "${COMP_WORDS[++i]}") ;;
        -t | -s) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    if [[ $before == -[Sf] ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    elif [[ -z $command && $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '-S -t -s -j -L -h -V' -- "$word")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_zooid_options "$command")" -- "$word")
    else
        case $command in
        backup | restore | lua | render) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        service) _zooid_services "$word" "${COMP_WORDS[@]:i+1:COMP_CWORD-i-1}" ;;
        plugin) _zooid_plugins "$word" "${COMP_WORDS[@]:i+1:COMP_CWORD-i-1}" ;;
        check) _zooid_checks "$word" "${COMP_WORDS[@]:i+1:COMP_CWORD-i-1}" ;;
        *) _zooid_paths "$word" ;;
        esac
    fi
}

# The same agent is asked that the command line names.
_zooid_ask() {
    zooid "${agent[@]}" -t 500 "$@" 2>/dev/null
}

# Those that a command's line in the summary shows.
_zooid_options() {
    zooid -h | sed -n "s/^  $1 //p" | grep -oE -- '-(-[a-z]+|[A-Za-z0-9]+)' | sed -E 's/^-([A-Za-z0-9])([A-Za-z0-9])$/-\1 -\2/'
}

# Children of what stands before the last slash.
_zooid_paths() {
    local word=$1 parent name
    [[ $word == /* ]] || return
    parent=${word%/*}
    while IFS= read -r name; do
        COMPREPLY+=("$parent/$name")
    done < <(_zooid_ask ls "${parent:-/}")
    mapfile -t COMPREPLY < <(printf '%s\n' "${COMPREPLY[@]}" | grep -F -- "$word")
    compopt -o nospace 2>/dev/null
}

# Plugins, or the commands of the one that is named.
_zooid_plugins() {
    local word=$1 name rest
    shift
    (($# < 2)) || return
    while read -r name rest; do
        [[ $name != "$word"* ]] || COMPREPLY+=("$name")
    done < <(_zooid_ask plugin "$@" | tail -n +2)
}

# What can be done with services, then their names; or the ids of this host's registrations.
_zooid_services() {
    local word=$1 verb=${2:-} name id rest
    case $#:$verb in
    1:) mapfile -t COMPREPLY < <(compgen -W 'list show query pick local register deregister maint' -- "$word") ;;
    2:show | 2:query | 2:pick)
        while read -r name rest; do
            [[ $name != "$word"* ]] || COMPREPLY+=("$name")
        done < <(_zooid_ask service list | tail -n +2)
        ;;
    2:deregister | 2:maint)
        while read -r name id rest; do
            [[ $id != "$word"* ]] || COMPREPLY+=("$id")
        done < <(_zooid_ask service local | tail -n +2)
        ;;
    esac
}

# What is asked of checks, then a check.
_zooid_checks() {
    local word=$1 name rest
    case $# in
    1) mapfile -t COMPREPLY < <(compgen -W 'list show run pass warn fail' -- "$word") ;;
    2) while read -r name rest; do
        [[ $name != "$word"* ]] || COMPREPLY+=("$name")
    done < <(_zooid_ask check | tail -n +2) ;;
    esac
}

complete -F _zooid zooid
