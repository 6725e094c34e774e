# Completion of the command zooid for fish: commands, then paths of the tree.

set -l commands get ls stat set create delete watch lock elect semaphore acl multi status members sessions command \
    debug bench backup restore sync shell whoami

function __zooid_paths
    set -l word (commandline -ct)
    string match -q '/*' -- $word; or return
    set -l parent (string replace -r '/[^/]*$' '' -- $word)
    set -l asked $parent
    test -n "$asked"; or set asked /
    for name in (zooid -t 500 ls $asked 2>/dev/null)
        echo $parent/$name
    end
end

complete -c zooid -n "not __fish_seen_subcommand_from $commands" -f -a "$commands"
complete -c zooid -n "__fish_seen_subcommand_from $commands" -a '(__zooid_paths)'
complete -c zooid -n "__fish_seen_subcommand_from backup restore" -F
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s S -r -d "the agent's local socket"
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s j -d "print JSON"
complete -c zooid -n "not __fish_seen_subcommand_from $commands" -s L -d "linearizable reads"
