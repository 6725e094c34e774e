# Completion of the command zooid for fish: commands and options, then paths of the tree, plugins and what they offer, or services.

set -l commands get ls stat set create delete watch lock elect semaphore acl multi status members sessions command \
    monitor plugin service check debug bench backup restore lua render sync shell whoami

# The same agent is asked that the command line names.
function __zooid_ask
    set -l words (commandline -opc)
    set -l at (contains -i -- -S $words)
    and set -l agent -S $words[(math $at + 1)]
    zooid $agent -t 500 $argv 2>/dev/null
end

# Those that a command's line in the summary shows.
function __zooid_options
    set -l words (commandline -opc)
    for name in $argv
        contains -- $name $words
        and zooid -h | sed -n "s/^  $name //p" | grep -oE -- '-(-[a-z]+|[A-Za-z0-9]+)' |
            sed -E 's/^-([A-Za-z0-9])([A-Za-z0-9])$/-\1\n-\2/'
    end
end

function __zooid_paths
    set -l word (commandline -ct)
    string match -q '/*' -- $word; or return
    set -l parent (string replace -r '/[^/]*$' '' -- $word)
    set -l asked $parent
    test -n "$asked"; or set asked /
    for name in (__zooid_ask ls $asked)
        echo $parent/$name
    end
end

# Plugins, or the commands of the one that is named.
function __zooid_plugins
    set -l words (commandline -opc)
    set -l at (contains -i plugin $words); or return
    set -l named $words[(math $at + 1)..-1]
    test (count $named) -lt 2; or return
    __zooid_ask plugin $named | tail -n +2 | string replace -r ' .*' ''
end

# What can be done with services, then their names; or the ids of this host's registrations.
function __zooid_services
    set -l words (commandline -opc)
    set -l at (contains -i service $words); or return
    set -l named $words[(math $at + 1)..-1]
    switch (count $named):"$named[1]"
        case '0:'
            printf '%s\n' list show query pick local register deregister maint
        case 1:show 1:query 1:pick
            __zooid_ask service list | tail -n +2 | string replace -r ' .*' ''
        case 1:deregister 1:maint
            __zooid_ask service local | tail -n +2 | string replace -r '^\S+ +(\S+) .*' '$1'
    end
end

# What is asked of checks, then a check.
function __zooid_checks
    set -l words (commandline -opc)
    switch (math (count $words) - (contains -i check $words))
        case 0
            printf '%s\n' list show run pass warn fail
        case 1
            __zooid_ask check | tail -n +2 | string replace -r ' .*' ''
    end
end

complete -c zooid -n "not __fish_seen_subcommand_from $commands" -f -a "$commands"
complete -c zooid -n "__fish_seen_subcommand_from $commands; and not __fish_seen_subcommand_from plugin service check" -a '(__zooid_paths)'
complete -c zooid -n "__fish_seen_subcommand_from service" -f -a '(__zooid_services)'
complete -c zooid -n "__fish_seen_subcommand_from plugin" -f -a '(__zooid_plugins)'
complete -c zooid -n "__fish_seen_subcommand_from check" -f -a '(__zooid_checks)'
complete -c zooid -n "__fish_seen_subcommand_from backup restore lua render" -F
complete -c zooid -n "__fish_seen_subcommand_from $commands; and string match -q -- '-*' (commandline -ct)" -f -a "(__zooid_options $commands)"
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s S -r -F -d "the agent's local socket"
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s t -x -d "how long to wait for an answer, in ms"
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s s -x -d "time-out of the session of what writes, in ms"
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s j -d "print JSON"
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s L -d "linearizable reads"
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s h -d "print a summary"
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s V -d "print the version"
