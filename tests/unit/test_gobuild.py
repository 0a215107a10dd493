"""The lab's Go programs: those that use Kubernetes' libraries are built from the same versions of them."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from lab import gobuild

MODULES = Path(gobuild.__file__).parent / "go"
# A build takes from the compiler's cache what another one has compiled, unless a version beneath it differs: what
# Kubernetes needs, which is the longest, the others need not compile.
SHARING = ("kubernetes", "helm", "helm-oldest", "cri-tools", "containerd")
# No part of a program on Linux; and what Kubernetes' own module names without a version, replaced below.
_APART = {"github.com/Microsoft/go-winio"}


def _versions(module: str) -> dict[str, str]:
    text = (MODULES / module / "go.mod").read_text()
    required = dict(re.findall(r"^\s*(?:require )?(\S+) (v\S+)(?: // indirect)?$", text, re.MULTILINE))
    return required | dict(re.findall(r"^\s*(?:replace )?(\S+) => \S+ (v\S+)$", text, re.MULTILINE))


def test_programs_of_kubernetes_share_what_is_compiled() -> None:
    found: defaultdict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for module in SHARING:
        for path, version in _versions(module).items():
            found[path][version].append(module)
    assert len(found["k8s.io/client-go"]["v0.37.2"]) == len(SHARING)
    assert {path: dict(each) for path, each in found.items() if len(each) > 1 and path not in _APART} == {}
