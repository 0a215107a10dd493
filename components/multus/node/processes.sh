# Processes of Multus' pods.

# Processes of Multus' pods on this node, told from another node's on the same machine by their network namespace.
multus_processes() {
    here=$(readlink /proc/self/ns/net)
    for process in /proc/[0-9]*; do
        { read -r name <"$process/comm"; } 2>/dev/null || continue
        case $name in
        thin_entrypoint | multus-daemon) [ "$(readlink "$process/ns/net" 2>/dev/null)" != "$here" ] || say "$process $name" ;;
        esac
    done
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
