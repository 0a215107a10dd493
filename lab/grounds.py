"""Which software a lab stands on: today's, or the oldest that this project answers for."""

from collections.abc import Iterable
from dataclasses import dataclass

from lab.programs import (
    BUILDS,
    CNI,
    CNI_OLDEST,
    CONTAINERD,
    CONTAINERD_OLDEST,
    CRI_TOOLS,
    HELM,
    HELM_OLDEST,
    PACKAGED,
    Build,
    Packaged,
)


@dataclass(frozen=True)
class Ground:
    """What the nodes' runtime, plugins and Helm come from; Kubernetes is the same on each."""

    name: str
    containerd_config: int
    """The version of containerd's configuration that its nodes have."""
    plugins: Build
    helm: Build
    """Built when it is first needed, which a lab does not."""
    node_programs: tuple[Build, ...] = ()
    """What is built for the nodes beside Kubernetes."""
    node_packages: tuple[Packaged, ...] = ()
    """What the distribution packages for them."""

    @property
    def builds(self) -> tuple[Build, ...]:
        """What has to be built before a lab boots."""
        return (*BUILDS, self.plugins, *self.node_programs)

    @property
    def packaged(self) -> tuple[Packaged, ...]:
        """What has to be installed before a lab boots."""
        return (*PACKAGED, *self.node_packages)


GROUNDS = {
    ground.name: ground
    for ground in (
        Ground("today", containerd_config=3, plugins=CNI, helm=HELM, node_programs=(CONTAINERD, CRI_TOOLS)),
        # Debian 12's containerd; no crictl. Its kubelet is today's: 1.37.2 still takes a runtime without RuntimeConfig
        # (cmd/kubelet/app/server.go), so that nothing large is built twice.
        Ground("oldest", containerd_config=2, plugins=CNI_OLDEST, helm=HELM_OLDEST, node_packages=CONTAINERD_OLDEST),
    )
}
TODAY, OLDEST = GROUNDS["today"], GROUNDS["oldest"]


def builds_of(grounds: Iterable[Ground]) -> list[Build]:
    """Everything that labs on these grounds and their tests build, each once."""
    return list(dict.fromkeys(build for ground in grounds for build in (*ground.builds, ground.helm)))
