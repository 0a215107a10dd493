"""What holds where nothing is said, each value once. args.py says the same in words, and a test compares the two."""

from __future__ import annotations

from .args import Plugin

DEFAULT_NAMESPACE = "kube-system"
DEFAULT_ROTATION = "1"
DEFAULT_TIMEOUT_SECONDS = 300
DEFAULT_SOCKET_DIR = "/run/multus"
DEFAULT_CERTIFICATE_DURATION = "24h"
DEFAULT_PRIORITY_CLASS = "system-node-critical"
DEFAULT_SSH_PORT = 22
DEFAULT_SSH_USER = "root"
# Of a configuration of thin's that is written whole.
WHOLE_CNI_VERSION = "1.0.0"
# From here on a runtime asks the plugin whether the network is ready.
STATUS_CNI_VERSION = "1.1.0"
DEFAULT_WHEREABOUTS_IMAGE = "ghcr.io/k8snetworkplumbingwg/whereabouts:v0.9.4"
DEFAULT_RECONCILE = "*/10 * * * *"
DEFAULT_PLUGIN_DIRECTORY = "/opt/cni/bin"
DEFAULT_MAX_UNAVAILABLE = {Plugin.THIN: "25%", Plugin.THICK: "1"}
DEFAULT_MIN_READY_SECONDS = 2
DEFAULT_RESOURCES = {
    Plugin.THIN: {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    Plugin.THICK: {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
}
