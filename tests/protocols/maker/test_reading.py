"""How ilks are found and read, what a price source may answer, and who is found behind an urn."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode

from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.ids import Address, PositionKey
from monitor.domain.prices import Unknown
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.sanity import Doubt
from monitor.protocols.maker.health import priced
from monitor.protocols.maker.owners import _PROXIES, ENGINE, GET_CDPS, MANAGER, cdp_of, urn_of
from monitor.protocols.maker.price import PIP
from monitor.protocols.maker.reading import _REGISTRY, DOG, VAT
from monitor.query import Failed
from tests.protocols.maker.recorded import ADAPTER, DEPLOYMENT, ILKS, RECORDING
from tests.recordings.played import Played

ROOTS, WAD = DEPLOYMENT.roots, 10**18
MANAGER_AT = ROOTS["cdp_manager"]
PERSON, PROXY, WRAPPER = (Address("0x" + pair * 20) for pair in ("9e", "a0", "ca"))
REGISTRY, PROXIES, ENGINE_AT = (Address("0x" + pair * 20) for pair in ("4e", "b0", "e0"))
PIPS = {one["name"]: Address(one["pip"]) for one in RECORDING.deployment["ilks"]}


def called(function, at, *arguments, answer=None, kinds=()):
    """One call and what it answers; without an answer, a revert that says why."""
    told = Failed("execution reverted", b"x/contract-not-whitelisted") if answer is None else encode(kinds, answer)
    return {(at, function.calldata(*arguments)): told}


def played(overridden=None, number=0):
    return Played(RECORDING, number, overridden or {})


def market_of(name, overridden=None, number=0, deployment=DEPLOYMENT):
    return played(overridden, number).read(ADAPTER.market(deployment, ILKS[name]))


def test_ilks_are_those_ever_initialised_in_which_somebody_owes_or_those_that_are_named():
    assert played().read(ADAPTER.markets(DEPLOYMENT)) == tuple(ILKS.values())
    named = replace(DEPLOYMENT, markets=(ILKS["GOLD-A"],))
    assert played().read(ADAPTER.markets(named)) == (ILKS["GOLD-A"],)
    ilk = bytes.fromhex(ILKS["STAB-A"][2:])
    nobody_owes = called(VAT["ilks"], ROOTS["vat"], ilk, answer=(0, 1, 1, 1, 1), kinds=["uint256"] * 5)
    assert ILKS["STAB-A"] not in played(nobody_owes).read(ADAPTER.markets(DEPLOYMENT))
    nothing = ("0x" + 40 * "0", 0, 0, 0)
    no_clip = called(DOG["ilks"], ROOTS["dog"], ilk, answer=nothing, kinds=["address", *["uint256"] * 3])
    assert ILKS["STAB-A"] not in played(no_clip).read(ADAPTER.markets(DEPLOYMENT))
    with pytest.raises(UnexpectedAnswer, match="auction contract"):
        market_of("STAB-A", no_clip)


def test_roots_that_do_not_belong_together_or_are_missing_are_refused():
    other = called(DOG["vat"], ROOTS["dog"], answer=(PERSON,), kinds=["address"])
    with pytest.raises(ReadError, match="to be of Vat"):
        played(other).read(ADAPTER.markets(DEPLOYMENT))
    wrong = replace(DEPLOYMENT, roots={**ROOTS, "vat": ROOTS["dai"]})
    with pytest.raises(ReadError, match="expected Vat, Spotter, Jug and Dog"):
        played().read(ADAPTER.markets(wrong))
    for missing in ("jug", "get_cdps"):
        roots = {name: root for name, root in ROOTS.items() if name != missing}
        with pytest.raises(ConfigError, match="cdp_manager with get_cdps"):
            played().read(ADAPTER.markets(replace(DEPLOYMENT, roots=roots)))


def test_a_registry_names_ilks_and_their_tokens_with_their_decimals():
    ilk, gem = ILKS["GOLD-A"], RECORDING.deployment["ilks"][3]["gem"]
    key = bytes.fromhex(ilk[2:])
    listed = {
        **called(_REGISTRY["list"], REGISTRY, answer=([key],), kinds=["bytes32[]"]),
        **called(_REGISTRY["gem"], REGISTRY, key, answer=(gem,), kinds=["address"]),
        **called(_REGISTRY["dec"], REGISTRY, key, answer=(8,), kinds=["uint256"]),
    }
    deployment = replace(DEPLOYMENT, roots={**ROOTS, "ilk_registry": REGISTRY})
    assert played(listed).read(ADAPTER.markets(deployment)) == (ilk,)
    market = market_of("GOLD-A", listed, deployment=deployment)
    assert (market.layout.gem.symbol, market.layout.gem.decimals, market.gem_unit) == ("STAB", 8, 10**10)


def test_the_token_of_an_ilk_comes_from_its_join_where_there_is_no_registry():
    for one in RECORDING.deployment["ilks"]:
        assert market_of(one["name"]).layout.gem.address == one["gem"]


def test_a_source_without_a_value_or_without_an_answer_hides_the_urns_of_its_ilk_and_of_no_other():
    pip = PIPS["GOLD-A"]
    empty = called(PIP["peek"], pip, answer=(bytes(32), False), kinds=["bytes32", "bool"])
    broken = {(pip, PIP["peek"].calldata()): Failed("execution reverted", b"\x01")}
    for overridden in (empty, broken):
        keys = [PositionKey(t["urn"]) for t in RECORDING.blocks[0].truth["accounts"] if t["ilk"] == "GOLD-A"]
        market = market_of("GOLD-A", overridden)
        accounts = played(overridden).read(ADAPTER.accounts(market, keys))
        healths = [ADAPTER.health(market, account) for account in accounts if account.balances]
        assert any(isinstance(health, Unmeasurable) for health in healths)
        assert not any(isinstance(health, Measured) for health in healths)
        assert isinstance(priced(market_of("STAB-A", overridden)).spot_ray, int)


def test_an_osm_that_was_emptied_has_no_value():
    pip = PIPS["ETH-A"]
    blocks = tuple(
        replace(block, storage={place: bytes(32) if place[0] == pip else word for place, word in block.storage.items()})
        for block in RECORDING.blocks
    )
    market = Played(replace(RECORDING, blocks=blocks), 0).read(ADAPTER.market(DEPLOYMENT, ILKS["ETH-A"]))
    assert market.feed.value == Unknown("the OSM has no value")
    assert market.feed.following is None
    silent = {(pip, PIP["stopped"].calldata()): Failed("execution reverted")}
    assert isinstance(market_of("ETH-A", silent).feed.value, Unknown)


def test_a_source_that_answers_only_to_some_counts_by_the_stored_spot_and_is_called_opaque():
    closed = called(PIP["peek"], PIPS["GOLD-A"])
    market = market_of("GOLD-A", closed)
    assert market.feed.is_closed
    assert priced(market).spot_ray == market.stored.spot_ray
    (price, _) = market.graph.inputs
    assert price.labels == (Doubt.OPAQUE,)
    exact = market_of("GOLD-A").feed.value
    assert isinstance(price.value, int)
    assert isinstance(exact, int)
    assert abs(price.value - exact) * 20 < exact


def test_a_capped_wrapper_is_read_behind_its_osm_and_never_above_its_cap():
    osm = PIPS["ETH-A"]
    plain = market_of("ETH-A").feed
    cap = (plain.value + plain.following) // 2
    ilk = bytes.fromhex(ILKS["ETH-A"][2:])
    calls = RECORDING.blocks[0].calls
    wrapped = {(WRAPPER, PIP[name].calldata()): calls[osm, PIP[name].calldata()] for name in ("hop", "zzz", "src")}
    wrapped |= called(PIP["osm"], WRAPPER, answer=(osm,), kinds=["address"])
    wrapped |= called(PIP["cap"], WRAPPER, answer=(cap,), kinds=["uint256"])
    from_spotter = (ROOTS["spotter"], VAT["ilks"].calldata(ilk))
    said = calls[from_spotter]
    assert isinstance(said, bytes)
    mat = int.from_bytes(said[32:])
    wrapped[from_spotter] = encode(["address", "uint256"], [WRAPPER, mat])
    market = market_of("ETH-A", wrapped)
    assert market.layout.pip.is_capped
    assert (market.feed.value, market.feed.following) == (cap, plain.following)
    again = played(wrapped).read(ADAPTER.again(market))
    assert again == market


def test_the_storage_of_an_osm_is_read_again_only_when_it_has_moved():
    first = market_of("ETH-A")
    same, moved = played(), played(number=1)
    assert same.read(ADAPTER.again(first)) == first
    assert moved.read(ADAPTER.again(first)).feed != first.feed
    assert same.batches == moved.batches - 1


def test_a_vaults_urn_stands_where_its_number_says():
    for cdp in range(1, 29):
        answer = RECORDING.blocks[0].calls[MANAGER_AT, MANAGER["urns"].calldata(cdp)]
        assert isinstance(answer, bytes)
        assert urn_of(MANAGER_AT, cdp) == "0x" + answer[12:].hex()
        assert cdp_of(MANAGER_AT, 28, urn_of(MANAGER_AT, cdp)) == cdp
    assert cdp_of(MANAGER_AT, 27, urn_of(MANAGER_AT, 28)) is None
    assert cdp_of(MANAGER_AT, 28, PERSON) is None


def test_the_numbers_of_vaults_are_nonces_of_any_length():
    assert len({urn_of(MANAGER_AT, number) for number in (1, 127, 128, 255, 256, 65_536)}) == 6
    deployer = Address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266")
    assert urn_of(deployer, 1) == "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512"
    assert urn_of(deployer, 2) == "0x9fe46736679d2d9a65f0992f2272de9f3c7fa6e0"


def test_a_manager_whose_urns_stand_elsewhere_is_refused():
    elsewhere = called(MANAGER["urns"], MANAGER_AT, 28, answer=(PERSON,), kinds=["address"])
    with pytest.raises(UnexpectedAnswer, match="expected vault 28"):
        market_of("ETH-A", elsewhere)


def behind_a_proxy(owner):
    """The owner of vaults is a DSProxy of somebody."""
    return {
        (owner, bytes.fromhex("8da5cb5b")): encode(["address"], [PERSON]),
        (owner, bytes.fromhex("60c7d295")): encode(["address"], [PROXY]),
    }


def test_the_person_behind_a_proxy_owns_its_vaults_and_finds_them():
    truth = next(t for t in RECORDING.blocks[0].truth["accounts"] if t["ilk"] == "GOLD-A" and t["cdp"])
    key, owner = PositionKey(truth["urn"]), Address(truth["owner"])
    market = market_of("GOLD-A")
    (account,) = played(behind_a_proxy(owner)).read(ADAPTER.accounts(market, [key]))
    assert account.owner == PERSON
    only_owned = {place: told for place, told in behind_a_proxy(owner).items() if place[1].hex() == "8da5cb5b"}
    (account,) = played(only_owned).read(ADAPTER.accounts(market, [key]))
    assert account.owner == owner
    get_cdps = (ROOTS["get_cdps"], GET_CDPS["getCdpsAsc"].calldata(MANAGER_AT, PERSON))
    asked = {
        **called(_PROXIES["proxies"], PROXIES, PERSON, answer=(owner,), kinds=["address"]),
        get_cdps: encode(["uint256[]", "address[]", "bytes32[]"], [[], [], []]),
        **called(VAT["urns"], ROOTS["vat"], market.ilk, PERSON, answer=(0, 0), kinds=["uint256"] * 2),
    }
    deployment = replace(DEPLOYMENT, roots={**ROOTS, "proxy_registry": PROXIES})
    assert key in played(asked).read(ADAPTER.owned(replace(market, deployment=deployment), PERSON))


def test_an_urn_opened_with_the_engine_belongs_to_whoever_opened_it():
    ilk = bytes.fromhex(ILKS["RWA001-A"][2:])
    (truth,) = (t for t in RECORDING.blocks[0].truth["accounts"] if t["ilk"] == "RWA001-A")
    key = PositionKey(truth["urn"])
    opened = {
        **called(ENGINE["ilk"], ENGINE_AT, answer=(ilk,), kinds=["bytes32"]),
        **called(ENGINE["urnOwners"], ENGINE_AT, key, answer=(PERSON,), kinds=["address"]),
        **called(ENGINE["ownerUrnsCount"], ENGINE_AT, PERSON, answer=(1,), kinds=["uint256"]),
        **called(ENGINE["ownerUrns"], ENGINE_AT, PERSON, 0, answer=(key,), kinds=["address"]),
        **called(VAT["urns"], ROOTS["vat"], ilk, PERSON, answer=(0, 0), kinds=["uint256"] * 2),
        (ROOTS["get_cdps"], GET_CDPS["getCdpsAsc"].calldata(MANAGER_AT, PERSON)): encode(
            ["uint256[]", "address[]", "bytes32[]"], [[], [], []]
        ),
    }
    deployment = replace(DEPLOYMENT, roots={**ROOTS, "lockstake_engine": ENGINE_AT})
    market = market_of("RWA001-A", opened, deployment=deployment)
    (account,) = played(opened).read(ADAPTER.accounts(market, [key]))
    assert account.owner == PERSON
    assert played(opened).read(ADAPTER.owned(market, PERSON)) == (key,)
    assert market_of("ETH-A", opened, deployment=deployment).layout.engine is None


def test_an_urn_that_cannot_be_read_or_has_no_known_owner_fails_by_itself():
    market = market_of("GOLD-A")
    truth = [t for t in RECORDING.blocks[0].truth["accounts"] if t["ilk"] == "GOLD-A"]
    keys = [PositionKey(t["urn"]) for t in truth]
    silent = {(ROOTS["vat"], VAT["urns"].calldata(market.ilk, keys[0])): Failed("execution reverted")}
    huge = called(VAT["urns"], ROOTS["vat"], market.ilk, keys[1], answer=(2**128, 0), kinds=["uint256"] * 2)
    accounts = played(silent | huge).read(ADAPTER.accounts(market, keys))
    assert [key for key, _ in accounts.failed] == keys[:2]
    assert len(accounts) == len(keys) - 2
    ownerless = {(MANAGER_AT, MANAGER["cdpi"].calldata()): Failed("execution reverted")}
    accounts = played(ownerless).read(ADAPTER.accounts(market, keys))
    assert [key for key, _ in accounts.failed] == keys
