"""What many nodes cost: `python -m tests.bench.hundred_nodes`."""
