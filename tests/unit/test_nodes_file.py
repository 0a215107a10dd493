"""`--nodes FILE`: a file that works, and one sentence for each thing that does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from multus_ops.nodes_file import NodesFileError, parse, parse_text, read
from tests.support.arguments import HOST_KEY, SSH_KEY, node

NODE = {"name": "a", "host": "192.0.2.1", "hostKey": HOST_KEY}
JUMP = {"host": "192.0.2.9", "user": "jump", "hostKey": HOST_KEY}


def key_file(folder: Path, name: str = "key", mode: int = 0o600, text: str = SSH_KEY) -> Path:
    file = folder / name
    file.write_text(text)
    file.chmod(mode)
    return file


def written(folder: Path, document: Any, mode: int = 0o644) -> Path:
    file = folder / "nodes.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    file.chmod(mode)
    return file


def refusal(folder: Path, document: Any, mode: int = 0o644, ssh_key: Path | None = None) -> list[str]:
    with pytest.raises(NodesFileError) as refused:
        read(written(folder, document, mode), ssh_key)
    assert "made0up0" not in str(refused.value)
    return [str(problem) for problem in refused.value.problems]


def test_keys_lie_in_files_beside_it(tmp_path: Path) -> None:
    key_file(tmp_path)
    key_file(tmp_path, "other", text=SSH_KEY.replace("made", "jump"))
    proxy = {**JUMP, "privateKeyFile": "other"}
    more = {"user": "admin", "port": 2222, "sudo": False}
    found = read(written(tmp_path, [{**NODE, **more, "privateKeyFile": "key", "proxy": proxy}]))
    [only] = found.nodes
    assert only == {
        "name": "a",
        "host": "192.0.2.1",
        "host_key": HOST_KEY,
        "private_key": SSH_KEY,
        **more,
        "proxy": {"host": "192.0.2.9", "user": "jump", "host_key": HOST_KEY, "private_key": proxy_key()},
    }
    assert found.install == {}
    assert "made0up0" not in repr(found)


def proxy_key() -> str:
    return SSH_KEY.replace("made", "jump")


@pytest.mark.parametrize("given", ["sshPrivateKeyFile", "sshPrivateKey", "--ssh-key"])
def test_one_key_for_all(tmp_path: Path, given: str) -> None:
    key = key_file(tmp_path)
    values = {"sshPrivateKeyFile": "key", "sshPrivateKey": SSH_KEY}
    document = {"nodes": [NODE, {**NODE, "name": "b", "host": "192.0.2.2"}]}
    if given in values:
        document[given] = values[given]  # type: ignore[assignment]  # a document holds anything
    found = read(written(tmp_path, document, 0o600), key if given == "--ssh-key" else None)
    assert [each["private_key"] for each in found.nodes] == [SSH_KEY, SSH_KEY]


def test_machines_behind_one_address_are_told_by_their_ports(tmp_path: Path) -> None:
    document = [{**NODE, "name": name, "port": port} for name, port in (("a", 2201), ("b", 2202))]
    assert [each["port"] for each in read(written(tmp_path, document), key_file(tmp_path)).nodes] == [2201, 2202]


def test_the_outputs_of_a_program_are_such_a_file(tmp_path: Path) -> None:
    outputs = {
        "multusNodes": [{**NODE, "privateKey": SSH_KEY}],
        "cniConfDir": "/etc/cni/net.d",
        "cniBinDir": "/opt/cni/bin",
        "plugin": "thin",
        "provisionedNodes": ["a"],
        "vpcId": "anything",
    }
    found = parse_text(json.dumps(outputs), "standard input", tmp_path)
    assert [each["name"] for each in found.nodes] == ["a"]
    assert found.install == {"cni_conf_dir": "/etc/cni/net.d", "cni_bin_dir": "/opt/cni/bin", "plugin": "thin"}
    assert found.says_where


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("", "is not JSON at line 1, column 1"),
        ("{" + SSH_KEY, "is not JSON at line 1, column 2"),
        ([], "nodes: is not a list of nodes"),
        ({"nodes": {"a": 1}}, "nodes: is not a list of nodes"),
        ("1", "nodes: is not a list of nodes"),
        ([1], "nodes[0]: 1 is not a set of keys and values"),
        ([{**NODE, "hots": 1}], "nodes[0].hots: is not an argument; did you mean `host`?"),
        ([{"name": "a", "hostKey": HOST_KEY}], "nodes[0].host: is missing"),
        ([{"name": "a", "host": "192.0.2.1"}], "nodes[0].hostKey: is missing"),
        ([{**NODE, "hostKey": "AAAA"}], "nodes[0].hostKey: 'AAAA' is not a public key line"),
        ([{**NODE, "insecureIgnoreHostKey": True}], "nodes[0].insecureIgnoreHostKey: is not taken here"),
        ([{**NODE, "port": "22"}], "nodes[0].port: '22' is not a whole number"),
        ([NODE, NODE], "nodes[0].name: 'a' is there 2 times"),
        ([NODE, {**NODE, "name": "b"}], "nodes[1].host: '192.0.2.1' with port 22 is listed for more than one node"),
        ([{**NODE, "proxy": {"host": "192.0.2.9"}}], "nodes[0].proxy.hostKey: is missing"),
        ([{**NODE, "privateKeyFile": "absent"}], "nodes[0].privateKeyFile: "),
        ([{**NODE, "privateKeyFile": 1}], "nodes[0].privateKeyFile: is not a path"),
        ({"nodes": [NODE], "plugin": "thicc"}, "plugin: 'thicc' is not one of its values"),
        ({"nodes": [NODE], "cniConfDir": "etc"}, "cniConfDir: 'etc' is not an absolute host path"),
    ],
)
def test_what_is_wrong_is_one_sentence(document: Any, sentence: str, tmp_path: Path) -> None:
    said = refusal(tmp_path, document, ssh_key=key_file(tmp_path))
    assert [each for each in said if sentence in each], said


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    key_file(tmp_path, mode=0o640)
    key_file(tmp_path, "none", text="ssh-ed25519 AAAA")
    said = refusal(
        tmp_path,
        [
            {"name": "a", "host": "192.0.2.1", "privateKeyFile": "key"},
            {**NODE, "name": "b", "host": "192.0.2.2", "privateKeyFile": "none"},
            {**NODE, "name": "c", "host": "192.0.2.3"},
        ],
    )
    assert said == [
        f"nodes[0].privateKeyFile: {tmp_path}/key is open to others (mode 0640); run `chmod 600 {tmp_path}/key`.",
        f"nodes[1].privateKeyFile: {tmp_path}/none is a public key; "
        "give the private one, from the file of the same name without .pub.",
        "nodes[2].privateKey: is missing; set privateKeyFile to the key's file, or say --ssh-key FILE.",
        *(sentence for sentence in said if sentence.startswith("nodes[0].hostKey: is missing")),
    ]
    assert len(said) == 4


def test_a_file_that_holds_keys_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    document = [{**NODE, "privateKey": SSH_KEY}]
    [said] = refusal(tmp_path, document, 0o644)
    assert "holds private keys, and is open to others (mode 0644); run `chmod 600 " in said
    assert read(written(tmp_path, document, 0o600)).nodes


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NodesFileError, match="cannot be read: No such file or directory"):
        read(tmp_path / "absent")


def test_a_python_programs_own_nodes_are_such_a_list(tmp_path: Path) -> None:
    found = parse([node("a", 1), node("b", 2, proxy={"host": "192.0.2.9", "host_key": HOST_KEY})], "it", tmp_path)
    assert [each["host_key"] for each in found.nodes] == [HOST_KEY, HOST_KEY]
    assert [each["private_key"] for each in found.nodes] == [SSH_KEY, SSH_KEY]
    assert found.nodes[1]["proxy"] == {"host": "192.0.2.9", "host_key": HOST_KEY}
    [said] = refusal(tmp_path, [node("a", 1)], 0o644)
    assert "holds private keys" in said


def test_a_list_may_stand_for_the_whole(tmp_path: Path) -> None:
    assert parse([{**NODE, "privateKey": SSH_KEY}], "it", tmp_path).nodes[0]["private_key"] == SSH_KEY
