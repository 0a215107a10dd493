"""Meshes that redirect pods' traffic by a CNI plugin, and how its installer finds the file that it chains itself into.

Called by itself, as Multus does for a network, each of these plugins answers with a result that has no interface and no
address; chained, with what the plugins before it have made. Read in these versions:

istio/istio 1.30.3: cni/pkg/plugin/plugin.go, pluginResponse. Installer: cni/pkg/install/cniconfig.go,
getCNIConfigFilepath: the first file of the directory, or `CNI_CONF_NAME`. It watches it and adds itself again.

linkerd/linkerd2-proxy-init cni-plugin/v1.6.8 and v1.7.0-alpha.1: cni-plugin/main.go, cmdAdd. Installer: every file,
internal/cni/conf.go, reconfigureCNI. A pod that meets it twice has its rules once: pkg/iptables/iptables.go empties
the chains that are there.

kumahq/kuma v2.14.3: app/cni/pkg/cni/main_linux.go, cmdAdd. Installer: app/cni/pkg/install/installer_config.go,
PostProcess: `CNI_CONF_NAME`, or some valid file.

hashicorp/consul-k8s v2.0.3: control-plane/cni/main.go, cmdAdd. Installer:
control-plane/subcommand/install-cni/cniconfig.go, defaultCNIConfigFile: the first file. With `connectInject.cni.multus`
it takes none, and the plugin is a network.

None of others that chain can be a network that makes no interface: Cilium's and AWS' refuse to be called by themselves
(cilium/cilium 09494e2, plugins/cilium-cni/chaining/generic-veth/generic-veth.go; aws/amazon-vpc-cni-k8s 0f924dc,
cmd/egress-cni-plugin/main.go), and Azure's makes one (Azure/azure-container-networking f435015, cni/*.conflist).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mesh:
    """How a mesh's installer is told where to chain itself.

    Attributes:
        daemon_set: the name of the DaemonSet that is told the file's name by `CNI_CONF_NAME`; empty where none is.
        instead: what else keeps it out of Multus' file; empty where naming the file does.
    """

    daemon_set: str = ""
    instead: str = ""


# By the type of the plugin.
MESHES = {
    "istio-cni": Mesh("istio-cni-node"),
    "kuma-cni": Mesh("kuma-cni-node"),
    "linkerd-cni": Mesh(instead="wait until it has added itself to the default network's file too"),
    "consul-cni": Mesh(instead="set connectInject.cni.multus to true in Consul's Helm values, so that it is a network"),
}
# Beside the DaemonSet of Istio's installer, which takes its environment from it.
ISTIO_CONFIG_MAP = "istio-cni-config"
