"""What args.py and network_args.py say about a default is what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, is_typeddict

import pytest

from multus import args, network_args, resolve, resolve_network
from multus.argument_types import fields_of
from multus.network_rules import MODES
from multus.plan import PluginArchivePlan, ReferencePluginsPlan, WhereaboutsPlan
from tests.support.arguments import SSH_KEY

PLAN = resolve({"distro": "k3s"})
NODE = resolve(
    {
        "distro": "k3s",
        "nodes": [
            {
                "name": "a",
                "host": "h",
                "private_key": SSH_KEY,
                "insecure_ignore_host_key": True,
                "proxy": {"host": "j", "insecure_ignore_host_key": True},
            }
        ],
    }
).nodes[0]

THICK = resolve(
    {"distro": "k3s", "plugin": "thick", "daemon": {"per_node_certificates": {"bootstrap_kubeconfig": "/a/b"}}}
)
NETWORK = resolve_network({"macvlan": {}}, "n")
PROXY = NODE.proxy
REFERENCE = resolve({"distro": "k3s", "reference_plugins": {"names": ["a"], "image": "a/b:1"}}).reference_plugins
ARCHIVE = PluginArchivePlan(sha256="")
CERTIFICATES = THICK.daemon.per_node_certificates
assert PROXY is not None
assert REFERENCE is not None
assert CERTIFICATES is not None

DEFAULTS: dict[str, Any] = {
    "ImageArgs.repository": PLAN.image.rsplit(":", 1)[0],
    "ImageArgs.registry": None,
    "ImageArgs.tag": PLAN.image.rsplit(":", 1)[1],
    "ImageArgs.digest": None,
    "ImageArgs.pull_policy": PLAN.pull_policy,
    "ImageArgs.pull_secrets": PLAN.pull_secrets,
    "NodeArgs.port": NODE.port,
    "NodeArgs.user": NODE.user,
    "NodeArgs.gone": NODE.gone,
    "NodeArgs.proxy": None,
    "ProxyArgs.port": PROXY.port,
    "ProxyArgs.user": PROXY.user,
    "ConfArgs.override_network_name": PLAN.conf.override_network_name,
    "ConfArgs.cluster_network": PLAN.conf.cluster_network,
    "ConfArgs.default_networks": PLAN.conf.default_networks,
    "ConfArgs.namespace_isolation": PLAN.conf.namespace_isolation,
    "ConfArgs.readiness_indicator_file": PLAN.conf.readiness_indicator_file,
    "ConfArgs.additional_bin_dir": PLAN.conf.additional_bin_dir,
    "ConfArgs.retry_delete_on_error": PLAN.conf.retry_delete_on_error,
    "LogArgs.file": PLAN.log.file,
    "LogArgs.to_stderr": PLAN.log.to_stderr,
    "LogArgs.options": None,
    "DaemonArgs.connection_limit": THICK.daemon.connection_limit,
    "DaemonArgs.metrics_port": THICK.daemon.metrics_port,
    "DaemonArgs.enable_pprof": THICK.daemon.enable_pprof,
    "DaemonArgs.socket_dir": THICK.daemon.socket_dir,
    "DaemonArgs.per_node_certificates": PLAN.daemon.per_node_certificates,
    "PerNodeCertificatesArgs.duration": CERTIFICATES.duration,
    "SchedulingArgs.tolerations": PLAN.scheduling.tolerations,
    "SchedulingArgs.priority_class": PLAN.scheduling.priority_class,
    "SchedulingArgs.max_unavailable": PLAN.scheduling.max_unavailable,
    "SchedulingArgs.min_ready_seconds": PLAN.scheduling.min_ready_seconds,
    "SecurityArgs.privileged": PLAN.privileged,
    "ReferencePluginsArgs.directory": REFERENCE.directory,
    "ReferencePluginsArgs.image": ReferencePluginsPlan(names=()).image or None,
    "ReferencePluginsArgs.archives": REFERENCE.archives or None,
    "PluginArchiveArgs.path": ARCHIVE.path or None,
    "PluginArchiveArgs.url": ARCHIVE.url or None,
    "MultusComponentArgs.data_dir": PLAN.plugins_dir.removesuffix("/data"),
    "MultusComponentArgs.plugin": PLAN.plugin,
    "MultusComponentArgs.method": PLAN.method,
    "MultusComponentArgs.handover": PLAN.handover,
    "MultusComponentArgs.namespace": PLAN.namespace,
    "MultusComponentArgs.create_namespace": PLAN.create_namespace,
    "MultusComponentArgs.api_server": PLAN.api_server,
    "MultusComponentArgs.required_plugins": PLAN.required_plugins,
    "MultusComponentArgs.reference_plugins": PLAN.reference_plugins,
    "MultusComponentArgs.keeper": PLAN.keeper,
    "MultusComponentArgs.dhcp_daemon": PLAN.dhcp_daemon,
    "MultusComponentArgs.whereabouts": PLAN.whereabouts,
    "WhereaboutsInstallArgs.image": WhereaboutsPlan().image,
    "WhereaboutsInstallArgs.reconcile": WhereaboutsPlan().reconcile,
    "MultusComponentArgs.nodes": PLAN.nodes,
    "MultusComponentArgs.credentials": PLAN.credentials,
    "MultusComponentArgs.rotation": PLAN.rotation,
    "MultusComponentArgs.adopt": PLAN.adopt,
    "MultusComponentArgs.node_cleanup": PLAN.node_cleanup,
    "MultusComponentArgs.live_attachments": PLAN.live_attachments,
    "MultusComponentArgs.timeout_seconds": PLAN.timeout_seconds,
    "SshArgs.parallel": PLAN.ssh.parallel,
    "SshArgs.dial_error_limit": PLAN.ssh.dial_error_limit,
    "SshArgs.per_dial_timeout": PLAN.ssh.per_dial_timeout,
    "IpvlanArgs.mode": MODES["ipvlan"][0],
    "MacvlanArgs.mode": MODES["macvlan"][0],
    "MultusNetworkArgs.live_attachments": NETWORK.live_attachments,
    "MultusNetworkArgs.namespace": NETWORK.namespace,
}


# Said in words, and shown by the tests of the plan: Multus' own, the distribution's, and what follows from others.
IN_WORDS = {
    "ConfArgs.capabilities",
    "ConfArgs.cni_version",
    "ConfArgs.global_namespaces",
    "ConfArgs.master_conf",
    "ConfArgs.multus_namespace",
    "ConfArgs.network_name",
    "ConfArgs.networks_dir",
    "ConfArgs.system_namespaces",
    "DhcpDaemonArgs.image",
    "HelmArgs.values",
    "LogArgs.level",
    "LogOptionsArgs.compress",
    "LogOptionsArgs.max_age",
    "LogOptionsArgs.max_backups",
    "LogOptionsArgs.max_size",
    "MultusComponentArgs.cni_bin_dir",
    "MultusComponentArgs.cni_conf_dir",
    "MultusComponentArgs.conf",
    "MultusComponentArgs.daemon",
    "MultusComponentArgs.flannel",
    "MultusComponentArgs.helm",
    "MultusComponentArgs.image",
    "MultusComponentArgs.k3s_version",
    "MultusComponentArgs.kubelet_dir",
    "MultusComponentArgs.log",
    "MultusComponentArgs.netns_dir",
    "MultusComponentArgs.resources",
    "MultusComponentArgs.scheduling",
    "MultusComponentArgs.security",
    "MultusComponentArgs.ssh",
    "NodeArgs.host_key",
    "NodeArgs.insecure_ignore_host_key",
    "NodeArgs.sudo",
    "ProxyArgs.host_key",
    "ProxyArgs.insecure_ignore_host_key",
    "ProxyArgs.private_key",
    "ResourcesArgs.limits",
    "ResourcesArgs.requests",
    "SchedulingArgs.affinity",
    "SchedulingArgs.annotations",
    "SchedulingArgs.labels",
    "SchedulingArgs.node_selector",
    "SecurityArgs.selinux",
    "SelinuxArgs.level",
    "SelinuxArgs.role",
    "SelinuxArgs.type",
    "SelinuxArgs.user",
    "TolerationArgs.effect",
    "TolerationArgs.key",
    "TolerationArgs.operator",
    "TolerationArgs.toleration_seconds",
    "TolerationArgs.value",
}


def documented() -> dict[str, str]:
    """The docstring under every key of every TypedDict, by `Class.key`."""
    found: dict[str, str] = {}
    files = [Path(str(module.__file__)) for module in (args, network_args)]
    for item in (item for file in files for item in ast.parse(file.read_text(encoding="utf-8")).body):
        if isinstance(item, ast.ClassDef):
            for field, text in zip(item.body, item.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    assert isinstance(text, ast.Expr), f"{item.name}.{field.target.id} has no docstring"
                    found[f"{item.name}.{field.target.id}"] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


DOCUMENTED = documented()
TYPED_DICTS = [value for module in (args, network_args) for value in vars(module).values() if is_typeddict(value)]
# What a network leaves out, its plugin decides: test_network_plan.py shows that nothing is rendered of it.
OF_PLUGINS = {
    f"{value.__name__}.{key}"
    for value in vars(network_args).values()
    if is_typeddict(value)
    for key in value.__optional_keys__
} - set(DEFAULTS)


def optional_keys() -> set[str]:
    return {f"{typed_dict.__name__}.{key}" for typed_dict in TYPED_DICTS for key in typed_dict.__optional_keys__}


def said(text: str) -> Any:
    match = re.search(r"Defaults to (`(?P<literal>[^`]+)`|(?P<word>none|true|false|\d+))[ .,]", text + " ")
    assert match, text
    if match["literal"]:
        return match["literal"]
    return (
        {"none": None, "true": True, "false": False}.get(match["word"])
        if not match["word"].isdigit()
        else int(match["word"])
    )


def test_every_key_is_documented() -> None:
    expected = {f"{typed_dict.__name__}.{key}" for typed_dict in TYPED_DICTS for key in fields_of(typed_dict)}
    assert set(DOCUMENTED) == expected


def test_every_optional_key_says_its_default_or_that_it_is_required() -> None:
    silent = {key for key in optional_keys() if "Defaults to " not in DOCUMENTED[key]}
    assert all("Required unless" in DOCUMENTED[key] for key in silent), silent


def test_every_optional_key_is_compared_or_said_in_words() -> None:
    assert set(DEFAULTS) | IN_WORDS | OF_PLUGINS == optional_keys()
    assert not set(DEFAULTS) & IN_WORDS


@pytest.mark.parametrize("key", sorted(DEFAULTS))
def test_documented_default_is_the_codes(key: str) -> None:
    assert said(DOCUMENTED[key]) == (DEFAULTS[key] if DEFAULTS[key] != () else None)
