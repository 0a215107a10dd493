"""A client of the API server, whose failures are sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from multus.errors import MultusError


class ClusterError(MultusError):
    """The API server cannot be asked, or has refused."""


@contextmanager
def connected(kubeconfig: str, context: str | None = None) -> Iterator[client.ApiClient]:
    """A client of the cluster that a kubeconfig's content names.

    Raises:
        ClusterError: the kubeconfig cannot be used; or, within the block, the API server did not answer or refused.
    """
    try:
        loaded: Any = yaml.safe_load(kubeconfig)
        made: Any = config.new_client_from_config_dict(loaded, context=context)  # type: ignore[no-untyped-call]
    except (ConfigException, yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ClusterError(f"The kubeconfig cannot be used: {reason}.") from None
    with made, asked(made.configuration.host):
        yield made


@contextmanager
def asked(host: str) -> Iterator[None]:
    """What goes wrong between here and the API server, as a ClusterError."""
    try:
        yield
    except client.ApiException as error:
        raise ClusterError(f"The API server answered {error.status} {error.reason}: {_message(error)}") from None
    except HTTPError as error:
        raise ClusterError(f"The API server does not answer at {host}: {_innermost(error)}.") from None


def kubeconfig_at(path: Path) -> str:
    """The content of a kubeconfig file.

    Raises:
        ClusterError: it cannot be read.
    """
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _message(error: client.ApiException) -> str:
    try:
        return str(yaml.safe_load(str(error.body))["message"])
    except (yaml.YAMLError, KeyError, TypeError):
        return str(error.body)[:200]


def _innermost(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _innermost(reason)
    return getattr(error.__cause__, "strerror", None) or str(error).rpartition(": ")[2]
