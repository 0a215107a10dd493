"""Keys that cannot log in are refused by their text, and no text of one is shown."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from multus.errors import InvalidArgumentsError
from multus.plan import problems_of, resolve
from multus.ssh_keys import host_key_trouble, private_key_trouble, shortest_form
from tests.support.arguments import SSH_KEY, k3s, node

KEYS: dict[str, Any] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "rsa": rsa.generate_private_key(65537, 2048),
    "ecdsa": ec.generate_private_key(ec.SECP256R1()),
}
OPENSSH = serialization.PrivateFormat.OpenSSH
PKCS8 = serialization.PrivateFormat.PKCS8
PEM = serialization.PrivateFormat.TraditionalOpenSSL
FORMS = [(name, form) for name in KEYS for form in (OPENSSH, PKCS8, PEM) if (name, form) != ("ed25519", PEM)]


def written(name: str, form: serialization.PrivateFormat, *, locked: bool = False) -> str:
    lock = serialization.BestAvailableEncryption(b"made up") if locked else serialization.NoEncryption()
    return str(KEYS[name].private_bytes(serialization.Encoding.PEM, form, lock).decode())


@pytest.mark.parametrize(("name", "form"), FORMS, ids=map(str, range(len(FORMS))))
def test_a_key_without_a_passphrase_passes(name: str, form: serialization.PrivateFormat) -> None:
    assert private_key_trouble(written(name, form)) is None
    assert problems_of(k3s(node("a", 1, private_key=written(name, form)))) == []


@pytest.mark.parametrize(("name", "form"), FORMS, ids=map(str, range(len(FORMS))))
def test_the_shortest_form_is_the_same_key(name: str, form: serialization.PrivateFormat) -> None:
    text = written(name, form)
    short = shortest_form(text)
    if (name, form) == ("ed25519", OPENSSH):
        assert short == written(name, PKCS8)
        assert len(short) < len(text) / 3
        assert private_key_trouble(short) is None
    else:
        assert short == text


@pytest.mark.parametrize("text", ["", "no key", written("ed25519", PKCS8, locked=True), SSH_KEY, SSH_KEY[:200]])
def test_what_cannot_be_said_shorter_stays(text: str) -> None:
    assert shortest_form(text) == text


@pytest.mark.parametrize("name", KEYS)
def test_a_hosts_key_passes_and_a_cut_one_does_not(name: str) -> None:
    form = serialization.PublicFormat.OpenSSH
    line = KEYS[name].public_key().public_bytes(serialization.Encoding.OpenSSH, form).decode()
    assert host_key_trouble(line) is None
    assert host_key_trouble(f"{line} root@host") is None
    trouble = host_key_trouble(line[:-8])
    assert trouble is not None
    assert trouble[0].startswith("is cut off")


@pytest.mark.parametrize(("name", "form"), [each for each in FORMS if each[1] is not OPENSSH])
def test_a_passphrase_is_seen_in_pem(name: str, form: serialization.PrivateFormat) -> None:
    assert_locked(written(name, form, locked=True))


RSA = ("rsa", "-b", "2048")  # a longer one takes seconds to be found


@pytest.mark.parametrize("more", [("ed25519",), RSA, ("ecdsa",), (*RSA, "-m", "PEM"), (*RSA, "-m", "PKCS8")])
def test_a_passphrase_is_seen_in_what_ssh_keygen_writes(more: tuple[str, ...], tmp_path: Path) -> None:
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("ssh-keygen is not on this machine")
    file = tmp_path / "key"
    subprocess.run([program, "-q", "-t", *more, "-N", "made up", "-f", file], check=True)
    assert_locked(file.read_text())
    assert shortest_form(file.read_text()) == file.read_text()
    # What the refusal says to run.
    subprocess.run([program, "-q", "-p", "-P", "made up", "-N", "", "-f", file], check=True, capture_output=True)
    assert private_key_trouble(file.read_text()) is None


def assert_locked(key: str) -> None:
    [problem] = problems_of(k3s(node("a", 1, private_key=key)))
    assert problem.path == "nodes[0].private_key"
    assert problem.reason == "has a passphrase, and nobody is there to type it"
    assert "ssh-keygen -p -N '' -f COPY" in problem.fix


BODY = SSH_KEY.splitlines()[1]
BAD = {
    "one-line": (SSH_KEY.replace("\n", " "), "has lost its line ends"),
    "escaped": (SSH_KEY.replace("\n", "\\n"), "has lost its line ends"),
    "cut": (SSH_KEY[:200], "is cut off"),
    "other-end": (SSH_KEY.replace("END OPENSSH", "END RSA"), "is cut off"),
    "windows": (SSH_KEY.replace("\n", "\r\n"), "has the line ends of Windows"),
    "no-base64": (SSH_KEY.replace("made0up0", "made*up0"), "is damaged"),
    "half": (SSH_KEY.replace(BODY, BODY[:40]), "is damaged"),
    "no-magic": (SSH_KEY.replace(BODY[:8], "AAAAAAAA"), "is damaged"),
    "putty": (
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nmade0up0\n",
        "is a private SSH key in PuTTY's form",
    ),
    "path": ("/home/made0up0/.ssh/id_ed25519", "is the path of a file"),
    "name": ("id_made0up0", "is the path of a file"),
    "public-pem": ("-----BEGIN PUBLIC KEY-----\nmade0up0\n", "is a public key"),
    "text": ("made0up0", "is not a private SSH key"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_key_that_would_fail_on_the_node_is_refused_and_not_shown(name: str) -> None:
    text, reason = BAD[name]
    with pytest.raises(InvalidArgumentsError) as refused:
        resolve(k3s(node("a", 1, private_key=text)))
    [problem] = refused.value.problems
    assert problem.reason.startswith(reason)
    assert "made" not in str(refused.value)


def test_a_key_that_has_to_be_touched_is_refused() -> None:
    touched = SSH_KEY.replace(BODY, BODY.replace("c3NoLWVkMjU1MTk", "c2stZWQyNTUxOXg"))
    trouble = private_key_trouble(touched)
    assert trouble is not None
    assert trouble[0] == "is of a type that no step can log in with"
