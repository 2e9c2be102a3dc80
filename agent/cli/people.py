"""`auricle speakers`: people known by their voice across recordings, and corrections of who speaks."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.command import EPILOG, End, Recording, Start, group, plural
from agent.cli.context import ensure_models, limits, recording_id, working
from agent.cli.output import Shown, say, table
from agent.cli.render import talk

if TYPE_CHECKING:
    from agent.cli.progress import CommandLineWork
    from tools.correcting import Action
    from tools.results import Identification, KnownVoices
    from tools.toolbox import Toolbox

PANEL = "People"

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose voice it is.")]


def register(app: typer.Typer) -> None:
    speakers = group(app, "speakers", "People known by their voice across recordings, and who speaks when.", PANEL)
    commands: dict[str, Callable[..., Shown]] = {
        "list": list_,
        "enroll": enroll,
        "identify": identify,
        "label": label,
        "forget": forget,
        "rename": rename,
        "merge": merge,
        "split": split,
        "reassign": reassign,
        "undo": undo,
        "redo": redo,
        "history": history,
    }
    for name, command in commands.items():
        speakers.command(name, epilog=EPILOG)(command)


def list_() -> Shown:
    """The people whose voices are known: who agreed, until when, and what is kept."""
    with working() as (toolbox, work):
        result = toolbox.known_voices("list", work=work)
    return _people(result)


def enroll(
    name: Name,
    recording: Recording,
    speaker: Annotated[str | None, typer.Option(metavar="LABEL", help="Which voice of the recording.")] = None,
    start: Start = None,
    end: End = None,
    consent: Annotated[bool, typer.Option("--consent", help="The person agrees to being recognised.")] = False,
    agreed_by: Annotated[
        str | None, typer.Option(metavar="WHO", help="Who agreed, where it is not the person.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="The consent's last day, as 2027-12-31.")] = None,
) -> Shown:
    """Learns a person's voice, with that person's consent. Nobody's voice is kept before the first one."""
    first, last = limits(start, end)
    with working(yes=consent) as (toolbox, work):
        found = _told_apart(toolbox, recording, work) if speaker else recording_id(toolbox, recording, work)
        ensure_models(["segmentation", "embedding"], work)
        result = toolbox.known_voices(
            "enroll",
            name=name,
            recording=found,
            speaker=speaker,
            start=first,
            end=last,
            agreed_by=agreed_by,
            until=until,
            work=work,
        )
    return _people(result)


def identify(recording: Recording) -> Shown:
    """Whose voices these are; a stranger has no name."""
    with working() as (toolbox, work):
        found = _told_apart(toolbox, recording, work)
        result = toolbox.identify_speakers(found, work=work)
    return _identified(result, found)


def label(
    recording: Annotated[
        str | None, typer.Argument(metavar="[RECORDING]", help="Only there; in every recording if not given.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it; else it is only shown what would be done.")] = False,
) -> Shown:
    """Names known voices where they are clearly heard, in earlier recordings too. One undo takes all of it back."""
    with working() as (toolbox, work):
        found = None if recording is None else _told_apart(toolbox, recording, work)
        result = toolbox.identify_speakers(found, label=yes, work=work)
    return _identified(result, found)


def forget(name: Name, yes: Annotated[bool, typer.Option("--yes", "-y", help="Without asking.")] = False) -> Shown:
    """Erases a person's voiceprints and the names that rest on them, from the disk too."""
    with working(yes=yes) as (toolbox, work):
        result = toolbox.known_voices("forget", name=name, work=work)
    return Shown(result.model_dump(mode="json"), [result.next])


Voice = Annotated[str, typer.Argument(metavar="VOICE", help="A voice of the recording: its name or label.")]


def rename(recording: Recording, voice: Voice, name: Annotated[str, typer.Argument(metavar="NAME")]) -> Shown:
    """Another name for a voice of a recording."""
    return _corrected(recording, "rename", voice, name)


def merge(recording: Recording, voice: Voice, into: Annotated[str, typer.Argument(metavar="INTO")]) -> Shown:
    """Two voices of a recording are one person's."""
    return _corrected(recording, "merge", voice, into)


def split(recording: Recording, voice: Voice, start: Start = None, end: End = None) -> Shown:
    """One voice is two people's: a range of it is the other's, or what sounds different."""
    return _corrected(recording, "split", voice, None, start, end)


def reassign(
    recording: Recording,
    to: Annotated[str, typer.Argument(metavar="TO", help="Whose it is: a voice's name or label.")],
    start: Annotated[str, typer.Option("--start", metavar="T", help="From here; alone: what is said there.")],
    end: End = None,
    speaker: Annotated[str | None, typer.Option(metavar="VOICE", help="Only what this voice says there.")] = None,
) -> Shown:
    """A turn or a range is another voice's."""
    return _corrected(recording, "reassign", speaker, to, start, end)


def undo(recording: Recording) -> Shown:
    """Takes the last decision about a recording's voices back, with all that was decided at once with it."""
    return _corrected(recording, "undo")


def redo(recording: Recording) -> Shown:
    """Does again what was undone."""
    return _corrected(recording, "redo")


def history(recording: Recording) -> Shown:
    """What was decided about a recording's voices."""
    return _corrected(recording, "history")


def _corrected(
    reference: str,
    action: "Action",
    speaker: str | None = None,
    to: str | None = None,
    start: str | None = None,
    end: str | None = None,
) -> Shown:
    limits(start, end)
    with working() as (toolbox, work):
        found = recording_id(toolbox, reference, work)
        result = toolbox.correct_speakers(found, action, speaker=speaker, to=to, start=start, end=end, work=work)
    decided = [f"{'(undone) ' if step.undone else ''}{step.what}" for step in result.history]
    lines = decided if action == "history" else [talk(result.speakers.items())]
    return Shown(result.model_dump(mode="json"), [*lines, result.next])


def _told_apart(toolbox: "Toolbox", reference: str, work: "CommandLineWork") -> str:
    """A recording whose voices are told apart, by now."""
    found = recording_id(toolbox, reference, work)
    if not toolbox.describe_recording(found).diarized:
        ensure_models(["segmentation", "embedding"], work)
        toolbox.diarize(found, work=work)
    return found


def _people(result: "KnownVoices") -> Shown:
    shown = table("name", "speech", "agreed", "until", "from")
    for person in result.people:
        by = "" if person.agreed_by == person.name else f" ({person.agreed_by})"
        until = person.until or "asked to forget"
        shown.add_row(person.name, f"{person.seconds:.0f} s", f"{person.agreed}{by}", until, ", ".join(person.sources))
    return Shown(result.model_dump(mode="json"), [*([shown] if result.people else []), result.next])


def _identified(result: "Identification", recording: str | None) -> Shown:
    for warning in result.warnings:
        say(f"Note: {warning}")
    shown = table("recording", "voice", "is", "score", "margin", "speech", "most like")
    for match in result.matches:
        likely = f"{match.best or 'nobody'} ({match.decision})"
        shown.add_row(
            match.recording, match.speaker, match.name or "a stranger", f"{match.score:.1f}", f"{match.margin:.1f}",
            f"{match.seconds:.0f} s", likely,
        )  # fmt: skip
    document = {**({"recording": recording} if recording else {}), **result.model_dump(mode="json")}
    done = f"Labelled {plural(result.labelled, 'voice')}. " if result.labelled else ""
    return Shown(document, [*([shown] if result.matches else []), done + result.next])
