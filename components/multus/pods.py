"""The pods of Multus: where they run, what they mount, what their containers are told. Paths come from the plan."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from .args import Credentials
from .chart_archive import chart_file
from .metadata import NODE_LABEL, Object
from .multus_conf import (
    CERTIFICATE_DIR,
    DAEMON_CONF_FILE,
    DEFAULT_NETWORK_DIR,
    OWN_CONF_DIR,
    POD_BIN_DIR,
    POD_CONF_DIR,
    POD_ROOT,
    POD_RUN_DIR,
    entrypoint_flags,
    keeper_keys,
    own_conf,
    own_conf_name,
)
from .plan import InstallPlan

ACCOUNT = "multus"
PROGRAMS = "/usr/src/multus-cni/bin"
# What runs inside the pods, in the chart's `files`; each says its arguments itself.
HAND_OVER = "hand-over.sh"
LINK = "link-default-network.sh"
COPY = "copy-plugins.sh"
KEEP = "keep-configuration.sh"

KEEPER = "keeper"
"""The sidecar of pods whose node no step cleans."""

TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 # a directory that client libraries fix
_TOKEN_SECONDS = 3607
FOLLOWS: Object = {"mountPropagation": "HostToContainer"}
"""Of a mount in which what the host mounts later appears too."""
# The daemon waits for requests under way before it takes its configuration away.
_GRACE_SECONDS = {False: 10, True: 30}
# The keeper is told to stop when that is over, and asks the API server up to three times.
_KEEPER_SECONDS = 20


def pod_spec(plan: InstallPlan, server_host: Any, server_port: Any, *, provisioned: bool, daemon_set: str) -> Object:
    """The pods of the nodes that SSH steps provision, or of all others.

    Args:
        plan: the install.
        server_host: the API server's host, a str or an Output[str].
        server_port: its port as text, a str or an Output[str].
        provisioned: whether SSH steps provision and clean the pods' nodes.
        daemon_set: the name of what makes the pods.
    """
    keeper = [] if provisioned else _keeper(plan, daemon_set)
    main = _thick(plan) if plan.is_thick else _thin(plan, removes_on_exit=not provisioned and not keeper)
    for each in (*keeper, main):
        each["env"] = [
            *each.get("env", []),
            {"name": "KUBERNETES_SERVICE_HOST", "value": server_host},
            {"name": "KUBERNETES_SERVICE_PORT", "value": server_port},
        ]
    # Every privilege has its reason in docs/security.md too, by which a test holds these objects.
    spec: Object = {
        # No pod has a network before Multus serves, and the API server may have an address of the node's own.
        "hostNetwork": True,
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS[plan.is_thick] + (_KEEPER_SECONDS if keeper else 0),
        **placement(plan, {"key": NODE_LABEL, "operator": "In" if provisioned else "NotIn", "values": ["true"]}),
        "containers": [main],
        "volumes": _volumes(plan),
    }
    if plan.is_thick:
        # Before it stops it waits for the plugins that still ask it, which are the host's processes: hand-over.sh.
        spec["hostPID"] = True
    # No configuration may be there before what takes it away again.
    installers = [*keeper, *(_installers(plan) if plan.is_thick else []), *_copier(plan, provisioned=provisioned)]
    if installers:
        spec["initContainers"] = installers
    return spec


def placement(plan: InstallPlan, *nodes: Object) -> Object:
    """What decides where pods run and that they may: the part of their specification that all pods of an install share.

    Args:
        plan: the install.
        nodes: further expressions that a node's labels have to match.
    """
    scheduling = plan.scheduling
    every = [{"operator": "Exists", "effect": "NoSchedule"}, {"operator": "Exists", "effect": "NoExecute"}]
    spec: Object = {
        "priorityClassName": scheduling.priority_class,
        "tolerations": every
        if scheduling.tolerations is None
        else [toleration(each) for each in scheduling.tolerations],
        "affinity": _affinity(plan, nodes),
    }
    if plan.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in plan.pull_secrets]
    if scheduling.node_selector:
        spec["nodeSelector"] = scheduling.node_selector
    return spec


def toleration(given: dict[str, str | int]) -> Object:
    """A toleration as Kubernetes spells it."""
    return {"tolerationSeconds" if key == "toleration_seconds" else key: value for key, value in given.items()}


def _affinity(plan: InstallPlan, nodes: Sequence[Object]) -> Object:
    """The user's affinity with our expressions in every term: terms are alternatives, expressions are not."""
    ours = [
        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
        *nodes,
        *(
            {"key": key, "operator": "NotIn", "values": list(values)}
            for key, values in sorted(plan.scheduling.excluded_nodes.items())
        ),
    ]
    given = plan.scheduling.affinity
    node = dict(given.get("nodeAffinity", {}))
    terms = node.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [{}])
    narrowed = [{**term, "matchExpressions": [*term.get("matchExpressions", []), *ours]} for term in terms]
    node["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": narrowed}
    return {**given, "nodeAffinity": node}


# The second follows from the first, and is said: what the Kubernetes provider has created an object with stays there in
# a preview (pulumi-kubernetes 4.33, provider/pkg/await, fixCSAFieldManagers), and false is refused beside the first.
_PRIVILEGED: Object = {"privileged": True, "allowPrivilegeEscalation": True}


def container(plan: InstallPlan, name: str, command: list[str], mounts: list[Object], **more: Any) -> Object:
    """A container of Multus' image that may no more than copy files, unless the plan makes it privileged."""
    context: Object = {
        "privileged": plan.privileged,
        "allowPrivilegeEscalation": plan.privileged,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    if plan.privileged:
        context = {**_PRIVILEGED, "readOnlyRootFilesystem": True}
    if plan.selinux:
        context["seLinuxOptions"] = plan.selinux
    return {
        "name": name,
        "image": plan.image,
        "imagePullPolicy": plan.pull_policy,
        "command": command,
        "securityContext": context,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
        **more,
    }


def _thin(plan: InstallPlan, *, removes_on_exit: bool) -> Object:
    mounts: list[Object] = [
        {"name": "cni", "mountPath": POD_CONF_DIR},
        {"name": "cnibin", "mountPath": POD_BIN_DIR},
        # The entrypoint makes a directory here that nothing reads; the root file system is read-only.
        {"name": "multus-cni", "mountPath": "/host/etc/cni/multus"},
        {"name": "token", "mountPath": TOKEN_MOUNT, "readOnly": True},
    ]
    if own_conf(plan):
        mounts.append({"name": "own-conf", "mountPath": OWN_CONF_DIR, "readOnly": True})
    flags = entrypoint_flags(plan, removes_on_exit=removes_on_exit)
    return container(plan, "kube-multus", ["/thin_entrypoint"], mounts, args=flags, resources=plan.resources)


def _thick(plan: InstallPlan) -> Object:
    """The daemon. It looks plugins up in its own tree and runs them in the host's: both have to agree."""
    mounts: list[Object] = [
        {"name": volume["name"], "mountPath": mount, **more} for volume, mount, more in _thick_volumes(plan)
    ]
    mounts.append({"name": "token", "mountPath": TOKEN_MOUNT, "readOnly": True})
    mounts.append({"name": "own-conf", "mountPath": OWN_CONF_DIR, "readOnly": True})
    mounts.append({"name": "default-network", "mountPath": DEFAULT_NETWORK_DIR, "readOnly": True})
    # It enters pods' networks, and runs the plugins, in the host's tree, itself.
    context: Object = dict(_PRIVILEGED)
    if plan.selinux:
        context["seLinuxOptions"] = plan.selinux
    return container(
        plan,
        "kube-multus",
        [f"{PROGRAMS}/multus-daemon"],
        mounts,
        args=[f"--config={OWN_CONF_DIR}/{DAEMON_CONF_FILE}"],
        env=[{"name": "MULTUS_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        resources=plan.resources,
        securityContext=context,
        lifecycle={"preStop": {"exec": {"command": ["sh", "-c", chart_file(HAND_OVER), HAND_OVER, plan.cni_conf_dir]}}},
    )


def _installers(plan: InstallPlan) -> list[Object]:
    """The shim that the runtime runs; and thin, which alone gives interfaces back when no daemon runs any more."""
    return [
        container(
            plan,
            f"install-{kind}",
            [f"{PROGRAMS}/install_multus", "-d", POD_BIN_DIR, "-t", kind],
            [{"name": "cnibin", "mountPath": POD_BIN_DIR}],
            resources={"requests": {"cpu": "10m", "memory": "32Mi"}},
        )
        for kind in ("thin", "thick")
    ] + [
        container(
            plan,
            "link-default-network",
            ["sh", "-c", chart_file(LINK), LINK, plan.cni_conf_dir, plan.conf.master_conf or "*", DEFAULT_NETWORK_DIR],
            [
                {"name": "cni", "mountPath": plan.cni_conf_dir, "readOnly": True},
                {"name": "default-network", "mountPath": DEFAULT_NETWORK_DIR},
            ],
            resources={"requests": {"cpu": "10m", "memory": "32Mi"}},
        )
    ]


def _keeper(plan: InstallPlan, daemon_set: str) -> list[Object]:
    """What leaves the configuration to the next pod, or takes it away, once Multus' own container has ended."""
    if plan.keeper is None:
        return []
    command = ["sh", "-c", chart_file(KEEP), KEEP, plan.cni_conf_dir, daemon_set, plan.namespace]
    keeper = container(
        plan,
        KEEPER,
        [*command, *([keeper_keys(plan)] if plan.is_thick else [])],
        [
            {"name": "cni", "mountPath": plan.cni_conf_dir},
            {"name": "token", "mountPath": TOKEN_MOUNT, "readOnly": True},
        ],
        image=plan.keeper.image,
        restartPolicy="Always",
        env=[{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        resources={"requests": {"cpu": "10m", "memory": "16Mi"}},
    )
    # Images with curl have another user, who may not write what is root's.
    return [{**keeper, "securityContext": {"runAsUser": 0, **keeper["securityContext"]}}]


def _copier(plan: InstallPlan, *, provisioned: bool) -> list[Object]:
    """What copies plugins from an image, unless a step has brought them from an archive."""
    plugins = plan.reference_plugins
    if plugins is None or not plugins.image or (provisioned and plugins.archives):
        return []
    copier = container(
        plan,
        "install-reference-plugins",
        ["sh", "-c", chart_file(COPY), COPY, plugins.directory, POD_BIN_DIR, *plugins.names],
        [{"name": "cnibin", "mountPath": POD_BIN_DIR}],
        resources={"requests": {"cpu": "10m", "memory": "32Mi"}},
    )
    return [{**copier, "image": plugins.image}]


def _volumes(plan: InstallPlan) -> list[Object]:
    volumes: list[Object] = [_token(plan)]
    if plan.is_thick:
        volumes += [volume for volume, _, _ in _thick_volumes(plan)]
        volumes.append({"name": "default-network", "emptyDir": {}})
        if plan.plugins_dir != plan.cni_bin_dir:
            volumes.append(plugin_directory(plan, "cnibin", plan.cni_bin_dir))
    else:
        volumes += [
            host_directory("cni", plan.cni_conf_dir),
            plugin_directory(plan, "cnibin", plan.cni_bin_dir),
            {"name": "multus-cni", "emptyDir": {}},
        ]
    if own_conf(plan):
        volumes.append({"name": "own-conf", "configMap": {"name": own_conf_name(plan)}})
    return volumes


def _thick_volumes(plan: InstallPlan) -> list[tuple[Object, str, Object]]:
    """Volumes of the daemon with their places in its tree and further options."""
    plugins = "cnibin" if plan.plugins_dir == plan.cni_bin_dir else "plugins"
    found: list[tuple[Object, str, Object]] = [
        (host_directory("cni", plan.cni_conf_dir), plan.cni_conf_dir, {}),
        (plugin_directory(plan, plugins, plan.plugins_dir), plan.plugins_dir, {"readOnly": True}),
        # In it the plugins run.
        (host_directory("hostroot", "/"), POD_ROOT, FOLLOWS),
        # The socket at which the shim asks lies there, and what plugins keep.
        (host_directory("run", "/run"), POD_RUN_DIR, {}),
        (host_directory("netns", plan.netns_dir, "DirectoryOrCreate"), "/run/netns", FOLLOWS),
        (host_directory("devices", "/run/k8s.cni.cncf.io", "DirectoryOrCreate"), "/run/k8s.cni.cncf.io", {}),
        (host_directory("cache", "/var/lib/cni/multus", "DirectoryOrCreate"), "/var/lib/cni/multus", {}),
        # The path of the kubelet's socket for devices is fixed in Multus.
        (host_directory("kubelet", plan.kubelet_dir), "/var/lib/kubelet", FOLLOWS),
    ]
    found += linked_directories(plan)
    if plan.log.file:
        folder = posixpath.dirname(plan.log.file)
        found.append((host_directory("log", folder, "DirectoryOrCreate"), folder, {}))
    certificates = plan.daemon.per_node_certificates
    if certificates:
        # It names the kubelet's certificates beside it by their whole paths.
        folder = posixpath.dirname(certificates.bootstrap_kubeconfig)
        found.append((host_directory("bootstrap", folder), folder, {"readOnly": True}))
        found.append(({"name": "certificates", "emptyDir": {"medium": "Memory"}}, CERTIFICATE_DIR, {}))
    return found


def linked_directories(plan: InstallPlan) -> list[tuple[Object, str, Object]]:
    """Where links in the plugin directory lead: volumes with their places and further options."""
    return [
        (host_directory(f"linked-{index}", path), path, {"readOnly": True, **FOLLOWS})
        for index, path in enumerate(plan.linked_dirs)
    ]


def host_directory(name: str, path: str, kind: str = "Directory") -> Object:
    """A host's directory. One that has to be there is not made: a wrong path is to fail."""
    return {"name": name, "hostPath": {"path": path, "type": kind}}


def plugin_directory(plan: InstallPlan, name: str, path: str) -> Object:
    """A directory with plugins. The kubelet looks for one of a type where it runs itself, which may be a container."""
    return host_directory(name, path) if plan.kubelet_sees_bin_dir else {"name": name, "hostPath": {"path": path}}


def _token(plan: InstallPlan) -> Object:
    if plan.credentials is Credentials.DURABLE:
        return {"name": "token", "secret": {"secretName": plan.token_secret, "defaultMode": 0o400}}
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_SECONDS}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]
    return {"name": "token", "projected": {"defaultMode": 0o400, "sources": sources}}
