"""Multus inside a larger program: machines that another stack made, a network on them, and a workload that uses it.

`machines` names the other stack. It has the outputs `kubeconfig`, `addresses` and `hostKeys`, both by node name.
"""

import pulumi
import pulumi_kubernetes as k8s

from multus import Distro, MultusComponent, MultusNetwork, attachments

config = pulumi.Config()
machines = pulumi.StackReference(config.require("machines"))


def of_machine(output: str, name: str) -> pulumi.Output[str]:
    """What the other stack says of one machine, once it is known."""
    return machines.require_output(output).apply(lambda by_name: by_name[name])


cluster = k8s.Provider("cluster", kubeconfig=pulumi.Output.secret(machines.require_output("kubeconfig")))
multus = MultusComponent(
    "multus",
    {
        "distro": Distro.K3S,
        # The names decide what is registered, so they are plain; the rest may be known late.
        "nodes": [
            {
                "name": name,
                "host": of_machine("addresses", name),
                "host_key": of_machine("hostKeys", name),
                "private_key": config.require_secret("sshPrivateKey"),
            }
            for name in config.require_object("nodes")
        ],
    },
    pulumi.ResourceOptions(provider=cluster),
)

# After Multus, and when everything is destroyed, before it: the pods are gone when the nodes are disarmed.
on_cluster = pulumi.ResourceOptions(provider=cluster, depends_on=[multus])
storage = MultusNetwork(
    "storage",
    {
        "bridge": {"bridge": "br-storage"},
        "ipam": {"host_local": {"ranges": [{"subnet": "10.98.0.0/24"}]}},
    },
    pulumi.ResourceOptions(provider=cluster),
    # Its pods guard it on the machines, and it goes before Multus does.
    multus=multus,
)
labels = {"app": "client"}
k8s.apps.v1.Deployment(
    "client",
    metadata={"name": "client", "namespace": "default"},
    spec={
        "selector": {"match_labels": labels},
        "template": {
            "metadata": {"labels": labels, "annotations": attachments([storage])},
            "spec": {"containers": [{"name": "shell", "image": "busybox:1.36", "command": ["sleep", "infinity"]}]},
        },
    },
    opts=pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=[storage])),
)

pulumi.export("kubeconfigPath", multus.kubeconfig_path)
