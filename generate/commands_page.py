"""docs/commands.md: what the command line says of itself, for people who read."""

from __future__ import annotations

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
    commands = [_section(name, command) for name, command in sorted(group.commands.items())]
    return "\n".join([f"{_HEAD}{statuses}", *commands])


def _section(name: str, command: Any) -> str:
    about = "\n\n".join(" ".join(paragraph.split()) for paragraph in str(command.help).split("\n\n"))
    rows = [_row(option) for option in command.params if not option.hidden]
    table = ["| option | meaning |", "| --- | --- |", *rows]
    return "\n".join([f"## {name}", "", f"`{PROGRAM} {name} [OPTIONS]`", "", about, "", *table, ""])


def _row(option: Any) -> str:
    value = "" if option.is_flag else " VALUE"
    names = ", ".join(f"`{name}{value}`" for name in option.opts)
    about = str(option.help).replace("|", "\\|")
    default = option.default
    said = "" if default in (None, False) or option.is_flag else f" Defaults to `{default}`."
    return f"| {names} | {about}{said} |"
