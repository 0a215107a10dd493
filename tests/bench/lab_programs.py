"""What every bench on the lab begins with: a machine that can host it, and the lab's programs."""

from __future__ import annotations

import sys

from rich.console import Console

from lab import host, prepare
from lab.progress import Progress


def prepare_lab() -> None:
    """Build what is missing, and show it; end with the reason where this machine cannot host the lab."""
    reason = host.unfit()
    if reason:
        sys.exit(reason)
    Progress(Console(stderr=True))(prepare.steps())
