"""Control groups of the lab, on cgroup v1 and v2."""

import os
import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab.errors import LabError
from lab.waiting import until

_MOUNT = Path("/sys/fs/cgroup")
_WANTED = {"cpu", "cpuset", "hugetlb", "io", "memory", "pids"}


def unified() -> bool:
    """Whether the machine runs cgroup v2 alone."""
    return (_MOUNT / "cgroup.controllers").exists()


def _hierarchies() -> list[Path]:
    if unified():
        return [_MOUNT]
    found = [d for d in sorted(_MOUNT.iterdir()) if not d.is_symlink() and (d / "cgroup.procs").exists()]
    if not found:
        raise LabError(f"no cgroup hierarchy is mounted under {_MOUNT}")
    return found


@dataclass(frozen=True)
class Cgroup:
    """A group of processes, by its path from the hierarchy's root, in every hierarchy at once."""

    path: str

    def child(self, name: str) -> "Cgroup":
        """The group of that name inside this one."""
        return Cgroup(f"{self.path}/{name}")

    def make(self, *, first: bool = False) -> None:
        """Create the group, ready to hold processes or, on v2, children with controllers.

        Args:
            first: whether it goes before its siblings where the processor is short.
        """
        for root in _hierarchies():
            at = root
            for part in Path(self.path.lstrip("/")).parts:
                if unified():
                    _delegate(at)
                at = at / part
                at.mkdir(exist_ok=True)
                # A v1 cpuset takes no process before it has processors and memory nodes.
                for name in ("cpuset.cpus", "cpuset.mems"):
                    if not unified() and (at / name).exists() and not (at / name).read_text().strip():
                        (at / name).write_text((at.parent / name).read_text())
            if first:
                _prefer(at)

    def entered_by(self, argv: Sequence[str]) -> list[str]:
        """The command that joins this group and then becomes `argv`, so that no child is ever outside."""
        joins = [f"echo $$ > {shlex.quote(str(d / 'cgroup.procs'))}" for d in self._directories()]
        return ["sh", "-ec", "; ".join([*joins, 'exec "$@"']), "sh", *argv]

    def processes(self) -> set[int]:
        """Every process in here or below."""
        found: set[int] = set()
        for directory in self._directories():
            for group in _down_to(directory):
                # A group that is gone holds no process.
                with suppress(OSError):
                    found.update(int(pid) for pid in (group / "cgroup.procs").read_text().split())
        return found

    def processor_seconds(self) -> float:
        """What every process in here and below has used since the group was made."""
        for directory in self._directories():
            if (directory / "cpuacct.usage").exists():
                return int((directory / "cpuacct.usage").read_text()) / 1e9
            if (directory / "cpu.stat").exists() and unified():
                return int((directory / "cpu.stat").read_text().split()[1]) / 1e6
        raise LabError(f"{self.path} has no accounts of the processor")

    def remove(self) -> None:
        """Kill everything in here and below, at once, and remove the groups."""
        until(self._killed, f"every process of {self.path} is gone", every=0.05)
        for directory in self._directories():
            for group in _down_to(directory):
                until(partial(_removed, group), f"{group} is gone", every=0.05)
            parent = directory.parent
            while parent.parent != parent and parent not in _hierarchies() and _removed(parent):
                parent = parent.parent

    def _killed(self) -> bool:
        alive = self.processes()
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not alive

    def _directories(self) -> list[Path]:
        paths = (root / self.path.lstrip("/") for root in _hierarchies())
        return [path for path in paths if path.is_dir()]


def _down_to(group: Path) -> list[Path]:
    """The group and all below it, each after those that it holds."""
    # A kubelet removes groups meanwhile: os.walk passes over them, Path.rglob of Python 3.11 fails.
    return [Path(found) for found, _, _ in os.walk(group, topdown=False)]


def _prefer(group: Path) -> None:
    """Eight times the processor of a group like any other."""
    for name, usual in (("cpu.shares", 1024), ("cpu.weight", 100)):
        if (group / name).exists():
            (group / name).write_text(str(8 * usual))


def _delegate(group: Path) -> None:
    there = (group / "cgroup.controllers").read_text().split()
    enabled = (group / "cgroup.subtree_control").read_text().split()
    for name in _WANTED & (set(there) - set(enabled)):
        try:
            (group / "cgroup.subtree_control").write_text(f"+{name}")
        except OSError as error:
            raise LabError(f"{group} does not pass the {name} controller on: {error.strerror}") from error


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
