// MultusComponent from TypeScript: `pulumi package add ../../components` writes the SDK that is imported here.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as multus from "@pulumi/multus";

const config = new pulumi.Config();
const cluster = new k8s.Provider("cluster", { kubeconfig: config.requireSecret("kubeconfig") });

const installed = new multus.MultusComponent("multus", {
    distro: "k3s",
    nodes: [{
        name: "server-1",
        host: "192.0.2.11",
        hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        privateKey: config.requireSecret("sshPrivateKey"),
    }],
}, { providers: { kubernetes: cluster } });

const storage = new multus.MultusNetwork("storage", {
    bridge: { bridge: "br-storage" },
    ipam: { hostLocal: { ranges: [{ subnet: "10.98.0.0/24" }] } },
}, { dependsOn: [installed], providers: { kubernetes: cluster } });

// A pod's template asks for it by this value of its annotation k8s.v1.cni.cncf.io/networks.
export const storageReference = storage.reference;
export const kubeconfigPath = installed.kubeconfigPath;
export const provisionedNodes = installed.provisionedNodes;
