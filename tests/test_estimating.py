"""The time that is left, told on the way."""

import pytest

from tools.estimating import Estimate


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def told(pieces: list[float], *, loading: float = 0.0, total: float = 100.0) -> list[tuple[float, float | None, float]]:
    """Work in equal pieces that take so many seconds each: the share done, what was told, and what came of it."""
    clock = Clock()
    estimate = Estimate(clock)
    estimate.left(0, total)
    clock.seconds += loading
    reports = []
    for number, seconds in enumerate(pieces, start=1):
        clock.seconds += seconds
        done = total * number / len(pieces)
        reports.append((done / total, estimate.left(done, total), sum(pieces[number:])))
    return reports


@pytest.mark.parametrize("loading", [0.0, 60.0])
def test_after_a_tenth_it_is_right_however_long_loading_took(loading: float) -> None:
    uneven = [3.0 + 0.5 * (number % 5) for number in range(100)]
    for share, left, truth in told(uneven, loading=loading):
        if 0.1 <= share < 0.98:
            assert left == pytest.approx(truth, rel=0.2)


def test_nothing_is_said_before_anything_is_known() -> None:
    clock = Clock()
    estimate = Estimate(clock)
    assert estimate.left(0, 1000) is None
    clock.seconds += 30
    assert estimate.left(1, 1000) is None
    clock.seconds += 1
    assert estimate.left(2, 1000) is None
    clock.seconds += 1
    assert estimate.left(3, 1000) == pytest.approx(997)


def test_work_of_unknown_length_has_no_end_to_tell() -> None:
    clock = Clock()
    estimate = Estimate(clock)
    for done in (0, 1, 2):
        clock.seconds += 10
        assert estimate.left(done, 0) is None


def test_another_stage_is_measured_by_itself() -> None:
    clock = Clock()
    estimate = Estimate(clock)
    for done in (0, 10, 20):
        estimate.left(done, 100)
        clock.seconds += 100
    for again in (0, 10):
        assert estimate.left(again, 50) is None
        clock.seconds += 5
    assert estimate.left(20, 50) == pytest.approx(15)
    for again in (1, 10):
        estimate.left(again, 50)
        clock.seconds += 9
    assert estimate.left(19, 50) == pytest.approx(31)


def test_at_the_end_nothing_is_left() -> None:
    assert told([2.0] * 10)[-1][1] == 0
