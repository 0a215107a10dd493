# What Multus needs on a node, and nothing else: one program with a sub-command per phase, kept in parts (*.sh) and
# joined when it is delivered: this part first, main.sh last.
# POSIX sh with the tools of a base system (awk, sed, base64, df, readlink) and curl, which asks the API.
#
#   preflight  read-only: is this node what the plan says? Every finding at once.
#   provision  takes the kubeconfig from standard input, writes it (0600, root) and proves it against the API.
#   unpack     places plugins from an archive where they are not there yet.
#   verify     the configuration that the pod wrote is there, first, valid and ours; waits for it. With thick it writes
#              thin's beside it, which serves the runtime while the daemon is away.
#   disarm     takes the configuration away while everything it needs is still there.
#   clean      gives back addresses of sandboxes that are no more, then removes kubeconfig, binaries and caches.
#   forget     removes this program when nothing was provisioned.
#   carries    read-only: does this node have what one network needs?
#   unused     refuses while running pods hold an additional interface, of one network or of any.
#
# Every phase may be killed and run again. Standard output says what was done, standard error what is wrong.
set -eu
umask 077
export LC_ALL=C
unset KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT

phase=${1:?"usage: node.sh PHASE [--option value]..."}
shift

root='' kubelet_dir=/var/lib/kubelet socket_dir=/run/multus
server='' ca='' namespace=kube-system stack_marker=multus-install token_secret='' owner='' node='' install='' plugin=thin metrics_port=''
adopt=false live_attachments=refuse disarm_on_failure=false seconds=60 privileged=false selinux_type=''
# What comes before the usual ones of distributions.sh: how the runtime is asked, its configuration, a link to its plugins
# that upgrades keep, the API server's authority, where the runtime keeps what runs.
crictl='' runtime_file='' bin_link='' server_ca='' runtime_state=''
# Whether Pulumi knows this step already, under whatever name; whether this program was here before it.
aliased=false kept=false
# How the DaemonSets come; with a + while they are being handed over.
method=manifest
# File or name of the default network, where it is not the first file's; the name that a configuration of ours gives it.
master='' network=''
# Plugins that the networks call, and plugins that the pod puts into the bin dir.
needs='' installs=''
# Plugins that come from an archive, and the archives as `architecture:hash:url`, without a url over standard input.
unpacks='' archives=''
# The socket of the daemon of dhcp: of one network, or where a pod of ours is the daemon.
dhcp=''
# What one network needs besides: links as `key:link:mtu`, and whereabouts' configuration.
stands_on='' whereabouts=''
# The one network that is asked about, by the name in its configuration.
held=''
# What thin is told while thick's daemon is away, as members of JSON.
standby=''
# Only there so that a changed plan is seen as a changed command.
# shellcheck disable=SC2034
plan=''
while [ $# -gt 0 ]; do
    option=$1
    until [ "$option" = "${option#*-}" ]; do option=${option%%-*}_${option#*-}; done
    case $option in
    __root | __conf_dir | __bin_dir | __kubelet_dir | __socket_dir | __server | __ca | __namespace | __stack_marker | __token_secret | __owner | __node | __install | __plugin | __metrics_port | __adopt | __live_attachments | __disarm_on_failure | __seconds | __privileged | __selinux_type | __crictl | __runtime_file | __bin_link | __server_ca | __runtime_state | __aliased | __kept | __method | __master | __network | __needs | __installs | __unpacks | __archives | __standby | __stands_on | __dhcp | __whereabouts | __held | __plan) ;;
    *)
        echo "node.sh: unknown option $1" >&2
        exit 2
        ;;
    esac
    value=${2?"node.sh: $1 needs a value"}
    # An assignment to a name that is known only here, and nothing is evaluated.
    readonly "${option#__}=$value"
    shift 2
done

conf=$root$conf_dir
bin=$root$bin_dir
state=$root/var/lib/multus-install
marker=$state/marker
disabled=$state/disabled
kubeconfig=$conf/multus.d/multus.kubeconfig
cache=$root/var/lib/cni/multus
socket=$root$socket_dir/multus.sock
# What the runtime calls is named like the type in the configuration.
case $plugin in thick) program=multus-shim ;; *) program=multus ;; esac

trap 'rm -f "$state"/.[a-z]*' EXIT
