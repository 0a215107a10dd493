"""A Pulumi stack on the lab's cluster, with backend, passphrase and configuration of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Protocol

import yaml

from lab import engine_events
from lab.engine_events import Done
from lab.errors import LabError
from lab.looks import Look
from lab.processes import GO
from lab.standins.choice import Plugins, PluginSource, choose

_CHECKOUT = Path(__file__).resolve().parents[1]
_SHOWN_LINES = 30
_WITH_EVENTS = ("up", "preview", "refresh", "destroy")


class Node(Protocol):
    """What a stack has to know about a node."""

    @property
    def name(self) -> str:
        """The node's name in the cluster."""

    @property
    def address(self) -> str:
        """Where its sshd listens."""

    @property
    def host_key(self) -> str:
        """Its sshd's key, one authorized_keys line."""


class Cluster(Protocol):
    """What a stack has to know about a cluster."""

    @property
    def state(self) -> Path:
        """The lab's folder."""

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""

    @property
    def ssh_key(self) -> Path:
        """The private key that every node accepts."""

    @property
    def distro(self) -> str:
        """The distribution that the nodes look like."""

    @property
    def look(self) -> Look:
        """Where that distribution keeps things."""

    @property
    def api_server(self) -> str:
        """The API server's URL."""

    @property
    def nodes(self) -> Sequence[Node]:
        """The cluster's nodes."""


class Programs(Protocol):
    """Where the lab's programs are."""

    def path(self, name: str) -> Path:
        """Where one program is."""
        ...


@dataclass(frozen=True)
class Result:
    """How a run of Pulumi ended, and what it did."""

    command: str
    returncode: int
    stdout: str
    stderr: str
    log: Path
    done: Done = field(default_factory=Done)

    def __str__(self) -> str:
        lines = f"{self.stdout}\n{self.stderr}".rstrip().splitlines()[-_SHOWN_LINES:]
        shown = "\n".join(f"  {line}" for line in lines)
        return f"{self.command} ended with {self.returncode}; its log is {self.log}, the last lines:\n{shown}"

    def check(self) -> Result:
        """Raise a LabError unless the run succeeded."""
        if self.returncode:
            raise LabError(str(self))
        return self


class Stack:
    """One stack. Its configuration is a copy of the checkout's, renewed at the first use of each Stack object."""

    def __init__(
        self,
        cluster: Cluster,
        programs: Programs,
        name: str = "lab",
        plugins: str = "auto",
        *,
        program: Path = _CHECKOUT,
        terminal: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.cluster = cluster
        self.name = name
        self.program = program
        self.terminal = terminal
        self._settings = settings or {}
        self.state = cluster.state / "pulumi"
        # `stack init` takes no --config-file and writes into the project's folder: it gets a folder of its own.
        self._project = self.state / "project"
        self.config_file = self._project / f"Pulumi.{name}.yaml"
        self.log = cluster.state / "logs" / f"pulumi-{name}.log"
        self._pulumi = programs.path("pulumi")
        # People run it from `lab shell`.
        self._kubectl = programs.path("kubectl")
        self._source = _plugin_source(os.environ.get("LAB_PLUGINS") or plugins)
        self._ready = False

    @cached_property
    def plugins(self) -> Plugins:
        """The plugins that this stack runs with."""
        self._make_folders()
        return choose(self._source, self.state, self._pulumi, self._base_environment())

    def describe_plugins(self) -> str:
        """One line that says which plugins Pulumi runs with."""
        return str(self.plugins)

    def environment(self) -> dict[str, str]:
        """The variables with which any `pulumi` finds this stack's backend and plugins."""
        environment = self._base_environment()
        if self.plugins.folder is not None:
            environment["PATH"] = f"{self.plugins.folder}:{environment['PATH']}"
            environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        return environment

    def _base_environment(self) -> dict[str, str]:
        # A dead SSH agent fails every connection, even one that has a key.
        kept = {key: value for key, value in os.environ.items() if key not in ("SSH_AUTH_SOCK", "PULUMI_STACK")}
        folders = [Path(sys.executable).parent, self._pulumi.parent, self._kubectl.parent]
        path = ":".join([*map(str, folders), os.environ.get("PATH", os.defpath)])
        return {
            **kept,
            "PATH": path,
            "PULUMI_BACKEND_URL": f"file://{self.state / 'backend'}",
            "PULUMI_HOME": str(self.state / "home"),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.state / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **GO,
        }

    def _make_folders(self) -> None:
        for folder in (self._project, self.state / "backend", self.state / "home", self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)
        passphrase = self.state / "passphrase"
        if not passphrase.exists():
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(24))

    def exists(self) -> bool:
        """Whether the stack has been made."""
        return any((self.state / "backend" / ".pulumi" / "stacks").rglob(f"{self.name}.json"))

    def up(self, *arguments: str) -> Result:
        """Bring the cluster to what the program says."""
        return self.run("up", "--yes", "--skip-preview", *arguments, check=False)

    def preview(self, *arguments: str) -> Result:
        """Show what `up` would do."""
        return self.run("preview", *arguments, check=False)

    def refresh(self, *arguments: str) -> Result:
        """Bring the state to what the cluster says."""
        return self.run("refresh", "--yes", "--skip-preview", *arguments, check=False)

    def destroy(self, *arguments: str) -> Result:
        """Remove everything of the stack from the cluster."""
        return self.run("destroy", "--yes", "--skip-preview", *arguments, check=False)

    def killed_at(self, line: str, command: str = "up", *, once: Callable[[], bool] = lambda: True) -> Result:
        """Run `up` or `destroy` and kill it, as a crash would, as soon as it prints a line that contains this.

        Args:
            line: a part of the line, such as a resource's name and `creating`.
            command: `up` or `destroy`.
            once: asked whenever such a line is printed; until it holds, the run goes on.
        """
        killed = self.run(
            command, "--yes", "--skip-preview", check=False, kill_at=lambda printed: line in printed and once()
        )
        self._restore_checkpoint()
        return killed

    def _restore_checkpoint(self) -> None:
        """Put the backend's backup in place of a state that a kill has cut off, as docs/lifecycle.md tells people to.

        The file backend writes the state where it is (engine 3.259): `failed to load checkpoint: EOF`.
        """
        [folder] = (self.state / "backend" / ".pulumi" / "stacks").glob("*")
        state = folder / f"{self.name}.json"
        try:
            json.loads(state.read_text())
        except (FileNotFoundError, ValueError):
            shutil.copy(state.with_name(f"{state.name}.bak"), state)

    def cancel(self) -> Result:
        """Free the lock that a killed run has left."""
        return self.run("cancel", "--yes", check=False, config=False)

    def export(self) -> str:
        """The stack's state as JSON, secrets encrypted."""
        return self.run("stack", "export", config=False).stdout

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secret ones are masked."""
        outputs: dict[str, Any] = json.loads(self.run("stack", "output", "--json", config=False).stdout)
        return outputs

    def config_set(self, key: str, value: str, *, secret: bool = False, path: bool = False) -> None:
        """Set one configuration value; it travels on stdin."""
        flags = [*(["--secret"] if secret else ["--plaintext"]), *(["--path"] if path else [])]
        self.run("config", "set", key, *flags, stdin=value)

    def remove(self) -> None:
        """Forget the stack: its state, configuration and keys."""
        shutil.rmtree(self.state, ignore_errors=True)
        self.__dict__.pop("plugins", None)
        self._ready = False

    def run(
        self,
        *arguments: str,
        check: bool = True,
        stdin: str = "",
        config: bool = True,
        kill_at: Callable[[str], bool] | None = None,
    ) -> Result:
        """Run `pulumi` on this stack; `config` says whether the command takes a configuration file."""
        self.prepare()
        settings = ["--config-file", str(self.config_file)] if config else []
        folder = self.program if config else self._project
        result = self._call([*arguments, "--stack", self.name, *settings], stdin, folder, kill_at)
        return result.check() if check else result

    def prepare(self) -> None:
        """Make the stack, and give it what the checkout's stack file and the cluster say; once is enough."""
        if self._ready:
            return
        self._make_folders()
        project = _read(self.program / "Pulumi.yaml")
        (self._project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": project["name"], "runtime": "python"}))
        kept = _read(self.config_file)
        kept_config = kept.pop("config", {})
        fresh = _read(self.program / "stacks" / f"Pulumi.{self.name}.yaml")
        config: dict[str, Any] = {
            **(fresh.pop("config", None) or {}),
            **_cluster_config(self.cluster, self._settings),
        }
        # `config set` drops a last newline, so the comparison below has to do without it.
        plain_secrets = {
            "multus:sshPrivateKey": self.cluster.ssh_key.read_text().rstrip("\n"),
            "multus:kubeconfig": self.cluster.kubeconfig.read_text().rstrip("\n"),
        }
        config |= {key: kept_config[key] for key in plain_secrets if key in kept_config}
        self._ready = True
        is_new = not self.exists()
        if is_new:
            self.run("stack", "init", "--secrets-provider", "passphrase", config=False)
            kept = _read(self._project / f"Pulumi.{self.name}.yaml")
        self.config_file.write_text(yaml.safe_dump({**fresh, **kept, "config": config}, sort_keys=False))
        known = {} if is_new else json.loads(self.run("config", "--json", "--show-secrets").stdout)
        for key, value in plain_secrets.items():
            if known.get(key, {}).get("value") != value:
                self.config_set(key, value, secret=True)

    def _call(
        self, arguments: Sequence[str], stdin: str, folder: Path, kill_at: Callable[[str], bool] | None
    ) -> Result:
        command = [str(self._pulumi), *arguments, "--non-interactive", "--color", "never"]
        events = self.log.with_name(f"pulumi-{self.name}-events.json")
        environment = self.environment()
        if arguments[0] in _WITH_EVENTS:
            events.unlink(missing_ok=True)
            command += ["--event-log", str(events)]
            # The engine offers the log to those alone who debug it (cmd/pulumi of 3.259, hasDebugCommands).
            environment["PULUMI_DEBUG_COMMANDS"] = "true"
        with self.log.open("a") as log:
            log.write(f"$ pulumi {' '.join(arguments)}\n")
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            shown = self.terminal and arguments[0] in ("up", "preview", "refresh", "destroy")
            # The log never holds what may be a secret: `config --show-secrets` and the state are for the caller only.
            logged = log if arguments[0] not in ("config", "stack") else None

            def watch(printed: str) -> None:
                if kill_at is not None and kill_at(printed):
                    process.kill()

            streams = (_Tee(process.stdout, logged, watch, shown=shown), _Tee(process.stderr, log, watch, shown=shown))
            if process.stdin is not None:
                process.stdin.write(stdin)
                process.stdin.close()
            code = process.wait()
            stdout, stderr = (stream.text() for stream in streams)
            log.write(f"ended with {code}\n")
        done = engine_events.read(events) if arguments[0] in _WITH_EVENTS else Done()
        return Result(f"pulumi {arguments[0]}", code, stdout, stderr, self.log, done)


class _Tee(threading.Thread):
    """Collects one stream of a process while the log, and maybe the terminal, show it."""

    def __init__(
        self, stream: IO[str] | None, log: IO[str] | None, watch: Callable[[str], None], *, shown: bool
    ) -> None:
        super().__init__(daemon=True)
        self._stream, self._log, self._watch, self._shown = stream, log, watch, shown
        self._lines: list[str] = []
        self.start()

    def run(self) -> None:
        """Copy line by line until the process closes the stream."""
        for line in self._stream or ():
            self._lines.append(line)
            self._watch(line)
            if self._log is not None:
                self._log.write(line)
                self._log.flush()
            if self._shown:
                print(line, end="", flush=True)

    def text(self) -> str:
        """All of it, once the stream has ended."""
        self.join()
        return "".join(self._lines)


def _cluster_config(cluster: Cluster, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that a user of such a cluster would write, and further settings."""
    look = cluster.look
    said = {"distro": look.name, **dict(look.configuration), **settings}
    if look.balancer is None:
        said["apiServer"] = cluster.api_server
    if look.has_ssh:
        said["nodes"] = [{"name": node.name, "host": node.address, "hostKey": node.host_key} for node in cluster.nodes]
    return {f"multus:{name}": value for name, value in said.items()}


def _read(file: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(file.read_text()) if file.exists() else None
    return loaded if isinstance(loaded, dict) else {}


def _plugin_source(value: str) -> PluginSource:
    try:
        return PluginSource(value)
    except ValueError:
        raise LabError(f"LAB_PLUGINS is {value!r}; it can be {', '.join(PluginSource)}") from None
