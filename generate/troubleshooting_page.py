"""docs/troubleshooting.md: what symptoms.py knows, for people who look a message up."""

from __future__ import annotations

from multus_ops.doctor.origin import PulumiInstall
from multus_ops.doctor.symptoms import SYMPTOMS, Symptom
from multus_ops.pulumi_cli import PulumiCli

from .reports import REPORTS
from .words import WORDS

_HEAD = """\
# Troubleshooting

Written from `operations/multus_ops/doctor/symptoms.py` by `make generate`.

`doctor` names each of these by itself, with the place and the very commands, every name below filled in; see
[Doctor](doctor.md). Where a command below says `pulumi` and the install came by Helm or by kubectl, it prints the
command of that way. Each was brought about on a real cluster by the project's tests, recognised there, and mended by
what was printed; where a section says otherwise, clusters made by hand stand for it.

| what you see | name |
| --- | --- |
"""
_OWNERS = {
    "multus-cni": "k8snetworkplumbingwg/multus-cni",
    "k3s": "k3s-io/k3s",
    "rke2": "rancher/rke2",
    "kube-ovn": "kubeovn/kube-ovn",
    "talos": "siderolabs/talos",
    "longhorn-tests": "longhorn/longhorn-tests",
    "harvester": "harvester/harvester",
    "microk8s": "canonical/microk8s",
    "microk8s-community-addons": "canonical/microk8s-community-addons",
    "longhorn": "longhorn/longhorn",
    "istio": "istio/istio",
    "rancher": "rancher/rancher",
    "rook": "rook/rook",
    "containerd": "containerd/containerd",
    "ocs-ci": "red-hat-storage/ocs-ci",
    "test-infra": "kubernetes/test-infra",
    "gatekeeper": "open-policy-agent/gatekeeper",
    "kubriX": "suxess-it/kubriX",
    "turing-rk1-cluster": "freed-dev-llc/turing-rk1-cluster",
    "home-ops": "blackjid/home-ops",
    "rke2-selinux": "rancher/rke2-selinux",
    "elemental": "SUSE/elemental",
}
_RUN = "the lab's tests of doctor run it, as doctor prints it"
# As somebody reads them who has installed by a stack; doctor writes them for every origin.
_STACK = PulumiInstall(PulumiCli("STACK"))
_COMMANDS = {
    "namespace": "kube-system",
    "on": "ssh root@NODE",
    "restart": "kubectl -n kube-system delete pod -l app=multus --field-selector spec.nodeName=NODE",
    "repair": _STACK.repair(),
    "renew": _STACK.repair(),
    "options": "--stack STACK",
}


class _Named(dict[str, str]):
    """What a command leaves open, in capitals."""

    def __missing__(self, key: str) -> str:
        return key.upper()


def written() -> str:
    """The page as it has to be."""
    rows = [
        f"| {symptom.shows.replace('|', chr(92) + '|')} | [{symptom.name}](#{symptom.name}) |" for symptom in SYMPTOMS
    ]
    return "\n".join([_HEAD.rstrip("\n"), *rows, "", *_words(), *map(_section, SYMPTOMS), *_reports()])


def _words() -> list[str]:
    """What has no section of its own."""
    rows = (f"| {each.said} | {each.means} | {each.answer} |" for each in WORDS)
    head = ["| what you see | what it says | where to look |", "| --- | --- | --- |"]
    return ["## Words that say little of their cause", "", *head, *rows, ""]


def _reports() -> list[str]:
    """The last section: reports that were looked for, and what became of each."""
    rows = (
        f"| [{each.issue}](https://github.com/{each.issue.replace('#', '/issues/')}) | {each.met} | {each.said} |"
        f" {_answer(each.section)} |"
        for each in REPORTS
    )
    about = "`tests/unit/test_reports.py` tries each of these public reports on a cluster made by hand."
    head = ["| report | what was met | what doctor first said | answered by |", "| --- | --- | --- | --- |"]
    return ["## Reports that were tried", "", about, "", *head, *rows, ""]


def _answer(section: str) -> str:
    page, _, anchor = section.partition("#")
    return f"[{anchor.replace('-', ' ')}]({section})" if anchor else f"[{page}](#{page})"


def _section(symptom: Symptom) -> str:
    names = _Named(_COMMANDS)
    changes = {key.format_map(names): value.format_map(names) for key, value in symptom.changes.items()}
    commands = _Named({**_COMMANDS, "change": _STACK.change(changes)})
    fix, otherwise = ([line.format_map(commands) for line in lines] for lines in (symptom.fix, symptom.otherwise))
    run = f"not run: {symptom.untried or _RUN}"
    issues = ", ".join(map(_link, symptom.issues))
    return "\n".join(
        [
            f"## {symptom.name}",
            "",
            symptom.shows,
            "",
            symptom.why,
            "",
            *_block(fix, run),
            *(["Where it cannot say more, it prints:", "", *_block(otherwise, run)] if otherwise else []),
            *([f"No test has broken a real cluster in this way: {symptom.untried}.", ""] if symptom.untried else []),
            *([f"Seen in {issues}.", ""] if issues else []),
        ]
    )


def _block(commands: list[str], mark: str) -> list[str]:
    return [f"<!-- {mark} -->", "```sh", *commands, "```", ""]


def _link(issue: str) -> str:
    repository, _, number = issue.partition("#")
    return f"[{issue}](https://github.com/{_OWNERS.get(repository, repository)}/issues/{number})"
