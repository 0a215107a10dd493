"""The public surface: what a user of MultusComponent may say, and nothing else.

No `from __future__ import annotations` here: Pulumi's schema analyzer reads these annotations at run time.
Shape-deciding arguments are plain; an `Input` may be an Output of the same program and is checked when it is known.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

import pulumi

SECRET_KEYS = frozenset({"private_key"})
"""Keys whose value is in no message, whatever is wrong with it."""


class Distro(StrEnum):
    """A Kubernetes distribution, as far as its paths differ. `openshift` is refused: it brings Multus itself."""

    K3S = "k3s"
    VANILLA = "vanilla"
    RKE2 = "rke2"
    MICROK8S = "microk8s"
    K0S = "k0s"
    KIND = "kind"
    MINIKUBE = "minikube"
    TALOS = "talos"
    EKS = "eks"
    GKE = "gke"
    AKS = "aks"
    OPENSHIFT = "openshift"


class Plugin(StrEnum):
    """Which of Multus' two forms runs."""

    THIN = "thin"
    THICK = "thick"


class Method(StrEnum):
    """How the objects reach the cluster."""

    MANIFEST = "manifest"
    HELM = "helm"


class Credentials(StrEnum):
    """What Multus asks the API server with."""

    DURABLE = "durable"
    POD = "pod"


class LiveAttachments(StrEnum):
    """What removal does about running pods that still hold an additional interface."""

    REFUSE = "refuse"
    PROCEED = "proceed"


class LogLevel(StrEnum):
    """How much Multus logs, least first."""

    PANIC = "panic"
    ERROR = "error"
    VERBOSE = "verbose"
    DEBUG = "debug"


class ImageArgs(TypedDict):
    """The Multus image."""

    repository: NotRequired[str]
    """The image's name without a tag. Defaults to `ghcr.io/k8snetworkplumbingwg/multus-cni`."""

    registry: NotRequired[str]
    """A mirror, `host[:port][/path]`, that stands in for the repository's registry. Defaults to none."""

    tag: NotRequired[str]
    """A tag that does not move. Defaults to `v4.3.0`, with thick to `v4.3.0-thick`. Moving tags such as `latest` or
    `snapshot` are refused, and so is upstream's image of the other plugin."""

    digest: NotRequired[str]
    """`sha256:` and 64 hex digits; wins over the tag. Defaults to none."""

    pull_policy: NotRequired[str]
    """`IfNotPresent`, `Always` or `Never`. Defaults to `IfNotPresent`."""

    pull_secrets: NotRequired[Sequence[str]]
    """Names of image pull Secrets in the component's namespace. Defaults to none."""


class ConfArgs(TypedDict):
    """What Multus' own configuration says.

    Thin's entrypoint writes that configuration from the default network's and has no flag for some of these keys; where
    one of them is set, this component writes the whole configuration instead, as `00-multus.conflist`.
    """

    cni_version: NotRequired[str]
    """The CNI version of the configuration, such as `1.0.0`. Defaults to the default network's; with thick to `0.3.1`,
    since Multus asks for it and refuses a default network older than it from `0.4.0` on."""

    network_name: NotRequired[str]
    """The default network's name, as it stands in its file. Needed where thin's configuration is written whole and the
    distribution does not fix the name. Defaults to the distribution's."""

    override_network_name: NotRequired[bool]
    """Take the default network's name for Multus' network, so that the runtime's cached results are found before and
    after an install; false takes `multus-cni-network`. A configuration that is written whole always takes
    `multus-cni-network`: under the default network's name Multus would select its own file. Defaults to true."""

    master_conf: NotRequired[str]
    """The default network's file in the CNI configuration directory, as a name without a path. Defaults to the first
    in alphabetical order."""

    cluster_network: NotRequired[str]
    """The default network: a NetworkAttachmentDefinition in `multus_namespace`, a network's name (`cbr0` on k3s) or its
    file's absolute path. Thin only, whose configuration is then written whole. Defaults to none, which is
    `master_conf`."""

    default_networks: NotRequired[Sequence[str]]
    """Networks that every pod outside `system_namespaces` gets in addition. Defaults to none."""

    system_namespaces: NotRequired[Sequence[str]]
    """Namespaces whose pods get no `default_networks`. Defaults to `kube-system`."""

    multus_namespace: NotRequired[str]
    """Where `cluster_network` and `default_networks` are looked for. Defaults to `kube-system`."""

    namespace_isolation: NotRequired[bool]
    """Pods use networks of their own namespace and of `global_namespaces` only. Defaults to false."""

    global_namespaces: NotRequired[Sequence[str]]
    """Namespaces whose networks every pod may use under `namespace_isolation`. Defaults to `default`."""

    capabilities: NotRequired[Sequence[str]]
    """What the runtime may pass on, such as `portMappings` (hostPort dies without it) and `bandwidth`. Defaults to what
    the default network's plugins take; in a configuration that is written whole, to the distribution's."""

    readiness_indicator_file: NotRequired[str]
    """A host path whose existence says that the default network is ready; Multus waits for it. Defaults to none."""

    additional_bin_dir: NotRequired[str]
    """One more host directory to look for CNI plugins in. Thin only: thick's daemon sees the runtime's. Defaults to
    none."""

    networks_dir: NotRequired[str]
    """The host directory with configurations of networks whose definition carries none. Refused with thin up to v4.3.0,
    which loses the default network's addresses over it. Defaults to `/etc/cni/multus/net.d`; in a configuration that is
    written whole, to the default network's directory."""

    retry_delete_on_error: NotRequired[bool]
    """Let the runtime repeat a removal in which a plugin failed. Defaults to false."""


class LogOptionsArgs(TypedDict):
    """How the daemon rotates its log file."""

    max_age: NotRequired[int]
    """Days to keep a file. Defaults to 5."""

    max_size: NotRequired[int]
    """Megabytes after which a file is rotated. Defaults to 100."""

    max_backups: NotRequired[int]
    """How many rotated files to keep. Defaults to 5."""

    compress: NotRequired[bool]
    """Compress rotated files. Defaults to true."""


class LogArgs(TypedDict):
    """What Multus logs, and where to."""

    level: NotRequired[LogLevel]
    """`panic`, `error`, `verbose` or `debug`. Defaults to `panic`, with thick to `verbose`."""

    file: NotRequired[str]
    """A host path to log to. Defaults to none."""

    to_stderr: NotRequired[bool]
    """Log to standard error: the container's with thick, the runtime's log with thin. Defaults to true."""

    options: NotRequired[LogOptionsArgs]
    """How the log file is rotated. Thick only: thin is a process per call, and two would rotate each other's file.
    Defaults to none."""


class PerNodeCertificatesArgs(TypedDict):
    """Short-lived client certificates, one per node, instead of the ServiceAccount's token."""

    bootstrap_kubeconfig: str
    """The kubelet's kubeconfig on the host, with which each daemon asks for its certificate. The requests have to be
    approved: run `/cert-approver` of the same image, or an approver of your own."""

    duration: NotRequired[str]
    """How long a certificate is good for, such as `24h`; at least 10 minutes. Defaults to `24h`."""


class DaemonArgs(TypedDict):
    """What only thick's daemon has."""

    connection_limit: NotRequired[int]
    """How many requests are served at once, which bounds the memory. Needs v4.3.0. Defaults to none."""

    metrics_port: NotRequired[int]
    """The port of `/metrics`, on every address of the node; it has to be free there. Defaults to none."""

    enable_pprof: NotRequired[bool]
    """Serve profiles on the metrics port. Needs v4.3.0. Defaults to false."""

    socket_dir: NotRequired[str]
    """A directory below `/run` for the daemon alone, which it erases when it starts. Defaults to `/run/multus`."""

    per_node_certificates: NotRequired[PerNodeCertificatesArgs]
    """Client certificates per node for the daemon. Defaults to none."""


class TolerationArgs(TypedDict):
    """A taint that Multus' pods tolerate."""

    key: NotRequired[str]
    """The taint's key. Defaults to none, which is every key."""

    operator: NotRequired[str]
    """`Exists` or `Equal`. Defaults to `Equal`."""

    value: NotRequired[str]
    """The taint's value. Defaults to none."""

    effect: NotRequired[str]
    """`NoSchedule`, `PreferNoSchedule` or `NoExecute`. Defaults to none, which is every effect."""

    toleration_seconds: NotRequired[int]
    """How long `NoExecute` is tolerated, in seconds. Defaults to none, which is for ever."""


class SchedulingArgs(TypedDict):
    """Where Multus' pods run, and how they are replaced."""

    node_selector: NotRequired[Mapping[str, str]]
    """Labels that a node has to have. Defaults to none."""

    tolerations: NotRequired[Sequence[TolerationArgs]]
    """The taints that are tolerated, instead of all of `NoSchedule` and `NoExecute`. Defaults to none."""

    affinity: NotRequired[Mapping[str, Any]]
    """`podAffinity`, `podAntiAffinity` and `nodeAffinity` as Kubernetes spells them; required node terms are each
    narrowed by the component's own. Defaults to none."""

    priority_class: NotRequired[str]
    """The pods' PriorityClass. Defaults to `system-node-critical`."""

    max_unavailable: NotRequired[str]
    """How many pods a rollout takes down at once, a number or a percentage. Defaults to `25%`, with thick to `1`, where
    each one is a node without additional networks."""

    min_ready_seconds: NotRequired[int]
    """How long a pod has to stay up before a rollout goes on, in seconds, below `timeout_seconds`: thin's entrypoint
    ends without an error over what it cannot do. Listed nodes are checked besides. Defaults to 2."""

    labels: NotRequired[Mapping[str, str]]
    """Labels for every object and pod, besides upstream's. Defaults to none."""

    annotations: NotRequired[Mapping[str, str]]
    """Annotations for the pods. Defaults to none."""


class ResourcesArgs(TypedDict):
    """What the container asks for. Thick makes interfaces in it; thin does so in the container runtime."""

    requests: NotRequired[Mapping[str, str]]
    """Amounts by resource. Defaults to 100m of cpu and 64Mi of memory, with thick to 128Mi."""

    limits: NotRequired[Mapping[str, str]]
    """Amounts by resource. Defaults to 128Mi of memory, with thick to 512Mi; below 100Mi thick is refused, since a
    daemon that is killed leaves no pod starting."""


class SelinuxArgs(TypedDict):
    """The SELinux context of the containers."""

    user: NotRequired[str]
    """The user part. Defaults to none."""

    role: NotRequired[str]
    """The role part. Defaults to none."""

    type: NotRequired[str]
    """The type part, such as `spc_t`. Defaults to none."""

    level: NotRequired[str]
    """The level part. Defaults to none."""


class SecurityArgs(TypedDict):
    """The security context of the containers."""

    privileged: NotRequired[bool]
    """Run thin privileged, which only SELinux may ask for. Thick's daemon always is. Defaults to false."""

    selinux: NotRequired[SelinuxArgs]
    """The SELinux context. Defaults to none."""


class PluginArchiveArgs(TypedDict):
    """A `.tgz` of CNI plugins for one architecture, as the plugins' project releases them. `path` or `url`."""

    path: NotRequired[str]
    """The file on the machine that runs Pulumi, which copies it to the nodes by SFTP. Defaults to none."""

    url: NotRequired[str]
    """Where each node fetches it itself: an `https` address. Defaults to none."""

    sha256: str
    """The SHA-256 of the file, in hex. Another file is not unpacked."""


class ReferencePluginsArgs(TypedDict):
    """CNI plugins to bring into the node's plugin directory, where they are not there yet.

    Listed nodes get them from `archives`, where there are any; all others by an init container from `image`. A plugin
    that is already there stays, whoever put it there, so that the distribution's own are never overwritten.
    """

    names: Sequence[str]
    """The plugins, such as `macvlan` and `dhcp`. They also count as `required_plugins`."""

    image: NotRequired[str]
    """An image with these plugins and a shell, with a tag that does not move or a digest. The plugins' own project
    publishes none. Defaults to none, which needs `archives`."""

    archives: NotRequired[Mapping[str, PluginArchiveArgs]]
    """Archives of plugins by the architecture of their nodes: `amd64`, `arm64` and so on. Not with method `helm`.
    Defaults to none."""

    directory: NotRequired[str]
    """Where the plugins are in the image. Defaults to `/opt/cni/bin`."""


class DhcpDaemonArgs(TypedDict):
    """The daemon that the plugin `dhcp` asks on every node, which keeps leases alive: a DaemonSet of its own.

    It runs the node's own `dhcp`, which therefore counts as one of `required_plugins`, and after a restart takes up the
    leases of the pods that run.
    """

    image: NotRequired[str]
    """An image in which the node's `dhcp` runs, with a shell, `sed`, `awk` and `base64`, and with a tag that does not
    move or a digest. Defaults to that of `reference_plugins`, else with thick to Multus' own; thin's has no shell."""


class KeeperArgs(TypedDict):
    """What keeps Multus' configuration on nodes that are not listed while their pod restarts.

    A sidecar in the pods of these nodes. When such a pod stops, it asks the API server whether a pod comes back: if so,
    it leaves the configuration, and with thick puts thin in the daemon's place for that time; if not, it takes the
    configuration away. Needs Kubernetes 1.29 and credentials `durable`.
    """

    image: str
    """An image with a shell, `curl`, `awk`, `sed`, `grep` and `base64`, such as `docker.io/curlimages/curl:8.16.0`, and
    with a tag that does not move or a digest. Multus' own have no `curl`."""


class WhereaboutsInstallArgs(TypedDict):
    """whereabouts, which gives addresses that are unique in the cluster.

    Its plugin and configuration come onto every node, into the distribution's directories, with what gives addresses
    back. Its token is a Secret of its own, as Multus' is: it does not expire, and `rotation` makes a new one. Its CRDs
    stay when the stack goes, since what they hold would go with them.
    """

    image: NotRequired[str]
    """The image, with a tag that does not move or a digest. Defaults to
    `ghcr.io/k8snetworkplumbingwg/whereabouts:v0.9.4`."""

    reconcile: NotRequired[str]
    """When addresses are given back whose pods no node has seen end, as those of a node that has died: five fields of
    cron, in UTC. Defaults to `*/10 * * * *`."""


class HelmArgs(TypedDict):
    """The release of this component's chart. Another chart is a `k8s.helm.v3.Release` of your own: docs/helm.md."""

    values: NotRequired[Mapping[str, Any]]
    """Values for the chart, merged over those that follow from the other arguments; a part of it may be an Output.
    Defaults to none."""


class ProxyArgs(TypedDict):
    """A jump host on the way to a node."""

    host: pulumi.Input[str]
    """Host name or address for SSH."""

    port: NotRequired[int]
    """SSH port. Defaults to 22."""

    user: NotRequired[str]
    """Login name. Defaults to `root`."""

    private_key: NotRequired[pulumi.Input[str]]
    """The private SSH key for the jump host. Always kept as a secret. Defaults to the node's."""

    host_key: NotRequired[pulumi.Input[str]]
    """The jump host's public key, as a node's. Required unless `insecure_ignore_host_key` is true."""

    insecure_ignore_host_key: NotRequired[bool]
    """Connect to whatever answers. Defaults to false."""


class NodeArgs(TypedDict):
    """A node that is checked, provisioned, verified and cleaned over SSH."""

    name: str
    """The node's name in Kubernetes. Its steps are named by it, so that a list in another order changes nothing."""

    host: pulumi.Input[str]
    """Host name or address for SSH; an IPv6 address with or without brackets. Nodes whose ports or jump hosts differ
    may have the same."""

    port: NotRequired[int]
    """SSH port. Defaults to 22."""

    user: NotRequired[str]
    """Login name. Defaults to `root`."""

    sudo: NotRequired[bool]
    """Run every step through `sudo -n`. Defaults to true for every user but root."""

    private_key: pulumi.Input[str]
    """The private SSH key in PEM or OpenSSH form, without a passphrase, which nobody could type. Always kept as a
    secret."""

    host_key: NotRequired[pulumi.Input[str]]
    """The host's public key as one line of known_hosts without the name: `ssh-ed25519 AAAA...`. Required unless
    `insecure_ignore_host_key` is true."""

    insecure_ignore_host_key: NotRequired[bool]
    """Connect to whatever answers. Defaults to false."""

    proxy: NotRequired[ProxyArgs]
    """A jump host on the way. Defaults to none."""

    gone: NotRequired[bool]
    """The host does not exist any more: nothing dials it, and its steps are forgotten without running. Set it for one
    `up`, then take the node off the list. Defaults to false."""


class SshArgs(TypedDict):
    """How many nodes are dialled at once, and how long before one counts as unreachable, which stops an `up`."""

    parallel: NotRequired[int]
    """How many nodes are dialled at one moment, between 1 and 1000. The sshd of a jump host begins to refuse when more
    than ten have not logged in yet (`MaxStartups` in sshd_config(5)). Defaults to 10."""

    dial_error_limit: NotRequired[int]
    """After how many failed dials one more failure is the last, between 0 and 20. Defaults to 3."""

    per_dial_timeout: NotRequired[int]
    """How long one dial may take, in seconds, between 1 and 120. Defaults to 10."""


class MultusComponentArgs(TypedDict):
    """What to install, and where."""

    distro: Distro
    """The distribution, which decides every path."""

    k3s_version: NotRequired[str]
    """The k3s version, such as `v1.30.4+k3s1`: before October 2024 plugins were in another directory. Defaults to a
    current one."""

    flannel: NotRequired[bool]
    """Whether k3s runs its own flannel; false for `--flannel-backend=none`, whose directories are containerd's.
    Defaults to true."""

    data_dir: NotRequired[str]
    """k3s' `--data-dir`. Defaults to `/var/lib/rancher/k3s`."""

    plugin: NotRequired[Plugin]
    """`thin`: the runtime runs Multus on the host, so nothing happens to pods while its own pod is away. `thick`: a
    daemon on every node serves the runtime, with metrics and log rotation. While it restarts, thin serves the nodes in
    `nodes`; on other nodes pods then start without additional networks, unless there is a `keeper`. Defaults to
    `thin`."""

    method: NotRequired[Method]
    """How the DaemonSets reach the cluster: `manifest` registers each object as a typed resource, `helm` a release of
    the chart that comes with this component and says the same. On a live stack it changes by `handover` only. Defaults
    to `manifest`."""

    helm: NotRequired[HelmArgs]
    """What only the method `helm` has. Defaults to none."""

    handover: NotRequired[bool]
    """Let go of the DaemonSets, so that the other `method` can take them over as they run. True for one `up` before
    `method` is changed and for the one that changes it, and false again after; never destroy while it is true. Defaults
    to false."""

    namespace: NotRequired[str]
    """The namespace of the ServiceAccount, the token and the DaemonSets. Another one than `kube-system` may need a
    label or a quota before the cluster admits the pods there, which `create_namespace` brings; `preview` warns where
    the distribution is known to ask for them. There the account gets its priority at the API server by a FlowSchema,
    from Kubernetes 1.29 on. Defaults to `kube-system`."""

    create_namespace: NotRequired[bool]
    """Make the namespace where it is not there, with the label by which Pod Security admits the pods, and on gke with
    the ResourceQuota by which their priority class is admitted. The namespace stays when the
    stack is destroyed, since deleting it would delete what others put there. Defaults to false."""

    image: NotRequired[ImageArgs]
    """The Multus image. Defaults to v4.3.0 of upstream's image for the plugin."""

    cni_conf_dir: NotRequired[str]
    """The runtime's CNI configuration directory on the host. Defaults to the distribution's."""

    cni_bin_dir: NotRequired[str]
    """The runtime's CNI plugin directory on the host. Defaults to the distribution's."""

    kubelet_dir: NotRequired[str]
    """The kubelet's directory on the host, which thick reads devices from. Defaults to the distribution's."""

    netns_dir: NotRequired[str]
    """Where the host keeps network namespaces, which thick enters. Defaults to the distribution's."""

    api_server: NotRequired[pulumi.Input[str]]
    """URL of the API server as every node's host reaches it, best without kube-proxy: `https://host:port`. Defaults to
    `https://127.0.0.1:6444` on k3s, the agent's own balancer, and to such an address on rke2, microk8s and talos;
    required elsewhere."""

    conf: NotRequired[ConfArgs]
    """What Multus' own configuration says. Defaults to what follows from the default network."""

    log: NotRequired[LogArgs]
    """What Multus logs, and where to. Defaults to standard error."""

    daemon: NotRequired[DaemonArgs]
    """What only thick's daemon has; refused with thin. Defaults to none."""

    scheduling: NotRequired[SchedulingArgs]
    """Where Multus' pods run. Defaults to every Linux node."""

    resources: NotRequired[ResourcesArgs]
    """What Multus' container asks for. Defaults to what the plugin needs."""

    security: NotRequired[SecurityArgs]
    """The containers' security context. Defaults to the least that works."""

    reference_plugins: NotRequired[ReferencePluginsArgs]
    """CNI plugins to install besides Multus. Defaults to none."""

    keeper: NotRequired[KeeperArgs]
    """Keep the configuration on nodes that are not listed while their pod restarts; without it such a pod takes it away
    whenever it stops. Defaults to none."""

    dhcp_daemon: NotRequired[DhcpDaemonArgs]
    """Run the daemon of the plugin `dhcp`; `{}` is enough where its image is known. Defaults to none."""

    whereabouts: NotRequired[WhereaboutsInstallArgs]
    """Install whereabouts; `{}` takes its defaults. Needs credentials `durable`. Defaults to none."""

    required_plugins: NotRequired[Sequence[str]]
    """CNI plugins that the networks of this cluster use; a node that lacks one is refused. Defaults to none."""

    nodes: NotRequired[Sequence[NodeArgs]]
    """The nodes to reach over SSH. Nodes that are not listed are served by their pod alone, which removes its
    configuration when it stops, unless there is a `keeper`. Defaults to none."""

    credentials: NotRequired[Credentials]
    """`durable`: a token of the ServiceAccount that does not expire, so that nothing has to be renewed on a node.
    `pod`: the pod's own short-lived token, which it writes to its node again and again. That is weaker with thin: while
    the pod is away for longer than the token lives, no pod starts on the node, and any error in its watch takes the
    configuration away. Nodes cannot be listed with `pod`. Defaults to `durable`."""

    rotation: NotRequired[str]
    """Part of the token Secret's name; another value makes a new token and retires the old one. Defaults to `1`."""

    adopt: NotRequired[bool]
    """Take over what an earlier install or an interrupted `up` has left, on the nodes and in the cluster. Meant for one
    `up`; the Kubernetes provider needs `upsert_existing_objects` for the same time. Defaults to false."""

    node_cleanup: NotRequired[bool]
    """Clean listed nodes when the stack is destroyed or a node leaves the list. False leaves kubeconfig, binary and
    caches on the host; the configuration always goes, so that pods keep starting. With thick, false also does without
    thin's standby, which somebody would have to remove. Defaults to true."""

    live_attachments: NotRequired[LiveAttachments]
    """What removal does when a running pod still has an additional interface: `refuse` stops before anything moved and
    names the pods, `proceed` leaves their addresses reserved. Defaults to `refuse`."""

    ssh: NotRequired[SshArgs]
    """How nodes are dialled, each and its jump host alike. Defaults to dials that take a minute at most."""

    timeout_seconds: NotRequired[int]
    """How long each step may take, in seconds, between 30 and 3600. Defaults to 300."""
