"""The container: not root, fit for a read-only root, healthy by its own word, and without a secret in any layer."""

import re
from itertools import pairwise

from monitor.settings.tables import ApiSettings
from tests.architecture.tree import ROOT

TEXT = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
STEPS = [
    (line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in TEXT.splitlines() if line and line[0] != "#"
]
LAST_STAGE = STEPS[max(i for i, (word, _) in enumerate(STEPS) if word == "FROM") :]


def test_the_service_runs_as_a_numbered_user_that_is_not_root():
    (user,) = [rest for word, rest in LAST_STAGE if word == "USER"]
    assert int(user) > 0
    words = [word for word, _ in LAST_STAGE]
    assert "RUN" not in words[words.index("USER") :], "a step after USER would write where the service may not"


def test_only_the_data_folder_needs_to_be_writable():
    assert [rest for word, rest in LAST_STAGE if word == "VOLUME"] == ["/data"]
    assert "PYTHONDONTWRITEBYTECODE=1" in TEXT


def test_the_container_reports_its_own_health_through_the_api():
    (check,) = [rest for word, rest in LAST_STAGE if word == "HEALTHCHECK"]
    assert f"127.0.0.1:{ApiSettings().port}/healthz" in check


def test_no_layer_holds_a_secret_or_the_whole_checkout():
    assert not re.search(r"(?i)(secret|token|password|api_?key)\s*=", TEXT)
    assert not [rest for word, rest in STEPS if word == "ADD" or (word == "COPY" and rest.startswith(". "))]
    assert (ROOT / ".dockerignore").read_text().startswith("*\n"), "the build context names what it lets in"


def test_packages_come_from_the_hash_locks_as_wheels():
    installs = [i for word, rest in STEPS if word == "RUN" for i in rest.split("&&") if "pip install" in i]
    assert len(installs) == 3
    assert all("--require-hashes --only-binary :all:" in i or "--no-deps --no-index" in i for i in installs)


def test_both_stages_start_from_the_same_pinned_python():
    bases = [rest.split()[0] for word, rest in STEPS if word == "FROM"]
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+", b) for b in bases)
    assert all(a == b for a, b in pairwise(bases))
