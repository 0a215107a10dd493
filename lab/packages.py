"""Programs that the distribution packages."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab import cache
from lab.commands import run, run_logged
from lab.errors import LabError
from lab.programs import BUSYBOX, Packaged
from lab.versions import fits, on_path, version_of

_POLICY = Path("/usr/sbin/policy-rc.d")
_APT = ("apt-get", "-y", "-o", "DPkg::Lock::Timeout=600")
_ENV = {"DEBIAN_FRONTEND": "noninteractive"}


def missing(entries: Iterable[Packaged]) -> list[Packaged]:
    """Those programs that this machine lacks."""
    return [entry for entry in entries if on_path(entry.program) is None]


def unfitting(entries: Iterable[Packaged]) -> str | None:
    """The first program that is there at a version that does not fit, in a sentence."""
    for entry in entries:
        found = on_path(entry.program)
        if found and entry.version and not fits(version_of(found, entry.version), entry.at_least, entry.below):
            wanted = ".".join(map(str, entry.at_least))
            below = f" and below {'.'.join(map(str, entry.below))}" if entry.below else ""
            return (
                f"{found} is not at a version from {wanted}{below}: the lab needs one of the package {entry.package}."
            )
    return None


def install(entries: Sequence[Packaged]) -> None:
    """Install the packages of these programs; no service is started, now or at the next boot."""
    if on_path("apt-get") is None:
        raise LabError(
            f"not on PATH: {', '.join(e.program for e in entries)}. Install them; the lab installs by apt only."
        )
    log = cache.root() / "logs" / "apt.log"
    packages = sorted({entry.package for entry in entries})
    units_before = _units()
    with _no_service_starts():
        run_logged([*_APT, "update"], log, cwd=Path("/"), env=_ENV)
        run_logged([*_APT, "install", "--no-install-recommends", *packages], log, cwd=Path("/"), env=_ENV)
    if Path("/run/systemd/system").is_dir():
        for unit in sorted(_units() - units_before):
            run(["systemctl", "disable", unit], check=False)
    still = missing(entries)
    if still:
        raise LabError(f"installed, but not on PATH: {', '.join(entry.program for entry in still)}", log)


def busybox() -> Path:
    """Where the static busybox is, or will be once unpacked."""
    found = on_path(BUSYBOX.program)
    return found if found and _static(found) else cache.root() / "busybox" / "bin" / "busybox"


def unpack_busybox() -> None:
    """Take the static busybox out of its package without installing it."""
    log = cache.root() / "logs" / "apt.log"
    with cache.made_at_once(cache.root() / "busybox") as folder:
        # apt drops its rights for a download, to a user that cannot write here.
        download = [*_APT, "-o", "APT::Sandbox::User=root", "download", BUSYBOX.package]
        run_logged(download, log, cwd=folder, env=_ENV)
        [archive] = folder.glob("*.deb")
        run(["dpkg-deb", "-x", archive, folder])
        archive.unlink()


def _static(program: Path) -> bool:
    return b"/ld-" not in program.read_bytes()[:4096]


def _units() -> set[str]:
    return {unit.name for unit in Path("/etc/systemd/system").glob("*.wants/*.service")}


@contextmanager
def _no_service_starts() -> Iterator[None]:
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
