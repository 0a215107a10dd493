"""The chart that travels with this package, packed where Helm can read it.

Its path and its version say what is in it, and nothing of the machine: a template edit is a change of the stack,
another checkout is none.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from .errors import MultusError

FOLDER = Path(".multus")
NAME = "multus"
_VERSION = re.compile(r"^version: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class PackedChart:
    """An archive of the chart.

    Attributes:
        path: where it lies, from the program's folder.
        version: the chart's version with a digest of its content.
    """

    path: Path
    version: str


def pack() -> PackedChart:
    """Write the archive into the program's folder, where it is not there yet.

    Raises:
        MultusError: where it cannot be written.
    """
    files = dict(sorted(_files(chart_folder(), "")))
    version = f"{_version(files)}+{_digest(files)}"
    files["Chart.yaml"] = _VERSION.sub(f"version: {version}", files["Chart.yaml"].decode()).encode()
    packed = PackedChart(FOLDER / f"{NAME}-{version}.tgz", version)
    try:
        FOLDER.mkdir(exist_ok=True)
        _write(FOLDER / ".gitignore", b"*\n")
        _write(packed.path, _archive(files))
    except OSError as error:
        reason = f"The chart cannot be packed into {FOLDER}/ of the program's folder ({error.strerror})"
        raise MultusError(f"{reason}: make it writable, or write method 'manifest'.") from None
    return packed


def chart_folder() -> Traversable:
    """The chart: inside an installed package, else in the repository, which a plugin carries whole."""
    inside = resources.files(__package__).joinpath("chart")
    return inside if inside.is_dir() else Path(__file__).parents[2] / "charts" / NAME


@cache
def chart_file(name: str) -> str:
    """The text of a file in the chart's `files`, as `.Files.Get` gives it to a template."""
    return chart_folder().joinpath("files", name).read_text(encoding="utf-8")


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_bytes()


def _version(files: dict[str, bytes]) -> str:
    match = _VERSION.search(files["Chart.yaml"].decode())
    assert match is not None, "Chart.yaml has a version"  # noqa: S101 # a file of this package
    return match[1]


def _digest(files: dict[str, bytes]) -> str:
    """Of the content alone: another compressor packs the same chart into other bytes."""
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def _write(path: Path, content: bytes) -> None:
    """At once, since another run in the same folder may read it; a file that is there says the same."""
    if path.exists():
        return
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)
