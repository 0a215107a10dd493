"""Containerd's configuration, as a distro's installer writes it."""

from typing import NamedTuple

from lab.looks import Look


class _Spelling(NamedTuple):
    """What a version of the configuration calls otherwise.

    Attributes:
        cri: the table of CRI.
        own: what CRI's own table begins with.
        images: the tables about images.
        bins: where plugins are.
    """

    cri: str
    own: str
    images: str
    bins: str


def containerd_config(version: int, look: Look, sandbox_image: str, *, restrict_oom_scores: bool) -> str:
    """The whole file; version 2 is that of 1.x, version 3 that of 2.x."""
    cri, own, images, bins = {2: _version_2, 3: _version_3}[version](look, sandbox_image)
    cni = f"""
[{cri}.cni]
{bins}
conf_dir = "{look.conf_dir}"
"""
    return f"""version = {version}
root = "{look.containerd_root}"
state = "{look.containerd_socket.parent}"

[grpc]
address = "{look.containerd_socket}"

[{cri}]
{own}restrict_oom_score_adj = {"true" if restrict_oom_scores else "false"}

{images}

[{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
{cni if look.says_cni else ""}"""


def _version_2(look: Look, sandbox_image: str) -> _Spelling:
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    own = f'sandbox_image = "{sandbox_image}"\n'
    images = f'[{cri}.containerd]\nsnapshotter = "overlayfs"'
    return _Spelling(cri, own, images, f'bin_dir = "{look.bin_dir}"')


def _version_3(look: Look, sandbox_image: str) -> _Spelling:
    table = "plugins.'io.containerd.cri.v1.images'"
    images = f'[{table}]\nsnapshotter = "overlayfs"\n\n[{table}.pinned_images]\nsandbox = "{sandbox_image}"'
    return _Spelling("plugins.'io.containerd.cri.v1.runtime'", "", images, f'bin_dirs = ["{look.bin_dir}"]')
