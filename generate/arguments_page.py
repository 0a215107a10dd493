"""docs/arguments.md: what args.py and network_args.py say, for people who read."""

from __future__ import annotations

import ast
from pathlib import Path

from multus import args, network_args
from multus.argument_types import fields_of

_HEAD = """\
# Arguments

Written from `components/multus/args.py` and `network_args.py` by `make generate`. In a stack's configuration, and in
every language but Python, the same names are in camel case: `multus:cniConfDir`. A name without a default is required.

Most people need five of them:

| argument | what to write |
| --- | --- |
{first}

All others have defaults that work. Those of a [network](networks.md) begin at [MultusNetworkArgs](#multusnetworkargs).
"""
_FIRST = {
    "distro": "`k3s`, `vanilla` or one of [the others](paths.md): every path follows from it",
    "nodes": "the nodes to check, provision, verify and clean over SSH; without it the pods do what they can",
    "api_server": "`https://host:port` as the nodes' hosts reach it; not needed on k3s, rke2, microk8s and talos",
    "plugin": "`thick` for metrics and log rotation; else leave it out",
    "image": "`registry` where images come from a mirror, `tag` for another release",
}
_PARTS = ((args, "MultusComponentArgs"), (network_args, "MultusNetworkArgs"))


def written() -> str:
    """The page as it has to be."""
    ordered = [item for module, top in _PARTS for item in _classes(str(module.__file__), top)]
    assert _FIRST.keys() <= fields_of(args.MultusComponentArgs).keys()
    first = "\n".join(f"| `{name}` | {about} |" for name, about in _FIRST.items())
    return "\n".join([_HEAD.format(first=first), *(_section(item) for item in ordered)])


def _classes(file: str, top: str) -> list[ast.ClassDef]:
    """The classes of a module, that of its component first."""
    body = ast.parse(Path(file).read_text(encoding="utf-8")).body
    return sorted((item for item in body if isinstance(item, ast.ClassDef)), key=lambda item: item.name != top)


def _section(item: ast.ClassDef) -> str:
    about = " ".join((ast.get_docstring(item) or "").split())
    rows = [
        f"| `{field.target.id}` | `{_type(field.annotation)}` | {_text(below)} |"
        for field, below in zip(item.body, item.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    ]
    values = [f"- `{ast.literal_eval(field.value)}`" for field in item.body if isinstance(field, ast.Assign)]
    table = ["| argument | type | meaning |", "| --- | --- | --- |", *rows] if rows else values
    return "\n".join([f"## {item.name}", "", about, "", *table, ""])


def _type(annotation: ast.expr) -> str:
    text = ast.unparse(annotation)
    optional = "NotRequired["
    return text[len(optional) : -1] if text.startswith(optional) else text


def _text(statement: ast.stmt) -> str:
    assert isinstance(statement, ast.Expr)
    return " ".join(str(ast.literal_eval(statement.value)).split()).replace("|", "\\|")
