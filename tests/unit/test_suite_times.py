from __future__ import annotations

from tests.bench.suite import seconds, table

LOG = """\
48.38s setup    tests/lab/test_install.py::test_preview[k3s-1]
1.62s call     tests/lab/test_install.py::test_preview[k3s-1]
3.00s call     tests/unit/test_plan.py::test_plan
================ 474 passed, 1 warning in 61.50s (0:01:01) ================
1 failed, 3 passed in 38.50s
"""


def test_a_log_tells_each_modules_seconds_and_those_of_all_runs() -> None:
    assert seconds(LOG) == {"lab/test_install": 50.0, "unit/test_plan": 3.0, "all": 100.0}


def test_the_table_puts_the_longest_first_and_knows_what_is_new() -> None:
    rows = table({"all": 200, "lab/test_old": 9}, seconds(LOG)).splitlines()[2:]
    assert rows == [
        "| all | 200 | 100 |",
        "| lab/test_install | 0 | 50 |",
        "| lab/test_old | 9 | 0 |",
        "| unit/test_plan | 0 | 3 |",
    ]
