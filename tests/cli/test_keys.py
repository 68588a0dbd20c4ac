"""`hfm keys`: a secret is shown once, and the store keeps no more than its hash."""

import json
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.client.signing import signing_key


@pytest.fixture
def hfm(tmp_path: Path, capsys):
    """The verb, as a person types it: exit code, what it printed, and what it complained of."""
    (tmp_path / "hfm.toml").write_text(f'[store]\nurl = "sqlite:///{tmp_path / "hfm.db"}"\n')

    def typed(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["keys", *arguments, "--config", str(tmp_path / "hfm.toml")])
        return left.value.code, *capsys.readouterr()

    return typed


def test_a_key_is_made_listed_and_revoked_and_its_secret_is_kept_nowhere(tmp_path: Path, hfm):
    _, printed, _ = hfm("create", "--label", "bot", "--scope", "read", "--format", "json")
    made = json.loads(printed)
    assert (made["label"], made["scopes"], len(made["secret"])) == ("bot", ["read"], 64)
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert made["secret"].encode() not in stored
    assert signing_key(made["secret"]).hex().encode() in stored
    _, printed, _ = hfm("list", "--format", "json")
    [found] = json.loads(printed)
    assert (found["id"], found["label"], found["revoked_s"]) == (made["id"], "bot", None)
    assert made["secret"] not in printed
    assert hfm("revoke", made["id"])[0] == 0
    [found] = json.loads(hfm("list", "--format", "json")[1])
    assert found["revoked_s"] >= found["created_s"]
    code, _, complaint = hfm("revoke", made["id"])
    assert (code, "hfm keys list" in complaint) == (2, True)


def test_two_keys_are_never_alike_and_a_scope_nobody_knows_is_refused(hfm):
    secrets = {hfm("create")[1].split("secret")[1].split()[0] for _ in range(2)}
    assert len(secrets) == 2
    assert hfm("create", "--scope", "root")[0] == 2
    assert "revoked" in hfm("list")[1]
