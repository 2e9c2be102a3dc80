"""Small transcripts for tests, written as (voice, start in seconds, text)."""

from auricle.domain import Evidence, Span, Turn
from auricle.times import to_samples
from tools.views import PlacedWord, SpeakerView, Transcript, Utterance

CALL = [
    ("s_a", 6.7, "Hello?"),
    ("s_b", 7.6, "Hello?"),
    ("s_a", 8.4, "Oh, hello. I didn't know you were there."),
    ("s_b", 9.9, "Neither did I."),
    ("s_a", 10.8, "Okay, then I thought you know, I heard a beep. This is Diane in New Jersey."),
    ("s_b", 14.4, "And I'm Sheila in Texas, originally from Chicago."),
    ("s_a", 17.8, "Oh, I'm originally from Chicago also. I'm in New Jersey now though."),
    ("s_b", 21.9, "Well, there isn't that much difference, so what can I say?"),
    ("s_a", 28.4, "Oh, I don't hear that in New Jersey now."),
]
NAMES = {"s_a": "Diane", "s_b": "Sheila"}


def utterance(
    speaker: str | None,
    start: float,
    text: str,
    *,
    doubts: tuple[str, ...] = (),
    overlap: bool = False,
    take: str = "t",
) -> Utterance:
    """An utterance whose words last a fifth of a second each."""
    words = tuple(
        PlacedWord(
            id=f"{take}.{start}.{place}",
            start=to_samples(start + place * 0.2),
            end=to_samples(start + place * 0.2 + 0.18),
            text=f" {word}",
            probability=0.9,
            speaker=speaker,
            overlap=overlap,
        )
        for place, word in enumerate(text.split())
    )
    return Utterance(start=words[0].start, end=words[-1].end, speaker=speaker, words=words, doubts=doubts)


def transcript(
    said: list[tuple[str | None, float, str]] | list[Utterance],
    names: dict[str, str] | None = None,
    *,
    diarized: bool = True,
    seconds: float = 60.0,
) -> Transcript:
    """A transcript; voices are "Speaker 1", "Speaker 2", … by first appearance until ``names`` names them."""
    utterances = tuple(item if isinstance(item, Utterance) else utterance(*item) for item in said)
    voices = list(dict.fromkeys(item.speaker for item in utterances if item.speaker)) if diarized else []
    return Transcript(
        recording="r_0000000000",
        revision="abc123",
        duration=to_samples(seconds),
        language="en",
        language_probability=0.98,
        heard=(Span(start=0, end=to_samples(seconds)),),
        utterances=utterances,
        speakers=tuple(
            SpeakerView(
                id=voice,
                label=f"Speaker {place}",
                name=(names or {}).get(voice),
                evidence=Evidence(source="person") if voice in (names or {}) else None,
                seconds=sum(item.seconds for item in utterances if item.speaker == voice),
            )
            for place, voice in enumerate(voices, 1)
        ),
        turns=tuple(
            Turn(start=item.start, end=item.end, label=item.speaker) for item in utterances if item.speaker and diarized
        ),
        told_apart=(Span(start=0, end=to_samples(seconds)),) if diarized else (),
    )
