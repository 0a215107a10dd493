"""Containerd's configuration, as a distro's installer writes it."""

from lab.looks import Look


def containerd_config(version: int, look: Look, sandbox_image: str, *, restrict_oom_scores: bool) -> str:
    """The whole file; version 2 is that of 1.x, version 3 that of 2.x."""
    made = {2: _version_2, 3: _version_3}[version]
    top = f"""version = {version}
root = "{look.containerd_root}"
state = "{look.containerd_socket.parent}"

[grpc]
address = "{look.containerd_socket}"
"""
    cri, cni = made(look, sandbox_image, "true" if restrict_oom_scores else "false")
    return f"{top}{cri}{cni if look.says_cni else ''}"


def _version_2(look: Look, sandbox_image: str, restrict_oom_scores: str) -> tuple[str, str]:
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    text = f"""
[{cri}]
sandbox_image = "{sandbox_image}"
restrict_oom_score_adj = {restrict_oom_scores}

[{cri}.containerd]
snapshotter = "overlayfs"

[{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""
    return (
        text,
        f"""
[{cri}.cni]
bin_dir = "{look.bin_dir}"
conf_dir = "{look.conf_dir}"
""",
    )


def _version_3(look: Look, sandbox_image: str, restrict_oom_scores: str) -> tuple[str, str]:
    images, runtime = "plugins.'io.containerd.cri.v1.images'", "plugins.'io.containerd.cri.v1.runtime'"
    text = f"""
[{images}]
snapshotter = "overlayfs"

[{images}.pinned_images]
sandbox = "{sandbox_image}"

[{runtime}]
restrict_oom_score_adj = {restrict_oom_scores}

[{runtime}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""
    return (
        text,
        f"""
[{runtime}.cni]
bin_dirs = ["{look.bin_dir}"]
conf_dir = "{look.conf_dir}"
""",
    )
