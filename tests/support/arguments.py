"""Made-up arguments that resolve."""

from __future__ import annotations

import base64
from typing import Any


def _texts(*parts: bytes) -> bytes:
    """Texts as SSH counts them."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


# OpenSSH's form of an ed25519 key, as long as one, whose secret part is nothing.
_SECRET = base64.b64decode("made0up0" * 24)
_OPENSSH = b"openssh-key-v1\0" + _texts(b"none", b"none", b"-") + (1).to_bytes(4, "big")
_OPENSSH += _texts(_texts(b"ssh-ed25519", bytes(32)), _SECRET)
_BODY = base64.b64encode(_OPENSSH).decode()
SSH_KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_BODY}\n-----END OPENSSH PRIVATE KEY-----\n"
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
