"""What holds between the rules for networks and the plugins themselves, on as many examples as there is time for."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings

from multus.network_plan import network_problems_of, resolve_network

from .network_strategies import networks, with_mistakes
from .plugin_calls import CARD, INTERFACE, Machine, RefusedError

_ASKED = {"ips": ["10.97.0.5/24"], "mac": "02:00:00:00:00:05"}
# Refused over this machine or this pod and not over what somebody wrote: a link or program is not there, the kernel
# lacks it or has another word for it, or a pod asks for no address by `cni-args` where it may.
_OF_THE_MOMENT = (
    *("Link not found", "failed to find host device", "failed to find plugin", "not supported", "executable file not"),
    *("no default route interface", "requested IP address", "error dialing DHCP daemon", "master MTU", "/proc/sys/"),
    "IPAM plugin returned missing IP config",
)
_PLUGINS = {"bridge", "macvlan", "host-device", "vlan", "ipvlan", "tuning", "sbr"}


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


def show_that_what_is_accepted_works(machine: Machine, examples: int) -> Counter[str]:
    """Every network without a problem gets a pod its interface, which is checked and given back."""
    seen: Counter[str] = Counter()

    @_settings(examples)
    @given(args=networks(machine.kinds))
    def works(args: dict[str, Any]) -> None:
        accepted = not network_problems_of(args, "n")
        seen["accepted" if accepted else "refused"] += 1
        if not accepted:
            return
        plan = resolve_network(args, "n")
        asked = {key: value for key, value in _ASKED.items() if key in plan.allow and _fits(key, args)}
        with machine.attached(plan.conf(), asked) as result:
            assert any(each["name"] == INTERFACE for each in result["interfaces"])
            assert len(result.get("ips", ())) == _number_of_addresses(args, asked)
        # host-local keeps its lock and the last address that it gave, and none of the addresses.
        left = machine.node.files("/var/lib/cni")
        assert {name for name in left if name != "lock" and not name.startswith("last_reserved_ip")} == set()
        assert machine.node.files("/run/cni") == set()
        assert not machine.pod.has_link(INTERFACE)
        assert machine.node.has_link(CARD)
        machine.cleared()

    works()
    return seen


def _fits(key: str, args: dict[str, Any]) -> bool:
    """Whether a pod may ask for the address: host-local gives those of its ranges alone."""
    return key != "ips" or "static" in args["ipam"]


def _number_of_addresses(args: dict[str, Any], asked: dict[str, Any]) -> int:
    if "ips" in asked:
        return len(asked["ips"])
    [way] = args.get("ipam", {"none": {}}).values()
    return len([*way.get("ranges", ()), *way.get("addresses", ())])


def show_that_what_plugins_refuse_is_refused_first(machine: Machine, examples: int) -> Counter[str]:
    """Every configuration that a plugin refuses over what stands in it has a problem of ours."""
    seen: Counter[str] = Counter()
    sound = networks(machine.kinds).filter(lambda args: not network_problems_of(args, "n"))
    confs = with_mistakes(sound.map(lambda args: resolve_network(args, "n").conf()))

    @_settings(examples)
    @given(conf=confs)
    def refused_first(conf: dict[str, Any]) -> None:
        # Routes are a plugin's business wherever they go, and ours only so far as somebody has not meant them.
        problems = network_problems_of({"config": json.dumps(conf), "default_route": True}, "n")
        said = _refusal(machine, conf)
        machine.cleared()
        ours = "problem" if problems else "none"
        seen[f"{'refused' if said else 'taken'}, {ours}"] += 1
        assert problems or not said, said

    refused_first()
    return seen


def _refusal(machine: Machine, conf: dict[str, Any]) -> str:
    """What a plugin says to a configuration, empty where it takes it, and where it speaks of the machine."""
    chain = conf.get("plugins")
    if not isinstance(chain, list) or not all(isinstance(each, dict) for each in chain):
        return "no list of plugins"
    if any(each.get("type") not in _PLUGINS for each in chain if isinstance(each.get("type"), str)):
        return ""
    if not all(isinstance(each.get("type"), str) for each in chain):
        return "libcni: a plugin without a type"
    # The component gives it a version and a name where it has none.
    named = {"cniVersion": conf.get("cniVersion") or "1.0.0", "name": conf.get("name") or "default.n"}
    try:
        with machine.attached({**named, "plugins": chain}, {}):
            pass
    except RefusedError as error:
        said = str(error)
        # What CHECK says, nobody hears when a pod starts.
        return "" if error.verb != "ADD" or any(each in said for each in _OF_THE_MOMENT) else said
    return ""
