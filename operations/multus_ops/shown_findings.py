"""How what is wrong is printed, whoever has found it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

COLORS = {"ok": "green", "error": "red", "warning": "yellow"}
"""By what a result is called."""


def show_finding(console: Console, number: int, severity: str, what: str, why: str, fix: str) -> None:
    """Print one finding: what is wrong and where, why it matters, and the commands that mend it."""
    console.print(Text.assemble(f"{number}. ", (severity, COLORS[severity]), f" {what}"), soft_wrap=True)
    console.print(Text(f"   why: {why}"), soft_wrap=True)
    for command in fix.splitlines():
        console.print(Text(f"   {command if command.startswith('#') else f'$ {command}'}"), soft_wrap=True)
