"""Everything the lab runs: found on this machine, or installed and built."""

from collections.abc import Iterable
from functools import cache as remembered
from functools import partial
from pathlib import Path

from lab import gobuild, packages
from lab.errors import LabError
from lab.programs import BUILDS, ON_DEMAND, PACKAGED, Build, Programs
from lab.progress import Report, Step, quietly
from lab.versions import fits, on_path, version_of


def steps(builds: Iterable[Build] = BUILDS) -> list[Step]:
    """Return the steps that install and build the missing programs."""
    todo: list[Step] = []
    lacking = packages.missing()
    if lacking:
        names = ", ".join(sorted({entry.package for entry in lacking}))
        todo.append(Step(f"installing {names}", partial(packages.install, lacking)))
    if not packages.busybox().exists():
        todo.append(Step("unpacking busybox-static", packages.unpack_busybox))
    for build in builds:
        if not _on_path(build) and not gobuild.target(build).is_dir():
            title = f"building {build.name} {gobuild.pinned_version(build)}"
            todo.append(Step(title, partial(gobuild.make, build), build.minutes))
    return todo


@remembered
def programs() -> Programs:
    """Return the path of every program; raise LabError if one is missing."""
    paths: dict[str, Path] = {"busybox": packages.busybox()}
    for entry in PACKAGED:
        found = on_path(entry.program)
        if found is None:
            raise LabError(f"{entry.program} is missing: run `python -m lab up`")
        paths[entry.program] = found
    too_old = packages.unfitting()
    if too_old:
        raise LabError(too_old)
    for build in BUILDS:
        found_on_path = _on_path(build)
        folder = gobuild.target(build)
        if not found_on_path and not folder.is_dir():
            raise LabError(f"{build.name} is not built: run `python -m lab up`")
        paths.update(found_on_path or {name: folder / name for name in (*build.programs, *build.links)})
    return Programs(paths)


def prepare(report: Report = quietly) -> Programs:
    """Install and build missing programs, and return the path of every program."""
    report(steps())
    return programs()


def program(name: str) -> Path:
    """Return the path of one program of a Go module, without the rest of the lab; build it if it is missing."""
    build = next(build for build in (*BUILDS, *ON_DEMAND) if name in (*build.programs, *build.links))
    found = _on_path(build)
    if found:
        return found[name]
    folder = gobuild.target(build)
    if not folder.is_dir():
        gobuild.make(build)
    return folder / name


def _on_path(build: Build) -> dict[str, Path]:
    """The build's programs on PATH, if all are there at a version that fits."""
    found = {name: path for name in build.from_path if (path := on_path(name))}
    if not build.from_path or len(found) < len(build.from_path):
        return {}
    asked = found[build.from_path[0]]
    return found if fits(version_of(asked, build.version), build.at_least, build.below) else {}
