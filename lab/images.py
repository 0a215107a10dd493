"""The lab's images, under upstream's names: packed from built programs, since no registry need be in reach."""

import hashlib
import platform
from pathlib import Path

from lab import cache
from lab.commands import run
from lab.oci import Image, pack
from lab.programs import Programs

PAUSE = "registry.k8s.io/pause:3.10"
BUSYBOX = "docker.io/library/busybox:1.36"
MULTUS_THIN = "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0"
MULTUS_THICK = "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0-thick"
MULTUS_THIN_EARLIER = "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.2.4"
MULTUS_THICK_EARLIER = "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.2.4-thick"
# The plugins' own project publishes no image: this is one as administrators make it.
REFERENCE_PLUGINS = "example.org/cni-plugins:1"
CURL = "docker.io/curlimages/curl:8.16.0"

_ROOT_ONLY = {"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "/etc/group": "root:x:0:\n"}
_MULTUS = "/usr/src/multus-cni/bin"


def archives(programs: Programs) -> list[Path]:
    """Every image's archive, packed now where it is not yet in the cache."""
    return [_archive(image) for image in _images(programs)]


def earlier_multus(programs: Programs) -> list[Path]:
    """The archives of the Multus release before, of its programs."""
    return [_archive(image) for image in _multus(programs, MULTUS_THIN_EARLIER, MULTUS_THICK_EARLIER)]


def _shell(programs: Programs) -> tuple[dict[str, Path], dict[str, str]]:
    """Busybox, and the links that are its tools."""
    shell = programs.path("busybox")
    applets = {f"/bin/{name}": "busybox" for name in run([shell, "--list"]).stdout.split() if name != "busybox"}
    return {"/bin/busybox": shell}, applets


def _multus(programs: Programs, thin: str, thick: str) -> list[Image]:
    """Upstream's two images under these names."""
    base, applets = _shell(programs)
    return [
        Image(
            thin,
            {
                "/thin_entrypoint": programs.path("thin_entrypoint"),
                "/install_multus": programs.path("install_multus"),
                f"{_MULTUS}/multus": programs.path("multus"),
                f"{_MULTUS}/passthru": programs.path("passthru-cni"),
            },
            entrypoint=("/thin_entrypoint",),
        ),
        Image(
            thick,
            {
                **base,
                f"{_MULTUS}/multus": programs.path("multus"),
                f"{_MULTUS}/multus-daemon": programs.path("multus-daemon"),
                f"{_MULTUS}/multus-shim": programs.path("multus-shim"),
                f"{_MULTUS}/install_multus": programs.path("install_multus"),
                f"{_MULTUS}/passthru": programs.path("passthru-cni"),
            },
            # The daemon finds network namespaces under /var/run and dies without a user to be.
            applets | {"/var/run": "/run"},
            _ROOT_ONLY,
            ("/tmp", "/run"),  # noqa: S108
            entrypoint=(f"{_MULTUS}/multus-daemon",),
        ),
    ]


def _images(programs: Programs) -> list[Image]:
    base, applets = _shell(programs)
    return [
        Image(PAUSE, base, entrypoint=("/bin/busybox", "sleep", "infinity")),
        Image(BUSYBOX, base, applets, _ROOT_ONLY, ("/tmp", "/root", "/var", "/run"), command=("sh",)),  # noqa: S108
        *_multus(programs, MULTUS_THIN, MULTUS_THICK),
        Image(
            REFERENCE_PLUGINS,
            {**base, **{f"/opt/cni/bin/{name}": programs.path(name) for name in ("macvlan", "static", "portmap")}},
            applets,
        ),
        Image(CURL, {**base, **_with_libraries(programs.path("curl"))}, applets, _ROOT_ONLY),
    ]


def _with_libraries(program: Path) -> dict[str, Path]:
    """A program of this machine, and what it is linked to, each where it lies here."""
    found = run(["ldd", program]).stdout
    libraries = [word for line in found.splitlines() for word in line.split() if word.startswith("/")]
    return {str(path): Path(path) for path in [str(program), *libraries]}


def _archive(image: Image) -> Path:
    digest = hashlib.sha256(repr(image).encode())
    for program in image.programs.values():
        about = program.resolve().stat()
        digest.update(f"{program} {about.st_size} {about.st_mtime_ns}\0".encode())
    digest.update(Path(__file__).with_name("oci.py").read_bytes())
    label = image.name.rpartition("/")[2].replace(":", "-")
    folder = cache.root() / "images" / f"{label}-{digest.hexdigest()[:16]}"
    if not folder.is_dir():
        with cache.made_at_once(folder) as scratch:
            pack(image, scratch / "image.tar", platform.machine())
    return folder / "image.tar"
