"""Where a lab of a given name lives: addresses, links, control groups, folders."""

import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

POD_NETWORK = "10.42.0.0/16"
SERVICE_NETWORK = "10.43.0.0/16"
DNS_ADDRESS = "10.43.0.10"
API_PORT = 6443

_SUBNETS = {"lab": 0, "test": 1}


@dataclass(frozen=True)
class Layout:
    """Everything that follows from a lab's name, so that two labs never meet."""

    instance: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", self.instance):
            raise LabError(f"{self.instance!r} is no name for a lab: use up to 20 of a-z, 0-9, -, a letter first")

    @property
    def subnet(self) -> int:
        """The lab's number k in 10.213.k.0/24."""
        return _SUBNETS.get(self.instance, 2 + zlib.crc32(self.instance.encode()) % 250)

    @property
    def state(self) -> Path:
        """The folder of everything the running lab keeps."""
        base = os.environ.get("MULTUS_LAB_STATE") or "/var/lib/multus-lab"
        return Path(base).absolute() / self.instance

    @property
    def cgroup(self) -> str:
        """The control group of every process of the lab."""
        return f"/multus-lab/{self.instance}"

    @property
    def link(self) -> str:
        """The machine's end of the cable into the lab."""
        return f"mlab{self.subnet}"

    @property
    def machine(self) -> str:
        """The machine's address in the lab; also the nodes' default gateway."""
        return self._address(1)

    @property
    def api(self) -> str:
        """The API server's address."""
        return self._address(2)

    @property
    def api_server(self) -> str:
        """The API server's URL."""
        return f"https://{self.api}:{API_PORT}"

    def node(self, number: int) -> str:
        """The address of node lab-<number>."""
        return self._address(10 + number)

    def mac(self, number: int) -> str:
        """The node's hardware address: the same after a reboot, so nobody's neighbour table goes stale."""
        return f"02:0a:d5:{self.subnet:02x}:00:{number:02x}"

    def _address(self, host: int) -> str:
        return f"10.213.{self.subnet}.{host}"


def pods(number: int) -> str:
    """The pod network of node lab-<number>."""
    return f"10.42.{number}.0/24"
