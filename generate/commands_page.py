"""docs/commands.md: what the command line says of itself, for people who read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from multus_ops.commands import MEANINGS, PROGRAM, app

_HEAD = """\
# Commands

Written from `operations/multus_ops/commands.py` by `make generate`.

```text
pip install -r requirements.txt    # of a checkout; or: pip install ./components ./operations
multus-ops COMMAND
```

Those that take `--stack` run the Pulumi CLI and read the stack as `pulumi up` does, its secrets included; nothing of
them is printed or put into a command. `multus-ops --install-completion` completes commands, options
and stacks in the shell; `multus-ops --version` prints the version.

## Exit statuses

They mean the same in every command. Results go to standard output, progress and trouble to standard error; `NO_COLOR`
is respected.

| status | meaning |
| --- | --- |
"""


def written() -> str:
    """The page as it has to be."""
    group: Any = typer.main.get_command(app)
    statuses = "".join(f"| {status.value} | {meaning} |\n" for status, meaning in MEANINGS.items())
    commands = [_section(name, command) for name, command in sorted(_commands(group))]
    return "\n".join([f"{_HEAD}{statuses}", *commands])


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its words, those of groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _section(name: str, command: Any) -> str:
    about = "\n\n".join(" ".join(paragraph.split()) for paragraph in str(command.help).split("\n\n"))
    rows = [_row(option) for option in command.params if not option.hidden]
    arguments = "".join(f" {each.metavar}" for each in command.params if each.param_type_name == "argument")
    table = ["| option | meaning |", "| --- | --- |", *rows]
    return "\n".join([f"## {name}", "", f"`{PROGRAM} {name} [OPTIONS]{arguments}`", "", about, "", *table, ""])


def _row(option: Any) -> str:
    is_argument = option.param_type_name == "argument"
    value = "" if is_argument or option.is_flag else " VALUE"
    names = f"`{option.metavar}`" if is_argument else ", ".join(f"`{name}{value}`" for name in option.opts)
    about = str(option.help).replace("|", "\\|")
    default = option.default
    said = "" if is_argument or default in (None, False) or option.is_flag else f" Defaults to `{default}`."
    return f"| {names} | {about}{said} |"
