"""What a machine has on its disk before it joins: the files, their two forms, and who never gets to read the token."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
import yaml
from kubernetes import client

from multus.errors import MultusError
from multus.multus_conf import whole_conf
from multus_ops.joining import NodeFile, Token, cloud_init, files_of, ignition, read_token
from multus_ops.render import plan_of
from tests.support.expected_kubeconfig import expected_kubeconfig

K3S_DIR = "/var/lib/rancher/k3s/agent/etc/cni/net.d"
TOKEN = Token("Y2E=", "header.payload.signature")
# As cloud-init's own schema has an entry (cloud-init 25.3, schema-cloud-config-v1.json, cc_write_files).
_KEYS = {"path": str, "owner": str, "permissions": str, "content": str}


def conf_of(*settings: str) -> tuple[str, dict[str, Any]]:
    """The path and the content of the one file."""
    [file] = files_of(plan_of(settings, None))
    return file.path, json.loads(file.content)


def test_thin_waits_under_a_name_that_its_pod_takes_away() -> None:
    path, conf = conf_of("distro=k3s")
    assert path == f"{K3S_DIR}/00-multus.conflist"
    [plugin] = conf["plugins"]
    assert plugin["type"] == "multus"
    assert plugin["kubeconfig"] == f"{K3S_DIR}/multus.d/multus.kubeconfig"
    assert plugin["capabilities"] == {"portMappings": True, "bandwidth": True}
    # By its name, in the directory where it will be; under the same name Multus would find itself first.
    assert (plugin["clusterNetwork"], plugin["confDir"]) == ("cbr0", K3S_DIR)
    assert conf["name"] != "cbr0"


def test_thick_waits_under_a_name_that_its_daemon_takes_away() -> None:
    path, conf = conf_of("distro=k3s", "plugin=thick", "daemon.socketDir=/run/elsewhere/")
    assert path == f"{K3S_DIR}/00-multus.conf"
    assert (conf["type"], conf["name"], conf["daemonSocketDir"]) == ("multus-shim", "cbr0", "/run/elsewhere")
    assert conf_of("distro=k3s", "plugin=thick", "conf.overrideNetworkName=false")[1]["name"] == "multus-cni-network"
    # A daemon finds the default network by itself.
    assert conf_of("distro=vanilla", "apiServer=https://192.0.2.1", "plugin=thick")[1]["name"] == "multus-cni-network"


@pytest.mark.parametrize("plugin", ["thin", "thick"])
def test_a_runtime_that_can_ask_is_told_to(plugin: str) -> None:
    assert conf_of("distro=k3s", f"plugin={plugin}")[1]["cniVersion"] == "1.1.0"


def test_a_configuration_that_is_written_whole_says_the_same_while_it_waits() -> None:
    settings = ["distro=k3s", 'conf.defaultNetworks=["a"]', "conf.cniVersion=0.4.0"]
    waiting = conf_of(*settings)[1]
    assert waiting.pop("multusInstall") == "waits"
    assert waiting | {"cniVersion": "0.4.0"} == json.loads(whole_conf(plan_of(settings, None)) or "")


def test_directories_and_names_are_the_plans() -> None:
    path, conf = conf_of(
        "distro=vanilla", "apiServer=https://192.0.2.1", "conf.networkName=mynet", "cniConfDir=/etc/other/"
    )
    assert path == "/etc/other/00-multus.conflist"
    assert conf["plugins"][0]["clusterNetwork"] == "mynet"


def test_the_kubeconfig_comes_first_and_is_the_pods_own() -> None:
    kubeconfig, conf = files_of(plan_of(["distro=k3s"], None), TOKEN)
    assert kubeconfig.path == f"{K3S_DIR}/multus.d/multus.kubeconfig"
    assert kubeconfig.content == expected_kubeconfig("https://127.0.0.1:6444", TOKEN.ca, TOKEN.token)
    content = json.loads(conf.content)
    assert content["plugins"][0]["kubeconfig"] == kubeconfig.path
    # A machine that serves by itself is not asked what thin cannot answer.
    assert content["cniVersion"] == "1.0.0"


def test_thicks_daemon_has_its_token_by_its_pod() -> None:
    with pytest.raises(MultusError, match="plugin: thick serves nobody without its daemon"):
        files_of(plan_of(["distro=k3s", "plugin=thick"], None), TOKEN)


def test_no_secret_is_among_them_unless_it_is_given() -> None:
    plan = plan_of(["distro=k3s"], None)
    for text in (cloud_init(files_of(plan)), ignition(files_of(plan))):
        assert "token" not in text
    assert TOKEN.token not in repr(TOKEN)
    assert TOKEN.token not in repr(files_of(plan, TOKEN))


def by_cloud_init(text: str) -> list[NodeFile]:
    """The files as cloud-init takes them from its user data."""
    assert text.startswith("#cloud-config\n")
    content = yaml.safe_load(text)
    assert content.keys() == {"merge_how", "write_files"}
    for entry in content["write_files"]:
        assert {key: type(value) for key, value in entry.items()} == _KEYS
        assert (entry["owner"], entry["permissions"]) == ("root:root", "0600")
    return [NodeFile(entry["path"], entry["content"]) for entry in content["write_files"]]


def by_ignition(text: str) -> list[NodeFile]:
    """The files as Ignition takes them from its configuration: https://coreos.github.io/ignition/configuration-v3_0/."""
    content = json.loads(text)
    assert content["ignition"] == {"version": "3.0.0"}
    found = []
    for entry in content["storage"]["files"]:
        assert entry.keys() == {"path", "mode", "contents"}
        assert entry["mode"] == 0o600
        [data] = re.findall(r"^data:;base64,([\w+/=]*)$", entry["contents"]["source"])
        found.append(NodeFile(entry["path"], base64.b64decode(data).decode()))
    return found


@pytest.mark.parametrize(
    ("plugin", "token"), [("thin", None), ("thin", TOKEN), ("thick", None)], ids=["thin", "thin-with-token", "thick"]
)
def test_both_forms_bring_the_files_whole_and_to_root_alone(plugin: str, token: Token | None) -> None:
    files = files_of(plan_of(["distro=k3s", f"plugin={plugin}"], None), token)
    assert by_cloud_init(cloud_init(files)) == files
    assert by_ignition(ignition(files)) == files


@pytest.mark.parametrize(
    "odd", ['a: b # c\n"quoted" \\ ${x} $(y) {% z %}\n', "no line's end", "\ttab\r\nand more \n\n", "", "ü €\n"]
)
def test_what_a_file_holds_does_not_matter(odd: str) -> None:
    files = [NodeFile("/etc/odd", odd)]
    assert by_cloud_init(cloud_init(files)) == files
    assert by_ignition(ignition(files)) == files


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (["distro=vanilla", "apiServer=https://192.0.2.1"], "conf.networkName: is missing"),
        (["distro=talos"], "writes files below /var alone; let the API server hold pods back"),
        (["distro=k3s", 'scheduling.tolerations=[{"key": "a"}]'], "do not tolerate node.kubernetes.io/not-ready"),
        (["distro=k3s", "scheduling.tolerations=[]"], "scheduling.tolerations: Multus' pods do not tolerate"),
        (["distro=k3s", 'scheduling.tolerations=[{"operator": "Exists", "effect": "NoExecute"}]'], "do not tolerate"),
    ],
)
def test_refusals(settings: list[str], reason: str) -> None:
    with pytest.raises(MultusError) as caught:
        files_of(plan_of(settings, None))
    assert reason in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "toleration",
    [
        {"operator": "Exists"},
        {"operator": "Exists", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists"},
    ],
)
def test_pods_that_tolerate_a_node_that_is_not_ready(toleration: dict[str, str]) -> None:
    assert files_of(plan_of(["distro=k3s", f"scheduling.tolerations={json.dumps([toleration])}"], None))


def test_every_problem_at_once() -> None:
    with pytest.raises(MultusError) as caught:
        files_of(plan_of(["distro=vanilla", "apiServer=https://192.0.2.1", "scheduling.tolerations=[]"], None))
    assert len(str(caught.value).splitlines()) == 2


def answering(monkeypatch: pytest.MonkeyPatch, answer: Any) -> client.ApiClient:
    """An API server that has this Secret, or this to say."""

    def read(_self: Any, name: str, namespace: str) -> Any:
        if isinstance(answer, Exception):
            raise answer
        assert (name, namespace) == ("multus-token-1", "kube-system")
        return client.V1Secret(data=answer)

    monkeypatch.setattr(client.CoreV1Api, "read_namespaced_secret", read)
    return client.ApiClient()


def test_the_token_is_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"ca.crt": TOKEN.ca, "token": base64.b64encode(TOKEN.token.encode()).decode()}
    assert read_token(answering(monkeypatch, data), plan_of(["distro=k3s"], None)) == TOKEN


@pytest.mark.parametrize(
    ("answer", "settings", "reason"),
    [
        (client.ApiException(404), [], "Secret kube-system/multus-token-1 is not there; install Multus first"),
        (None, [], "holds no token yet; repeat in a moment"),
        ({"ca.crt": "Y2E="}, [], "holds no token yet; repeat in a moment"),
        (None, ["credentials=pod"], "credentials: the pods' own tokens expire"),
    ],
)
def test_a_token_that_cannot_be_had(
    answer: Any, settings: list[str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MultusError, match=reason):
        read_token(answering(monkeypatch, answer), plan_of(["distro=k3s", *settings], None))
