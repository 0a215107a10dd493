r"""The forms that texts have to have: argument_rules.py judges by them, and the chart's schema is generated from them.

Every pattern means the same to Python, Go (RE2) and JSON Schema (ECMA 262): no `\d`, no `\Z`, nothing that looks ahead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property


@dataclass(frozen=True)
class Format:
    """A form of a text. `pattern` is a regular expression for the whole of it, without anchors."""

    pattern: str

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def matches(self, text: str) -> bool:
        """Whether the whole text has this form; `$` would let a line break pass."""
        return self._compiled.fullmatch(text) is not None

    @property
    def anchored(self) -> str:
        """The pattern as JSON Schema takes it."""
        return f"^({self.pattern})$"

    @property
    def anchored_or_empty(self) -> str:
        """The same where an empty text says nothing."""
        return f"^({self.pattern})?$"


_WORD = "[A-Za-z0-9_+@-]"
# A name in a path, and neither `..` nor a character that a shell reads.
_SEGMENT = rf"(\.|\.?{_WORD}({_WORD}|\.)*|\.\.({_WORD}|\.)+)"
_IMAGE_PATH = "(/[a-z0-9]+([._-]+[a-z0-9]+)*)"
_WORDS_OF_MAC = r"[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}"
_LABEL = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"

DNS_LABEL = Format("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DNS_SUBDOMAIN = Format("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
MAC_ADDRESS = Format("[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
# Go's net.ParseMAC of an address with six bytes.
ANY_MAC_ADDRESS = Format(rf"{MAC_ADDRESS.pattern}|{MAC_ADDRESS.pattern.replace(':', '-')}|{_WORDS_OF_MAC}")
PCI_ADDRESS = Format("[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]")
# containernetworking/cni v1.3.1, pkg/utils/utils.go, ValidateNetworkName.
CNI_NETWORK_NAME = Format("[a-zA-Z0-9][a-zA-Z0-9_.-]*")
HOST_NAME = Format("[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?")
# What may be an IPv6 address; whether it is one, ipaddress and the API server know.
IPV6_LIKE = Format("[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
# What only cluster DNS knows.
CLUSTER_NAME = Format(r"(.*)\.(svc|cluster\.local)")
LOGIN = Format("[A-Za-z_][A-Za-z0-9_.-]{0,31}")
HOST_KEY = Format(r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?\s*")

HOST_PATH = Format(rf"(/+{_SEGMENT})+/*")
# A file in a directory of its own.
HOST_FILE = Format(rf"(/+{_SEGMENT}){{2,}}/*")
# A directory of its own below /run.
SOCKET_DIR = Format(rf"/run/{_SEGMENT}(/+{_SEGMENT})*/*")
# A file that a node fetches. A login in it would stand in logs and process lists.
HTTPS_FILE = Format(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9._~!$&()*+,;=:@%/?-]+")
SHA256 = Format("[0-9a-f]{64}")
PROGRAM = Format("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

CNI_VERSION = Format(r"0\.[34]\.[0-9]+|1\.[0-9]+\.[0-9]+")
# Also the form of a network's name.
CAPABILITY = Format("[A-Za-z][A-Za-z0-9.-]{0,63}")
CONF_FILE = Format(r"[A-Za-z0-9._-]+\.(conf|conflist)")
OWN_CONF_FILE = Format("(.*/)?00-multus.*")
CRON = Format(r"[0-9*/,-]+( [0-9A-Za-z*/,-]+){4}")
DURATION = Format("[1-9][0-9]+m|[1-9][0-9]*h")

MAX_UNAVAILABLE = Format("[1-9][0-9]*|[1-9][0-9]?%|100%")
QUANTITY = Format(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
LABEL_NAME = Format(f"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_LABEL}")
LABEL_VALUE = Format(f"({_LABEL})?")

TAG = Format("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
MOVING_TAG = Format("(latest|stable|snapshot|edge|main|master|nightly)(-.*)?")
RELEASE_TAG = Format(r"v([0-9]+)\.([0-9]+)\.([0-9]+)(-thick)?")
DIGEST = Format("sha256:[0-9a-f]{64}")
REPOSITORY = Format(f"[a-z0-9][a-z0-9._-]*((:[0-9]+)?{_IMAGE_PATH}+)?")
REGISTRY = Format(f"[a-z0-9][a-z0-9.-]*(:[0-9]+)?{_IMAGE_PATH}*")
# A whole reference whose image is the same tomorrow, but for a moving tag.
FIXED_IMAGE = Format(f"({REPOSITORY.pattern})(:({TAG.pattern})|(:({TAG.pattern}))?@{DIGEST.pattern})")
MOVING_IMAGE = Format(f"[^@]*:({MOVING_TAG.pattern})")

QUANTITY_UNITS: dict[str, Decimal] = {
    "": Decimal(1),
    "m": Decimal(1) / 1000,
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}
"""What an amount's unit multiplies it by, as Kubernetes spells units."""


def quantity(text: str) -> Decimal | None:
    """A Kubernetes amount as a number, or None where it is none."""
    match = re.fullmatch(QUANTITY.pattern, text)
    return Decimal(match[1]) * QUANTITY_UNITS[match[2] or ""] if match else None
