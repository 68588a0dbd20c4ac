"""The keeper's client against the real API: every page once, signed, and a stream that no cut tears."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.abi import spoken_calldata
from monitor.api import Limits
from monitor.api.app import FEED
from monitor.client import AlertFilter, AtRiskQuestion, Keeper, Refused, WhatIfQuestion, calldata, connected
from monitor.client.signing import Signer, signing_key
from monitor.client.wire.answer import QuoteAnswer
from monitor.errors import EndpointError, RateLimited, UsageError
from monitor.store.records import quote_record
from tests.api.served import Served, SystemClock, served
from tests.api.test_listings import QUOTE, liquidatable
from tests.api.test_stream import alert, say
from tests.devnet.chain.codec import calldata as truth
from tests.fakes.evaluations import evaluation, position

SECRET = "9" * 64
CALM = Limits(requests_per_s=10**6, burst=10**6)


@asynccontextmanager
async def keeping(folder: Path, limits: Limits = CALM):
    """A service that asks for keys, and a keeper with one."""
    async with served(folder, limits=limits, clock=SystemClock()) as api:
        await api.store.keys.add("key_bot", "bot", signing_key(SECRET), frozenset({"read"}))
        await asyncio.sleep(1.05)
        async with connected(f"http://{api.host}:{api.port}", "key_bot", SECRET) as keeper:
            yield api, keeper


async def test_every_question_is_signed_and_answered_in_its_own_type(tmp_path: Path):
    async with keeping(tmp_path) as (api, keeper):
        await api.commit(*(evaluation(f"1.{n:03}", of=position(n)) for n in range(1, 26)), liquidatable(5 * 10**8, 40))
        found = [one async for one in keeper.at_risk(AtRiskQuestion(limit=10, health_below="2"))]
        assert [int(one.key, 16) for one in found] == [40, *range(1, 26)]
        now = [one async for one in keeper.at_risk(AtRiskQuestion(liquidatable_now=True))]
        assert [one.quote.debt_to_cover_raw for one in now if one.quote] == ["500000001"]
        one = await keeper.position(str(position(3)), history=5)
        assert (one.health_factor, one.history and one.history.alerts) == ("1.003000000000000000", ())
        assert [each.id for each in await keeper.owner(position(3).key)] == [str(position(3))]
        assert [d.positions for d in (await keeper.deployments()).items] == [26]
        assert (await keeper.markets()).items == (await keeper.levels("ETH")).items == ()
        assert (await keeper.what_if(WhatIfQuestion(shocks=("ETH:-20%",)))).items == ()
        with pytest.raises(Refused, match="no such position"):
            await keeper.position(str(position(99)))
        with pytest.raises(Refused, match="neither watched nor"):
            await keeper.position(str(position(3)), price="ETH:-10%")


async def test_without_the_right_secret_nothing_is_answered(tmp_path: Path):
    async with keeping(tmp_path) as (api, _):
        base = f"http://{api.host}:{api.port}"
        for key, secret in ((None, None), ("key_bot", "8" * 64), ("key_none", SECRET)):
            async with connected(base, key, secret) as stranger:
                with pytest.raises(Refused, match="expected an API key") as refused:
                    await stranger.deployments()
                assert refused.value.status == 401
                with pytest.raises(Refused):
                    await anext(stranger.stream())
    assert SECRET not in repr(Signer("key_bot", signing_key(SECRET)))


async def test_who_asks_too_fast_learns_how_long_to_wait_and_silence_is_an_endpoint_error(
    tmp_path: Path,
):
    async with keeping(tmp_path, Limits(requests_per_s=1, burst=2)) as (_, keeper):
        asked = [keeper.deployments() for _ in range(4)]
        with pytest.raises(RateLimited) as told:
            await asyncio.gather(*asked)
        assert told.value.retry_after_ms == 1000
    async with connected("http://127.0.0.1:9") as alone:
        with pytest.raises(EndpointError, match="did not answer"):
            await alone.deployments()


async def taken(api: Served, keeper: Keeper, count: int, after: int | None, turns: int = 0) -> list[int]:
    """Say that many alerts while a keeper listens whose connection is cut now and then."""
    found = list[int]()

    async def speak() -> None:
        await asyncio.sleep(0.3)
        for n in range(count):
            await say(api, alert(n + 1))
            if turns and n % (count // turns) == 0:
                api.app[FEED].close()
                await asyncio.sleep(0.05)
                api.app[FEED]._is_over = False
            await asyncio.sleep(0.002)

    async def listen() -> None:
        async for one in keeper.stream(AlertFilter(deployment="local-core"), after):
            found.append(one.id)
            if len(found) == count:
                return

    async with asyncio.timeout(25), asyncio.TaskGroup() as group:
        group.create_task(speak())
        group.create_task(listen())
    return found


@pytest.mark.parametrize("after", [None, 0], ids=["from now", "from the beginning"])
async def test_a_stream_that_is_cut_again_and_again_tells_everything_once(tmp_path: Path, after):
    async with keeping(tmp_path) as (api, keeper):
        assert await taken(api, keeper, 60, after, turns=6) == list(range(1, 61))


def quoted(**changed: object) -> QuoteAnswer:
    return QuoteAnswer.model_validate({**quote_record(QUOTE), **changed})


def test_a_quote_becomes_the_call_that_it_names():
    said = quoted(function="liquidationCall(address,address,address,uint256,bool)")
    collateral, debt, user, amount, _ = said.arguments
    expected = truth(said.function, collateral, debt, user, int(amount), False)
    assert "0x" + calldata(said).hex() == expected
    morpho = "liquidate((address,address,address,address,uint256),address,uint256,uint256,bytes)"
    five = ("0x" + "01" * 20, "0x" + "02" * 20, "0x" + "03" * 20, "0x" + "04" * 20)
    words = (f"({','.join(five)},860000000000000000)", "0x" + "05" * 20, "0", "77", "0x")
    expected = truth(morpho, (*five, 860000000000000000), "0x" + "05" * 20, 0, 77, b"")
    assert "0x" + calldata(quoted(function=morpho, arguments=words)).hex() == expected
    absorb = quoted(function="absorb(address,address[])", arguments=("<absorber>", f"[{five[0]},{five[1]}]"))
    assert "0x" + calldata(absorb, five[2]).hex() == truth(absorb.function, five[2], [five[0], five[1]])
    with pytest.raises(UsageError):
        calldata(absorb)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("an order at the fillable price or better", ()), ("f(uint256)", ("x",)), ("f(uint256)", ()),
        ("f(uint256)", ("1", "2")), ("f(uint8)", ("300",)), ("f(bool)", ("yes",)), ("f(address)", ("0x12",)),
        ("f(uint256[])", ("1",)), ("f(", ()), ("", ()), ("f(bytes)", ("0xz",)), ("f((uint256,bool))", ("(1)",)),
    ],
)  # fmt: skip
def test_what_is_no_call_is_refused(function, words):
    with pytest.raises(UsageError):
        spoken_calldata(function, words)
