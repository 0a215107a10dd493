# Trick 4: the node ends the SSH connection of a step that is over.
#
# Source: pulumi-command v1.2.1, provider/pkg/provider/remote/commandOutputs.go: `run` closes its session, never its client.
# Source: OpenSSH 7.4 to 10.5, serverloop.c and monitor.c: the process that serves a connection ends by SIGTERM at once, and
# what it has not written by then is lost. Its child is reaped in the same turn that queues the exit status, and in the
# next it sleeps only once the kernel has taken everything, but for what waits for the client's window: 2 MiB in
# golang.org/x/crypto v0.48.0, ssh/channel.go, and a step says less. No address is penalised (sshd.c, child_reap): the
# listener has forgotten a connection as soon as that is logged in.
# Without it: three connections for each node stay open until Pulumi ends, 300 for 100 nodes.
# Shown by: test_a_connection_ends_after_its_command_and_nothing_is_lost, test_no_connection_is_left_on_a_node.

# Once the step is over, ends the sshd process that serves its connection, if it serves nothing else.
close_connection() {
    sshd=$(sshd_of_session) || return 0
    (
        # What ends the step does not end this.
        trap '' HUP TERM
        left=60 was_idle=false
        while [ "$left" -gt 0 ]; do
            sleep 1
            [ ! -d "/proc/$$" ] || continue
            left=$((left - 1))
            if ! is_idle "${sshd% *}" "${sshd#* }"; then
                was_idle=false
            elif ! $was_idle; then
                was_idle=true
            else
                kill -s TERM "${sshd% *}"
                exit
            fi
        done
    ) </dev/null >/dev/null 2>&1 &
}

# The nearest ancestor that is sshd, and when it began. It never is the listener, which forks for each connection.
sshd_of_session() {
    parent=$PPID
    while [ "${parent:-0}" -gt 1 ]; do
        process=$parent
        read -r name <"/proc/$process/comm" && look "$process" || return 1
        # From OpenSSH 9.8 on it is a program of its own.
        case $name in sshd | sshd-session) say "$process $born" && return ;; esac
    done
    return 1
} 2>/dev/null

# A process' condition, its parent, and when it began, by which it is told from another one of the same number.
look() {
    read -r line <"/proc/$1/stat" || return 1
    # shellcheck disable=SC2086 # words; before them stands a name, which may hold anything
    set -- ${line##*) }
    condition=${1-} parent=${2-} born=${20-}
}

# is_idle PROCESS BORN: it sleeps and has neither child nor terminal, its one socket of TCP is a connection, and the peer has
# acknowledged all that was written. A listener, a forwarded port, another session: each is one thing more.
is_idle() {
    look "$1" && [ "$condition$born" = "S$2" ] || return 1
    {
        ls -ln "/proc/$1/fd"
        cat /proc/net/tcp /proc/net/tcp6 /proc/[0-9]*/stat
    } | awk -v process="$1" '
        match($0, /socket:\[[0-9]+\]$/) { held[substr($0, RSTART + 8, RLENGTH - 9)]; next }
        / -> \/dev\/(ptmx|pts\/)/ { busy = 1 }
        /^ *[0-9]+: / { if ($10 in held) { sockets++; if ($4 != "01" || $5 != "00000000:00000000") busy = 1 }; next }
        sub(/.*\) /, "") && $2 == process { busy = 1 }
        END { exit busy || sockets != 1 }'
} 2>/dev/null
