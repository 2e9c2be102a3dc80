"""The engines with real weights, on the call that the pyannote.audio wheel carries."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle.domain import Segment
from auricle.errors import BadArgument, Cancelled, ModelUnavailable
from auricle.settings import Settings
from auricle.times import SAMPLE_RATE, to_samples
from engines import campplus, recognition, weights
from engines.build import build
from engines.device import placement
from engines.diarization import PyannoteDiarizer
from engines.protocols import Audio, Engines, Heard, HearingOptions, SpeakerCount, VoiceMap
from engines.recognition import UNDETERMINED, SileroDetector, WhisperRecognizer
from tools.align import place

pytestmark = pytest.mark.models


def read(path: Path) -> Audio:
    from faster_whisper import decode_audio

    audio: Audio = decode_audio(str(path), sampling_rate=SAMPLE_RATE)
    return audio


@pytest.fixture(scope="module")
def sample() -> Audio:
    """Thirty seconds of a telephone call between Diane and Sheila; nobody speaks in the first six."""
    found = importlib.util.find_spec("pyannote")
    assert found is not None
    folder = next(iter(found.submodule_search_locations or []))
    return read(Path(folder) / "audio" / "sample" / "sample.wav")


@pytest.fixture(scope="module")
def engines() -> Engines:
    return build(Settings())


@pytest.fixture(scope="module")
def voices(engines: Engines, sample: Audio) -> VoiceMap:
    return listen(engines, sample)


def listen(engines: Engines, audio: Audio) -> VoiceMap:
    return engines.diarizer().listen(audio, engines.detector().speech(audio), lambda share: None)


def hear(engines: Engines, audio: Audio, language: str | None = None) -> list[Heard]:
    options = HearingOptions(language=language)
    return list(engines.recognizer().transcribe(audio, engines.detector().speech(audio), options))


def segments_of(heard: list[Heard]) -> list[Segment]:
    return [segment for window in heard for segment in window.recognition.segments]


def test_engines_are_known_by_their_weights_before_these_are_there(tmp_path: Path, engines: Engines) -> None:
    elsewhere = build(Settings(models=tmp_path, offline=True))
    assert elsewhere.recognizer().identity == engines.recognizer().identity
    assert elsewhere.recognizer().identity.startswith("whisper-base@")
    assert elsewhere.diarizer().identity.startswith("segmentation-3.0@")
    with pytest.raises(ModelUnavailable):
        list(elsewhere.recognizer().transcribe(np.zeros(16000, dtype=np.float32), [], HearingOptions()))


def test_the_call_is_heard_with_a_time_for_every_word(engines: Engines, sample: Audio) -> None:
    heard = hear(engines, sample)
    segments = segments_of(heard)
    text = " ".join(segment.text for segment in segments)
    assert heard[0].recognition.language == "en"
    assert "This is Diane in New Jersey" in text
    assert "originally from Chicago" in text
    words = [word for segment in segments for word in segment.words]
    assert to_samples(6) < words[0].start < to_samples(8)
    assert all(word.start <= word.end <= len(sample) for word in words)
    assert words == sorted(words, key=lambda word: word.start)
    assert heard[-1].until == len(sample)


def test_hearing_goes_on_from_any_window_as_if_it_had_not_stopped(engines: Engines, sample: Audio) -> None:
    twice = np.concatenate([sample, sample, sample])
    speech = engines.detector().speech(twice)
    whole = hear(engines, twice)
    assert len(whole) > 3
    assert [each.until for each in whole] == sorted({each.until for each in whole})
    for number, last in enumerate(whole[:-1]):
        kept = replace(last, resume=json.loads(json.dumps(last.resume)))
        rest = list(engines.recognizer().transcribe(twice, speech, HearingOptions(), kept))
        assert segments_of(rest) == segments_of(whole[number + 1 :])


def test_progress_may_stop_the_listening_for_voices(engines: Engines, sample: Audio) -> None:
    def stop(share: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        engines.diarizer().listen(sample, engines.detector().speech(sample), stop)


def test_voices_are_the_same_in_pieces_and_at_once(engines: Engines, sample: Audio, voices: VoiceMap) -> None:
    step, length = voices.windows.step, voices.windows.length
    cut = 7
    first = listen(engines, sample[: (cut - 1) * step + length])
    rest = replace(listen(engines, sample[cut * step :]), first=cut)
    pieces, whole = ([first, rest], [voices])
    told = [engines.diarizer().cluster(each, SpeakerCount(), 0.8) for each in (pieces, whole)]
    assert told[0].turns == told[1].turns


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.1, 3.0])
def test_silence_has_no_words_no_speech_and_nobody(engines: Engines, seconds: float) -> None:
    silence = np.zeros(to_samples(seconds), dtype=np.float32)
    (heard,) = hear(engines, silence)
    assert heard.recognition.segments == ()
    assert heard.recognition.language == UNDETERMINED
    assert SileroDetector().speech(silence) == []
    assert engines.diarizer().cluster([listen(engines, silence)], SpeakerCount(exact=2), 0.8).turns == ()


def test_an_unknown_language_is_refused_with_examples(engines: Engines, sample: Audio) -> None:
    with pytest.raises(BadArgument, match="such as en, de"):
        hear(engines, sample, "klingon")


def test_a_folder_without_a_tokenizer_is_no_model(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json"):
        WhisperRecognizer(tmp_path, "own@1")


def test_mangled_weights_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelUnavailable, match="auricle models verify"):
        WhisperRecognizer(tmp_path, "own@1", "cpu")
    (tmp_path / "model.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ModelUnavailable, match="auricle models verify"):
        PyannoteDiarizer(tmp_path / "model.pt", tmp_path / "model.pt", "own@1", "cpu")


def test_a_gpu_that_does_not_work_falls_back_to_the_cpu_unless_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As on a machine whose driver shows a GPU while CUDA's libraries are missing.
    monkeypatch.setattr(recognition, "for_ctranslate2", lambda wanted: placement("cuda"))
    folder = weights.resolve("whisper-base", Settings())
    with pytest.raises(ModelUnavailable, match="AURICLE_DEVICE=cuda was asked for"):
        WhisperRecognizer(folder, "own@1", "cuda")
    assert WhisperRecognizer(folder, "own@1", "auto").identity == "own@1"


def test_two_people_are_told_apart_and_get_their_own_words(engines: Engines, sample: Audio, voices: VoiceMap) -> None:
    diarization = engines.diarizer().cluster([voices], SpeakerCount(), 0.8)
    assert set(diarization.voices) == {"0", "1"}
    assert all(0 <= turn.start < turn.end for turn in diarization.turns)
    words = [word for segment in segments_of(hear(engines, sample)) for word in segment.words]
    said = {"0": "", "1": ""}
    for word, (label, _) in zip(words, place(words, diarization), strict=True):
        said[label or "0"] += word.text
    diane = next(label for label, text in said.items() if "This is Diane in New Jersey." in text)
    sheila = "1" if diane == "0" else "0"
    # A turn's boundary cuts this one in the middle.
    assert "And I'm Sheila and Texas originally from Chicago." in said[sheila]


def test_another_number_of_people_needs_no_second_hearing(engines: Engines, voices: VoiceMap) -> None:
    kept = VoiceMap.from_bytes(voices.to_bytes())
    assert len(engines.diarizer().cluster([kept], SpeakerCount(exact=1), 0.8).voices) == 1
    assert len(engines.diarizer().cluster([kept], SpeakerCount(exact=3), 0.8).voices) == 3


@pytest.mark.parametrize("seconds", [0.2, 1.0, 9.9, 10.0, 10.5])
def test_audio_around_the_length_of_a_window_works(engines: Engines, sample: Audio, seconds: float) -> None:
    cut = sample[to_samples(12) : to_samples(12) + to_samples(seconds)]
    diarization = engines.diarizer().cluster([listen(engines, cut)], SpeakerCount(), 0.8)
    assert diarization.turns
    assert all(turn.start < len(cut) for turn in diarization.turns)


def test_speech_is_found_where_somebody_speaks(sample: Audio) -> None:
    spans = SileroDetector().speech(sample)
    assert to_samples(5) < spans[0].start < to_samples(7)
    assert spans[-1].end <= len(sample)


def test_campplus_gives_the_published_networks_numbers() -> None:
    """Pinned from the reference implementation (3D-Speaker, Apache-2.0), which agrees to 5e-6 on real speech."""
    network = campplus.load_campplus(weights.resolve("campplus", Settings()))
    features = torch.sin(torch.arange(300)[:, None] * torch.linspace(0.05, 0.9, 80)[None])
    with torch.inference_mode():
        embedding = network(features[None])[0]
        parts = network.pool(network.frame_level((features - features.mean(dim=0))[None]))[0]
    assert embedding.shape == (192,)
    assert torch.allclose(embedding[:6], torch.tensor(PINNED), atol=1e-4)
    assert torch.allclose(embedding, parts, atol=1e-5)


PINNED = [-0.70923, 0.11739, 0.45955, -0.48596, -0.46613, 0.52892]


def test_music_animals_and_noise_have_no_words(engines: Engines, eval_dir: Path) -> None:
    rows = [json.loads(line) for line in (eval_dir / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    recordings = [row["path"] for row in rows if row["set"] == "nonspeech"]
    assert recordings
    for path in recordings:
        assert (path, segments_of(hear(engines, read(eval_dir / path)))) == (path, [])
