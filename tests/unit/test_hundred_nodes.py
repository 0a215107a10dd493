"""What the bench of many nodes makes of what it has seen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab.errors import LabError
from tests.bench.hundred_nodes.comparisons import bare, counts_of
from tests.bench.hundred_nodes.connections import Connections, connections
from tests.bench.hundred_nodes.plot import Panel, apart, svg
from tests.bench.hundred_nodes.stamped_events import Event, Part, group_of, operations, parts, stamped
from tests.bench.hundred_nodes.state_sizes import groups
from tests.bench.hundred_nodes.tables import table
from tests.bench.hundred_nodes.trees import trees
from tests.bench.hundred_nodes.watched_processes import CLI, watched
from tests.support.paths import ROOT

COMMAND = "urn:pulumi:bench::multus::multus:index:MultusComponent$command:remote:Command::multus-verify-"
NODES = ["node-1", "node-11"]
# OpenSSH 9.2 at LogLevel VERBOSE.
BEGINS = 'Connection from 10.213.2.1 port {port} on {host} port 22 rdomain ""\n'
ACCEPTED = "Accepted publickey for root from 10.213.2.1 port {port} ssh2: ED25519 SHA256:QNnP\n"
ENDED = (
    "Received disconnect from 10.213.2.1 port {port}:11: Disconnected by application\n"
    "Disconnected from user root 10.213.2.1 port {port}\n"
)
ANOTHER = "Starting session: forced-command (config) '/run/hosts/answer' for root from 10.213.2.1 port 1 id 0\n"


def log(*lines: tuple[str, int, str]) -> str:
    return "".join(line.format(port=port, host=host) for line, port, host in lines)


def test_connections_that_are_closed_at_once_are_never_many() -> None:
    one = [(BEGINS, 1, "a"), (ACCEPTED, 1, ""), (ANOTHER, 1, ""), (ENDED, 1, "")]
    assert connections(log(*one, *one, *one)) == Connections(3, 3, 1, 1, 1)


def test_connections_that_stay_open_are_counted_by_host_and_all_together() -> None:
    begun = [(BEGINS, 1, "a"), (ACCEPTED, 1, ""), (BEGINS, 2, "a"), (BEGINS, 3, "b"), (ACCEPTED, 3, "")]
    assert connections(log(*begun)) == Connections(3, 2, open_at_once=3, open_at_one_host=2, greeting_at_once=2)


def test_one_port_of_the_client_may_serve_two_hosts_at_once() -> None:
    both = [(BEGINS, 1, "a"), (ACCEPTED, 1, ""), (BEGINS, 1, "b"), (ACCEPTED, 1, ""), (ENDED, 1, ""), (BEGINS, 1, "a")]
    assert connections(log(*both)) == Connections(3, 2, open_at_once=2, open_at_one_host=1, greeting_at_once=1)


@pytest.mark.parametrize("word", ["closed", "reset"])
def test_a_connection_that_ends_before_it_is_authenticated_greets_no_longer(word: str) -> None:
    gone = f"Connection {word} by 10.213.2.1 port {{port}} [preauth]\n"
    assert connections(log((BEGINS, 1, "a"), (gone, 1, ""), (BEGINS, 2, "a"))) == Connections(2, 2, 1, 1, 1)


def test_a_refused_connection_is_told_from_one_that_was_served() -> None:
    dropped = "drop connection #2 from [10.213.2.1]:40 on [198.18.1.1]:22 past MaxStartups\n"
    assert connections(dropped) == Connections(dropped=1)


def event(at: float, node: str, operation: str = "create", *, ends: bool = False) -> Event:
    return Event(at, ends, f"{COMMAND}{node}", "command:remote:Command", operation)


def test_a_part_lasts_from_its_first_resource_to_its_last() -> None:
    seen = [event(1, "node-1"), event(2, "node-11"), event(4, "node-1", ends=True), event(6, "node-11", ends=True)]
    assert parts(seen, NODES) == [Part("multus-verify-NODE (Command)", 2, 1, 6, 3.5)]
    assert operations(seen) == {"command:remote:Command": 2}


def test_a_component_that_ends_twice_is_one_and_lasts_to_its_last_end() -> None:
    seen = [event(1, "node-1"), event(2, "node-1", ends=True), event(5, "node-1", ends=True)]
    assert parts(seen, NODES) == [Part("multus-verify-NODE (Command)", 1, 1, 5, 4)]


def test_what_stays_the_same_is_no_operation() -> None:
    assert not operations([event(1, "node-1", "same"), event(1, "node-1", "same", ends=True)])


def test_a_group_is_named_by_what_its_resources_have_in_common() -> None:
    assert {group_of(f"{COMMAND}{node}", NODES) for node in NODES} == {"multus-verify-NODE (Command)"}
    assert group_of("urn:pulumi:bench::multus::kubernetes:core/v1:ConfigMap::marker", NODES) == "marker (ConfigMap)"


def test_a_log_that_grows_is_read_to_its_end(tmp_path: Path) -> None:
    said = {"resourcePreEvent": {"metadata": {"urn": f"{COMMAND}nöde", "type": "t", "op": "create"}}}
    line = json.dumps(said, ensure_ascii=False).encode() + b"\n"
    file = tmp_path / "events.json"
    file.write_bytes(b"an earlier run\n")
    with stamped(file) as stamps, file.open("wb", buffering=0) as log:
        for byte in line * 2:
            log.write(bytes([byte]))
        log.write(b'{"summaryEvent": {}}\n')
    assert [(each.urn, each.ends) for each in stamps.events()] == [(f"{COMMAND}nöde", False)] * 2


def test_what_is_below_the_command_line_is_seen_with_what_it_costs() -> None:
    work = "import subprocess, sys; held = b'x' * 90_000_000; sys.stderr.write('x' * 5_000); "
    below = f"subprocess.run([{sys.executable!r}, '-c', 'import time; time.sleep(0.5)', 'pulumi-resource-command'])"
    with watched() as watch:
        subprocess.run(["pulumi", "-c", work + below], executable=sys.executable, stderr=subprocess.DEVNULL, check=True)
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.2)"], check=True)
    costs = watch.costs()
    assert set(costs) == {CLI, "command plugin"}
    assert 90e6 < costs[CLI].peak < 200e6
    assert costs[CLI].written >= 5_000
    assert costs["command plugin"].peak < 60e6


def test_a_states_bytes_are_those_of_its_resources() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    resource = {"urn": f"{COMMAND}node-1", "inputs": {"a": "b", "connection": secret}, "outputs": {"list": [secret]}}
    other = {"urn": f"{COMMAND}node-11"}
    [size] = groups([resource, other], NODES)
    length = len(json.dumps(secret, separators=(",", ":")))
    assert (size.count, size.secrets) == (2, 2 * length)
    assert size.inputs == len('{"a":"b","connection":}') + len("{}")
    whole = sum(len(json.dumps(each, separators=(",", ":"))) for each in (resource, other))
    # Left out are the two keys with their colons and commas, and counted for the other are its two empty values.
    assert size.bytes[0] == whole - len(',"inputs":,"outputs":') + 2 * len("{}")


def test_a_bare_program_has_as_many_resources_of_each_plugin() -> None:
    seen = {
        "command:remote:Command": 3,
        "command:remote:CopyToRemote": 1,
        "kubernetes:core/v1:NodePatch": 2,
        "pulumi:x": 9,
    }
    assert counts_of(seen) == (4, 2)
    program = bare(4, 2)
    compile(program, "__main__.py", "exec")
    assert "commands, objects = [4, 2]" in program


def test_a_commit_is_taken_out_of_the_repository_for_a_while_and_this_tree_comes_last() -> None:
    with trees(["HEAD"]) as found:
        [commit, this] = found
        assert (commit.folder / "Pulumi.yaml").is_file()
        assert commit.python.samefile(this.python)
        assert this.folder == ROOT
    assert not commit.folder.exists()


def test_what_is_neither_a_folder_nor_a_commit_is_refused_by_name(tmp_path: Path) -> None:
    for word, said in (("no-such-commit", "neither a folder nor a commit"), (str(tmp_path), "python is missing")):
        with pytest.raises(LabError, match=said), trees([word]):
            pass


def test_a_table_has_a_line_for_each_row() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


def test_the_plot_ends_each_line_inside_and_says_what_it_is() -> None:
    drawn = svg("Two", [Panel("t", "s", {"old": [(20, 24), (100, 121)], "new": [(20, 4.0)]}), Panel("m", "MB", {})])
    root = ElementTree.fromstring(drawn)  # noqa: S314 - it is our own
    space = "{http://www.w3.org/2000/svg}"
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    circles = [(float(each.attrib["cx"]), float(each.attrib["cy"])) for each in root.iter(f"{space}circle")]
    assert len(circles) == 3
    assert all(0 < x < width and 0 < y < height for x, y in circles)
    texts = [each.text for each in root.iter(f"{space}text")]
    assert {"old: 121 s", "new: 4 s", "t", "m"} <= set(texts)


def test_labels_that_would_cover_each_other_go_below_each_other() -> None:
    assert apart({"low": 90, "high": 50, "beside it": 52}) == {"high": 50, "beside it": 66, "low": 90}
