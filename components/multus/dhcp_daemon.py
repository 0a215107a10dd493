"""The daemon of the plugin `dhcp` as a DaemonSet. Pure: an object, by whichever method Multus itself comes."""

from __future__ import annotations

import posixpath
from importlib import resources

from .metadata import Object
from .network_needs import DHCP_SOCKET
from .objects import per_node
from .plan import InstallPlan
from .pods import FOLLOWS, container, host_directory, linked_directories, placement, plugin_directory

NAME = "cni-dhcp-daemon"
SOCKET_DIR = posixpath.dirname(DHCP_SOCKET)

# Each with what fails without it.
_CAPABILITIES = [
    "SYS_ADMIN",  # to enter a pod's network namespace, which is a thread's setns
    "NET_RAW",  # DHCP before there is an address goes over a packet socket
    "NET_BIND_SERVICE",  # a lease is given back from the client's port, 68
    "NET_ADMIN",  # an interface that is down is set up, and down when its lease ends
]
# Where SELinux confines containers, one may neither enter a pod's network nor put a socket below /run.
_SELINUX = {"type": "spc_t"}


def script() -> str:
    """What the container runs, as a shell text."""
    return resources.files(__package__).joinpath("dhcp_daemon.sh").read_text(encoding="utf-8")


def daemon_set(plan: InstallPlan) -> Object | None:
    """One pod on every node, whoever provisions it; None where the plan has none."""
    if plan.dhcp_daemon is None:
        return None
    netns = host_directory("netns", plan.netns_dir, "DirectoryOrCreate")
    mounts: list[tuple[Object, str, Object]] = [
        (plugin_directory(plan, "plugins", plan.plugins_dir), plan.plugins_dir, {"readOnly": True}),
        (host_directory("socket", SOCKET_DIR, "DirectoryOrCreate"), SOCKET_DIR, {}),
        # Runtimes say one or the other, and /var/run is no link in every image.
        (netns, "/run/netns", {"readOnly": True, **FOLLOWS}),
        (netns, "/var/run/netns", {"readOnly": True, **FOLLOWS}),
        (host_directory("cache", "/var/lib/cni", "DirectoryOrCreate"), "/var/lib/cni", {"readOnly": True}),
        *linked_directories(plan),
    ]
    daemon = container(
        plan,
        "dhcp",
        ["sh", "-c", script(), NAME, plan.cni_bin_dir],
        [{"name": volume["name"], "mountPath": path, **more} for volume, path, more in mounts],
        image=plan.dhcp_daemon.image,
        resources={"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        securityContext={
            "runAsUser": 0,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": _CAPABILITIES},
            "seLinuxOptions": {**_SELINUX, **plan.selinux},
        },
        startupProbe={
            "exec": {"command": ["sh", "-c", f"test -S {DHCP_SOCKET}"]},
            "periodSeconds": 2,
            "failureThreshold": 30,
        },
    )
    spec: Object = {
        # It is there before any network is, and sees whether another daemon listens on the host.
        "hostNetwork": True,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 10,
        **placement(plan),
        "containers": [daemon],
        "volumes": list({volume["name"]: volume for volume, _, _ in mounts}.values()),
    }
    return per_node(plan, NAME, spec)
