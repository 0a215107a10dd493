"""The Pulumi CLI on one stack, as a user runs it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multus.errors import MultusError


class PulumiCliError(MultusError):
    """Pulumi could not be run, or what it ran has failed."""


@dataclass(frozen=True)
class PulumiCli:
    """Runs `pulumi` on a stack.

    Attributes:
        stack: the stack's name.
        folder: where `pulumi` is run: the project's folder or one below it.
        config_file: the stack's configuration file where it is not the project's own.
    """

    stack: str
    folder: Path = Path()
    config_file: Path | None = None

    @property
    def options(self) -> list[str]:
        """The options that name the stack, both to Pulumi and to the commands of this package."""
        found = ["--stack", self.stack]
        if self.folder != Path():
            found += ["--cwd", str(self.folder)]
        if self.config_file is not None:
            found += ["--config-file", str(self.config_file)]
        return found

    def command(self, *arguments: str) -> str:
        """A `pulumi` command for people."""
        return shlex.join(["pulumi", *arguments, *self.options])

    def json(self, *arguments: str, takes_config: bool = True) -> Any:
        """What a command that only reads prints, as JSON."""
        printed = self.text(*arguments, takes_config=takes_config)
        try:
            return json.loads(printed)
        except json.JSONDecodeError as error:
            raise PulumiCliError(f"`pulumi {arguments[0]}` has printed something else than JSON: {error}") from None

    def text(self, *arguments: str, stdin: str = "", takes_config: bool = True) -> str:
        """What a command prints, which may be a secret: it is never part of an error.

        Raises:
            PulumiCliError: with what Pulumi says is wrong.
        """
        words = [*arguments, *self._options(takes_config), "--non-interactive"]
        ended = self._run(words, input=stdin, capture_output=True)
        if ended.returncode:
            why = " ".join(str(ended.stderr).split()).removeprefix("error: ") or f"it ended with {ended.returncode}"
            raise PulumiCliError(f"`{shlex.join(['pulumi', *arguments[:2]])}` failed on stack {self.stack}: {why}")
        return str(ended.stdout)

    def show(self, *arguments: str, to_stderr: bool = False) -> int:
        """Run a command attached to the terminal; its standard output goes to standard error if `to_stderr`.

        Returns its exit status.

        Raises:
            PulumiCliError: there is no Pulumi CLI or no such folder.
        """
        ended = self._run([*arguments, *self._options(takes_config=True)], stdout=sys.stderr if to_stderr else None)
        return int(ended.returncode)

    def _options(self, takes_config: bool) -> list[str]:
        named = self.config_file is not None and takes_config
        return [
            "--stack",
            self.stack,
            *(["--config-file", str(Path(self.config_file or "").resolve())] if named else []),
        ]

    def _run(self, arguments: list[str], **options: Any) -> Any:
        try:
            return subprocess.run(["pulumi", *arguments], cwd=self.folder, text=True, check=False, **options)
        except FileNotFoundError:
            missing = "the Pulumi CLI is not on PATH" if self.folder.is_dir() else f"there is no folder {self.folder}"
            raise PulumiCliError(f"Stack {self.stack} cannot be read: {missing}.") from None
        except NotADirectoryError:
            raise PulumiCliError(f"Stack {self.stack} cannot be read: {self.folder} is not a folder.") from None
