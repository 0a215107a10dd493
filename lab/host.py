"""Whether this machine can host the lab."""

import os
import platform
from pathlib import Path

_NET_ADMIN, _SYS_ADMIN, _SYS_RESOURCE = 12, 21, 24


def unfit() -> str | None:
    """Why this machine cannot host the lab, in a sentence; None where it can."""
    if platform.system() != "Linux":
        return f"The lab needs Linux; this is {platform.system()}."
    if os.geteuid() != 0:
        return "The lab needs root: it makes network and mount namespaces."
    if not (_capable(_NET_ADMIN) and _capable(_SYS_ADMIN)):
        return "The lab needs the capabilities NET_ADMIN and SYS_ADMIN; this container withholds them."
    return None


def may_lower_oom_scores() -> bool:
    """Whether processes here may protect themselves from the OOM killer, as Kubernetes wants to."""
    return _capable(_SYS_RESOURCE)


def _capable(bit: int) -> bool:
    status = Path("/proc/self/status").read_text()
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> bit & 1)
