"""Multus CNI on Kubernetes as a Pulumi component."""

from .args import Distro, ImageArgs, LiveAttachments, Method, MultusComponentArgs, NodeArgs
from .component import MultusComponent
from .errors import InvalidArgumentsError, MultusError, Problem
from .plan import InstallPlan, resolve
from .version import __version__

__all__ = [
    "Distro",
    "ImageArgs",
    "InstallPlan",
    "InvalidArgumentsError",
    "LiveAttachments",
    "Method",
    "MultusComponent",
    "MultusComponentArgs",
    "MultusError",
    "NodeArgs",
    "Problem",
    "__version__",
    "resolve",
]
