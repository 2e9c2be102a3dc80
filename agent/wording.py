"""What an instruction says literally, read by code, to check and mend what a small model makes of it.

Everything here is a safety net: in a language that it does not know, the model's plan stands as it is.
"""

import re
from collections.abc import Sequence

from agent.moments import NUMBER_WORDS
from tools.languages import LANGUAGES

_SAID_FORMATS = {
    "qa": r"q\s?(?:&|and|/|\+)\s?a\b|questions? and answers?|fragen und antworten",
    "srt": r"\bsrt\b",
    "vtt": r"\b(?:web)?vtt\b",
    "rttm": r"\brttm\b",
    "tsv": r"\btsv\b",
    "json": r"\bjson\b",
    "md": r"\bmarkdown\b",
    "docx": r"\bdocx\b|\bword (?:document|file)\b|\bword-do[ck]ument\b",
    "html": r"\bhtml\b|\bweb ?page\b",
    "pdf": r"\bpdf\b",
    "png": r"\bpng\b",
    "svg": r"\bsvg\b",
    "ttml": r"\bttml\b",
    "ctm": r"\bctm\b",
    "textgrid": r"\btext\s?grid\b|\bpraat\b",
    "audacity": r"\baudacity\b",
    "edl": r"\bedl\b",
    "otio": r"\botio\b|\bopen\s?timeline(?:io)?\b",
}
_WHO = re.compile(
    r"\b(?:who|whom|whose|speakers?|voices?|each|everyone|everybody|names?|wer|wen|wem|wessen|sprecher\w*|stimmen?"
    r"|qui|locuteurs?|quién|quien|hablantes?|chi|quem)\b|谁|誰",
    re.IGNORECASE,
)
_ONLY_WHO = re.compile(
    r"(?:who(?:'s| is|se voice is)?|wer|qui|quién|chi)\b[^,;:?]{0,30}?\b(?:at|um|à|a las|alle)\s+\S*\d:\d\d\S*\s*\W*",
    re.IGNORECASE,
)
_WHO_SPEAKS = re.compile(
    r"\bwho (?:speaks?|talks?|is (?:speaking|talking|heard|there|who)|are (?:the|these|they))\b|\bwer spricht\b"
    r"|\bqui parle\b|\bquién habla\b",
    re.IGNORECASE,
)
_WHEN = re.compile(r"\b(?:when|wann|quand|cuándo)\b|\d:\d\d", re.IGNORECASE)
_CALLED = re.compile(
    r"\b([Ss]peaker\s+\d+)\s+(?:is|=|must be|is called|should be|ist|est|es)\s+([A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+)?)"
)
_SUMMARY = re.compile(
    r"\b(?:summar\w*|gist|overview|recap|main points|key points|tl;?dr|zusammenfass\w*"
    r"|fass\w*|résum\w*|resum\w*|riassu\w*)\b"
    r"|总结|要約|резюм",
    re.IGNORECASE,
)
_LOOK_UP = re.compile(
    r"\b(?:find|search|mention\w*|occur\w*|come up|the (?:words?|terms?|phrases?)|talk(?:ed|ing)? about|erwähn\w*"
    r"|such\w*|finde\w*|kommt|mentionn\w*|cherche\w*|parle\w*|mencion\w*|busca\w*|habla\w*)\b",
    re.IGNORECASE,
)
_HOW_OFTEN = re.compile(
    r"\bhow (?:often|many times)\b|\bwie oft\b|\bcombien de fois\b|\bcuántas veces\b", re.IGNORECASE
)
_WHICH_MENTION = re.compile(
    r"\b(?:which|welche\w*) (?:of \w+ )?(?:\w+ )?(?:recordings?|calls?|meetings?|files?|interviews?|aufnahme\w*)\b"
    r"(?: \w+){0,6}? (?:mention\w*|contain\w*|erwähn\w*)\b",
    re.IGNORECASE,
)
_OPEN_QUESTION = re.compile(
    r"^\W*(?:what|why|how|which|who|summari[sz]e|explain|was|warum|wie|wer"
    r"|quoi|que|qu|pourquoi|comment|qué|por qué|cómo)\b",
    re.IGNORECASE,
)
_SOUND = re.compile(
    r"\b(?:cut|clip|slice|trim|snippet|excerpt|extract|audio|sound|wav|mp3|flac|ogg|save|keep|play|schneid\w*|ausschnitt"
    r"|coupe\w*|extrai\w*|corta\w*|recort\w*)\b",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"\b(?:writ\w*|export\w*|files?|sav\w*|transcri\w*|subtitl\w*|captions?|text|txt|documents?|notes?|minutes|interview"
    r"|markdown|script|table|schreib\w*|datei|untertitel\w*|transkri\w*|abschrift|fichier|sous-titres?|[ée]cri\w*"
    r"|archivo|subt[íi]tul\w*|escrib\w*|sottotitol\w*|trascri\w*|scriv\w*|legendas?)\b",
    re.IGNORECASE,
)
_TRANSLATE = re.compile(r"transl|englis[ch]|englisch|übersetz|tradu|anglais|inglés|inglese", re.IGNORECASE)
_PEOPLE_NOUN = (
    r"(?:\w+\s)?(?:people|persons?|speakers?|voices?|participants?|guests?|men|women|personen|leute|sprecher\w*"
)
_PEOPLE_NOUN += r"|stimmen|personnes|voix|personas|voces)\b"
_COUNTED = re.compile(rf"\b(\d{{1,2}}|{'|'.join(NUMBER_WORDS)})\s{_PEOPLE_NOUN}", re.IGNORECASE)
_ARTICLE = re.compile(r"\b(?:the|an?|der|die|das|den|dem|le|la|les|el|los|il|lo)\s+$", re.IGNORECASE)
_ASKING = re.compile(
    r"\b(?:what|who|whom|whose|why|when|where|which|how|tell|explain|describe|answer me|summar\w*|overview|gist|recap"
    r"|was|wer|wen|wem|warum|wann|wo|wie|sag|qui|quoi|que|pourquoi|quand|comment|dis|por qu[ée]|dime)\b",
    re.IGNORECASE,
)
_ONLY_SAID = re.compile(
    r"\bonly (?:what ([^\W\d][\w .'-]{0,58}?) says?\b|([^\W\d][\w-]+)['’]s (?:part|words|lines|answers|side)\b)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.?!…]+[.?!…]*\s*")
_SENTENCES = re.compile(
    r"\b(\d|[a-zäöüß]+) (?:single |short )?(?:sentences?|satz|sätzen?|phrases?|frases?)\b", re.IGNORECASE
)
_STEM = 5
_AUXILIARY = frozenset({"did", "does", "the", "was", "were", "are", "has", "have", "had"})
_WORD = re.compile(r"[^\W_]{3,}")


def people_in(instruction: str, proposed: Sequence[str]) -> list[str]:
    """Those proposed names that stand in the instruction, written as there, as names are."""
    cased = any(char.isupper() for char in instruction)
    found: list[str] = []
    for name in proposed:
        text = " ".join(name.split())
        match = re.search(rf"(?<!\w){re.escape(text)}(?!\w)", instruction, re.IGNORECASE) if text else None
        if match is None or (cased and match[0][0].islower()) or _ARTICLE.search(instruction[: match.start()]):
            continue
        if match[0] not in found:
            found.append(match[0])
    return found


def names_given(instruction: str) -> dict[str, str]:
    """Who is who, where the person says it by label: "Speaker 1 is Paul"."""
    return {" ".join(label.split()).capitalize(): name for label, name in _CALLED.findall(instruction)}


def speakers_in(instruction: str, proposed: int, people: Sequence[str]) -> int | None:
    """How many people speak, as far as the instruction says so; 0 where it asks for none, which a tool refuses."""
    said = _COUNTED.search(instruction)
    if said:
        return int(said[1]) if said[1].isdigit() else NUMBER_WORDS[said[1].lower()]
    # One person who is named is hardly ever alone, and a count of one would make one voice of all.
    if proposed > 0 and (
        proposed == len(people) > 1 or re.search(rf"(?<!speaker )\b{proposed}\b", instruction.lower())
    ):
        return proposed
    # Two or more names at the side of each other are a list of who is there.
    together = r"\W+(?:and|und|et|y|e|&|with|mit|avec|con)\W+".join(map(re.escape, people))
    return len(people) if len(people) == 2 and re.search(together, instruction) else None


def only_in(instruction: str) -> list[str]:
    """The one whose words alone are wanted, as the instruction calls them."""
    match = _ONLY_SAID.search(instruction)
    return [match[1] or match[2]] if match else []


def format_in(instruction: str) -> str | None:
    """The one transcript format that is named; None where none or several are."""
    named = [kind for kind, pattern in _SAID_FORMATS.items() if re.search(pattern, instruction, re.IGNORECASE)]
    return named[0] if len(named) == 1 else None


def path_in(instruction: str, kind: str) -> str | None:
    """A file with that ending that is named, to be written."""
    match = re.search(rf"(?:^|[\s\"'“])([^\s\"'“”]+\.{re.escape(kind)})(?=$|[\s\"'”,;.!?])", instruction, re.IGNORECASE)
    return match[1] if match else None


def asks_who(instruction: str) -> bool:
    """Whether it matters who speaks."""
    return bool(_WHO.search(instruction))


def asks_for_names(instruction: str) -> bool:
    """Whether "who speaks?" is the question, and not who speaks when."""
    return bool(_WHO_SPEAKS.search(instruction)) and not _WHEN.search(instruction)


def asks_only_who(instruction: str) -> bool:
    """Whether the whole question is who speaks at one time."""
    return bool(_ONLY_WHO.fullmatch(instruction.strip()))


def asks_to_summarize(instruction: str) -> bool:
    return bool(_SUMMARY.search(instruction))


def asks_where_said(instruction: str) -> bool:
    """Whether places where something is said are wanted, rather than what is said."""
    if _HOW_OFTEN.search(instruction) or _WHICH_MENTION.search(instruction):
        return True  # counting and comparing are not for an LLM
    return bool(_LOOK_UP.search(instruction)) and not _OPEN_QUESTION.search(instruction)


def asks_for_sound(instruction: str) -> bool:
    return bool(_SOUND.search(instruction))


def asks_to_translate(instruction: str) -> bool:
    """Whether English is wanted; in scripts these words are not written in, the model is believed."""
    return bool(_TRANSLATE.search(instruction)) or not instruction.isascii()


def asks_for_file(instruction: str) -> bool:
    """Whether something is to be written down; in other scripts the model is believed."""
    return bool(_FILE.search(instruction)) or format_in(instruction) is not None or not instruction.isascii()


def language_in(instruction: str, proposed: str) -> str | None:
    """A proposed language that the instruction names."""
    code = proposed.strip().lower()
    name = LANGUAGES.get(code, code)
    return proposed if re.search(rf"\b{re.escape(name)}\b", instruction, re.IGNORECASE) else None


def is_question(instruction: str) -> bool:
    return "?" in instruction or "？" in instruction


def asks_something(instruction: str) -> bool:
    """Whether words are wanted for an answer, not only a file; in other scripts the model is believed."""
    return is_question(instruction) or bool(_ASKING.search(instruction)) or not instruction.isascii()


def about_the_same(question: str, instruction: str) -> bool:
    """Whether a question a model wrote is made of what the instruction says: "order" is "ordered"."""
    words, said = stems(question), stems(instruction)
    return bool(words) and len(words & said) >= 0.6 * len(words)


def sentences_wanted(instruction: str) -> int:
    """How many sentences the person wants at most; 0 where they did not say."""
    said = _SENTENCES.search(instruction)
    if not said:
        return 0
    return int(said[1]) if said[1].isdigit() else NUMBER_WORDS.get(said[1].lower(), 0)


def sentences_of(text: str) -> list[str]:
    """A text's sentences, with the space after each."""
    return _SENTENCE.findall(text)


def stems(text: str) -> set[str]:
    """The words of a text without their endings: "order" is "ordered", and "signs" is "sign"."""
    return {_stem(word) for word in _WORD.findall(text.lower()) if word not in _AUXILIARY}


def _stem(word: str) -> str:
    singular = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return singular[:_STEM]
