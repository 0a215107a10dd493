"""Everything the lab runs: found on this machine, or installed and built."""

from collections.abc import Iterable
from functools import cache as remembered
from functools import partial
from pathlib import Path

from lab import gobuild, packages
from lab.errors import LabError
from lab.grounds import GROUNDS, TODAY, Ground, builds_of
from lab.programs import MULTUS_EARLIER, ON_DEMAND, Build, Programs
from lab.progress import Step
from lab.versions import fits, on_path, version_of


def steps(ground: Ground = TODAY) -> list[Step]:
    """Return the steps that install and build what a lab on that ground lacks."""
    return [*_installs([ground]), *_makes(ground.builds)]


def steps_for_tests() -> list[Step]:
    """Return the steps that install and build what any test of a lab needs."""
    return [*_installs(GROUNDS.values()), *_makes([*builds_of(GROUNDS.values()), *ON_DEMAND])]


@remembered
def programs(ground: Ground = TODAY) -> Programs:
    """Return the path of every program; raise LabError if one is missing."""
    paths: dict[str, Path] = {"busybox": packages.busybox()}
    for entry in ground.packaged:
        found = on_path(entry.program)
        if found is None:
            raise LabError(f"{entry.program} is missing: run `python -m lab up`")
        paths[entry.program] = found
    unfit = packages.unfitting(ground.packaged)
    if unfit:
        raise LabError(unfit)
    for build in ground.builds:
        found_on_path = _on_path(build)
        folder = gobuild.target(build)
        if not found_on_path and not folder.is_dir():
            raise LabError(f"{build.name} is not built: run `python -m lab up`")
        paths.update(found_on_path or {name: folder / name for name in (*build.programs, *build.links)})
    return Programs(paths)


def helm_steps(ground: Ground = TODAY) -> list[Step]:
    """Return the step that builds that ground's Helm, if it is missing."""
    return _makes([ground.helm])


def helm(ground: Ground = TODAY) -> Path:
    """Return the path of that ground's Helm; build it if it is missing."""
    return _made(ground.helm, "helm")


def program(name: str) -> Path:
    """Return the path of one program of a Go module, without the rest of the lab; build it if it is missing."""
    builds = (*TODAY.builds, *ON_DEMAND)
    return _made(next(build for build in builds if name in (*build.programs, *build.links)), name)


def earlier_multus() -> Programs:
    """Return the programs of the Multus release before, and what its image has besides; build them if missing."""
    made = {name: _made(MULTUS_EARLIER, name) for name in MULTUS_EARLIER.programs}
    return Programs({"busybox": packages.busybox(), **made})


@remembered
def _made(build: Build, name: str) -> Path:
    found = _on_path(build)
    if found:
        return found[name]
    folder = gobuild.target(build)
    if not folder.is_dir():
        gobuild.make(build)
    return folder / name


def _installs(grounds: Iterable[Ground]) -> list[Step]:
    todo: list[Step] = []
    lacking = packages.missing({entry: None for ground in grounds for entry in ground.packaged})
    if lacking:
        names = ", ".join(sorted({entry.package for entry in lacking}))
        todo.append(Step(f"installing {names}", partial(packages.install, lacking)))
    if not packages.busybox().exists():
        todo.append(Step("unpacking busybox-static", packages.unpack_busybox))
    return todo


def _makes(builds: Iterable[Build]) -> list[Step]:
    return [
        Step(f"building {build.name} {gobuild.pinned_version(build)}", partial(gobuild.make, build), build.minutes)
        for build in builds
        if not _on_path(build) and not gobuild.target(build).is_dir()
    ]


def _on_path(build: Build) -> dict[str, Path]:
    """The build's programs on PATH, if all are there at a version that fits."""
    found = {name: path for name in build.from_path if (path := on_path(name))}
    if not build.from_path or len(found) < len(build.from_path):
        return {}
    asked = found[build.from_path[0]]
    return found if fits(version_of(asked, build.version), build.at_least, build.below) else {}
