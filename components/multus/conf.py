"""What Multus reads: its kubeconfig on the host, and the flags from which the entrypoint writes `00-multus.conf`."""

from __future__ import annotations

from .plan import InstallPlan
from .server import Server

POD_CONF_DIR = "/host/etc/cni/net.d"
POD_BIN_DIR = "/host/opt/cni/bin"


def kubeconfig(server: Server, ca_data: str, token: str) -> str:
    """The kubeconfig of the host, byte for byte what thin_entrypoint writes from the same token.

    Args:
        server: the API server as the host reaches it.
        ca_data: the cluster's CA as the token Secret carries it, base64 on one line.
        token: the service account's token, decoded.
    """
    return f"""\
# Kubeconfig file for Multus CNI plugin.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: {server.url}
    certificate-authority-data: {ca_data}
users:
- name: multus
  user:
    token: "{token}"
contexts:
- name: multus-context
  context:
    cluster: local
    user: multus
current-context: multus-context
"""


def entrypoint_flags(plan: InstallPlan, *, removes_on_exit: bool) -> list[str]:
    """The flags of thin_entrypoint.

    Args:
        plan: the install.
        removes_on_exit: whether the pod takes the configuration away when it stops, as it must on nodes that nothing
            else cleans. The watch is skipped: any error in it would remove the configuration too.
    """
    flags = [
        "--multus-conf-file=auto",
        f"--multus-autoconfig-dir={POD_CONF_DIR}",
        f"--cni-conf-dir={POD_CONF_DIR}",
        f"--cni-bin-dir={POD_BIN_DIR}",
        f"--multus-kubeconfig-file-host={plan.kubeconfig_path}",
        # The runtime's cached result then has one name before and after an install, so that DEL finds it.
        "--override-network-name=true",
    ]
    if removes_on_exit:
        flags += ["--cleanup-config-on-exit=true", "--skip-config-watch=true"]
    return flags
