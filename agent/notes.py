"""What a meeting came to: decisions, and tasks with their owners, found by how people say them and quoted as said.

A small model overlooks most of these and gives the rest wrong owners. The words themselves are in the transcript: so
code finds the sentences that settle something or take something on, over all of a recording however long. It knows the
turns of phrase of English, and a few of German, French and Spanish; where it finds nothing, a model reads.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.answer import Found
from agent.verify import SpokenLine
from auricle.times import clock


def _any_of(*phrases: str) -> re.Pattern[str]:
    """A pattern that finds any of some turns of phrase, as whole words."""
    return re.compile("|".join(rf"\b(?:{phrase})(?!\w)" for phrase in phrases), re.IGNORECASE)


_MINUTES = _any_of(
    "minutes", "meeting notes", "(?:sitzungs)?protokoll", "compte[- ]rendu", "procès-verbal", "acta", "verbale"
)
_A_TIME = _any_of(r"(?:\d+|one|two|three|four|five|six|ten|fifteen|twenty|thirty|few|last|first) minutes")
_DECISIONS = _any_of(
    "decisions",
    r"what (?:was|were|has been|have (?:they|we)|did (?:they|we|everyone|everybody)) (?:all )?(?:decided?|agreed?)"
    r"(?: on| upon)?(?=\s*(?:[,?.!]|$|(?:and|by|in|at|here)\b))",
    "was wurde (?:alles )?(?:beschlossen|entschieden)",
    "qu'a-t-on décidé",
    "qué se decidió",
)
_TASKS = _any_of(
    "action (?:items?|points?)",
    "to-?dos?",
    "next steps",
    "follow[- ]ups?",
    "(?:which|what|list the|all|the) tasks",
    "who (?:does|will do|has to do|is (?:going|supposed) to do|should do|must do|took on) what",
    "aufgaben",
    "wer (?:macht|tut|erledigt) was",
    "tâches",
    "tareas",
)
_HEADINGS = {"decision": "Decisions", "task": "Action items"}
_SENTENCE = re.compile(r"[^.?!…]+[.?!…]*[\"”']?\s*")

_WE = "(?:we'll|we will|we won't|we are going to|we're going to)"
_DO = (
    "(?:go|take|use|keep|drop|do|start|raise|cancel|postpone|move|pay|hire|buy|close|open|sell|stay|stick|ship|launch)"
)
_DECIDED = _any_of(
    "we(?:'ve| have)? (?:just |now |all )?(?:decided|agreed|settled)",
    "(?:is|it's|that's|are) (?:decided|agreed|settled|approved|rejected|final)",
    "the decision is",
    "(?:i|we) (?:approve|reject)",
    r"(?:then|so|okay|ok|all ?right|good|fine|right),? (?:the|we|it|this|that|they)\b.{0,60}?\b"
    rf"(?:will be|is done|can't do|{_DO})",
    "(?:then|so) (?:i'm|i am|we're|we are) (?:for|against|going)",
    "then (?:it's|it is)",
    f"let's (?:{_DO}|turn|say|make|call|meet|put|skip|try)",
    f"{_WE} {_DO}",
    "turn(?:ed)? (?:it|this|that|them) down",
    "off the table",
    r"(?:ist|wird|sind|haben)\b.*\b(?:beschlossen|entschieden|abgelehnt|vereinbart)",
    "dann (?:machen|nehmen) wir",
    "wir (?:nehmen|machen das|bleiben bei)",
    "(?:on a|nous avons|c'est) (?:décidé|convenu)",
    "(?:hemos decidido|queda decidido|decidimos)",
)
_PROMISED = _any_of(
    "(?:i'll|i will|i shall|i'm going to|i am going to) "
    "(?:also |just |then |gladly |certainly |definitely )?(?P<verb>[a-z]+)",
    "(?:i can|i could|let me) do (?:it|that|this)",
    "leave (?:it|that) (?:to|with) me",
    "(?:ich|das) (?:werde|mache|übernehme|kümmere|rufe|schreibe|schicke|frage|kläre)",
    "je (?:vais|m'en occupe|m'en charge)",
    "(?:yo )?(?:me encargo|voy a)",
)
_NO_TASK = frozenset(
    word
    for words in (
        "be have see think say guess admit assume believe bet imagine never not only always hear feel know like love",
        "need keep understand remember live hope repeat start begin explain summarize read add mention lead walk guide",
    )
    for word in words.split()
)
_ASKED = _any_of(
    "you (?:sign|do|take|write|call|ask|send|bring|order|check|prepare|book|make|find)",
    "please",
    "(?:can|could|will|would) you",
    "you(?:'ll| will| need to| have to)",
    "bitte",
    "por favor",
)
_TALKING = _any_of(
    "(?:can|could|will|would) you (?:please )?(?:tell me|give me|spell|live|hear|see|repeat|say"
    "|explain|imagine|hold|believe|understand)"
)
"""Asked of somebody in the talk itself: nothing is left to do afterwards."""

_ASSIGNS = re.compile(
    r"\b([A-Z][a-zà-ÿ]+) (?:does|finds|sends|writes|calls|makes|takes|checks|prepares|brings|asks|books|orders|reviews"
    r"|updates|organi[sz]es|handles|fixes|tests|talks|signs|drafts|collects|buys|pays|looks"
    r"|applies|gives|picks|helps|tells|shows|moves|cleans|paints|cooks|drives|hires|rents|invites|informs|contacts"
    r"|arranges|translates)\b"
)
"""Who does what, as somebody sums it up."""

_NOT_ASSIGNED = frozenset(
    "He She It They Who That This Nobody Everybody Everyone Somebody Someone What Which One".split()  # noqa: SIM905
)
_ASSIGNED = "{name}(?:'s going to| will| is going to| has to| needs to| takes care| should)"
_YES = re.compile(
    r"\W*(?:yes|yeah|sure|okay|ok|of course|will do|i will|i'll|i do|i can|consider it|no problem|right|fine|gladly|ja"
    r"|klar|gern|oui|bien sûr|sí|claro)\b",
    re.IGNORECASE,
)
_SOMEBODY = "somebody"
"""Where nobody has told the voices apart."""

_FEWEST_WORDS = 4
"""Of a sentence that says what it is about; shorter ones are given with the one before."""


@dataclass(frozen=True)
class Note:
    """Something that was decided, or that somebody is to do.

    Attributes:
        who: Decides, or has to do it.
        quote: What is said in the line, verbatim.
    """

    kind: str
    who: str | None
    quote: str
    line: SpokenLine

    def __str__(self) -> str:
        asked = f" (as {self.line.speaker} says)" if self.line.speaker and self.who != self.line.speaker else ""
        return f"- [{clock(self.line.start)}] {f'{self.who}{asked}: ' if self.who else ''}“{self.quote}”"


def notes_in(instruction: str) -> list[str]:
    """The kinds of notes that are asked for: decision, task; none where it is about something else."""
    minutes = asks_for_minutes(instruction)
    return [
        kind for kind, pattern in (("decision", _DECISIONS), ("task", _TASKS)) if minutes or pattern.search(instruction)
    ]


def asks_for_minutes(instruction: str) -> bool:
    """Whether a summary belongs to the notes."""
    return bool(_MINUTES.search(_A_TIME.sub("", instruction)))


def take_notes(lines: Sequence[SpokenLine], kinds: Sequence[str]) -> Found:
    """Reads all of a transcript and notes what it comes to."""
    wanted = [note for note in notes(lines) if note.kind in kinds]
    blocks = []
    for kind in kinds:
        mine = "\n".join(str(note) for note in wanted if note.kind == kind)
        if mine:
            blocks.append(f"{_HEADINGS[kind]}:\n{mine}" if len(kinds) > 1 else mine)
    return Found(found=bool(wanted), text="\n\n".join(blocks), lines=list(dict.fromkeys(note.line for note in wanted)))


def notes(lines: Sequence[SpokenLine]) -> Iterator[Note]:
    """Decisions and tasks in order of time."""
    assigned = {
        name: _any_of(_ASSIGNED.format(name=re.escape(name.split()[0])))
        for name in dict.fromkeys(line.speaker for line in lines if line.speaker)
    }
    for line, following in zip(lines, _answers(lines), strict=True):
        before = ""
        for sentence in _SENTENCE.findall(line.text):
            said = sentence.strip()
            owner = _owner(said, line, assigned, following)
            decides = bool(_DECIDED.search(said)) and not said.endswith("?")
            quote = f"{before} {said}" if before and len(said.split()) < _FEWEST_WORDS else said
            if decides:
                yield Note("decision", line.speaker, quote, line)
            if owner:
                yield Note("task", owner, quote, line)
            before = said


def _answers(lines: Sequence[SpokenLine]) -> list[SpokenLine | None]:
    """For each line the next one of somebody else."""
    found: list[SpokenLine | None] = []
    answer: SpokenLine | None = None
    for number in range(len(lines) - 1, -1, -1):
        if number + 1 < len(lines) and lines[number + 1].speaker != lines[number].speaker:
            answer = lines[number + 1]
        found.append(answer)
    return found[::-1]


def _owner(
    said: str, line: SpokenLine, assigned: Mapping[str, re.Pattern[str]], following: SpokenLine | None
) -> str | None:
    """Who takes something on in a sentence, or is given it; ``assigned`` finds that for each who speaks."""
    if _TALKING.search(said):
        return None
    for person, given in assigned.items():
        first = person.split()[0]
        if person == line.speaker or not re.search(rf"\b{re.escape(first)}\b", said):
            continue
        if _ASKED.search(said) or given.search(said):
            return person if not said.endswith("?") or _agrees(following, person) else None
    if _ASKED.search(said) and following is not None and _agrees(following, following.speaker):
        return following.speaker if len(said.split()) > _FEWEST_WORDS else None
    summed_up = [name for name in _ASSIGNS.findall(said) if name not in _NOT_ASSIGNED]
    if summed_up and not said.endswith("?"):
        return ", ".join(dict.fromkeys(summed_up))
    promised = _PROMISED.search(said)
    if promised and not said.endswith("?") and (promised["verb"] or "").lower() not in _NO_TASK:
        return line.speaker or _SOMEBODY
    return None


def _agrees(line: SpokenLine | None, person: str | None) -> bool:
    return line is not None and line.speaker == person and bool(_YES.match(line.text))
