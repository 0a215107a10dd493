"""The commands of a shell block, and whether what they name exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from lab.cli import app as lab_app
from multus_ops.commands import app as multus_app
from tests.support.paths import ROOT
from tests.support.schema_names import configuration_problem

_APPS: dict[str, typer.Typer] = {"multus_ops": multus_app, "lab": lab_app}
# What a reader has anyway. `pulumi` and `kubectl` are asked for their options where the lab has them.
_KNOWN = {
    *(
        "awk",
        "base64",
        "cat",
        "cd",
        "cp",
        "crictl",
        "ctr",
        "curl",
        "echo",
        "export",
        "git",
        "grep",
        "gzip",
        "helm",
        "ip",
    ),
    *(
        "jq",
        "k3s",
        "kubectl",
        "ls",
        "mkdir",
        "mv",
        "npm",
        "pip",
        "pulumi",
        "python3",
        "rm",
        "scp",
        "sed",
        "skopeo",
        "sort",
    ),
    *("ssh", "ssh-keyscan", "sudo", "systemctl", "tar", "tee", "test", "timeout", "$EDITOR"),
}
_KEYWORDS = {"do", "done", "else", "fi", "for", "if", "then", "until", "while"}
_PATH = re.compile(r"^(charts|components|docs|examples|lab|operations|stacks|tests)/[\w./-]+$")
_HEREDOC = re.compile(r"<<-?\s*'?(\w+)'?(?P<rest>[^\n]*)\n.*?^\s*\1$", re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r"^\w+=")


def commands_in(text: str) -> Iterator[list[str]]:
    """Every command as its words, without redirections, assignments and the shell's own words."""
    for line in _logical_lines(_HEREDOC.sub(r"\g<rest>", text)):
        words: list[str] = []
        tokens = iter(_tokens(line))
        for token in tokens:
            if re.fullmatch(r"[;&|()]+", token):
                yield from _named(words)
                words = []
            elif re.fullmatch(r"[<>]+&?", token):
                next(tokens, None)
            else:
                words.append(token)
        yield from _named(words)


def problems_in(words: list[str]) -> Iterator[str]:
    """What a command names and is not there."""
    for word in words:
        if _PATH.match(word) and not (ROOT / word).exists():
            yield f"there is no {word}"
    match words:
        case ["make", *targets]:
            made = re.findall(r"^\.PHONY: (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            yield from (
                f"make has no target {target}" for target in targets if "=" not in target and target not in made
            )
        case ["pulumi", "config", "set", *rest]:
            yield from _config_problems(rest)
        case ["pulumi", "config", "rm" | "get", *rest]:
            yield from _config_problems([*rest, ""])
        case [".venv/bin/python" | "python" | "python3", "-m", module, *rest]:
            yield from _module_problems(module, rest)
        case ["multus-ops" | ".venv/bin/multus-ops", *rest]:
            yield from _app_problems("multus_ops", rest)
        case [program, *_]:
            if program.removeprefix(".venv/bin/") not in _KNOWN:
                yield f"{program} is not a known program"


def options_in(words: list[str]) -> list[str]:
    """The options of a command, without their values."""
    told = words[: words.index("--")] if "--" in words else words
    return [word.split("=")[0] for word in told if re.match(r"^--?[a-zA-Z]", word)]


def _logical_lines(text: str) -> Iterator[str]:
    pending = ""
    for line in text.splitlines():
        pending = f"{pending}\n{line}" if pending else line
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        try:
            _tokens(pending)
        except ValueError:  # a quote that goes on in the next line
            continue
        yield pending
        pending = ""
    assert not pending.strip(), f"a quote is not closed: {pending}"


def _tokens(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.wordchars += "$%@,:{}[]^!"
    return list(lexer)


def _named(words: list[str]) -> Iterator[list[str]]:
    while words and (words[0] in _KEYWORDS or _ASSIGNMENT.match(words[0])):
        if words[0] == "for":
            return
        words = words[1:]
    if words:
        yield words


def _config_problems(words: list[str]) -> Iterator[str]:
    flags = {word for word in words if word.startswith("--")}
    unknown = flags - {"--path", "--plaintext", "--secret"}
    yield from (f"pulumi config has no option {flag}" for flag in sorted(unknown))
    names = [word for word in words if not word.startswith("--")]
    if "--path" not in flags and re.search(r"[.\[]", names[0]):
        yield f"{names[0]} needs --path"
    problem = configuration_problem(names[0])
    if problem:
        yield problem


def _module_problems(module: str, words: list[str]) -> Iterator[str]:
    if module in _APPS:
        yield from _app_problems(module, words)
    elif module not in ("http.server", "pip", "venv") and not _is_module(module):
        yield f"there is no module {module}"


def _is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def _app_problems(name: str, words: list[str]) -> Iterator[str]:
    if words != ["COMMAND"]:
        yield from _command_problems(typer.main.get_command(_APPS[name]), words)


def _command_problems(command: Any, words: list[str]) -> Iterator[str]:
    if hasattr(command, "commands"):
        names = [word for word in words if not word.startswith("-")]
        if not names or names[0] not in command.commands:
            yield f"no command {' '.join(words) or 'at all'}: there are {', '.join(command.commands)}"
            return
        words = words[words.index(names[0]) + 1 :]
        yield from _command_problems(command.commands[names[0]], words)
        return
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    yield from (f"{command.name} has no option {word}" for word in options_in(words) if word not in {*known, "--help"})
