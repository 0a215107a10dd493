"""What many resources wait for, or what waits for many, by URN alone.

For every dependency on a resource the SDK walks through all that the resource depends on, to look for a cycle
(pulumi 3.272, runtime/resource_cycle_breaker.py): with a hundred nodes most of a program's time, and with the square
of their number. A URN has nothing behind it. The engine is told the same either way.
"""

from __future__ import annotations

from collections.abc import Iterable

import pulumi
from pulumi.resource import DependencyResource

Waits = list[pulumi.Input[pulumi.Resource]]
"""What `depends_on` takes."""


def by_urn(resources: Iterable[pulumi.Resource]) -> Waits:
    """The same resources for `depends_on`."""
    return [pulumi.Output.from_input(_known_later(each)) for each in resources]


async def _known_later(resource: pulumi.Resource) -> pulumi.Resource:
    """Of a registration that fails this raises what it has raised."""
    urn = await resource.urn.future()
    if urn is None:
        raise ValueError(f"{resource} has no URN")
    return DependencyResource(urn)
