"""What is taken apart of an oracle and what is not: unknown shapes cost exactness, never truth, and one market only."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode

from monitor.abi import interface
from monitor.domain.assessment import Exactness
from monitor.domain.health import Unmeasurable
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.prices import Unknown
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.sanity import Doubt
from monitor.protocols.euler_v2.health import Sums, priced, sums_of
from monitor.protocols.euler_v2.oracle.prices import Fresh, same
from monitor.protocols.euler_v2.reading import FACTORY, ORACLE, VAULT
from monitor.query import Failed
from tests.protocols.euler_v2.recorded import ADAPTER, DEPLOYMENT, PLAIN, RECORDING
from tests.protocols.euler_v2.recorded import FACTORY as KIT
from tests.recordings.played import Played

_ERC20 = interface("shared", "erc20")
NAMED = {one["name"]: Address(one["vault"]) for one in PLAIN.deployment["vaults"]}
ROUTER, DOLLAR = Address(PLAIN.deployment["router"]), PLAIN.deployment["unit_of_account_usd"]
MARKET = MarketKey(NAMED["eUSDC"])
REVERTS = Failed("execution reverted")


def word(value: int) -> bytes:
    return value.to_bytes(32)


def played(number: int = 0, **answers: object) -> Played:
    return Played(RECORDING, number, answers.get("overridden", {}))  # type: ignore[arg-type]


def sides(one: Played) -> dict[PositionKey, Sums]:
    """Both sides of everyone's health in the dollar vault."""
    market = one.read(ADAPTER.market(DEPLOYMENT, MARKET))
    truths = one.block.truth["accounts"]
    keys = [PositionKey(a) for a, t in truths.items() if MARKET in t["controllers"]]
    found = {a.key: sums_of(priced(market), a) for a in one.read(ADAPTER.accounts(market, keys))}
    assert all(isinstance(sums, Sums) for sums in found.values())
    return found  # type: ignore[return-value]


def test_an_adapter_of_another_kind_is_asked_for_a_sample_and_taken_as_linear():
    adapter, weth = Address(PLAIN.deployment["chainlink_adapters"]["WETH"]), PLAIN.deployment["tokens"]["WETH"]
    unit = int.from_bytes(RECORDING.blocks[0].calls[ROUTER, ORACLE["getQuote"].calldata(10**18, weth, DOLLAR)])  # type: ignore[arg-type]
    strange = played(
        overridden={
            (adapter, ORACLE["feed"].calldata()): REVERTS,
            (adapter, ORACLE["getQuote"].calldata(10**36, weth, DOLLAR)): word(unit * 10**18),
        }
    )
    market = strange.read(ADAPTER.market(DEPLOYMENT, MARKET))
    assert market.layout.opaque == frozenset()
    (quoted,) = market.layout.sources.quoted
    assert quoted.oracle == adapter
    assert Doubt.OPAQUE in market.graph.present[quoted.node].labels
    assert sides(strange) == sides(played())
    exactness = {c.share.address: c.path.is_exact for c in market.collaterals}
    assert not exactness[NAMED["eWETH"]]
    assert exactness[NAMED["eDAI"]]


@pytest.mark.parametrize(
    ("ours", "theirs", "is_exact", "agree"),
    [
        (10**13, 10**13, True, True),
        (10**13, 10**13 + 1, True, False),
        (10**13, 10**13 + 11, False, True),
        (10**13, 10**13 + 12, False, False),
        (0, 1, False, True),
        (0, 2, False, False),
        (5, REVERTS, False, False),
        (Unknown("reverts"), 5, True, False),
        (Unknown("reverts"), REVERTS, True, True),
    ],
)
def test_parts_agree_with_their_oracle_to_the_last_unit_or_to_a_samples_rounding(ours, theirs, is_exact, agree):
    assert same(ours, theirs, is_exact=is_exact) is agree


def test_a_path_that_does_not_give_what_the_oracle_answers_is_one_opaque_part():
    share, right = NAMED["eDAI"], sides(played())
    asked = ORACLE["getQuote"].calldata(10**18, share, DOLLAR)
    double = 2 * int.from_bytes(RECORDING.blocks[0].calls[ROUTER, asked])  # type: ignore[arg-type]
    strange = played(
        overridden={
            (ROUTER, asked): word(double),
            (ROUTER, ORACLE["getQuote"].calldata(10**36, share, DOLLAR)): word(double * 10**18),
        }
    )
    market = strange.read(ADAPTER.market(DEPLOYMENT, MARKET))
    assert market.layout.opaque == {share}
    place = market.place_of(share)
    assert place is not None
    path = market.collaterals[place - 1].path
    assert (path.vaults, path.token.address, path.is_exact) == ((), share, False)
    holders = [k for k, sums in sides(strange).items() if sums != right[k]]
    truths = strange.block.truth["accounts"]
    assert holders
    assert all(share in truths[key]["collaterals"] for key in holders)
    accounts = strange.read(ADAPTER.accounts(market, holders))
    assert {ADAPTER.assess(market, account).exactness for account in accounts} == {Exactness.ESTIMATE}
    assert not any(isinstance(ADAPTER.health(market, account), Unmeasurable) for account in accounts)
    again = strange.read(ADAPTER.again(market))
    assert again.layout == market.layout


def test_a_path_that_is_configured_anew_is_noticed_at_the_next_block():
    first, later = played(0), played(2)
    before = first.read(ADAPTER.market(DEPLOYMENT, MARKET))
    wrong = replace(
        before.layout, paths=tuple(replace(p, stages=p.stages[:1], vaults=p.vaults[:1]) for p in before.layout.paths)
    )
    assert wrong != before.layout
    assert later.read(ADAPTER.again(replace(before, layout=wrong))) == later.read(ADAPTER.market(DEPLOYMENT, MARKET))


def test_a_vault_that_is_not_of_the_factory_is_sampled():
    share = NAMED["eDAI"]
    market = played().read(ADAPTER.market(DEPLOYMENT, MARKET))
    assets, shares = market.vaults[share].now.assets_per_share
    strange = played(
        overridden={
            (KIT, FACTORY["isProxy"].calldata(share)): word(0),
            (share, VAULT["convertToAssets"].calldata(10**36)): word(10**36 * assets // shares),
        }
    )
    found = strange.read(ADAPTER.market(DEPLOYMENT, MARKET))
    assert found.layout.foreign == ((share, 10**36),)
    assert share not in found.vaults
    assert sides(strange) == sides(played())
    place = found.place_of(share)
    assert place is not None
    assert not found.collaterals[place - 1].path.is_exact


def test_a_vault_with_another_layout_of_storage_is_refused_with_its_market_and_no_other():
    share = NAMED["eGUSD"]
    strange = played(overridden={(share, _ERC20["totalSupply"].calldata()): word(1)})
    with pytest.raises(UnexpectedAnswer, match="store its state as the Euler Vault Kit does"):
        strange.read(ADAPTER.market(DEPLOYMENT, MARKET))
    fine = MarketKey(NAMED["eEQB"])
    assert strange.read(ADAPTER.market(DEPLOYMENT, fine)).key == fine


def test_roots_that_are_no_factory_or_another_connector_are_refused():
    with pytest.raises(ReadError, match="expected a factory of Euler vaults"):
        played().read(ADAPTER.markets(replace(DEPLOYMENT, roots={**DEPLOYMENT.roots, "factory": ROUTER})))
    with pytest.raises(ReadError, match="with the connector"):
        played().read(ADAPTER.markets(replace(DEPLOYMENT, roots={**DEPLOYMENT.roots, "evc": ROUTER})))
    with pytest.raises(ConfigError, match="expected evc and factory"):
        played().read(ADAPTER.markets(replace(DEPLOYMENT, roots={"evc": ROUTER})))


def test_named_markets_are_the_only_ones_and_a_vault_that_does_not_answer_stays_a_market():
    only = replace(DEPLOYMENT, markets=(MARKET,))
    assert played().read(ADAPTER.markets(only)) == (MARKET,)
    silent = NAMED["nested eWETH"]
    strange = played(overridden={(silent, VAULT["totalBorrows"].calldata()): REVERTS})
    assert set(strange.read(ADAPTER.markets(DEPLOYMENT))) == {*played().read(ADAPTER.markets(DEPLOYMENT)), silent}


@pytest.mark.parametrize(
    ("answer", "age_s", "is_known"), [(1, 0, True), (1, 60, True), (1, 61, False), (0, 0, False), (-5, 0, False)]
)
def test_an_adapter_takes_positive_answers_that_are_young_enough(answer, age_s, is_known):
    taken = Fresh(age_s, 60).of([answer])
    assert (taken == answer) is is_known
    assert isinstance(taken, Unknown) is not is_known


def test_recorded_vaults_are_listed_as_the_factory_lists_them():
    calls = RECORDING.blocks[0].calls
    listed = calls[KIT, FACTORY["getProxyListSlice"].calldata(0, 2**256 - 1)]
    assert listed == encode(["address[]"], [[one["vault"] for one in PLAIN.deployment["vaults"]]])
