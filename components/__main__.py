"""The plugin that `pulumi package add` runs: it serves its components to every Pulumi language."""

from pulumi.provider.experimental import component_provider_host

from multus import MultusComponent, MultusNetwork, __version__

if __name__ == "__main__":
    component_provider_host([MultusComponent, MultusNetwork], name="multus", version=__version__)
