# Trick 2: the entrypoint of the fallback's pod is stopped by SIGSTOP before the label takes that pod away.
#
# Source: Multus v4.3.0, cmd/thin_entrypoint/main.go: with --cleanup-config-on-exit a SIGTERM ends main, whose deferred
# cleanupMultusConf removes 00-multus.conf and .conflist. A stopped process runs no handler; the kubelet kills it after the
# grace period, and the configuration stays in place for the main DaemonSet's pod. SIGCONT undoes it.
# Without it: between the fallback's exit and the start of the main pod the runtime has no Multus, and pods that start
# meanwhile get their default network alone.
# Shown by: test_provision_stops_the_pod_that_would_remove_the_configuration, test_a_node_that_joins_the_list_keeps_multus.

# signal_removing STOP|CONT
signal_removing() {
    multus_processes | while read -r process _; do
        ! removes_on_exit "$process" || kill -s "$1" "${process##*/}" 2>/dev/null || true
    done
}
