"""The control plane: etcd, API server, controller manager and scheduler in a network namespace of their own."""

import json
import signal
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import network
from lab.cgroups import Cgroup
from lab.layout import API_PORT, POD_NETWORK, SERVICE_NETWORK, Layout
from lab.pki import Authority, ssh_key
from lab.processes import Daemon
from lab.programs import Programs

_SERVICE_ADDRESS = "10.43.0.1"
_ETCD_PORT = 2379
_ETCD = f"http://127.0.0.1:{_ETCD_PORT}"
LIMITED_CLASS = "limited"
"""Pods of this priority class, which nobody has by himself, are admitted only where a quota speaks of it."""
AUDITED = [
    f"system:serviceaccount:{place}:{name}"
    for place in ("kube-system", "networks")
    for name in ("multus", "whereabouts")
]
"""The accounts of an install, each of whose requests is written down."""
AUDITED_GROUP = "system:multus"
"""That of daemons with certificates of their own."""
_NAMES = ("control-plane", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True)
class ControlPlane:
    """The control plane of a lab."""

    layout: Layout

    @property
    def running(self) -> bool:
        """Whether all its processes run."""
        return all(self.daemon(name).pid for name in _NAMES)

    @property
    def authority(self) -> Authority:
        """The lab's certificate authority."""
        return Authority(self.layout.state / "pki")

    def daemon(self, name: str) -> Daemon:
        """One of its processes, by its name."""
        return Daemon(name, self.layout.state)

    @property
    def audit_log(self) -> Path:
        """What the accounts of an install have asked the API server, a JSON document a line."""
        return self.layout.state / "logs" / "audit.log"

    def make_keys(self) -> None:
        """Make every certificate, kubeconfig and key that is not a node's."""
        authority, state = self.authority, self.layout.state
        authority.create()
        names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
        hosts = [*names, "localhost", "127.0.0.1", _SERVICE_ADDRESS, self.layout.api]
        authority.issue("kube-apiserver", "kube-apiserver", hosts=hosts)
        authority.issue("kube-apiserver-kubelet", "kube-apiserver-kubelet", ["system:masters"])
        authority.issue("kube-proxy", "system:kube-proxy")
        users = {"kube-controller-manager": "system:kube-controller-manager", "kube-scheduler": "system:kube-scheduler"}
        for name, user in users.items():
            text = authority.kubeconfig(self.layout.api_server, authority.issue(name, user))
            self._write_kubeconfig(f"{name}.kubeconfig", text)
        admin = authority.issue("admin", "admin", ["system:masters"])
        self._write_kubeconfig("kubeconfig", authority.kubeconfig(self.layout.api_server, admin))
        ssh_key(state / "ssh" / "id_ed25519", "multus-lab")

    def make_network(self) -> None:
        """Make the namespace that holds the control plane and the bridge."""
        # Multus waits half a second for the API server (churn.py), which has a machine of its own elsewhere.
        self.cgroup.make(first=True)
        holder = self.daemon("control-plane")
        holder.start(["unshare", "--net", "sleep", "infinity"], self.cgroup, ready=self._separate)
        network.wire_control_plane(self.layout, holder.pid or 0)

    def start(self, programs: Programs, pod_security: str | None = None) -> None:
        """Start every process, and return when the API server is ready.

        Args:
            programs: where they are.
            pod_security: the level that every namespace but kube-system has by default.
        """
        # A lab that loses its machine is made anew.
        data = ["--data-dir", str(self.layout.state / "etcd"), "--unsafe-no-fsync"]
        client = ["--listen-client-urls", _ETCD, "--advertise-client-urls", _ETCD]
        self._spawn("etcd", [str(programs.path("etcd")), *data, *client, "--listen-peer-urls", "http://127.0.0.1:2380"])
        etcd = self.daemon("etcd")
        etcd.await_ready(lambda: etcd.listens(_ETCD_PORT))
        self._admission.write_text(json.dumps(_admission(pod_security)))
        self._audit_policy.write_text(json.dumps(_AUDIT_POLICY))
        self._start_api_server(programs)
        for name, flags in (
            ("kube-controller-manager", self._controller_manager_flags()),
            ("kube-scheduler", []),
        ):
            common = [f"--kubeconfig={self.layout.state / f'{name}.kubeconfig'}", "--leader-elect=false"]
            self._spawn(name, [str(programs.path(name)), *common, "--bind-address=127.0.0.1", *flags])

    @contextmanager
    def without_api_server(self, programs: Programs) -> Iterator[None]:
        """No API server: connections are refused. The new one has the flags of the old one."""
        self.daemon("kube-apiserver").end(signal.SIGKILL)
        try:
            yield
        finally:
            self._start_api_server(programs)

    def _start_api_server(self, programs: Programs) -> None:
        self._spawn("kube-apiserver", [str(programs.path("kube-apiserver")), *self._api_server_flags()])
        self.daemon("kube-apiserver").await_ready(self._api_ready)

    @property
    def cgroup(self) -> Cgroup:
        """Its processes."""
        return Cgroup(self.layout.cgroup).child("control-plane")

    def _separate(self) -> bool:
        held = Path(f"/proc/{self.daemon('control-plane').pid}/ns/net")
        return held.readlink() != Path("/proc/self/ns/net").readlink()

    def _spawn(self, name: str, command: list[str]) -> None:
        holder = self.daemon("control-plane").pid
        self.daemon(name).spawn(["nsenter", "-t", str(holder), "-n", "--", *command], self.cgroup)

    def _api_ready(self) -> bool:
        trust = ssl.create_default_context(cafile=str(self.authority.certificate))
        try:
            with urllib.request.urlopen(f"{self.layout.api_server}/readyz", context=trust, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def _admission(self) -> Path:
        return self.layout.state / "admission.json"

    @property
    def _audit_policy(self) -> Path:
        return self.layout.state / "audit-policy.json"

    def _api_server_flags(self) -> list[str]:
        server, kubelet = self.authority.pair("kube-apiserver"), self.authority.pair("kube-apiserver-kubelet")
        return [
            f"--admission-control-config-file={self._admission}",
            "--advertise-address=" + self.layout.api,
            "--allow-privileged=true",
            f"--audit-log-path={self.audit_log}",
            f"--audit-policy-file={self._audit_policy}",
            "--authorization-mode=Node,RBAC",
            f"--client-ca-file={self.authority.certificate}",
            "--enable-admission-plugins=NodeRestriction",
            f"--etcd-servers={_ETCD}",
            f"--kubelet-certificate-authority={self.authority.certificate}",
            f"--kubelet-client-certificate={kubelet.certificate}",
            f"--kubelet-client-key={kubelet.key}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--secure-port={API_PORT}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={self.authority.service_accounts}",
            f"--service-account-signing-key-file={self.authority.service_accounts}",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            f"--tls-cert-file={server.certificate}",
            f"--tls-private-key-file={server.key}",
        ]

    def _controller_manager_flags(self) -> list[str]:
        ca = self.authority.pair("ca")
        return [
            f"--cluster-cidr={POD_NETWORK}",
            f"--cluster-signing-cert-file={ca.certificate}",
            f"--cluster-signing-key-file={ca.key}",
            f"--root-ca-file={ca.certificate}",
            f"--service-account-private-key-file={self.authority.service_accounts}",
            "--use-service-account-credentials=true",
        ]

    def _write_kubeconfig(self, name: str, text: str) -> None:
        path = self.layout.state / name
        path.touch(mode=0o600)
        path.write_text(text)


_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    # A rule that names both asks for both.
    "rules": [
        {"level": "Metadata", "users": AUDITED},
        {"level": "Metadata", "userGroups": [AUDITED_GROUP]},
        {"level": "None"},
    ],
}


def _admission(pod_security: str | None) -> dict[str, object]:
    """As GKE limits critical pods, for a class of the lab's own; and as Talos keeps pods out of other namespaces."""
    version = "apiserver.config.k8s.io/v1"
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": [LIMITED_CLASS]}
    limited = [{"resource": "pods", "matchScopes": [scope]}]
    quota = {"apiVersion": version, "kind": "ResourceQuotaConfiguration", "limitedResources": limited}
    plugins = [{"name": "ResourceQuota", "configuration": quota}]
    if pod_security:
        security = {
            "apiVersion": "pod-security.admission.config.k8s.io/v1",
            "kind": "PodSecurityConfiguration",
            "defaults": {"enforce": pod_security, "enforce-version": "latest"},
            "exemptions": {"namespaces": ["kube-system"]},
        }
        plugins.append({"name": "PodSecurity", "configuration": security})
    return {"apiVersion": version, "kind": "AdmissionConfiguration", "plugins": plugins}
