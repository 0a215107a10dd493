# preflight: is this node what the plan says?

check_login() { [ "$(id -u)" = 0 ] || error not-root "$node" "the login is not root" "log in as root or allow sudo -n"; }

check_tools() {
    for tool in awk sed tr cut base64 df readlink grep ls head tail timeout; do
        has "$tool" || error no-tool "$tool" "is not on this node" "install it" "$tool"
    done
    has curl || error no-curl curl "is not on this node, and nothing else can ask the API server" "install curl"
}

# What a preflight and a diagnosis have in common.
check_node() {
    for directory in "$conf_dir" "$bin_dir"; do
        [ -d "$root$directory" ] || error no-directory "$directory" "there is no such directory" "check distro, or set cniConfDir and cniBinDir"
    done
    check_runtime
    check_confs
    check_plugins
    check_space
    check_selinux
    check_writable
    case $plugin:$dhcp in thick:* | *:/*) check_mounts ;; esac
    [ -z "$server" ] || ! has curl || check_server
}

preflight() {
    check_login
    check_tools
    if [ "$errors" -eq 0 ]; then
        check_leftovers
        check_node
        [ -z "$metrics_port" ] || check_metrics_port
        [ -z "$archives" ] || check_archive
    fi
    conclude "ready: default network $default_network in $default${arch:+, for $arch}"
    if [ "$errors" -gt 0 ]; then
        # No copy would bring again what an earlier preflight has used up; its delete removes that.
        [ -f "$marker" ] || $kept || remove_state
        exit 1
    fi
}
