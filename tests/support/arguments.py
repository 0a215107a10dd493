"""Made-up arguments that resolve."""

from __future__ import annotations

from typing import Any

# As long as an ed25519 key in OpenSSH's form is.
SSH_KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{'made0up0' * 40}\n-----END OPENSSH PRIVATE KEY-----\n"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

# The API server gives one to every object.
UID = "7c1d2c1e-0000-4000-8000-000000000001"
API_SERVER = "https://192.0.2.1:6443"


def node(name: str, number: int, **changes: Any) -> dict[str, Any]:
    """A node's arguments."""
    return {"name": name, "host": f"192.0.2.{number}", "private_key": SSH_KEY, "host_key": HOST_KEY, **changes}


def k3s(*nodes: dict[str, Any], **changes: Any) -> Any:
    """The component's arguments for k3s."""
    return {"distro": "k3s", "nodes": list(nodes), **changes}


def vanilla(*nodes: dict[str, Any], **changes: Any) -> Any:
    """The component's arguments for a vanilla cluster."""
    return {"distro": "vanilla", "api_server": API_SERVER, "nodes": list(nodes), **changes}
