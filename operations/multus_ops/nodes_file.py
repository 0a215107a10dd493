"""`--nodes FILE`: how nodes are logged in to, for an install whose stack is of another project or that has none.

The file is JSON: a list of nodes with the keys of the argument `nodes`, or an object with that list under `nodes`. The
outputs of a program are such an object too, so that `pulumi stack output --json --show-secrets` can be piped in.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multus.args import SECRET_KEYS, Distro, MultusComponentArgs
from multus.argument_types import fields_of
from multus.errors import MultusError, Problem
from multus.plan import problems_of
from multus.settings import camel, snake, spelled, with_snake_keys
from multus.ssh_keys import private_key_trouble

OUTPUT = "multusNodes"
"""The output by which a stack of another project gives its nodes, in the form of a nodes file."""

# Keys of an install that the component has as outputs; the file may give them for the time when no API server answers.
_OF_THE_INSTALL = ("cniConfDir", "cniBinDir", "plugin", "namespace")
_KEY_FILE = "privateKeyFile"
_SHARED_KEY = "sshPrivateKey"
_SHARED_KEY_FILE = "sshPrivateKeyFile"
# A Python program's own list of nodes has the keys in Python's spelling.
_KEY = ("privateKey", "private_key")
_INSECURE = ("insecureIgnoreHostKey", "insecure_ignore_host_key")
_NODES: Any = fields_of(MultusComponentArgs)["nodes"]


class NodesFileError(MultusError):
    """A nodes file cannot be used; says every reason."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The nodes of {name} cannot be used:\n{lines}")


@dataclass(frozen=True)
class NodesFile:
    """What a nodes file says.

    Attributes:
        nodes: the component's `nodes` in args.py's spelling, each with its private key.
        install: arguments of the install that the file gives, such as `cni_conf_dir`; mostly none.
    """

    nodes: tuple[Mapping[str, Any], ...] = field(repr=False)
    install: Mapping[str, Any] = field(default_factory=dict)

    @property
    def says_where(self) -> bool:
        """Whether it says enough to work on the nodes while no API server answers."""
        return {"cni_conf_dir", "cni_bin_dir", "plugin"} <= self.install.keys()


def read(path: Path, ssh_key: Path | None = None) -> NodesFile:
    """Read a nodes file.

    Args:
        path: the file; its keys' files are looked for beside it.
        ssh_key: the file of the private key for nodes that the file names none for.

    Raises:
        NodesFileError: with every problem found.
    """
    problem, text = _text_of(str(path), path)
    if problem is not None:
        raise NodesFileError(str(path), [problem])
    document = _parsed(text, str(path))
    problems = []
    if _holds_keys(document):
        problems = [Problem(str(path), f"holds private keys, and {reason}", fix) for reason, fix in _open_to(path)]
    return parse(document, str(path), path.parent, ssh_key, problems)


def parse_text(text: str, name: str, folder: Path, ssh_key: Path | None = None) -> NodesFile:
    """The same from a text that lies in no file, such as standard input. `name` is what messages call it.

    Raises:
        NodesFileError: with every problem found.
    """
    return parse(_parsed(text, name), name, folder, ssh_key)


def parse(
    document: Any, name: str, folder: Path, ssh_key: Path | None = None, problems: list[Problem] | None = None
) -> NodesFile:
    """The same from what the text says.

    Args:
        document: a list of nodes, or a mapping with `nodes`.
        name: what messages call it.
        folder: where relative paths of key files begin.
        ssh_key: the file of the private key for nodes that name none.
        problems: what is wrong already.

    Raises:
        NodesFileError: with every problem found.
    """
    given = document if isinstance(document, Mapping) else {"nodes": document}
    found = list(problems or ())
    listed = given.get("nodes", given.get(OUTPUT))
    if not isinstance(listed, list) or not listed:
        found.append(Problem("nodes", "is not a list of nodes", 'write [{"name": ..., "host": ..., "hostKey": ...}]'))
        raise NodesFileError(name, found)
    shared = _shared_key(given, folder, ssh_key, found)
    nodes = [_node(node, f"nodes[{index}]", folder, shared, found) for index, node in enumerate(listed)]
    install = {snake(key): given[key] for key in _OF_THE_INSTALL if given.get(key)}
    # Vanilla, since no directory is wrong there; of which distribution the cluster is, the cluster says.
    judged = problems_of({"distro": Distro.VANILLA, "api_server": "https://127.0.0.1", "nodes": nodes, **install})
    # A key that could not be had is spoken of already.
    has_no_key = {problem.path.rpartition(".")[0] for problem in found}
    found += [
        _as_written(problem)
        for problem in judged
        if problem.key not in SECRET_KEYS or problem.path.rpartition(".")[0] not in has_no_key
    ]
    if found:
        raise NodesFileError(name, found)
    return NodesFile(tuple(nodes), install)


def _as_written(problem: Problem) -> Problem:
    return Problem(camel(problem.path), spelled(problem.reason), spelled(problem.fix))


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        # The text around the error may be a key.
        where = f"line {error.lineno}, column {error.colno}"
        problem = Problem(name, f"is not JSON at {where}: {error.msg}", "write it as docs/operations.md shows it")
        raise NodesFileError(name, [problem]) from None


def _holds_keys(document: Any) -> bool:
    if isinstance(document, Mapping):
        return any(key in (_SHARED_KEY, *_KEY) or _holds_keys(value) for key, value in document.items())
    return isinstance(document, list) and any(map(_holds_keys, document))


def _shared_key(given: Mapping[str, Any], folder: Path, ssh_key: Path | None, found: list[Problem]) -> Any:
    if _SHARED_KEY in given:
        return given[_SHARED_KEY]
    if _SHARED_KEY_FILE in given:
        return _key_in(given[_SHARED_KEY_FILE], _SHARED_KEY_FILE, folder, found)
    return None if ssh_key is None else _key_in(str(ssh_key), "--ssh-key", Path(), found)


def _node(node: Any, path: str, folder: Path, shared: Any, found: list[Problem]) -> Any:
    """The component's argument of one node. What is no mapping is left for the component's own check."""
    if not isinstance(node, Mapping):
        return node
    login = dict(_login_of(node, path, folder, found))
    if "privateKey" not in login:
        if shared is None:
            fix = f"set {_KEY_FILE} to the key's file, or say --ssh-key FILE"
            found.append(Problem(f"{path}.privateKey", "is missing", fix))
        login["privateKey"] = "" if shared is None else shared
    if isinstance(node.get("proxy"), Mapping):
        login["proxy"] = dict(_login_of(node["proxy"], f"{path}.proxy", folder, found))
    return with_snake_keys([login], _NODES)[0]


def _login_of(login: Mapping[str, Any], path: str, folder: Path, found: list[Problem]) -> Iterator[tuple[str, Any]]:
    for key, value in login.items():
        if key == _KEY_FILE:
            yield "privateKey", _key_in(value, f"{path}.{_KEY_FILE}", folder, found)
        elif key in _KEY:
            yield _KEY[0], value
        elif key in _INSECURE:
            found.append(Problem(f"{path}.{key}", "is not taken here", "write the hostKey"))
        else:
            yield key, value


def _key_in(value: Any, path: str, folder: Path, found: list[Problem]) -> str:
    if not isinstance(value, str):
        found.append(Problem(path, "is not a path", "write the path of the private key's file"))
        return ""
    file = folder / Path(value).expanduser()
    problem, text = _text_of(path, file)
    if problem is not None:
        found.append(problem)
        return ""
    found += [Problem(path, f"{file} {reason}", fix) for reason, fix in _open_to(file)]
    trouble = private_key_trouble(text)
    if trouble is not None:
        found.append(Problem(path, f"{file} {trouble[0]}", trouble[1]))
    return text


def _text_of(path: str, file: Path) -> tuple[Problem | None, str]:
    try:
        return None, file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        return Problem(path, f"{file} cannot be read: {reason}", "name a file that is there and yours"), ""


def _open_to(file: Path) -> Iterator[tuple[str, str]]:
    """Why a file that holds a key is open to others, as ssh itself would refuse it."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if stat.S_ISREG(file.stat().st_mode) and mode & 0o077:
        yield f"is open to others (mode {mode:04o})", f"run `chmod 600 {file}`"
