"""The spelling of Cosmos addresses, on the vectors of BIP-173 and on real accounts of dYdX."""

import pytest

from monitor.domain.ids import ChainId, address, spelled
from monitor.domain.spelling import bech32
from monitor.errors import UsageError

REAL = {
    "dydx14zzueazeh0hj67cghhf9jypslcf9sh2n5k6art": "0xa885ccf459bbef2d7b08bdd2591030fe12585d53",
    "dydx1n56z5fhmemtffzkt2eqyf9kuc7ycjfs86mvqy7": "0x9d342a26fbced6948acb56404496dcc789892607",
}
CHAIN = ChainId("cosmos:dydx-mainnet-1")


@pytest.mark.parametrize(
    "text",
    [
        "A12UEL5L",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    ],
)
def test_a_valid_text_of_the_standard_is_read_and_written_again(text: str):
    prefix, body = bech32.decoded(text)
    assert bech32.encoded(prefix, body) == text.lower()


@pytest.mark.parametrize(
    "text", ["A1G7SGD8", "10a06t8", "1qzzfhee", "x1b4n0q5v", "li1dgmt3", "de1lg7wt", "pzry9x0s0muk"]
)
def test_an_invalid_text_of_the_standard_is_refused(text: str):
    with pytest.raises(ValueError, match=r"expected|checksum|case"):
        bech32.decoded(text)


def test_mixed_case_is_refused():
    with pytest.raises(ValueError, match="case"):
        bech32.decoded("A12uEL5L")


@pytest.mark.parametrize("text", ["dydx1qqf7vjv", "dydx1qp5gc8sn", "dydx1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqplgz9ws"])
def test_bits_of_no_byte_are_refused_although_the_checksum_fits(text: str):
    with pytest.raises(ValueError, match="no whole byte"):
        bech32.decoded(text)


@pytest.mark.parametrize(("text", "hexadecimal"), REAL.items())
def test_real_accounts_are_known_in_both_spellings(text: str, hexadecimal: str):
    assert address(text) == address(text.upper()) == hexadecimal
    assert spelled(CHAIN, address(hexadecimal)) == text
    assert spelled(ChainId("eip155:1"), address(hexadecimal)) == hexadecimal


@pytest.mark.parametrize("text", REAL)
def test_any_one_mistyped_character_is_noticed(text: str):
    for place in range(len("dydx1"), len(text)):
        typed = "q" if text[place] != "q" else "p"
        with pytest.raises(UsageError, match="mistyped"):
            address(text[:place] + typed + text[place + 1 :])


@pytest.mark.parametrize("text", ["dydx1", "dydx1abc", "dydx1" + "b" * 38, "dydx1qqqqqqqqqqqqqqqqqq"])
def test_what_is_no_address_of_dydx_says_what_one_is(text: str):
    with pytest.raises(UsageError, match="expected an address of dydx1 and 38 characters"):
        address(text)


def test_an_address_of_another_length_is_refused():
    with pytest.raises(UsageError, match="20 bytes, found 32"):
        address(bech32.encoded("dydx", bytes(32)))
