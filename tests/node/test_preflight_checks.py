"""preflight, check by check: what of a node would stop Multus, each with the file and the fix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from multus.distros import runtime_of_k3s
from tests.support.processes import running
from tests.support.scratch_node import BIN_DIR, CONF_DIR, CONTAINERD, CONTAINERD_CONFIG, FLANNEL, Node, only_dash

K3S = "/var/lib/rancher/k3s"
K3S_CONFIG = runtime_of_k3s(K3S).file
MOUNTS = "22 1 0:20 / / rw{} - ext4 /dev/a rw\n30 22 0:21 / /run rw shared:5 - tmpfs tmpfs rw\n"


def told(node: Node, **options: Any) -> dict[str, Any]:
    """What preflight tells a program."""
    node.deliver()
    result = node.people("preflight", **{"server": f"https://127.0.0.1:{node.api.port}", "adopt": "false", **options})
    answer: dict[str, Any] = json.loads(result.out)
    errors = [finding for finding in answer["findings"] if finding["severity"] == "error"]
    assert result.ok is (not errors)
    return answer


def findings(node: Node, **options: Any) -> list[tuple[str, str, str]]:
    return [(each["severity"], each["where"], each["fix"]) for each in told(node, **options)["findings"]]


def write(node: Node, path: str, content: str, mode: int = 0o644) -> None:
    node.at(path).parent.mkdir(parents=True, exist_ok=True)
    node.at(path).write_text(content, encoding="utf-8")
    node.at(path).chmod(mode)


def test_programs_get_facts(node: Node) -> None:
    node.runtime_says("OK", "flannel")
    answer = told(node)
    assert answer["findings"] == []
    facts = answer["facts"]
    assert float(facts.pop("freeMiB")) > 128
    assert 0 <= int(facts.pop("apiServerMilliseconds")) < 10_000
    assert facts == {
        "runtimeConfig": "crictl info",
        "cniConfDir": CONF_DIR,
        "cniBinDirs": BIN_DIR,
        "defaultConf": f"{node.conf}/10-flannel.conflist",
        "defaultNetwork": "cbr0",
        "cniLoadStatus": "OK",
        "selinuxEnforcing": "0",
    }


def test_programs_get_every_finding(node: Node) -> None:
    node.install_binary()
    write(node, f'{CONF_DIR}/70-"odd\\name".conf', '{"name": "x", "type": "multus"}')
    answer = told(node, server="https://127.0.0.1:1", needs="macvlan")
    wheres = [finding["where"] for finding in answer["findings"]]
    assert wheres == [
        f"{node.root}{BIN_DIR}/multus",
        f'{node.root}{CONF_DIR}/70-"odd\\name".conf',
        f"{BIN_DIR}/macvlan",
        "https://127.0.0.1:1",
    ]
    assert {finding["severity"] for finding in answer["findings"]} == {"error"}
    assert not node.state.exists()


@pytest.mark.parametrize(
    "config",
    [
        CONTAINERD + '[plugins."io.containerd.image-verifier.v1.bindir"]\n  bin_dir = "/opt/verifier"\n',
        CONTAINERD.replace('bin_dir = "/opt/cni/bin"', 'bin_dirs = [\n  "/usr/lib/cni", # ours\n  "/opt/cni/bin",\n]'),
        "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nconf_dir = '/etc/cni/net.d'\n",
        CONTAINERD.replace('"/opt/cni/bin"', '"/srv" # not "/opt/cni/bin"').replace(
            "version = 2", 'version = 2\nimports = ["conf.d/*.toml"]'
        ),
    ],
    ids=["another-section", "long-list", "version-3", "imported"],
)
def test_runtime_configuration_is_read_as_the_runtime_does(node: Node, config: str) -> None:
    write(node, CONTAINERD_CONFIG, config)
    write(node, "/etc/containerd/conf.d/cni.toml", '[plugins.cri.cni]\nbin_dir = "/opt/cni/bin"\n')
    if "imports" not in config:
        node.at("/etc/containerd/conf.d/cni.toml").write_text(CONTAINERD.replace(BIN_DIR, "/srv"), encoding="utf-8")
    assert node.preflight().ok


def test_crio_is_read_where_it_is_the_runtime(node: Node) -> None:
    node.at(CONTAINERD_CONFIG).unlink()
    write(node, "/etc/crio/crio.conf", '[crio.network]\nnetwork_dir = "/etc/cni/net.d/"\nplugin_dirs = ["/srv"]\n')
    assert findings(node) == [("error", "/etc/crio/crio.conf", "set cniBinDir to /srv")]
    write(node, "/etc/crio/crio.conf.d/10-own.conf", f'[crio.network]\nplugin_dirs = ["{BIN_DIR}/"]\n')
    assert findings(node) == []


def test_another_distro_is_named_by_its_own_directories(node: Node) -> None:
    """The plan says vanilla, the node is k3s'."""
    node.at(CONTAINERD_CONFIG).unlink()
    text = CONTAINERD.replace(CONF_DIR, f"{K3S}/agent/etc/cni/net.d").replace(BIN_DIR, f"{K3S}/data/cni")
    write(node, K3S_CONFIG, text)
    fixes = [fix for _, _, fix in findings(node)]
    assert fixes == [f"set cniConfDir to {K3S}/agent/etc/cni/net.d", f"set cniBinDir to {K3S}/data/cni"]


@pytest.mark.parametrize(
    ("version", "bin_dir", "says"),
    [("v1.31.1+k3s1", "data/current/bin", "data/hash/bin"), ("v1.31.2+k3s1", "data/cni", "data/cni")],
)
def test_k3s_tells_its_bin_dir_and_its_version(node: Node, version: str, bin_dir: str, says: str) -> None:
    """It moved in October 2024; before, k3s names the directory that the link of the profile leads to."""
    node.at(CONTAINERD_CONFIG).unlink()
    node.at(f"{K3S}/{says}").mkdir(parents=True)
    node.at(f"{K3S}/data/current").symlink_to("hash")
    write(node, K3S_CONFIG, CONTAINERD.replace(BIN_DIR, f"{K3S}/{says}"))
    node.add_tool("k3s", f"echo 'k3s version {version} (abc)'\necho 'go version go1.22'")
    answer = told(node)
    [finding] = answer["findings"]
    assert finding["fix"] == f"set cniBinDir to {K3S}/{bin_dir}"
    assert (finding["code"], finding["value"]) == ("bin-dir-elsewhere", f"{K3S}/{bin_dir}")
    assert f"of k3s {version} runs CNI plugins from {K3S}/{says}" in finding["what"]
    assert answer["facts"]["k3sVersion"] == version


def test_link_that_upgrades_keep_is_the_fix(node: Node) -> None:
    node.at(f"{K3S}/data/hash/bin").mkdir(parents=True)
    node.at(f"{K3S}/data/current").symlink_to("hash")
    write(node, K3S_CONFIG, CONTAINERD.replace(BIN_DIR, f"{K3S}/data/hash/bin"))
    expected = ("error", K3S_CONFIG, f"set cniBinDir to {K3S}/data/current/bin")
    assert findings(node, runtime_file=K3S_CONFIG) == [expected]


@pytest.mark.parametrize(
    ("name", "content", "fix"),
    [
        ("05-broken.conf", "{", "repair or remove it"),
        ("05-untyped.conflist", '{"name": "x", "plugins": []}', "repair or remove it"),
        ("05-other.json", '{"name": "x", "type": "bridge"}', "rename it to .conflist or .conf"),
        ("70-multus.conf", '{"name": "x", "type": "multus"}', "remove it"),
        ("05-chain.conflist", '{"name": "x", "plugins": [{"type": "multus-shim"}]}', "remove it"),
        ("70-nested.conf", '{"name": "x", "type": "y", "delegates": [{"type": "multus"}]}', "remove it"),
        ("05-cilium.conflist.cilium_bak", "{}", "set cni.exclusive to false in Cilium's Helm values"),
    ],
)
def test_configuration_that_would_mislead_multus(node: Node, name: str, content: str, fix: str) -> None:
    write(node, f"{CONF_DIR}/{name}", content)
    [(severity, where, found)] = findings(node)
    assert (severity, found) == ("error", fix)
    assert where == (CONF_DIR if name.endswith("_bak") else f"{node.conf}/{name}")


def test_default_network_may_be_the_plans(node: Node) -> None:
    write(node, f"{CONF_DIR}/05-broken.conf", "{")
    assert findings(node, master="10-flannel.conflist") == []
    [(severity, where, _)] = findings(node, master="20-gone.conflist")[:1]
    assert (severity, where) == ("error", f"{node.conf}/20-gone.conflist")


@pytest.mark.parametrize(
    ("volume", "value", "severities"),
    [
        ("kubernetes.io~empty-dir/tmp/cilium/config-map", "true", ["error"]),
        ("kubernetes.io~empty-dir/tmp/cilium/config-map", "false", []),
        ("kubernetes.io~configmap/cilium-config-path", "true", ["error"]),
    ],
)
def test_cilium_keeps_others_out(node: Node, volume: str, value: str, severities: list[str]) -> None:
    (node.conf / "10-flannel.conflist").rename(node.conf / "05-cilium.conflist")
    write(node, f"/var/lib/kubelet/pods/uid/volumes/{volume}/cni-exclusive", value)
    assert [severity for severity, _, _ in findings(node)] == severities


@pytest.mark.parametrize(
    "name",
    [
        f"{CONF_DIR}/00-multus.conf.new",
        f"{CONF_DIR}/multus.d/multus.kubeconfig.new",
        f"{BIN_DIR}/_multus123",
        f"{BIN_DIR}/multus-shim.temp123",
        f"{BIN_DIR}/passthru.temp123",
    ],
)
def test_stale_file_is_named_and_then_removed(node: Node, name: str) -> None:
    write(node, name, "{")
    [(severity, where, _)] = findings(node)
    assert (severity, where) == ("warning", f"{node.root}{name}")
    assert node.provision().ok
    assert not node.at(name).exists()


def test_needed_plugin_may_be_a_link_or_come_with_the_pod(node: Node) -> None:
    write(node, "/opt/data/macvlan", "", 0o755)
    (node.at(BIN_DIR) / "macvlan").symlink_to(node.at("/opt/data/macvlan"))
    (node.at(BIN_DIR) / "static").symlink_to("/nowhere/static")
    expected = [
        ("error", f"{BIN_DIR}/{name}", f"add {name} to referencePlugins, or install it") for name in ("static",)
    ]
    assert findings(node, needs="macvlan static dhcp", installs="dhcp") == expected


@pytest.mark.parametrize(("enforce", "wheres"), [("1", ["restorecon"]), ("0", [])])
def test_selinux_needs_its_tool(node: Node, enforce: str, wheres: list[str]) -> None:
    write(node, "/sys/fs/selinux/enforce", enforce)
    assert [where for _, where, _ in findings(node)] == wheres
    tool = node.root.parent / "shims" / "restorecon"
    tool.write_text("#!/bin/sh\n", encoding="utf-8")
    tool.chmod(0o755)
    assert findings(node) == []


@pytest.mark.parametrize(("tag", "wheres"), [("", ["/"]), (" shared:1", []), (" master:1", [])])
def test_thick_needs_shared_mounts(node: Node, tag: str, wheres: list[str]) -> None:
    write(node, "/proc/self/mountinfo", MOUNTS.format(tag))
    found = findings(node, plugin="thick")
    assert [where for _, where, _ in found] == wheres
    assert {fix for _, _, fix in found} <= {"mount --make-rshared /"}
    assert findings(node) == []


def test_another_whereabouts_is_not_taken_over(node: Node) -> None:
    write(node, f"{CONF_DIR}/whereabouts.d/whereabouts.kubeconfig", "a token")
    left = f"{node.conf}/whereabouts.d/whereabouts.kubeconfig"
    assert left in [where for _, where, _ in findings(node, installs="whereabouts")]
    assert left not in [where for _, where, _ in findings(node)]


def test_the_daemon_of_dhcp_needs_shared_mounts_too(node: Node) -> None:
    write(node, "/proc/self/mountinfo", MOUNTS.format(""))
    assert [where for _, where, _ in findings(node, dhcp="/run/cni/dhcp.sock")] == ["/"]


def test_mounts_are_read_as_the_runtime_has_them(node: Node, tmp_path: Any) -> None:
    """A service may have mounts of its own, and pods are made from the runtime's."""
    write(node, "/proc/self/mountinfo", MOUNTS.format(" shared:1"))
    with running("containerd", tmp_path) as runtime:
        write(node, f"/proc/{runtime.pid}/mountinfo", MOUNTS.format(""))
        assert [where for _, where, _ in findings(node, plugin="thick")] == ["/"]
    assert findings(node, plugin="thick") == []


def test_the_name_that_a_configuration_of_ours_assumes_is_the_nodes(node: Node) -> None:
    assert findings(node, network="cbr0") == []
    [finding] = told(node, network="k8s-pod-network")["findings"]
    assert (finding["code"], finding["fix"]) == ("other-default-network", "set conf.networkName to cbr0")
    assert finding["what"] == "is of network cbr0, the plan says k8s-pod-network"


def test_metrics_port_may_be_busy_with_our_own_daemon_only(node: Node, tmp_path: Any) -> None:
    port = str(node.api.port)
    assert findings(node, metrics_port=port) == [("error", f"port {port}", "set metricsPort to a free one")]
    assert findings(node, metrics_port="1") == []
    with running("multus-daemon", tmp_path):
        assert findings(node, metrics_port=port) == []


@pytest.mark.parametrize(("delay", "severities"), [(0.13, ["warning"]), (0.25, ["error"])], ids=["warning", "error"])
def test_slow_server_is_measured_at_its_best(node: Node, delay: float, severities: list[str]) -> None:
    """A loaded machine makes any one answer slow, so the limits are far below the delays."""
    node.api.delays = [delay] * 5
    found = findings(node)
    assert [severity for severity, _, _ in found] in (severities, ["error"])
    assert found[0][2] == "set apiServer to a nearer address, or plugin to thick"
    assert node.api.asked == ["/version"] * 5
    write(node, "/proc/self/mountinfo", MOUNTS.format(" shared:1"))
    node.api.delays = [delay] * 5
    assert findings(node, plugin="thick") == []


@only_dash
def test_server_that_is_slow_once_passes(node: Node) -> None:
    node.api.delays = [0.3]
    assert findings(node) == []


@pytest.mark.parametrize(("status", "ok"), [(401, True), (403, True), (404, False), (503, False)])
def test_what_answers_has_to_be_an_api_server(node: Node, status: int, ok: bool) -> None:
    node.api.broken = status
    result = node.preflight()
    assert result.ok is ok
    assert ok or f"answers {status}, as no API server does; set apiServer to an address" in result.err
    # What moves or closes k3s' balancer, and where it listens on an IPv6-first cluster.
    for named in ("--lb-server-port", "--https-listen-port", "--disable-apiserver-lb", "https://[::1]:6444"):
        assert ok or named in result.err


@pytest.mark.parametrize("path", ["/etc/kubernetes/pki/ca.crt", f"{K3S}/agent/server-ca.crt"])
def test_certificate_is_checked_where_the_node_has_the_authority(node: Node, path: str) -> None:
    if path.startswith(K3S):
        node.at(K3S_CONFIG).parent.mkdir(parents=True)
        node.at(CONTAINERD_CONFIG).rename(node.at(K3S_CONFIG))
    write(node, path, node.api.ca)
    assert findings(node) == []
    url = f"https://localhost:{node.api.port}"
    expected = ("error", url, "set apiServer to an address that the API server's certificate names")
    assert findings(node, server=url) == [expected]


def test_runtime_that_could_not_load_its_network(node: Node) -> None:
    node.runtime_says('cni config load failed: "x"')
    [finding] = told(node)["findings"]
    assert finding["what"].startswith("the runtime could not load its network: cni config load failed")


def test_runtime_is_believed_before_its_file(node: Node) -> None:
    """Whatever a file says that it may not have read, or that another file outweighs."""
    write(node, CONTAINERD_CONFIG, CONTAINERD.replace(BIN_DIR, "/opt/elsewhere"))
    node.runtime_says("OK", "flannel")
    assert findings(node) == []
    node.runtime_says("OK", "flannel", conf_dir="/srv/net.d", bin_dirs=["/srv/bin", "/srv/bin"])
    found = told(node)["findings"]
    assert [(each["code"], each["where"], each["value"]) for each in found] == [
        ("conf-dir-elsewhere", "crictl info", "/srv/net.d"),
        ("bin-dir-elsewhere", "crictl info", "/srv/bin"),
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"cniconfig": {"PluginDirs": [BIN_DIR], "PluginConfDir": CONF_DIR}},
        {"cniconfig": {"PluginDirs": ["/usr/lib/cni", BIN_DIR, BIN_DIR], "PluginConfDir": f"{CONF_DIR}/"}},
        {
            "config": {"cni": {"binDirs": [BIN_DIR], "confDir": CONF_DIR}},
            "cniconfig": {"PluginDirs": [BIN_DIR], "PluginConfDir": CONF_DIR},
            "lastCNILoadStatus.default": "OK",
        },
    ],
    ids=["one", "more", "containerd-2.4"],
)
def test_the_runtimes_answer_is_read(node: Node, config: dict[str, Any]) -> None:
    node.at(CONTAINERD_CONFIG).unlink()
    node.runtime_answers(json.dumps({"status": {}, "lastCNILoadStatus": "OK", **config}))
    answer = told(node)
    assert answer["findings"] == []
    assert BIN_DIR in answer["facts"]["cniBinDirs"].split()


@only_dash
def test_preflight_asks_again_while_the_runtime_is_silent(node: Node) -> None:
    """Its file may say what another one outweighs: the runtime's own word is waited for."""
    write(node, CONTAINERD_CONFIG, CONTAINERD.replace(BIN_DIR, "/opt/elsewhere"))
    node.runtime_says("OK", "flannel")
    node.runtime_is_silent(2, "code = DeadlineExceeded")
    result = node.preflight()
    assert result.ok, result.err
    assert result.err == "waiting for the runtime to answer\n"


@pytest.mark.parametrize("way", ["option", "k3s"])
def test_crictl_may_lie_elsewhere(node: Node, way: str) -> None:
    """Over SSH neither RKE2's directory nor k3s' unpacked programs are on PATH."""
    node.runtime_says("OK", "flannel", conf_dir="/srv/net.d")
    shims = node.root.parent / "shims"
    script = (shims / "crictl").read_text(encoding="utf-8").partition("\n")[2].strip()
    (shims / "crictl").unlink()
    assert findings(node) == []
    options = {}
    if way == "k3s":
        node.add_tool("k3s", f'[ "$1" != crictl ] || {script}')
    else:
        write(
            node,
            "/rke2/bin/crictl",
            f'#!/bin/sh\n[ "$1 $2 $3" = "-r unix:///run/a.sock info" ] || exit 1\n{script}\n',
            0o755,
        )
        options = {"crictl": f"{node.at('/rke2/bin/crictl')} -r unix:///run/a.sock"}
    assert findings(node, **options) == [("error", "crictl info", "set cniConfDir to /srv/net.d")]


OLD_TABLE = '[plugins."io.containerd.grpc.v1.cri".cni]'
TABLE = "[plugins.'io.containerd.cri.v1.runtime'.cni]"
ONE, MORE = 'bin_dir = "/opt/one"', 'bin_dirs = ["/opt/more"]'


@pytest.mark.parametrize(
    ("version", "table", "keys", "counts"),
    [
        (2, OLD_TABLE, [ONE], "/opt/one"),
        (2, OLD_TABLE, [ONE, MORE], "/opt/one"),
        (2, OLD_TABLE, [MORE, ONE], "/opt/one"),
        (3, OLD_TABLE, [ONE], "/opt/one"),
        (3, TABLE, [ONE], BIN_DIR),
        (3, TABLE, [MORE, ONE], "/opt/more"),
        (4, TABLE, [ONE], BIN_DIR),
        (4, TABLE, [ONE, MORE], "/opt/more"),
        (4, OLD_TABLE, [ONE], BIN_DIR),
    ],
)
def test_a_file_is_read_as_containerd_reads_it(
    node: Node, version: int, table: str, keys: list[str], counts: str
) -> None:
    """As 2.4.2 does: a bin_dir that it ignores names no directory, and no advice follows it."""
    write(node, CONTAINERD_CONFIG, "\n".join([f"version = {version}", table, *keys, ""]))
    answer = told(node)
    assert answer["facts"]["cniBinDirs"] == counts
    assert [each["value"] for each in answer["findings"]] == ([] if counts == BIN_DIR else [counts])


def test_who_plans_an_ignored_bin_dir_is_told_how_it_would_count(node: Node) -> None:
    """containerd 2.0 takes the key: who has followed it there need not move the plugins for 2.4."""
    node.at("/opt/one").mkdir()
    write(node, CONTAINERD_CONFIG, f"version = 3\n{TABLE}\n{ONE}\n")
    [(_, _, fix)] = findings(node, bin_dir="/opt/one")
    assert fix == f"set cniBinDir to {BIN_DIR}, or write bin_dirs: containerd since 2.1 ignores bin_dir"


@pytest.mark.parametrize(
    ("changes", "plugin", "lost"),
    [
        ({"cniVersion": "0.3.1"}, "thin", True),
        ({"cniVersion": "1.1.0"}, "thin", False),
        ({"cniVersion": "1.1.0"}, "thick", True),
        ({"cniVersion": "0.3.1", "loadOnlyInlinedPlugins": True}, "thin", False),
    ],
)
def test_plugins_beside_the_default_networks_file_are_named_where_multus_loses_them(
    node: Node, changes: dict[str, Any], plugin: str, lost: bool
) -> None:
    """containerd 2.4 adds them to the list of the network's name, and Multus, where it writes a .conf, has no list."""
    write(node, f"{CONF_DIR}/10-flannel.conflist", json.dumps({**FLANNEL, **changes}))
    assert "extra-plugins-lost" not in codes(node, plugin=plugin)
    write(node, f"{CONF_DIR}/cbr0/10-sysctl.conf", json.dumps({"type": "tuning"}))
    assert ("extra-plugins-lost" in codes(node, plugin=plugin)) is lost
    [found] = [each for each in told(node, plugin=plugin)["findings"] if "extra" in each["code"]] if lost else [None]
    if found:
        assert (found["severity"], found["where"]) == ("warning", str(node.conf / "cbr0"))
        assert found["fix"] == f"write them into the plugins of {node.conf}/10-flannel.conflist"


def codes(node: Node, **options: Any) -> set[str]:
    return {each["code"] for each in told(node, **options)["findings"]}


def test_default_networks_name_is_the_files(node: Node) -> None:
    write(node, f"{CONF_DIR}/10-flannel.conflist", json.dumps({**FLANNEL, "name": "k8s-pod-network"}))
    assert told(node)["facts"]["defaultNetwork"] == "k8s-pod-network"
