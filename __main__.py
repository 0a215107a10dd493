"""`pulumi up -s <stack>`: Multus on the cluster that the stack's configuration names."""

import pulumi
import pulumi_kubernetes as k8s

from multus import MultusComponent
from multus.settings import Settings

settings = Settings.load()

provider = k8s.Provider(
    "cluster",
    kubeconfig=settings.kubeconfig,
    context=settings.context,
    # A changed server address is then a change of the provider, not a replacement of everything on the cluster.
    cluster_identifier=pulumi.get_stack(),
    upsert_existing_objects=settings.component.get("adopt", False),
)
multus = MultusComponent("multus", settings.component, pulumi.ResourceOptions(provider=provider))

pulumi.export("namespace", multus.namespace)
pulumi.export("plugin", multus.plugin)
pulumi.export("daemonSetName", multus.daemon_set_name)
pulumi.export("fallbackDaemonSetName", multus.fallback_daemon_set_name)
pulumi.export("image", multus.image)
pulumi.export("cniConfDir", multus.cni_conf_dir)
pulumi.export("cniBinDir", multus.cni_bin_dir)
pulumi.export("kubeconfigPath", multus.kubeconfig_path)
pulumi.export("provisionedNodes", multus.provisioned_nodes)
