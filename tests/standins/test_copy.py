"""The command stand-in copies a file, as pulumi-command 1.2.1 does: provider/pkg/provider/remote/copyController.go.

The official plugin has not been recorded at it; what is asked here is what its source says.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from lab.standins.command.connections import Connections
from lab.standins.command.provider import CommandProvider
from lab.standins.errors import ProviderError
from lab.standins.properties import FileAsset, decode, encode
from tests.standins.ssh_host import ssh_host

URN = "urn:pulumi:dev::multus::multus:index:MultusComponent$command:remote:CopyToRemote::multus-archive-a"


class Copier:
    """The stand-in, and a host to copy to."""

    def __init__(self, values: dict[str, Any], connections: Connections) -> None:
        self.provider = CommandProvider(SimpleNamespace(line=lambda *_: None), connections)  # type: ignore[arg-type]
        self.connection = {
            "host": "127.0.0.1",
            "port": values["ssh.port"],
            "privateKey": values["ssh.key"],
            "hostKey": values["ssh.host_key"],
            "dialErrorLimit": 1,
        }

    def inputs(self, source: Path, target: Path, **more: Any) -> Any:
        content = hashlib.sha256(source.read_bytes()).hexdigest() if source.exists() else "0"
        asset = FileAsset(content, str(source))
        given = {"connection": self.connection, "source": asset, "remotePath": str(target), **more}
        checked = self.provider.Check(provider_pb2.CheckRequest(urn=URN, news=encode(given)), None)
        assert not checked.failures
        return checked.inputs

    def create(self, inputs: Any, *, preview: bool = False) -> Any:
        return self.provider.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs, preview=preview), None)

    def update(self, olds: Any, news: Any) -> Any:
        return self.provider.Update(provider_pb2.UpdateRequest(urn=URN, olds=olds, news=news), None)


def test_a_file_is_copied_once_and_again_when_it_changes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "deep" / "target"
    source.write_text("one")
    with ssh_host() as values, closing(Connections()) as connections:
        copier = Copier(values, connections)
        inputs = copier.inputs(source, target)
        assert copier.create(inputs, preview=True).id == ""
        assert not target.exists()
        made = copier.create(inputs)
        assert (target.read_text(), bool(made.id)) == ("one", True)
        # The state keeps hash and path, and no content.
        assert decode(made.properties)["source"] == FileAsset(hashlib.sha256(b"one").hexdigest(), "")
        target.write_text("changed there")
        moved = source.rename(tmp_path / "moved")
        copier.update(made.properties, copier.inputs(moved, target))
        assert target.read_text() == "changed there"
        moved.write_text("two")
        copier.update(made.properties, copier.inputs(moved, target))
        assert target.read_text() == "two"
        copier.provider.Delete(provider_pb2.DeleteRequest(urn=URN, properties=made.properties), None)
        assert target.exists()


def test_another_place_copies_again_and_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("one")
    with ssh_host() as values, closing(Connections()) as connections:
        copier = Copier(values, connections)
        old, new = (copier.inputs(source, tmp_path / each) for each in ("old", "new"))
        # The engine sends no path of what the state has.
        known = decode(old)
        kept = encode({**known, "source": FileAsset(known["source"].hash, "")})
        diff = copier.provider.Diff(provider_pb2.DiffRequest(urn=URN, old_inputs=kept, news=new), None)
        assert (list(diff.replaces), list(diff.diffs)) == ([], ["remotePath"])
        copier.update(copier.create(old).properties, new)
        assert (tmp_path / "new").read_text() == "one"
        source.unlink()
        with pytest.raises(ProviderError, match=f"open {source}: no such file or directory"):
            copier.create(old)
