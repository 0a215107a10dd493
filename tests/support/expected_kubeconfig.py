"""The kubeconfig that a node gets."""

from __future__ import annotations


def expected_kubeconfig(server: str, ca_data: str, token: str) -> str:
    """Byte for byte what thin_entrypoint writes from the same token (Multus v4.3.0, cmd/thin_entrypoint/main.go).

    Args:
        server: the API server's URL as the host reaches it.
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
    server: {server}
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
