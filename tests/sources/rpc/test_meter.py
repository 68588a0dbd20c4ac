"""How chunk sizes are learned."""

from monitor.sources.rpc.meter import FIRST_CHUNK, FORGET_CEILING_MS, LARGEST_CHUNK, Chunks, Meter

LENS = b"lens"


def test_quick_full_chunks_grow_by_half_up_to_the_largest():
    chunks, sizes = Chunks(), []
    while chunks.size(LENS) < LARGEST_CHUNK:
        chunks.fitted(LENS, chunks.size(LENS), took_ms=100, now_ms=0)
        sizes.append(chunks.size(LENS))
    assert sizes[0] == FIRST_CHUNK * 3 // 2 + 1
    assert len(sizes) < 10


def test_slow_or_half_empty_chunks_teach_nothing():
    chunks = Chunks()
    chunks.fitted(LENS, FIRST_CHUNK, took_ms=5_000, now_ms=0)
    chunks.fitted(LENS, FIRST_CHUNK - 1, took_ms=1, now_ms=0)
    assert chunks.size(LENS) == FIRST_CHUNK


def test_a_refusal_halves_and_its_size_is_not_tried_again_for_ten_minutes():
    chunks = Chunks()
    chunks.refused(LENS, 400, now_ms=0)
    assert chunks.size(LENS) == 200
    for now_ms in range(1, 50):
        chunks.fitted(LENS, chunks.size(LENS), took_ms=1, now_ms=now_ms)
    assert chunks.size(LENS) == 350
    chunks.fitted(LENS, 350, took_ms=1, now_ms=FORGET_CEILING_MS)
    assert chunks.size(LENS) > 400


def test_programs_learn_apart_from_each_other():
    chunks = Chunks()
    chunks.refused(LENS, 400, now_ms=0)
    assert chunks.size(b"other") == FIRST_CHUNK


def test_percentiles_are_of_the_latest_hundred():
    meter = Meter()
    assert meter.percentile_ms(95) is None
    meter.latencies_ms.extend([9_999] * 50)
    meter.latencies_ms.extend(range(100))
    assert meter.percentile_ms(50) == 50
    assert meter.percentile_ms(95) == 95
