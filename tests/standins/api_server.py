"""A Kubernetes API server on this machine's loopback, with etcd and the controllers that matter here, without nodes."""

from __future__ import annotations

import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from lab import prepare
from lab.pki import Authority
from lab.versions import on_path
from lab.waiting import until
from tests.standins.ssh_host import closed_port

_SECONDS = 120
# Others would write on the node that a scenario makes, and at times of their own.
_CONTROLLERS = (
    "daemonset-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
)


@contextmanager
def api_server(folder: Path) -> Iterator[dict[str, Any]]:
    """Run it in that folder, and say how to reach it."""
    authority = Authority(folder / "pki")
    authority.create()
    server = authority.issue("kube-apiserver", "kube-apiserver", hosts=["127.0.0.1"])
    admin = authority.issue("admin", "admin", ["system:masters"])
    etcd, peer, port = closed_port(), closed_port(), closed_port()
    kubeconfig = folder / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(authority.kubeconfig(f"https://127.0.0.1:{port}", admin))
    with ExitStack() as running:

        def start(name: str, *flags: str) -> None:
            log = running.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                [on_path(name) or prepare.program(name), *flags], stdout=log, stderr=log, cwd=folder
            )
            running.callback(process.wait)
            running.callback(process.kill)

        start(
            "etcd",
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",
        )
        start(
            "kube-apiserver",
            # A loopback address must not be advertised; with no endpoints of its own nothing uses this one (RFC 5737).
            "--advertise-address=192.0.2.1",
            "--endpoint-reconciler-type=none",
            "--allow-privileged=true",
            "--authorization-mode=RBAC",
            "--bind-address=127.0.0.1",
            f"--cert-dir={folder / 'certificates'}",
            f"--client-ca-file={authority.certificate}",
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            f"--secure-port={port}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={authority.service_accounts}",
            f"--service-account-signing-key-file={authority.service_accounts}",
            "--service-cluster-ip-range=10.43.0.0/16",
            f"--tls-cert-file={server.certificate}",
            f"--tls-private-key-file={server.key}",
        )
        trust = ssl.create_default_context(cafile=authority.certificate)
        trust.load_cert_chain(admin.certificate, admin.key)
        address = f"https://127.0.0.1:{port}"
        until(lambda: _answers(f"{address}/readyz", trust), "the API server is ready", _SECONDS)
        start(
            "kube-controller-manager",
            f"--kubeconfig={kubeconfig}",
            f"--controllers={','.join(_CONTROLLERS)}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={closed_port()}",
            f"--cert-dir={folder / 'certificates'}",
            f"--root-ca-file={authority.certificate}",
            f"--service-account-private-key-file={authority.service_accounts}",
        )
        account = f"{address}/api/v1/namespaces/default/serviceaccounts/default"
        until(lambda: _answers(account, trust), "the controllers run", _SECONDS)
        yield {"cluster.kubeconfig": kubeconfig.read_text(), "cluster.address": address, "closed.port": closed_port()}


def unreachable() -> dict[str, Any]:
    """The same for a cluster that does not answer: a kubeconfig for a closed port."""
    port = closed_port()
    address = f"https://127.0.0.1:{port}"
    named = {"clusters": ("cluster", {"server": address}), "users": ("user", {"token": "made-up"})}
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        **{section: [{"name": "default", key: value}] for section, (key, value) in named.items()},
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
        "current-context": "default",
    }
    return {
        "cluster.kubeconfig": yaml.safe_dump(kubeconfig, sort_keys=False),
        "cluster.address": address,
        "closed.port": port,
    }


def _answers(url: str, trust: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(url, context=trust, timeout=5) as answer:  # noqa: S310 - always https
            return bool(answer.status == 200)
    except OSError:
        return False
