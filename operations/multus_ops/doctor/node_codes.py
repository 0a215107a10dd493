"""The codes of the node program's findings. Its shell parts name the same ones; tests/node/test_parts.py compares."""

from __future__ import annotations

from enum import StrEnum

from .findings import Check


class NodeCode(StrEnum):
    """The stable identifier of a finding, and the check of doctor's table that it belongs to.

    Sentences of the node program may change; a code keeps its meaning.
    """

    check: Check

    def __new__(cls, code: str, check: Check) -> NodeCode:
        """A member is its code; its check stands beside it."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.check = check
        return member

    # The login and the tools of a base system.
    NOT_ROOT = "not-root", Check.SSH
    NO_TOOL = "no-tool", Check.SSH
    NO_CURL = "no-curl", Check.SSH
    NO_RESTORECON = "no-restorecon", Check.RUNTIME
    NO_SPACE = "no-space", Check.RUNTIME

    # The runtime and its directories.
    NO_DIRECTORY = "no-directory", Check.RUNTIME
    RUNTIME_UNKNOWN = "runtime-unknown", Check.RUNTIME
    CONF_DIR_ELSEWHERE = "conf-dir-elsewhere", Check.RUNTIME
    """The value is the directory that the runtime reads."""
    BIN_DIR_ELSEWHERE = "bin-dir-elsewhere", Check.RUNTIME
    """The value is the directory that the runtime runs plugins from."""
    MOUNT_PRIVATE = "mount-private", Check.MOUNTS
    NOT_WRITABLE = "not-writable", Check.RUNTIME
    PORT_TAKEN = "port-taken", Check.RUNTIME

    # The default network.
    NO_DEFAULT_NETWORK = "no-default-network", Check.DEFAULT_NETWORK
    NO_MASTER = "no-master", Check.DEFAULT_NETWORK
    DEFAULT_IS_JSON = "default-is-json", Check.DEFAULT_NETWORK
    EXTRA_PLUGINS_LOST = "extra-plugins-lost", Check.DEFAULT_NETWORK
    DEFAULT_NOT_VALID = "default-not-valid", Check.DEFAULT_NETWORK
    NETWORK_NOT_LOADED = "network-not-loaded", Check.DEFAULT_NETWORK
    DEFAULT_NOT_LOADED = "default-not-loaded", Check.DEFAULT_NETWORK
    NO_NETWORK_LEFT = "no-network-left", Check.DEFAULT_NETWORK

    # Networks that pods ask for.
    NO_PLUGIN = "no-plugin", Check.NETWORKS
    """The value is the plugin's name."""
    NO_ARCHIVE = "no-archive", Check.NETWORKS
    """The value is the node's architecture."""
    ARCHIVE_OUT_OF_REACH = "archive-out-of-reach", Check.NETWORKS
    ARCHIVE_GONE = "archive-gone", Check.NETWORKS
    OTHER_ARCHIVE = "other-archive", Check.NETWORKS
    """The value is the archive's SHA-256."""
    NO_ARCHIVE_FILE = "no-archive-file", Check.NETWORKS
    NO_MEMBER = "no-member", Check.NETWORKS
    """The value is the plugin's name."""
    NO_LINK = "no-link", Check.NETWORKS
    MTU_TOO_LARGE = "mtu-too-large", Check.NETWORKS
    """The value is what the link has."""
    NO_DHCP_DAEMON = "no-dhcp-daemon", Check.NETWORKS
    NO_WHEREABOUTS = "no-whereabouts", Check.NETWORKS

    # What is there of another install.
    DISABLED = "disabled", Check.OTHERS
    OTHER_STACK = "other-stack", Check.OTHERS
    OTHER_COMPONENT = "other-component", Check.OTHERS
    OTHER_METHOD = "other-method", Check.OTHERS
    LEFTOVER = "leftover", Check.OTHERS
    STALE_FILE = "stale-file", Check.OTHERS

    # The API server and the kubeconfig.
    API_UNREACHABLE = "api-unreachable", Check.RUNTIME
    API_CERTIFICATE = "api-certificate", Check.RUNTIME
    API_ERROR = "api-error", Check.RUNTIME
    API_SLOW = "api-slow", Check.RUNTIME
    API_BY_PROXY = "api-by-proxy", Check.RUNTIME
    NOT_AN_API_SERVER = "not-an-api-server", Check.RUNTIME
    NO_KUBECONFIG = "no-kubeconfig", Check.KUBECONFIG
    NO_KUBECONFIG_GIVEN = "no-kubeconfig-given", Check.KUBECONFIG
    TOKEN_UNKNOWN = "token-unknown", Check.KUBECONFIG  # a code
    ACCOUNT_FORBIDDEN = "account-forbidden", Check.KUBECONFIG
    NOT_ROOTS = "not-roots", Check.KUBECONFIG
    DIRECTORY_KEPT = "directory-kept", Check.KUBECONFIG

    # Multus' configuration and its plugin.
    CILIUM_EXCLUSIVE = "cilium-exclusive", Check.CONF
    OTHER_MULTUS_CONF = "other-multus-conf", Check.CONF
    CONF_NOT_FIRST = "conf-not-first", Check.CONF
    CONF_NOT_OURS = "conf-not-ours", Check.CONF
    CONF_NOT_WRITTEN = "conf-not-written", Check.CONF
    CONF_NOT_LOADED = "conf-not-loaded", Check.CONF
    NETWORK_NOT_READY = "network-not-ready", Check.CONF
    OTHER_SOCKET = "other-socket", Check.CONF
    OTHER_KUBECONFIG = "other-kubeconfig", Check.CONF
    OTHER_DEFAULT_NETWORK = "other-default-network", Check.CONF
    DEFAULT_NETWORK_CHANGED = "default-network-changed", Check.CONF
    CONF_CHAINED = "conf-chained", Check.CONF
    """The value is the plugins that were added."""
    CONF_REWRITTEN = "conf-rewritten", Check.CONF
    """The value is the keys that were changed."""
    DELEGATES_TO_ITSELF = "delegates-to-itself", Check.CONF
    PLUGIN_NOT_INSTALLED = "plugin-not-installed", Check.PROGRAM
    PLUGIN_DOES_NOT_RUN = "plugin-does-not-run", Check.PROGRAM
    ANOTHER_PROGRAM = "another-program", Check.PROGRAM
    PLUGIN_GONE = "plugin-gone", Check.PROGRAM

    # Multus' pods, and pods with further interfaces.
    DAEMON_SILENT = "daemon-silent", Check.DAEMON_SETS
    POD_REMOVES_CONF = "pod-removes-conf", Check.DAEMON_SETS
    POD_STILL_RUNS = "pod-still-runs", Check.DAEMON_SETS
    LIVE_ATTACHMENTS = "live-attachments", Check.ADDRESSES
    NOT_GIVEN_BACK = "not-given-back", Check.ADDRESSES
    CACHE_EMPTIED = "cache-emptied", Check.ADDRESSES
    """The value is the file."""
    CACHE_KEPT = "cache-kept", Check.ADDRESSES
