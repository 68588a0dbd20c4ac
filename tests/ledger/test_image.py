"""What is stored of a ledger comes back whole with the way back, or is refused."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import LedgerCorrupt
from monitor.ledger import image
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from tests.ledger.scripted import Scripted, changes, held, ref


def restored(journal: Journal, steps: list[bytes], part_rows: int = 7) -> Journal:
    return image.restored(image.head(journal), list(image.parts(journal.ledger, part_rows)), steps)


@given(st.integers(0, 2**32), st.sampled_from([(20, 0), (32, 4), (7, 0)]))
def test_an_image_and_its_steps_lead_to_the_same_ledger_and_the_same_way_back(seed, shape):
    key_bytes, owners = shape
    chance = random.Random(seed)
    journal = Journal(Ledger(key_bytes, has_owners=bool(owners)), ref(0), depth=6)
    branch = 0

    def turn() -> None:
        nonlocal branch
        if chance.random() < 0.3:
            journal.rewind(chance.choice(journal.blocks()).hash)
            branch += 1
        at = journal.at if chance.random() < 0.1 else ref(journal.at.number + 1, branch, journal.at)
        journal.apply(changes(at, chance, 20, key_bytes, owners))

    for _ in range(chance.randrange(12)):
        turn()
    journal.saved()
    head, parts = image.head(journal), list(image.parts(journal.ledger, 7))
    for _ in range(chance.randrange(3)):
        turn()
    steps = [image.packed(step, key_bytes) for step in journal.unsaved or ()]
    twin = image.restored(head, parts, steps, salt=seed, depth=6)
    assert (twin.at, twin.saved_at, twin.unsaved) == (journal.at, journal.at, ())
    assert twin.blocks() == journal.blocks()
    for block in journal.blocks():
        journal.rewind(block.hash)
        twin.rewind(block.hash)
        assert held(twin.ledger) == held(journal.ledger)
        assert (twin.ledger.digest, twin.ledger.sums) == (journal.ledger.digest, journal.ledger.sums)


def _stored() -> tuple[bytes, list[bytes], list[bytes]]:
    chain = Scripted(people=12)
    journal = Journal(Ledger(), chain.genesis, depth=4)
    for step in chain.branch(journal.at, 6):
        journal.apply(step)
    head, parts = image.head(journal), list(image.parts(journal.ledger, 5))
    journal.saved()
    for step in chain.branch(journal.at, 2):
        journal.apply(step)
    journal.rewind(journal.blocks()[1].hash)
    return head, parts, [image.packed(step, 20) for step in journal.unsaved or ()]


def test_every_flipped_bit_and_every_cut_is_noticed():
    head, parts, steps = _stored()
    image.restored(head, parts, steps)
    everything = [head, *parts, *steps]
    chance = random.Random(2)
    for which, data in enumerate(everything):
        harmed = [data[:n] for n in (0, 1, 15, 16, 21, len(data) // 2, len(data) - 1)] + [data + b"\0"]
        flipped = chance.sample(range(len(data)), min(60, len(data)))
        harmed += [data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :] for at in flipped]
        for bad in harmed:
            torn = [*everything[:which], bad, *everything[which + 1 :]]
            with pytest.raises(LedgerCorrupt):
                image.restored(torn[0], torn[1 : 1 + len(parts)], torn[1 + len(parts) :])


def test_a_part_or_step_missing_or_out_of_place_is_noticed():
    head, parts, steps = _stored()
    assert len(parts) > 1
    wrong = [
        (parts[:-1], steps),
        ([*parts, steps[0]], steps),
        (parts, steps[1:]),
        (parts, steps[::-1]),
        (parts, [*steps, parts[0]]),
        ([], steps),
    ]
    for some, others in wrong:
        with pytest.raises(LedgerCorrupt):
            image.restored(head, some, others)
    with pytest.raises(LedgerCorrupt, match="kind h"):
        image.restored(parts[0], parts, steps)
    image.restored(head, parts[::-1], steps)


def test_the_way_back_survives_although_its_arrays_cannot_be_written():
    chain = Scripted(people=12)
    journal = Journal(Ledger(), chain.genesis)
    for step in chain.branch(journal.at, 30):
        journal.apply(step)
    twin = restored(journal, [])
    for step in chain.branch(twin.at, 3):
        twin.apply(step)
    twin.rewind(journal.blocks()[29].hash)
    assert held(twin.ledger) == chain.states[twin.at.hash]
    assert np.array_equal(twin.ledger.stale(), np.flatnonzero([k.is_stale for k in held(twin.ledger).values()]))
