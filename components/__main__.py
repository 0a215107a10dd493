"""The plugin that `pulumi package add` runs: it serves MultusComponent to every Pulumi language."""

from pulumi.provider.experimental import component_provider_host

from multus import MultusComponent, __version__

if __name__ == "__main__":
    component_provider_host([MultusComponent], name="multus", version=__version__)
