"""How thick's daemon leaves the runtime to the standby before it stops."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from multus import objects, resolve
from tests.support.arguments import k3s


def hand_over(conf_dir: Path) -> subprocess.Popen[bytes]:
    """Run the hook that the plan yields for that directory."""
    plan = resolve(k3s(plugin="thick", cni_conf_dir=str(conf_dir)))
    (daemon,) = objects.daemon_set(plan, "h", "1")["spec"]["template"]["spec"]["containers"]
    return subprocess.Popen(daemon["lifecycle"]["preStop"]["exec"]["command"])


def test_without_a_standby_nothing_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "00-multus.conf").touch()
    assert hand_over(tmp_path).wait(10) == 0
    assert (tmp_path / "00-multus.conf").exists()


def test_the_daemon_stays_for_what_the_runtime_has_asked_it(tmp_path: Path) -> None:
    for name in ("00-multus.conf", "00-multus.conflist"):
        (tmp_path / name).touch()
    shim = tmp_path / "multus-shim"
    shutil.copy(shutil.which("sleep") or "sleep", shim)
    with subprocess.Popen([shim, "60"]) as asking:
        # A process that nobody waits for keeps its name in /proc, and the hook would see it until it gives up.
        reaper = threading.Thread(target=asking.wait)
        reaper.start()
        hook = hand_over(tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            hook.wait(2)
        asking.kill()
        reaper.join(5)
        started = time.monotonic()
        assert hook.wait(10) == 0
        assert time.monotonic() - started < 5
    assert [path.name for path in tmp_path.glob("00-*")] == ["00-multus.conflist"]
