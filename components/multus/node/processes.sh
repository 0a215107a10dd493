# Processes of Multus' pods and of the runtime.

# processes NAME...: those of this node, told from another node's on the same machine by their network namespace.
processes() {
    here=$(readlink /proc/self/ns/net)
    for process in /proc/[0-9]*; do
        { read -r name <"$process/comm"; } 2>/dev/null || continue
        ! lists "$*" "$name" || [ "$(readlink "$process/ns/net" 2>/dev/null)" != "$here" ] || say "$process $name"
    done
}

multus_processes() { processes thin_entrypoint multus-daemon; }

# The runtime, from which plugins have their environment and pods their mounts; the shell itself where there is none.
runtime_process() {
    # shellcheck disable=SC2046 # words
    set -- $(processes containerd crio) /proc/self
    say "$1"
}

multus_pod="the node's Multus pod to end"

no_multus_process() { [ -z "$(multus_processes)" ]; }

removes_on_exit() { tr '\0' '\n' <"$1/cmdline" 2>/dev/null | grep -q '^--cleanup-config-on-exit'; }

# A pod that removes the configuration when it stops would take away what its successor wrote.
no_removing_process() {
    multus_processes | while read -r process name; do
        case $plugin:$name in
        *:thin_entrypoint) ! removes_on_exit "$process" || say "$process" ;;
        thick:*) [ "$(multus_processes | grep -c multus-daemon)" -lt 2 ] || say "$process" ;;
        *) say "$process" ;;
        esac
    done >"$state/.removing"
    [ ! -s "$state/.removing" ]
}
