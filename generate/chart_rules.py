"""charts/multus/files/rules.json: what the chart's templates decide by, from the constants that Python decides by."""

from __future__ import annotations

import json

from multus import formats
from multus.argument_rules import DAEMON_KEYS_SINCE, LAST_LOSING_RELEASE, WRITTEN_WHOLE
from multus.argument_rules_pods import LEAST_THICK_MEMORY, RESERVED_LABELS
from multus.chart_values import value_path
from multus.defaults import (
    DEFAULT_MAX_UNAVAILABLE,
    DEFAULT_RESOURCES,
    DEFAULT_ROTATION,
    DEFAULT_SOCKET_DIR,
    WHOLE_CNI_VERSION,
)
from multus.distros import K3S_FLOW_CONTROL, K3S_SIDECARS
from multus.image import CLAIMS_SINCE, OLDEST_RELEASE
from multus.multus_conf import THICK_CNI_VERSION


def written() -> str:
    """The file as it has to be."""
    rules = {
        "about": "Written by `make generate` from components/multus.",
        "withoutFlag": [value_path(f"conf.{key}") for key in WRITTEN_WHOLE],
        "releaseTag": formats.RELEASE_TAG.anchored,
        "oldestRelease": {plugin: _version(release) for plugin, release in OLDEST_RELEASE.items()},
        "lastLosingRelease": _version(LAST_LOSING_RELEASE),
        "daemonKeysSince": {
            value_path(f"daemon.{key}").removeprefix("daemon."): _version(release)
            for key, release in DAEMON_KEYS_SINCE.items()
        },
        "claimsSince": _version(CLAIMS_SINCE),
        "servesFlowControl": f"1.{K3S_FLOW_CONTROL}",
        "runsSidecars": f"1.{K3S_SIDECARS}",
        "reservedLabels": RESERVED_LABELS,
        "leastThickMemory": LEAST_THICK_MEMORY,
        "quantityUnits": {unit: float(factor) for unit, factor in formats.QUANTITY_UNITS.items()},
        "clusterName": formats.CLUSTER_NAME.anchored,
        "rotation": DEFAULT_ROTATION,
        "socketDir": DEFAULT_SOCKET_DIR,
        "resources": DEFAULT_RESOURCES,
        "maxUnavailable": DEFAULT_MAX_UNAVAILABLE,
        "cniVersion": {"thin": WHOLE_CNI_VERSION, "thick": THICK_CNI_VERSION},
    }
    return json.dumps(rules, indent=2) + "\n"


def _version(release: tuple[int, ...]) -> str:
    return ".".join(map(str, release))
