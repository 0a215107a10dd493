"""The public surface: what a user of MultusComponent may say, and nothing else.

No `from __future__ import annotations` here: Pulumi's schema analyzer reads these annotations at run time.
Shape-deciding arguments are plain; an `Input` may be an Output of the same program and is checked when it is known.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi


class Distro(StrEnum):
    """A Kubernetes distribution, as far as its paths differ."""

    K3S = "k3s"
    VANILLA = "vanilla"


class Method(StrEnum):
    """How the objects reach the cluster."""

    MANIFEST = "manifest"
    HELM = "helm"


class LiveAttachments(StrEnum):
    """What removal does about running pods that still hold an additional interface."""

    REFUSE = "refuse"
    PROCEED = "proceed"


class ImageArgs(TypedDict):
    """The Multus image."""

    repository: NotRequired[str]
    """The image's name without a tag. Defaults to `ghcr.io/k8snetworkplumbingwg/multus-cni`."""

    tag: NotRequired[str]
    """A tag that does not move. Defaults to `v4.3.0`. Moving tags such as `latest` or `snapshot` are refused."""

    digest: NotRequired[str]
    """`sha256:` and 64 hex digits; wins over the tag. Defaults to none."""

    pull_policy: NotRequired[str]
    """`IfNotPresent`, `Always` or `Never`. Defaults to `IfNotPresent`."""

    pull_secrets: NotRequired[Sequence[str]]
    """Names of image pull Secrets in the component's namespace. Defaults to none."""


class NodeArgs(TypedDict):
    """A node that is checked, provisioned, verified and cleaned over SSH."""

    name: str
    """The node's name in Kubernetes. Its steps are named by it, so that a list in another order changes nothing."""

    host: pulumi.Input[str]
    """Host name or address for SSH; an IPv6 address with or without brackets."""

    port: NotRequired[int]
    """SSH port. Defaults to 22."""

    user: NotRequired[str]
    """Login name; any other than root needs `sudo -n`. Defaults to `root`."""

    private_key: pulumi.Input[str]
    """The private SSH key in PEM or OpenSSH form. Always kept as a secret."""

    host_key: NotRequired[pulumi.Input[str]]
    """The host's public key as one line of known_hosts without the name: `ssh-ed25519 AAAA...`. Required unless
    `insecure_ignore_host_key` is true."""

    insecure_ignore_host_key: NotRequired[bool]
    """Connect to whatever answers. Defaults to false."""


class MultusComponentArgs(TypedDict):
    """What to install, and where."""

    distro: Distro
    """The distribution, which decides every path: `k3s` or `vanilla`."""

    method: NotRequired[Method]
    """How the objects reach the cluster. `manifest` registers each as a typed resource; `helm` is refused for now.
    Defaults to `manifest`."""

    namespace: NotRequired[str]
    """The namespace of the ServiceAccount, the token and the DaemonSet; it has to exist. Defaults to `kube-system`."""

    image: NotRequired[ImageArgs]
    """The Multus image. Defaults to v4.3.0 of upstream's thin image."""

    cni_conf_dir: NotRequired[str]
    """The runtime's CNI configuration directory on the host. Defaults to the distribution's."""

    cni_bin_dir: NotRequired[str]
    """The runtime's CNI plugin directory on the host. Defaults to the distribution's."""

    api_server: NotRequired[pulumi.Input[str]]
    """URL of the API server as every node's host reaches it, best without kube-proxy: `https://host:port`. Defaults to
    `https://127.0.0.1:6444` on k3s, the agent's own balancer; required on vanilla."""

    nodes: NotRequired[Sequence[NodeArgs]]
    """The nodes to reach over SSH. Nodes that are not listed are served by their pod alone, which removes its
    configuration when it stops. Defaults to none."""

    rotation: NotRequired[str]
    """Part of the token Secret's name; another value makes a new token and retires the old one. Defaults to `1`."""

    adopt: NotRequired[bool]
    """Take over what an earlier install or an interrupted `up` has left, on the nodes and in the cluster. Meant for one
    `up`; the Kubernetes provider needs `upsert_existing_objects` for the same time. Defaults to false."""

    live_attachments: NotRequired[LiveAttachments]
    """What removal does when a running pod still has an additional interface: `refuse` stops before anything moved and
    names the pods, `proceed` leaves their addresses reserved. Defaults to `refuse`."""

    timeout_seconds: NotRequired[int]
    """How long each step may take, in seconds, between 30 and 3600. Defaults to 300."""
