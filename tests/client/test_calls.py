"""Every call that a quote of a recorded protocol names can be encoded as it stands, and says what the quote said."""

from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import pytest
from eth_abi.abi import decode
from eth_abi.grammar import parse
from eth_utils.crypto import keccak

from monitor.client import QuoteAnswer, calldata
from monitor.ledger.accounts import Account
from monitor.store.records import quote_record

KEEPER = "0x" + "5e" * 20
RECORDED = (
    *("compound_v2", "compound_v3", "euler_v2", "liquity_v1", "liquity_v2"),
    *("maker", "perp_v2", "synthetix_v3"),
)


@pytest.mark.parametrize("slug", RECORDED)
def test_what_a_quote_names_is_a_call(slug: str):
    recorded, calls = import_module(f"tests.protocols.{slug}.recorded"), Counter[str]()
    for page in recorded.pages():
        for account in _accounts(page):
            quote = recorded.ADAPTER.quote(page.market, account)
            if quote is None:
                continue
            told = QuoteAnswer.model_validate(quote_record(quote))
            data = calldata(told, KEEPER)
            assert data[:4] == keccak(text=told.function)[:4]
            types = [one.to_type_str() for one in parse("(" + told.function.partition("(")[2]).components]
            words = str(decode(types, data[4:])).lower()
            assert _subject(account) in words, (told.function, words)
            assert (KEEPER in words) is any(word.startswith("<") for word in told.arguments)
            calls[told.function.partition("(")[0]] += 1
    print(slug, calls)
    assert calls.total() >= 3


def _accounts(page: Any) -> Iterable[Account]:
    """Return everyone on a recorded page, however it holds them."""
    if not hasattr(page, "accounts"):
        return [one.account for one in page.spoken]
    return page.accounts.values() if isinstance(page.accounts, dict) else page.accounts


def _subject(account: Account) -> str:
    """Whom the call is about, as it stands in decoded arguments: an address, or the number of a trove or account."""
    return account.key.lower() if len(account.key) == 42 else str(int(account.key, 16))
