"""Daemons of the lab: started in their cgroup, known by a pid file that also tells a later process of the same pid."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.cgroups import Cgroup
from lab.errors import LabError
from lab.waiting import until

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# A lab has memory to spare and no processor: Go programs, and what they start, collect their garbage less often.
GO = {"GOGC": "400"}
_TCP_LISTEN = "0A"


@dataclass(frozen=True)
class Daemon:
    """A process that goes on after the program that started it."""

    name: str
    state: Path

    @property
    def log(self) -> Path:
        """The file that takes its output."""
        return self.state / "logs" / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Its process id while it lives."""
        try:
            record = json.loads(self._record.read_text())
        except FileNotFoundError:
            return None
        pid = int(record["pid"])
        return pid if _started(pid) == record["started"] else None

    @property
    def started_at(self) -> int:
        """When it was last started, in whole seconds of the clock."""
        return int(json.loads(self._record.read_text())["at"])

    def start(self, argv: Sequence[str | Path], cgroup: Cgroup, *, ready: Callable[[], bool]) -> None:
        """Start it and return when it is ready; else raise with the end of its log."""
        self.spawn(argv, cgroup)
        self.await_ready(ready)

    def spawn(self, argv: Sequence[str | Path], cgroup: Cgroup) -> None:
        """Start it without waiting."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._record.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            process = subprocess.Popen(
                cgroup.entered_by([str(word) for word in argv]),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", **GO},
                start_new_session=True,
            )
        record = {"pid": process.pid, "started": _started(process.pid), "at": int(time.time())}
        # Whoever reads it meanwhile sees the old one or the new one.
        new = self._record.with_suffix(".new")
        new.write_text(json.dumps(record))
        new.replace(self._record)

    def await_ready(self, ready: Callable[[], bool], seconds: float = 120) -> None:
        """Return when the condition holds while the process lives."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.pid is None:
                raise LabError(f"{self.name} ended while it started", self.log)
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} was not ready within {seconds:.0f} s", self.log)
            time.sleep(0.05)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal, and return when it is gone."""
        alive = {pid: _started(pid) for pid in self._chain()}
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        until(lambda: not any(_started(pid) == at for pid, at in alive.items()), f"{self.name} has ended", every=0.05)

    def _chain(self) -> Iterator[int]:
        """Its processes, the outermost first.

        `nsenter` waits for what it runs, and `sh` runs that again: neither passes a signal on.
        """
        pid = self.pid
        while pid is not None:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            if name != "nsenter":
                yield pid
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            pid = int(children[0]) if children and name in ("nsenter", "sh") else None

    def listens(self, port: int) -> bool:
        """Whether anything in its network namespace listens on that TCP port."""
        pid = self.pid
        if pid is None:
            return False
        rows = (Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:] for table in ("tcp", "tcp6"))
        return any(
            int(row.split()[1].rpartition(":")[2], 16) == port and row.split()[3] == _TCP_LISTEN
            for table in rows
            for row in table
        )

    @property
    def _record(self) -> Path:
        return self.state / "run" / f"{self.name}.json"


def _started(pid: int) -> str | None:
    """When a process started, in clock ticks since boot; None for one that is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]
