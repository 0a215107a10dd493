"""Messages that say little of their cause, and where that is answered: a part of docs/troubleshooting.md."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """What people search for.

    Attributes:
        said: the words.
        means: what they say.
        answer: what to do, or which section does.
    """

    said: str
    means: str
    answer: str


WORDS = (
    Words(
        '`CNI request failed with status 400`, `error adding pod NAME to CNI network "multus-cni-network"`',
        "only that Multus was asked and refused",
        "the reason stands behind it; `doctor` prints it whole",
    ),
    Words(
        "`no networks found in /etc/cni/net.d`, `cni config uninitialized`",
        "the runtime has loaded no configuration: older words for `cni plugin not initialized`",
        "[node-not-ready](#node-not-ready)",
    ),
    Words(
        "`the server could not find the requested resource (get network-attachment-definitions.k8s.cni.cncf.io)`,"
        ' `no matches for kind "NetworkAttachmentDefinition"`',
        "the CRD is not there, or not yet",
        "[crd-gone](#crd-gone)",
    ),
    Words(
        "`open /run/flannel/subnet.env: no such file or directory`",
        "flannel is not up on this node; Multus hands its words on",
        "look at flannel's own pod, or at k3s",
    ),
    Words(
        '`plugin type="istio-cni" name="istio-cni" failed (add): exit status 1`',
        "Istio's plugin is called twice for a pod",
        "[conf-chained](#conf-chained)",
    ),
    Words(
        "`x509: certificate has expired or is not yet valid`",
        "the API server's own certificate is too old, or the node's clock is wrong",
        "renew it with the distribution's own command; k3s and RKE2 renew at a restart in the last 120 days",
    ),
    Words(
        "`ImagePullBackOff`, `ErrImagePull` of Multus' pod",
        "the node does not get the image",
        "[a mirror](air-gapped.md)",
    ),
    Words(
        "`failed to create fsnotify watcher: too many open files`",
        "the node's inotify instances are used up, 128 for root by default",
        "on the node: `sysctl -w fs.inotify.max_user_instances=512`, and a file of /etc/sysctl.d for the next boot",
    ),
    Words(
        "`failed to create macvlan: device or resource busy`",
        "the link is a port of a bridge or a bond, or carries ipvlan",
        "another `master`, such as the bond itself; one link carries macvlan or ipvlan",
    ),
    Words(
        "`Pod sandbox changed, it will be killed and re-created`",
        "the sandbox before could not be made",
        "the event before it says why",
    ),
)
