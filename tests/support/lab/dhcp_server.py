"""A DHCP server on the lab's bridge: busybox' udhcpd, whose book can be read."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.cluster import Cluster
from lab.commands import run
from lab.waiting import until

SECONDS = 20
"""How long a lease is good for; a client renews it after half of that."""

_CONF = """\
start {network}.200
end {network}.220
interface br0
lease_file {folder}/leases
pidfile {folder}/pid
auto_time 1
min_lease 10
option subnet 255.255.255.0
option lease {seconds}
"""


@dataclass(frozen=True)
class DhcpServer:
    """One that serves the link of the nodes.

    Attributes:
        busybox: the program.
        book: the file with its leases, written every second.
        address: its own.
    """

    busybox: Path
    book: Path
    address: str

    def leases(self) -> dict[str, int]:
        """When each address is free again, in seconds of the clock; 0 where it is already."""
        words = [line.split() for line in self._printed().splitlines()[1:]]
        return {found[1]: 0 if found[-1] == "expired" else int(found[-1]) for found in words}

    def _printed(self) -> str:
        """The book as it is between two writings: udhcpd empties the file and writes it anew (busybox 1.36)."""
        printed = ""

        def is_whole() -> bool:
            nonlocal printed
            before = self.book.read_bytes()
            done = run([self.busybox, "dumpleases", "-a", "-d", "-f", self.book], check=False)
            printed = done.stdout
            return done.returncode == 0 and self.book.read_bytes() == before

        until(is_whole, f"{self.book} is whole", 10)
        return printed

    def held(self) -> set[str]:
        """The addresses that nobody else would get now."""
        return {address for address, end in self.leases().items() if end > time.time()}

    def await_renewed(self, *addresses: str) -> None:
        """Return when each of these leases has outlived all that its server had granted when this was called."""
        before = self.leases()
        until(
            lambda: all(self.leases()[each] > before[each] + SECONDS for each in addresses),
            f"the leases of {', '.join(addresses)} are renewed twice and more",
            every=0.5,
        )


@contextmanager
def dhcp_server(cluster: Cluster, folder: Path) -> Iterator[DhcpServer]:
    """A server while the block runs."""
    busybox, conf = cluster.programs.path("busybox"), folder / "udhcpd.conf"
    network = cluster.layout.api.rpartition(".")[0]
    conf.write_text(_CONF.format(network=network, folder=folder, seconds=SECONDS))
    (folder / "leases").touch()
    inside = ["nsenter", "-t", str(cluster.control_plane.daemon("control-plane").pid), "-n", "--"]
    with (folder / "log").open("w") as log:
        serving = subprocess.Popen([*inside, str(busybox), "udhcpd", "-f", str(conf)], stdout=log, stderr=log)
    try:
        yield DhcpServer(busybox, folder / "leases", cluster.layout.api)
    finally:
        serving.terminate()
        serving.wait(30)
