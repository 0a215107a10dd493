# Written from components/multus/distros.py by `make generate`: what is tried on every node, and the
# directories that are meant where none is said.

conf_dir=/var/lib/rancher/k3s/agent/etc/cni/net.d bin_dir=/var/lib/rancher/k3s/data/cni
crictls='/var/lib/rancher/k3s/data/current/bin/crictl
/var/lib/rancher/rke2/bin/crictl -r unix:///run/k3s/containerd/containerd.sock
k3s crictl
crictl'
runtime_files='/var/lib/rancher/k3s/agent/etc/containerd/config.toml
/etc/containerd/config.toml
/etc/crio/crio.conf'
bin_links='/var/lib/rancher/k3s/data/current/bin'
server_cas='/var/lib/rancher/k3s/agent/server-ca.crt
/var/lib/rancher/rke2/agent/server-ca.crt
/etc/kubernetes/pki/ca.crt'
