"""What the lab takes for a secret in processes and logs, and that it sees one."""

from __future__ import annotations

import base64
import subprocess
from contextlib import ExitStack

import asyncssh
import pytest

from lab.waiting import until
from multus.ssh_keys import shortest_form
from tests.support.lab import watcher as watcher_module
from tests.support.lab.watcher import has_secret, only_in, watching
from tests.support.scratch_node import token_of

_PAIR, _OTHER = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
KEY, PUBLIC = _PAIR.export_private_key().decode(), _PAIR.export_public_key().decode()
# Without the line by which every private key shows.
OTHER = "\n".join(_OTHER.export_private_key().decode().splitlines()[1:-1])
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nmade-up\n-----END CERTIFICATE-----\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [token_of(), encoded(token_of()), KEY, encoded(KEY), KEY.replace("PRIVATE", ""), shortest_form(KEY)[30:]],
    ids=["token", "encoded-token", "key", "encoded-key", "text-of-the-key", "text-of-its-shortest-form"],
)
def test_a_secret_is_one_in_any_form(text: str) -> None:
    assert has_secret(f'before "{text}" after'.encode(), *only_in(KEY))


@pytest.mark.parametrize(
    "text",
    ["", CERTIFICATE, encoded(CERTIFICATE), PUBLIC, OTHER, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzb21lYm9keSBlbHNlIn0."],
    ids=["nothing", "certificate", "encoded-certificate", "public-key", "another-key", "another-token"],
)
def test_what_everybody_may_read_is_none(text: str) -> None:
    assert not has_secret(text.encode(), *only_in(KEY))


@pytest.mark.parametrize("told", [True, False], ids=["told-by-the-kernel", "found"])
def test_a_process_is_seen_with_its_words_and_its_environment(monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    if not told:
        monkeypatch.setattr(watcher_module, "_is_told", lambda _: False)
    processes: list[tuple[list[str], dict[str, str]]] = [
        (["sh", "-c", "read -r _; true", "a made-up word"], {}),
        (["cat"], {"WORD": "a made-up word"}),
        (["cat"], {}),
    ]
    with watching("made-up") as watcher, ExitStack() as living:
        for words, more in processes:
            environment = {"PATH": "/usr/bin:/bin", **more}
            living.enter_context(subprocess.Popen(words, stdin=subprocess.PIPE, env=environment))
        until(lambda: len(watcher.leaks) >= 2, "both are seen", every=0.05)
    assert set(watcher.leaks) == {"sh in its words", "cat in its environment"}
