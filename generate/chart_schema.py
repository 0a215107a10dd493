"""charts/multus/values.schema.json: values.yaml says which values there are, this module what each may be.

The forms are those of the arguments (formats.py, args.py): the chart accepts no text that the component refuses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import yaml

from generate import CHART
from generate.chart_readme import descriptions
from multus import formats
from multus.args import (
    Credentials,
    LogLevel,
    LogOptionsArgs,
    Plugin,
    ResourcesArgs,
    SelinuxArgs,
    TolerationArgs,
)
from multus.argument_rules import MULTUS_NETWORK, PORTS
from multus.argument_rules_pods import AFFINITIES, EFFECTS, OPERATORS
from multus.argument_types import fields_of
from multus.formats import Format
from multus.image import PULL_POLICIES
from multus.multus_conf import WHOLE_CONF_FILE, camel_keys

Schema = dict[str, Any]


def written() -> str:
    """The file as it has to be."""
    return json.dumps(schema(), indent=2) + "\n"


def schema() -> Schema:
    """The schema. A value without a form here is a KeyError: nothing is left unchecked by mistake."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart multus",
        "$comment": "Written by `make generate`.",
        **_object({**_properties(values, descriptions()), **_OF_HELM}),
    }


def _properties(values: dict[str, Any], about: dict[str, str], path: str = "") -> Schema:
    found: Schema = {}
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and here not in about:
            found[key] = _object(_properties(value, about, here))
        else:
            form = {"type": "boolean"} if isinstance(value, bool) else _FORMS[here]
            found[key] = {"description": about[here], **form}
    return found


def _object(properties: Schema, **more: Any) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties, **more}


def _text(form: Format, *, unless: Format | None = None) -> Schema:
    return {"type": "string", "pattern": form.anchored, **_unless(unless)}


def _optional_text(form: Format, *, unless: Format | None = None) -> Schema:
    """A text that says nothing where it is empty."""
    return {"type": "string", "pattern": form.anchored_or_empty, **_unless(unless)}


def _unless(form: Format | None) -> Schema:
    return {} if form is None else {"not": {"pattern": form.anchored}}


def _one_of(values: type[StrEnum] | Iterable[str]) -> Schema:
    return {"enum": [str(value) for value in values]}


def _list_of(form: Format) -> Schema:
    """A list of names. The official Kubernetes provider makes null of an empty list."""
    return {"type": ["array", "null"], "items": _text(form), "uniqueItems": True}


def _number(least: int, most: int | None = None) -> Schema:
    return {"type": "integer", "minimum": least, **({} if most is None else {"maximum": most})}


def _mapping(value: Schema, keys: Format) -> Schema:
    """Keys that a user chooses. Not by `propertyNames`, for which Helm 3.22 names another value than the wrong one."""
    return {"type": "object", "additionalProperties": False, "patternProperties": {keys.anchored: value}}


def _keys_of(typed_dict: type, **forms: Schema) -> Schema:
    """An object with the keys of a TypedDict, in the chart's spelling, each with its type or the form given for it."""
    types: dict[Any, Schema] = {str: {"type": "string"}, bool: {"type": "boolean"}, int: {"type": "integer"}}
    fields = {key: forms[key] if key in forms else types[hint] for key, hint in fields_of(typed_dict).items()}
    return _object(camel_keys(fields))


_DNS_NAMES = _list_of(formats.DNS_SUBDOMAIN)
_AMOUNTS = _mapping(_text(formats.QUANTITY), formats.LABEL_NAME)
_LABELS = _mapping(_text(formats.LABEL_VALUE), formats.LABEL_NAME)
_NODE_TERMS = _object(
    {"nodeSelectorTerms": {"type": "array", "minItems": 1, "items": {"type": "object"}}}, required=["nodeSelectorTerms"]
)
_NODE_AFFINITY = _object(
    {
        "requiredDuringSchedulingIgnoredDuringExecution": _NODE_TERMS,
        "preferredDuringSchedulingIgnoredDuringExecution": {"type": "array", "items": {"type": "object"}},
    }
)
_SERVER = Format(f"{formats.HOST_NAME.pattern}|{formats.IPV6_LIKE.pattern}")
_DEFAULT_NETWORK = Format(f"{formats.DNS_SUBDOMAIN.pattern}|{formats.HOST_PATH.pattern}")
_OWN_NETWORK = Format(f"{MULTUS_NETWORK}|{formats.OWN_CONF_FILE.pattern}")

# What Helm itself adds to the values of a dependency.
_OF_HELM: Schema = {"global": {"type": "object"}, "enabled": {"type": "boolean"}}

_FORMS: dict[str, Schema] = {
    "plugin": _one_of(Plugin),
    "image.repository": _text(formats.REPOSITORY),
    "image.registry": _optional_text(formats.REGISTRY),
    "image.tag": _optional_text(formats.TAG, unless=formats.MOVING_TAG),
    "image.digest": _optional_text(formats.DIGEST),
    "image.pullPolicy": _one_of(PULL_POLICIES),
    "image.pullSecrets": _DNS_NAMES,
    "cni.configDir": _text(formats.HOST_PATH),
    "cni.binDir": _text(formats.HOST_PATH),
    "cni.pluginsDir": _optional_text(formats.HOST_PATH),
    "cni.configFile": _one_of(["auto", WHOLE_CONF_FILE]),
    "cni.linkedDirs": _list_of(formats.HOST_PATH),
    "host.kubeletDir": _text(formats.HOST_PATH),
    "host.netnsDir": _text(formats.HOST_PATH),
    "apiServer.host": _optional_text(_SERVER),
    "apiServer.port": _number(*PORTS),
    "network.defaultNetwork": _optional_text(_DEFAULT_NETWORK, unless=_OWN_NETWORK),
    "network.directory": _optional_text(formats.HOST_PATH),
    "network.namespace": _optional_text(formats.DNS_LABEL),
    "network.file": _optional_text(formats.CONF_FILE, unless=formats.OWN_CONF_FILE),
    "network.defaultNetworks": _DNS_NAMES,
    "network.systemNamespaces": _DNS_NAMES,
    "network.globalNamespaces": _DNS_NAMES,
    "conf.cniVersion": _optional_text(formats.CNI_VERSION),
    "conf.capabilities": _mapping({"type": "boolean"}, formats.CAPABILITY),
    "conf.readinessIndicatorFile": _optional_text(formats.HOST_PATH),
    "conf.additionalBinDir": _optional_text(formats.HOST_PATH),
    "conf.networksDir": _optional_text(formats.HOST_PATH),
    "log.level": _one_of(["", *LogLevel]),
    "log.file": _optional_text(formats.HOST_FILE),
    "log.options": _keys_of(LogOptionsArgs, max_age=_number(0), max_size=_number(0), max_backups=_number(0)),
    "daemon.connectionLimit": _number(0),
    "daemon.metricsPort": _number(0, PORTS[1]),
    "daemon.socketDir": _text(formats.SOCKET_DIR),
    "daemon.perNodeCertificates.bootstrapKubeconfig": _optional_text(formats.HOST_FILE),
    "daemon.perNodeCertificates.duration": _text(formats.DURATION),
    "credentials": _one_of(Credentials),
    "token.secretName": _optional_text(formats.DNS_SUBDOMAIN),
    "token.rotation": _text(formats.DNS_LABEL),
    "serviceAccount.name": _text(formats.DNS_SUBDOMAIN),
    "resources": _keys_of(ResourcesArgs, requests=_AMOUNTS, limits=_AMOUNTS),
    "nodeSelector": _LABELS,
    "excludedNodes": _mapping({"type": "array", "items": _text(formats.LABEL_VALUE)}, formats.LABEL_NAME),
    "tolerations": {
        "type": ["array", "null"],
        "items": _keys_of(TolerationArgs, operator=_one_of(OPERATORS), effect=_one_of(EFFECTS)),
    },
    "affinity": _object({**{key: {"type": "object"} for key in AFFINITIES}, "nodeAffinity": _NODE_AFFINITY}),
    "priorityClassName": _text(formats.DNS_SUBDOMAIN),
    "updateStrategy.maxUnavailable": {
        "type": ["string", "integer"],
        "pattern": formats.MAX_UNAVAILABLE.anchored_or_empty,
        "minimum": 1,
    },
    "minReadySeconds": _number(0),
    "commonLabels": _LABELS,
    "podAnnotations": _mapping({"type": "string"}, formats.LABEL_NAME),
    "securityContext.seLinuxOptions": _keys_of(SelinuxArgs),
    "referencePlugins.names": _list_of(formats.PROGRAM),
    "referencePlugins.image": _optional_text(formats.FIXED_IMAGE, unless=formats.MOVING_IMAGE),
    "referencePlugins.directory": _text(formats.HOST_PATH),
    "keeper.image": _optional_text(formats.FIXED_IMAGE, unless=formats.MOVING_IMAGE),
    "test.image": {"type": "string", "minLength": 1},
    "test.networkConfig": {"type": "string", "minLength": 2},
}
