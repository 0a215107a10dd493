"""charts/multus/templates/crd.yaml: the CRD that objects.py describes, between the chart's two switches for it."""

from __future__ import annotations

import yaml

from multus.objects import custom_resource_definition

_TEMPLATE = """\
{{{{- /* Written by `make generate` from components/multus/objects.py. */}}}}
{{{{- if .Values.crd.install }}}}
{head}  {{{{- if .Values.crd.keep }}}}
  annotations:
    # Deleting it would delete everybody's networks.
    helm.sh/resource-policy: keep
  {{{{- end }}}}
{spec}{{{{- end }}}}
"""


def written() -> str:
    """The file as it has to be."""
    definition = custom_resource_definition()
    head = {key: value for key, value in definition.items() if key != "spec"}
    return _TEMPLATE.format(head=_yaml(head), spec=_yaml({"spec": definition["spec"]}))


def _yaml(part: dict[str, object]) -> str:
    return yaml.dump(part, Dumper=_Dumper, sort_keys=False, width=120)


class _Dumper(yaml.SafeDumper):
    """Writes every part out: the description uses some of them more than once."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 # the base class fixes the arguments
        return True
