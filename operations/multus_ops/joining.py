"""What a machine has on its disk before its kubelet starts, so that its pods wait for Multus: as its user data."""

from __future__ import annotations

import base64
import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from kubernetes import client

from multus.args import Credentials, Distro
from multus.multus_conf import kubeconfig, waiting_conf
from multus.plan import InstallPlan
from multus.pods import toleration

from .render import RenderError, as_yaml, server_of

# Nothing here needs a newer one, and every Ignition since 2.0 takes it.
IGNITION_VERSION = "3.0.0"
_PRIVATE = 0o600
# Until Multus serves it, a node whose runtime asks for STATUS is not ready.
_NOT_READY = ("node.kubernetes.io/not-ready", "NoSchedule")
WARNING = (
    "this holds a token of Multus' account, and on many clouds every pod can read its node's user data. Without "
    "--with-token it holds no secret, and Multus' pod brings the kubeconfig."
)
_HEAD = """\
# The pods of a node that joins wait until Multus serves it. For nodes with containerd that Multus' pods run on.
#
# Take it out of the machines' user data before you remove Multus: the pods of a node that joins afterwards would wait
# for ever. See docs/joining.md.
"""


@dataclass(frozen=True)
class NodeFile:
    """A file of root's on a node, which nobody else reads."""

    path: str
    content: str = field(repr=False)


@dataclass(frozen=True)
class Token:
    """What a token's Secret holds.

    Attributes:
        ca: the cluster's authority in base64.
        token: the account's token.
    """

    ca: str
    token: str = field(repr=False)


def read_token(api: client.ApiClient, plan: InstallPlan) -> Token:
    """The token that Multus' pods have on every node.

    Raises:
        RenderError: there is none.
    """
    if plan.credentials is not Credentials.DURABLE:
        raise RenderError(
            "credentials: the pods' own tokens expire, and no node can be given one; leave --with-token out."
        )
    try:
        secret: Any = client.CoreV1Api(api).read_namespaced_secret(plan.token_secret, plan.namespace)
    except client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        raise RenderError(
            f"Secret {plan.namespace}/{plan.token_secret} is not there; install Multus first, or say the namespace and "
            "the rotation that it was installed with."
        ) from None
    data: dict[str, str] = secret.data or {}
    if not data.get("token"):
        raise RenderError(f"Secret {plan.namespace}/{plan.token_secret} holds no token yet; repeat in a moment.")
    return Token(data["ca.crt"], base64.b64decode(data["token"]).decode())


def files_of(plan: InstallPlan, token: Token | None = None) -> list[NodeFile]:
    """The files in the order in which they are written: what needs a file comes after it.

    Args:
        plan: the install.
        token: for the kubeconfig of a machine that has Multus' plugin; its pod brings both otherwise.

    Raises:
        RenderError: a node could not be given them, or would never be served.
    """
    problems = list(_problems(plan, token))
    if problems:
        raise RenderError("\n".join(problems))
    files = []
    if token is not None:
        files.append(NodeFile(plan.kubeconfig_path, kubeconfig(server_of(plan).url, token.ca, token.token)))
    name, content = waiting_conf(plan, has_plugin=token is not None)
    return [*files, NodeFile(posixpath.join(plan.cni_conf_dir, name), content)]


def _problems(plan: InstallPlan, token: Token | None) -> Iterator[str]:
    if plan.is_thick and token is not None:
        yield "plugin: thick serves nobody without its daemon, whose pod has the token; leave --with-token out."
    if plan.distro is Distro.TALOS:
        # siderolabs/talos v1.13.9, internal/app/machined/pkg/runtime/v1alpha1/v1alpha1_sequencer_tasks.go.
        yield (
            "distro: Talos takes no user data of others, and its machine configuration writes files below /var alone; "
            "let the API server hold pods back (docs/joining.md)."
        )
    if not plan.is_thick and not plan.network_name:
        yield (
            "conf.networkName: is missing, and nothing has looked at a node that is still to join; write the `name` "
            "that stands in the default network's file."
        )
    given = plan.scheduling.tolerations
    if given is not None and not any(_tolerates(each, *_NOT_READY) for each in given):
        key, effect = _NOT_READY
        yield (
            f"scheduling.tolerations: Multus' pods do not tolerate {key}:{effect}, which a node has until they serve "
            "it; add it."
        )


def _tolerates(given: dict[str, str | int], key: str, effect: str) -> bool:
    said = toleration(given)
    is_every = said.get("operator") == "Exists" and not said.get("key")
    return (is_every or said.get("key") == key) and said.get("effect", effect) == effect


def cloud_init(files: list[NodeFile]) -> str:
    """User data for cloud-init, alone or as the last part beside others.

    Its `write_files` runs in the first of cloud-init's stages, before `runcmd`, packages and scripts install anything.
    """
    content = {
        # As the last part: the default keeps the first list and drops this one.
        "merge_how": [
            {"name": "list", "settings": ["append"]},
            {"name": "dict", "settings": ["no_replace", "recurse_list"]},
        ],
        "write_files": [
            {"path": file.path, "owner": "root:root", "permissions": f"0{_PRIVATE:o}", "content": file.content}
            for file in files
        ],
    }
    return f"#cloud-config\n{_HEAD}{as_yaml(content)}"


def ignition(files: list[NodeFile]) -> str:
    """A configuration for Ignition, alone or as one that another merges."""
    content = {
        "ignition": {"version": IGNITION_VERSION},
        "storage": {
            "files": [
                {
                    "path": file.path,
                    "mode": _PRIVATE,
                    "contents": {"source": f"data:;base64,{base64.b64encode(file.content.encode()).decode()}"},
                }
                for file in files
            ]
        },
    }
    return json.dumps(content, indent=2) + "\n"
