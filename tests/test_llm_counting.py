"""Tokens are counted before a call by a bound that was measured."""

from pathlib import Path

import pytest

from auricle.errors import BadArgument
from auricle.settings import Settings
from engines.chat_format import MOST_TOKENS_PER_BYTE, estimate_tokens
from engines.counting import Counting
from engines.protocols import LLMTraits, Message, Reply

LONG = [Message("user", "word " * 1000)]


def counting(home: Path, context: int = 8192) -> Counting:
    return Counting("fake:m", LLMTraits(tools=False, context=context, identity="fake@1"), Settings(home=home))


def test_until_something_was_measured_a_token_is_three_bytes(home: Path) -> None:
    assert counting(home).traits.tokens_per_byte == MOST_TOKENS_PER_BYTE
    with pytest.raises(BadArgument, match="context is 1600"):
        counting(home, 1600).check(LONG, (), 100)


def test_the_servers_own_count_is_the_bound_from_then_on(home: Path) -> None:
    first = counting(home)
    first.learn(LONG, (), Reply("", prompt_tokens=1100))
    assert first.traits.tokens_per_byte == pytest.approx(0.242)
    again = counting(home, 1600)
    again.check(LONG, (), 100)  # which was refused before it was measured
    with pytest.raises(BadArgument):
        again.check(LONG, (), 400)


def test_the_dearest_prompt_decides(home: Path) -> None:
    one = counting(home)
    for tokens in (1100, 1500, 1200):
        one.learn(LONG, (), Reply("", prompt_tokens=tokens))
    assert one.traits.tokens_per_byte == pytest.approx(0.33)


def test_a_count_that_leaves_out_what_was_cached_does_not_lower_the_bound_too_far(home: Path) -> None:
    one = counting(home)
    one.learn(LONG, (), Reply("", prompt_tokens=12))
    assert one.traits.tokens_per_byte == pytest.approx(0.22)


def test_a_short_prompt_says_nothing_about_others(home: Path) -> None:
    one = counting(home)
    one.learn([Message("user", "hi")], (), Reply("", prompt_tokens=30))
    assert one.traits.tokens_per_byte == MOST_TOKENS_PER_BYTE


def test_an_answer_to_a_prompt_that_was_cut_is_none(home: Path) -> None:
    one = counting(home, 2000)
    with pytest.raises(BadArgument, match="shorter range"):
        one.learn([Message("user", "日本語" * 600)], (), Reply("", prompt_tokens=2000))


def test_other_scripts_are_not_counted_at_the_price_of_english() -> None:
    assert estimate_tokens("a" * 300, 0.2) == 61
    assert estimate_tokens("語" * 100, 0.2) == 101
