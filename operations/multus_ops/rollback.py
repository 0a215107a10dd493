"""Back to the last configuration that is known to have worked, as Pulumi's history has it.

Only what decides the install is taken back. How the cluster is reached stays as it is now, so that no secret is read
from the history; so does `rotation`, since a token Secret made anew under an old name would revive the old token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multus.errors import MultusError
from multus.settings import CONTEXT, PROJECT, SECRETS

from .pulumi_cli import PulumiCli, PulumiCliError

Config = Mapping[str, Mapping[str, Any]]

_KEPT = frozenset(f"{PROJECT}:{key}" for key in (*SECRETS, CONTEXT, "rotation"))
# Meant for a single update, which is over.
_ONCE = frozenset(f"{PROJECT}:{key}" for key in ("adopt", "handover"))
_UPDATES_READ = "100"


class RollbackError(MultusError):
    """There is nothing to go back to, or the way back has failed."""


@dataclass(frozen=True)
class Change:
    """One configuration key.

    Attributes:
        key: the key.
        now: its value in the stack's file; None where it is not set.
        then: its value in the update that is gone back to; None where it was not set.
    """

    key: str
    now: Any
    then: Any


@dataclass(frozen=True)
class Rollback:
    """What a rollback does.

    Attributes:
        to: the update that is gone back to, by its time or its version.
        changes: the keys that it changes; none where the stack's file already says what that update said.
    """

    to: str
    changes: tuple[Change, ...]


def plan(pulumi: PulumiCli, to: str | None = None) -> Rollback:
    """Find the update to go back to.

    Raises:
        RollbackError: there is none.
        PulumiCliError: Pulumi cannot tell.
    """
    history = pulumi.json(
        "stack", "history", "--json", "--full-dates", "--page-size", _UPDATES_READ, takes_config=False
    )
    current = pulumi.json("config", "--json")
    update = choose(history, current, to)
    return Rollback(update_name(update), compare(current, update.get("config", {})))


def choose(history: Sequence[Mapping[str, Any]], current: Config, to: str | None = None) -> Mapping[str, Any]:
    """The update to go back to. The history's first entry is the newest.

    After an update that failed it is the last one that succeeded; else the last one that succeeded with another
    configuration than the stack's file has now.

    Raises:
        RollbackError: there is none.
    """
    runs = [run for run in history if run.get("kind") in ("update", "destroy")]
    good = [run for run in runs if run["kind"] == "update" and run.get("result") == "succeeded"]
    if to is not None:
        named = [run for run in good if to in (update_name(run), str(run.get("version")))]
        if not named:
            known = ", ".join(update_name(run) for run in good[:5]) or "none"
            raise RollbackError(f"No update named {to} has succeeded; the last that did: {known}.")
        return named[0]
    if runs and runs[0]["kind"] == "destroy":
        raise RollbackError(
            "The stack was destroyed last, so that nothing runs that could be rolled back: `pulumi up`."
        )
    if not good:
        raise RollbackError("No update of this stack has succeeded yet, so that there is nothing to go back to.")
    if runs[0] is not good[0]:
        return good[0]
    for run in good:
        if compare(current, run.get("config", {})):
            return run
    raise RollbackError("Every update that has succeeded had the configuration that the stack has now.")


def compare(current: Config, then: Config) -> tuple[Change, ...]:
    """What has to change in the stack's file so that it says again what it said then."""
    decides = {key for key in (*current, *then) if key.startswith(f"{PROJECT}:")} - _KEPT
    found = []
    for key in sorted(decides):
        now, was = current.get(key), None if key in _ONCE else then.get(key)
        is_secret = bool((now or {}).get("secret") or (was or {}).get("secret"))
        if not is_secret and (now or {}).get("value") != (was or {}).get("value"):
            found.append(Change(key, _value(now), _value(was)))
    return tuple(found)


def write(pulumi: PulumiCli, rollback: Rollback) -> None:
    """Write the changes into the stack's file, whose comments and secrets stay as they are.

    Raises:
        RollbackError: Pulumi has refused.
    """
    back = {change.key: _item(change.then) for change in rollback.changes if change.then is not None}
    gone = [change.key for change in rollback.changes if change.then is None]
    try:
        if back:
            pulumi.text("config", "set-all", "--json", json.dumps(back))
        if gone:
            pulumi.text("config", "rm-all", *gone)
    except PulumiCliError as error:
        raise RollbackError(str(error)) from None


def run(pulumi: PulumiCli, rollback: Rollback, *, yes: bool, to_stderr: bool = False) -> None:
    """Run `pulumi up` with what was written.

    Args:
        pulumi: runs Pulumi on the stack.
        rollback: what was written.
        yes: do not ask, and skip the preview.
        to_stderr: keep standard output free for something else.

    Raises:
        RollbackError: it has failed.
    """
    status = pulumi.show("up", *(["--yes", "--skip-preview"] if yes else []), to_stderr=to_stderr)
    if status:
        raise RollbackError(
            f"`pulumi up` ended with {status}. The configuration is that of the update of {rollback.to}: follow what "
            f"Pulumi says above, then repeat `{pulumi.command('up')}`."
        )


def update_name(update: Mapping[str, Any]) -> str:
    """Its version, or the time of its start where the backend does not count."""
    return str(update.get("version") or update.get("startTime"))


def _value(item: Mapping[str, Any] | None) -> Any:
    return None if item is None else item.get("objectValue", item.get("value"))


def _item(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"value": value, "secret": False}
    return {"value": json.dumps(value), "objectValue": value, "secret": False}
