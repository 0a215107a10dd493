"""A real Kubernetes cluster on this machine, made from packages, for trying and testing the project."""
