"""Whatever stands in the configuration, it loads or is refused in sentences."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi.runtime import set_all_config
from pulumi.runtime.mocks import set_mocks

from multus.settings import Settings, SettingsError
from tests.support.arguments import HOST_KEY, SSH_KEY
from tests.support.recording import PROJECT, silent_mocks

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70000) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
_JUMP = {"host": "192.0.2.9", "hostKey": HOST_KEY}
_NODE = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("a") | _JSON,
        "host": st.just("192.0.2.1") | _JSON,
        "hostKey": st.just(HOST_KEY) | _JSON,
        "port": st.just(22) | _JSON,
        "privateKey": st.just(SSH_KEY) | _JSON,
        "proxy": st.just(_JUMP) | _JSON,
        "zzz": _JSON,
    },
)
_TEXT = st.sampled_from(["k3s", "vanilla", "true", "1", "", "{", "[]", "https://192.0.2.1", SSH_KEY]) | st.text(
    max_size=9
)
_KEYS = ("distro", "method", "namespace", "image", "cniConfDir", "apiServer", "nodes", "rotation", "adopt", "zzz")
_CONFIG = st.fixed_dictionaries(
    {},
    optional={
        **{f"multus:{key}": _TEXT | _JSON.map(json.dumps) for key in (*_KEYS, "timeoutSeconds", "kubeconfig")},
        "multus:nodes": st.lists(_NODE | _JSON, max_size=2).map(json.dumps) | _TEXT,
        "multus:sshPrivateKey": _TEXT,
    },
)


@given(_CONFIG)
@settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_settings_load_or_explain(config: dict[str, Any]) -> None:
    set_mocks(silent_mocks(), project=PROJECT)
    set_all_config(config, ["multus:sshPrivateKey", "multus:kubeconfig"])
    try:
        Settings.load()
    except SettingsError as error:
        problems = error.problems
    else:
        return
    assert problems
    assert all(problem.path.startswith("multus:") for problem in problems)
    assert all("pulumi config " in problem.fix for problem in problems)
