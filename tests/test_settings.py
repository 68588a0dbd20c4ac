"""Settings are refused with a message that says what was expected, what was found and what to do."""

import pytest

from monitor.errors import ConfigError
from monitor.settings import load

LOCAL = """
[[chain]]
name = "local"
id = "eip155:31337"
rpc = ["http://127.0.0.1:8545/secret-key-123"]
allow_private = true

[[deployment]]
name = "local-core"
protocol = "aave_v3"
chain = "local"
pool_addresses_provider = "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
"""

WATCHED = "[[watch]]\nowner = '0x" + "1" * 40 + "'\n"
RECEIVER = '[webhook.endpoint.ops]\nurl = "https://hooks.example/secret-path-456"\n'


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "hfm.toml"
        path.write_text(text)
        return path

    return write


def test_a_file_adds_to_the_packaged_chains_and_deployments(written):
    settings = load(written(LOCAL))
    assert settings.chain_named("ethereum").id == "eip155:1"
    assert [d.name for d in settings.live] == ["local-core"]
    deployment = settings.domain_deployment(settings.deployment_named("local-core"))
    assert deployment.roots == {"pool_addresses_provider": "0x2f39d218133afab8f2b819b1066c7e434ad94e9e"}


def test_naming_a_packaged_chain_only_adds_its_endpoints(written):
    settings = load(written('[[chain]]\nname = "ethereum"\nrpc = ["https://node.example"]\n'))
    assert settings.chain_named("ethereum").id == "eip155:1"
    assert {d.chain for d in settings.live} == {"ethereum"}


def test_secrets_come_from_the_environment_and_never_show(written, monkeypatch):
    monkeypatch.setenv("HFM_TELEGRAM__TOKEN", "12345:canary-token")
    settings = load(written(LOCAL))
    assert settings.telegram.token is not None
    assert settings.telegram.token.get_secret_value() == "12345:canary-token"
    assert "canary" not in repr(settings)
    assert {"12345:canary-token", "secret-key-123"} <= set(settings.secrets())


def test_a_url_that_may_hold_a_key_is_masked_wherever_it_is_set(written, monkeypatch):
    monkeypatch.setenv("HFM_APPRISE__TARGET__PHONE", "tgram://canary-token-1/canary-chat-2")
    routes = "channels = ['webhook:ops', 'apprise:phone', 'webhook:https://hooks.example/secret-path-789']\n"
    settings = load(written(WATCHED + routes + RECEIVER))
    hidden = {"canary-token-1", "canary-chat-2", "secret-path-456", "secret-path-789"}
    assert hidden <= set(settings.secrets())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[stor]\nurl = 'x'\n", r"unknown setting 'stor': did you mean store"),
        ("[store]\nurll = 'x'\n", r"unknown setting 'store.urll': did you mean url"),
        ("[[watch]]\nownr = '0x'\n", r"unknown setting 'watch.0.ownr': did you mean owner"),
        ("[[watch]]\nowner = '0x12'\n", r"expected an address of 0x and 40 hex digits, found '0x12'"),
        ("[[watch]]\nowner = '0x" + "1" * 40 + "'\nchannels = ['sms:1']\n", r"expected telegram:<chat id>, email"),
        (WATCHED + "channels = ['webhook:http://hooks.example/']\n", r"webhook:<name or https URL>"),
        (WATCHED + "channels = ['apprise:json://hooks.example/']\n", r"apprise:<name>"),
        (WATCHED + "channels = ['webhook:opps']\n" + RECEIVER, r"unknown webhook 'opps': did you mean ops"),
        (RECEIVER + "secret = ['x']\n", r"unknown setting 'webhook.endpoint.ops.secret': did you mean secrets"),
        (RECEIVER.replace("ops", "my-ops"), r"webhook.endpoint.my-ops.*String should match pattern"),
        ("[webhook.endpoint.ops]\n", r"webhook.endpoint.ops.url: Field required"),
        (WATCHED + "channels = ['apprise:phone']\n", r"unknown apprise 'phone'"),
        (LOCAL.replace('chain = "local"', 'chain = "locl"'), r"unknown chain 'locl': did you mean local"),
        (LOCAL.replace("0x2f39", "0x2z39"), r"expected an address"),
        ("[chain]\nname = 'x'\n", r"expected \[\[chain\]\] with double brackets"),
        ("[api]\nport = 70000\n", r"api.port: Input should be less than or equal to 65535"),
        ("not toml", r"hfm.toml is no valid TOML"),
        ("[telegram]\nbase_url = '0x" + "ab" * 32 + "'\n", r"telegram.base_url looks like a private key"),
        ("[[deployment]]\nkey = '" + "ab" * 32 + "'\n", r"looks like a private key"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_to_do(written, text, message):
    with pytest.raises(ConfigError, match=message):
        load(written(text))


def test_a_field_that_is_an_id_or_a_hash_may_look_like_a_key(written):
    extra = 'market_id = "0x' + "ab" * 32 + '"\n'
    with pytest.raises(ConfigError, match="expected an address"):
        load(written(LOCAL + extra))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"expected a readable settings file at .*none.toml"):
        load(tmp_path / "none.toml")
