"""The packaged heartbeats, and what happens to a broken file."""

from pathlib import Path

import pytest

from monitor import resources
from monitor.domain.ids import ChainId, address
from monitor.errors import ConfigError
from monitor.pricing.heartbeat import heartbeats_s

ETH_USD = address("0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419")


def test_a_known_feed_has_its_own_heartbeat_and_an_unknown_chain_none():
    assert heartbeats_s(ChainId("eip155:1"))[ETH_USD] == 3_600
    assert heartbeats_s(ChainId("eip155:10"))[address("0x13e3Ee699D1909E989722E753853AE30b17e08c5")] == 1_200
    assert heartbeats_s(ChainId("eip155:31337")) == {}


@pytest.mark.parametrize(
    "text",
    [
        '["eip155:1"]\n0x12 = 3600',
        f'["eip155:1"]\n{ETH_USD} = 0',
        f'["eip155:1"]\n{ETH_USD} = "1h"',
        "not toml",
        '"eip155:1" = 5',
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    (tmp_path / "heartbeats.toml").write_text(text)
    monkeypatch.setattr(resources, "config", lambda: tmp_path)
    with pytest.raises(ConfigError, match="heartbeats"):
        heartbeats_s.__wrapped__(ChainId("eip155:1"))
