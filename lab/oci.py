"""Packing a container image as an OCI archive: one layer, and the same bytes for the same content."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """What an image holds; paths inside are absolute."""

    name: str
    programs: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    folders: Sequence[str] = ()
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def pack(image: Image, archive: Path, machine: str) -> None:
    """Write the image to a tar file that `ctr images import` takes."""
    layer = _layer(image)
    config = _json(
        {
            "architecture": _ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {
                "Env": [f"PATH={image.path}"],
                "Entrypoint": list(image.entrypoint),
                "Cmd": list(image.command),
                "WorkingDir": "/",
            },
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer)],
        }
    )
    index = _json(
        {
            "schemaVersion": 2,
            "manifests": [_descriptor(_MANIFEST, manifest) | {"annotations": {"io.containerd.image.name": image.name}}],
        }
    )
    with tarfile.open(archive, "w") as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}), 0o644)
        for blob in (config, layer, manifest):
            _add(tar, f"blobs/{_digest(blob).replace(':', '/')}", blob, 0o644)
        _add(tar, "index.json", index, 0o644)


def _layer(image: Image) -> bytes:
    out = io.BytesIO()
    paths = [*image.programs, *image.links, *image.texts]
    folders = {*image.folders, *(str(p) for path in paths for p in Path(path).parents)} - {"/"}
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder.endswith("/tmp") else 0o755  # noqa: S108
            tar.addfile(entry)
        for path, program in sorted(image.programs.items()):
            _add(tar, path.lstrip("/"), program.read_bytes(), 0o755)
        for path, target in sorted(image.links.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
        for path, text in sorted(image.texts.items()):
            _add(tar, path.lstrip("/"), text.encode(), 0o644)
    return out.getvalue()


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}
