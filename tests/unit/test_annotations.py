"""The annotations of pods: read as Multus reads them, and mended in the form that they have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from multus_ops.doctor.annotations import NetworkName, NotReadError, asked_for, asking_for, entries_of, mended

OWN, WRONG, RIGHT = "apps", NetworkName("apps", "second"), NetworkName("infra", "second")


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("", []),
        ("second", [{"name": "second"}]),
        ("infra/second@db0, third", [{"name": "second", "namespace": "infra", "interface": "db0"}, {"name": "third"}]),
        ('[{"name": "second", "ips": ["10.1.1.5/24"], "x": 1}]', [{"name": "second", "ips": ["10.1.1.5/24"], "x": 1}]),
        ("[]", []),
    ],
)
def test_what_multus_reads(text: str, entries: list[dict[str, Any]]) -> None:
    assert entries_of(text) == entries


@pytest.mark.parametrize(
    ("text", "why", "meant"),
    [
        ('{"name": "second"}', "no list", '[{"name": "second"}]'),
        ('"second"', "no list", "second"),
        ('["second", "infra/third"]', "no object with a name", "second,infra/third"),
        ('[{"name": "second"},]', "is no JSON", '[{"name": "second"}]'),
        ("[{'name': 'second'}]", "is no JSON", '[{"name": "second"}]'),
        ('[{"name": "second", "ips": "10.1.1.5/24"}]', "is no list", '[{"name": "second", "ips": ["10.1.1.5/24"]}]'),
        ('[{"name": "second", "ips": ["10.1.1.256"]}]', "10.1.1.256", None),
        ('[{"name": "second"', "is no JSON", None),
        ("{second}", "is no JSON", None),
        ("second,", "''", "second"),
        ("net.one", "'net.one'", '[{"name": "net.one"}]'),
        ("infra/net.one@db0", "net.one", '[{"name": "net.one", "namespace": "infra", "interface": "db0"}]'),
        ("second@a-name-of-17-chars", "longer than 15", None),
    ],
)
def test_what_multus_refuses_is_mended_where_it_is_clear(text: str, why: str, meant: str | None) -> None:
    with pytest.raises(NotReadError) as raised:
        entries_of(text)
    assert why in str(raised.value)
    assert mended(text) == meant
    if meant is not None:
        entries_of(meant)


@pytest.mark.parametrize(
    ("text", "wrong", "fixed"),
    [
        ("second", WRONG, "infra/second"),
        ("apps/second@db0,third", WRONG, "infra/second@db0,third"),
        ("third, second ,second@x", WRONG, "third,infra/second,infra/second@x"),
        ("second-b,second", WRONG, "second-b,infra/second"),
        (
            '[{"name": "second", "interface": "db0", "ips": ["10.1.1.5/24"]}, {"name": "third"}]',
            WRONG,
            '[{"name": "second", "interface": "db0", "ips": ["10.1.1.5/24"], "namespace": "infra"}, {"name": "third"}]',
        ),
        ('[{"name": "second", "namespace": "apps"}]', WRONG, '[{"name": "second", "namespace": "infra"}]'),
        (
            '[{"name": "infra/second"}]',
            NetworkName("apps", "infra/second"),
            '[{"name": "second", "namespace": "infra"}]',
        ),
        (
            '[{"namespace": "apps", "name": "infra/second", "mac": "02:00:00:00:00:01"}]',
            NetworkName("apps", "infra/second"),
            '[{"namespace": "infra", "name": "second", "mac": "02:00:00:00:00:01"}]',
        ),
        ('[{"name": "second", "namespace": "other"}]', WRONG, '[{"name": "second", "namespace": "other"}]'),
    ],
)
def test_a_network_is_asked_for_elsewhere_in_the_form_that_it_has(text: str, wrong: NetworkName, fixed: str) -> None:
    made = asking_for(text, OWN, wrong, RIGHT)
    assert made == fixed
    assert wrong not in [asked_for(each, OWN) for each in entries_of(made)]


def test_a_name_that_the_short_form_cannot_say_takes_the_long_one() -> None:
    made = asking_for("second@db0", OWN, WRONG, NetworkName("infra", "net.one"))
    assert json.loads(made) == [{"name": "net.one", "interface": "db0", "namespace": "infra"}]
