"""The objects of an install as YAML for `kubectl apply`, for clusters that nothing else of this project manages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin, is_typeddict

import yaml

from multus import dhcp_daemon, objects, whereabouts
from multus.args import Credentials, MultusComponentArgs
from multus.argument_types import fields_of
from multus.errors import InvalidArgumentsError, MultusError, Problem
from multus.late_values import is_opaque
from multus.metadata import Object
from multus.plan import PROGRAM, SHIM, InstallPlan, problems_of, resolve
from multus.pods import ACCOUNT
from multus.server import Server, parse_server
from multus.settings import CONTEXT, PROJECT, SECRETS, camel, snake, spelled, with_snake_keys

_SKIPPED = (*SECRETS, CONTEXT, "nodes")
_HEAD = """\
# Multus for {distro}: {plugin}, {image}.
#
#   kubectl apply -f FILE
#
# The pods of {fallback} serve every node. {restart}
# Before you rely on additional networks:
#
#   kubectl -n {namespace} rollout status daemonset {fallback}
#
# Removal has an order, since pods on a node with Multus' configuration but without its account do not start. Never
# `kubectl delete -f` this file: it would also delete everybody's networks together with their definition. First delete
# the pods that have additional interfaces, or their addresses stay reserved. Then, one after the other:
#
{removal}
#
# What stays: the NetworkAttachmentDefinition CRD{namespace_stays}; and on every node
#
{leftovers}
"""

_RESTARTS = {
    False: """They write the configuration, and take it away
# when they stop: while such a pod restarts, new pods on its node get the default network only.""",
    True: """They write the configuration, and take it away
# when no pod comes back to their node.""",
}


class RenderError(MultusError):
    """These arguments cannot be written as YAML."""


def manifest(plan: InstallPlan) -> str:
    """Everything that a cluster without SSH steps needs, and in the comment above how to apply and remove it.

    Raises:
        RenderError: something is only known while a program runs.
    """
    return _head(plan) + "".join(f"---\n{as_yaml(each)}" for each in objects_of(plan))


def objects_of(plan: InstallPlan) -> list[Object]:
    """The objects in the order in which they have to be made.

    What belongs to the SSH steps is not among them: without the nodes' labels the fallback DaemonSet, whose pods clean
    up after themselves, serves every node; and the marker names the stack that owns an install.

    Raises:
        RenderError: something is only known while a program runs.
    """
    server = server_of(plan)
    host, port = server.host, str(server.port)
    made = [
        objects.custom_resource_definition(),
        objects.namespace(plan) if plan.create_namespace else None,
        objects.priority_quota(plan),
        objects.service_account(plan),
        objects.cluster_role(plan),
        objects.cluster_role_binding(plan),
        objects.certificates_binding(plan),
        objects.marker_role(plan),
        objects.marker_role_binding(plan),
        *objects.keeper_access(plan).values(),
        objects.flow_schema(plan),
        objects.token_secret(plan) if plan.credentials is Credentials.DURABLE else None,
        objects.own_conf_map(plan),
        objects.daemon_set(plan, host, port),
        objects.fallback_daemon_set(plan, host, port),
        dhcp_daemon.daemon_set(plan),
    ]
    settings = plan.whereabouts
    if settings is not None:
        made += [
            *whereabouts.custom_resource_definitions().values(),
            *whereabouts.access(plan).values(),
            whereabouts.schedule(plan, settings),
            whereabouts.daemon_set(plan, settings, host, port),
            whereabouts.reconciler(plan, settings, host, port),
        ]
    return [each for each in made if each is not None]


def server_of(plan: InstallPlan) -> Server:
    """The API server as nodes reach it.

    Raises:
        RenderError: it is only known while a program runs.
    """
    if is_opaque(plan.api_server):
        raise RenderError(
            "apiServer is an Output, which is known while its program runs and not before; write the URL."
        )
    return parse_server(plan.api_server)


def removal(plan: InstallPlan) -> list[str]:
    """The commands that take it away, one after the other, with pods starting at every moment."""
    conf, priority = objects.own_conf_map(plan), objects.flow_schema(plan)
    quota = objects.priority_quota(plan)
    has_certificates = objects.certificates_binding(plan) is not None
    keeper = f" {objects.KEEPER_ACCESS}" if plan.keeper else ""
    within = f"kubectl -n {plan.namespace}"
    sets = [objects.DAEMON_SET, objects.FALLBACK_DAEMON_SET, *([dhcp_daemon.NAME] if plan.dhcp_daemon else [])]
    of_whereabouts = [
        f"{within} delete deployment,configmap {whereabouts.RECONCILER} --cascade=foreground",
        f"{within} delete daemonset {whereabouts.NAME} --cascade=foreground",
        f"{within} delete secret {plan.whereabouts_secret}",
        f"{within} delete rolebinding,role,serviceaccount {whereabouts.NAME}",
        f"kubectl delete clusterrolebinding,clusterrole {whereabouts.NAME}",
    ]
    return [
        *(of_whereabouts if plan.whereabouts else []),
        f"{within} delete daemonset {' '.join(sets)} --cascade=foreground",
        *([f"{within} delete secret {plan.token_secret}"] if plan.credentials is Credentials.DURABLE else []),
        *([f"{within} delete configmap {conf['metadata']['name']}"] if conf else []),
        *([f"kubectl delete flowschema {priority['metadata']['name']}"] if priority else []),
        *([f"{within} delete resourcequota {quota['metadata']['name']}"] if quota else []),
        f"{within} delete rolebinding,role {objects.MARKER}{keeper}",
        *([f"kubectl delete clusterrolebinding {objects.CERTIFICATES_BINDING}"] if has_certificates else []),
        f"kubectl delete clusterrolebinding,clusterrole {ACCOUNT}{keeper}",
        f"{within} delete serviceaccount {ACCOUNT}",
    ]


def plan_of(settings: Sequence[str], file: str | None) -> InstallPlan:
    """The plan of arguments from a file and a command line, spelled as configuration keys.

    Args:
        settings: `key=value`, a nested key with dots; they win over the file.
        file: YAML: keys with their values, or a stack's file. The stack's secrets and its nodes do not matter here.

    Raises:
        InvalidArgumentsError: with every problem found.
        RenderError: the file or a setting is of another form.
    """
    arguments = with_snake_keys(_from_file(file)) if file is not None else {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator or not all(key.split(".")):
            raise RenderError(f"--set {setting}: write key=value, such as --set image.tag=v4.3.0.")
        _place(arguments, [snake(part) for part in key.split(".")], text, setting)
    problems = problems_of(arguments)
    if problems:
        raise InvalidArgumentsError(
            [Problem(camel(each.path), spelled(each.reason), spelled(each.fix)) for each in problems]
        )
    return resolve(arguments)


def without_nodes(component: MultusComponentArgs) -> InstallPlan:
    """The plan of a stack as if no node of it were reached over SSH."""
    return resolve({key: value for key, value in component.items() if key != "nodes"})


def _from_file(text: str) -> dict[str, Any]:
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RenderError(f"The file is not YAML: {' '.join(str(error).split())}.") from None
    if isinstance(content, dict) and isinstance(content.get("config"), dict):
        content = content["config"]
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise RenderError("The file is not a mapping of arguments, such as `distro: k3s`.")
    plain = {key.removeprefix(f"{PROJECT}:"): value for key, value in content.items()}
    return {key: value for key, value in plain.items() if key not in _SKIPPED and ":" not in key}


def _place(arguments: dict[str, Any], path: list[str], text: str, setting: str) -> None:
    """Put a value where its dotted key says, as the type that args.py gives it."""
    hint: Any = MultusComponentArgs
    for part in path:
        hint = fields_of(hint).get(part) if is_typeddict(hint) else _member(hint)
    holder = arguments
    for part in path[:-1]:
        holder = holder.setdefault(part, {})
        if not isinstance(holder, dict):
            raise RenderError(f"--set {setting}: {camel(part)} is no set of keys.")
    holder[path[-1]] = with_snake_keys(_typed(hint, text), hint)


def _typed(hint: Any, text: str) -> Any:
    is_text = isinstance(hint, type) and issubclass(hint, str)
    if is_text:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _member(hint: Any) -> Any:
    return get_args(hint)[1] if get_origin(hint) is Mapping else None


def _head(plan: InstallPlan) -> str:
    # Thick's installer brings thin's plugin as well.
    programs = (PROGRAM, SHIM, "passthru") if plan.is_thick else (PROGRAM, "passthru")
    kubeconfig = [] if plan.is_thick else [f"{plan.kubeconfig_path}, whose token is void by then"]
    left = [*kubeconfig, *(f"{plan.cni_bin_dir}/{program}" for program in programs), "/var/lib/cni/multus"]
    if plan.whereabouts:
        left += [f"{plan.cni_conf_dir}/whereabouts.d, whose token is void by then", f"{plan.cni_bin_dir}/whereabouts"]
    return _HEAD.format(
        distro=plan.distro.value,
        plugin=plan.plugin.value,
        image=plan.image,
        fallback=objects.FALLBACK_DAEMON_SET,
        restart=_RESTARTS[plan.keeper is not None],
        namespace=plan.namespace,
        removal=_block(removal(plan)),
        namespace_stays=f" and namespace {plan.namespace}" if plan.create_namespace else "",
        leftovers=_block(left),
    )


def _block(lines: Sequence[str]) -> str:
    return "\n".join(f"#   {line}" for line in lines)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and every object out in full."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 # the base class fixes the arguments
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def as_yaml(content: Object) -> str:
    """What people read as YAML, with every text of several lines as a block."""
    # Enumerations are texts, and only their texts are YAML.
    return yaml.dump(json.loads(json.dumps(content)), Dumper=_Dumper, sort_keys=False, width=120)
