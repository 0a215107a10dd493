"""The operator's tools for Multus on a cluster: doctor, render, disable and enable, rollback."""
