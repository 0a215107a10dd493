// MultusComponent and MultusNetwork from Go: `pulumi package add ../../components` writes the SDK that is imported here.
package main

import (
	"example.com/pulumi-multus/sdk/go/multus"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		// The cluster is that of the configuration's kubernetes:kubeconfig, a secret.
		cfg := config.New(ctx, "")
		installed, err := multus.NewMultusComponent(ctx, "multus", &multus.MultusComponentArgs{
			Distro: multus.DistroK3S,
			Nodes: []multus.NodeArgsArgs{{
				Name:       "server-1",
				Host:       pulumi.String("192.0.2.11"),
				HostKey:    pulumi.StringPtr("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
				PrivateKey: cfg.RequireSecret("sshPrivateKey"),
			}},
		})
		if err != nil {
			return err
		}
		storage, err := multus.NewMultusNetwork(ctx, "storage", &multus.MultusNetworkArgs{
			Bridge: &multus.BridgeArgsArgs{Bridge: "br-storage"},
			Ipam: &multus.IpamArgsArgs{HostLocal: &multus.HostLocalArgsArgs{
				Ranges: []multus.RangeArgsArgs{{Subnet: "10.98.0.0/24"}},
			}},
		}, pulumi.DependsOn([]pulumi.Resource{installed}))
		if err != nil {
			return err
		}
		// A pod's template asks for it by this value of its annotation k8s.v1.cni.cncf.io/networks.
		ctx.Export("storage", storage.Reference)
		ctx.Export("kubeconfigPath", installed.KubeconfigPath)
		ctx.Export("provisionedNodes", installed.ProvisionedNodes)
		return nil
	})
}
