"""Pods that start without pause while something disturbs an install of Multus, and what became of each."""
