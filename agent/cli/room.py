"""`clean`, `backup` and `restore`: what the library takes, and where else it may be."""

from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.command import add, plural
from agent.cli.context import working
from agent.cli.errors import Usage, read_settings
from agent.cli.output import Shown, say, table
from agent.cli.progress import CommandLineWork
from auricle.errors import NotConfirmed
from engines.sources import size_text
from library.backup import Report
from tools.paths import cannot_write, output_path

PANEL = "Library"


def register(app: typer.Typer) -> None:
    add(app, "clean", PANEL)(clean)
    add(app, "backup", PANEL)(backup)
    add(app, "restore", PANEL)(restore)


def clean(
    older_than: Annotated[
        float | None,
        typer.Option(metavar="DAYS", min=0, help="Also forget recordings that were added before that; files stay."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove it, where else it is only shown.")] = False,
) -> Shown:
    """What takes room, and what of it is made again when it is needed; with --yes that goes."""
    from library.room import clear, rooms
    from library.room import older_than as old_ones

    with working(yes=yes) as (toolbox, work):
        library = toolbox.library
        old = old_ones(library, older_than) if older_than is not None else []
        forgotten: list[str] = []
        if yes:
            for recording in old:
                work.report(len(forgotten), len(old), "forgetting recordings")
                toolbox.remove_recording(recording.id, work=work)
                forgotten.append(recording.id)
        found = rooms(library)
        freed = clear(found) if yes else 0
    shown = table("size", "may go", "what")
    for room in found:
        shown.add_row(size_text(room.size), "yes" if room.files else "", room.what)
    document: dict[str, Any] = {
        "rooms": [{"what": room.what, "bytes": room.size, "may_go": bool(room.files)} for room in found],
        "old": [recording.id for recording in old],
        "forgotten": forgotten,
        "freed": freed,
    }
    told = [f"{plural(len(old), 'recording')} older than that: {_named(old)}."] if old and not yes else []
    may_go = sum(room.size for room in found if room.files)
    if yes:
        told.append(f"{size_text(freed)} are free now; {plural(len(forgotten), 'recording')} forgotten.")
    elif may_go or old:
        told.append(f"`auricle clean --yes` frees {size_text(may_go)}; what was heard and decided stays.")
    return Shown(document, [shown, *told] if found else ["The library takes no room yet."])


def _named(recordings: list[Any]) -> str:
    names = [f"{recording.id} ({Path(recording.path).name})" for recording in recordings[:5]]
    return ", ".join(names) + (f" and {len(recordings) - 5} more" if len(recordings) > 5 else "")


def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to write; it ends in .tar.")],
    without_sound: Annotated[
        bool, typer.Option("--without-sound", help="Much smaller; recordings are decoded again from their files.")
    ] = False,
) -> Shown:
    """The whole library in one file: what was heard and decided, uploads, and the stored sound."""
    from library.backup import write_backup

    if not file.endswith(".tar"):
        raise Usage(f"A backup is a .tar file, and '{file}' does not end so: auricle backup library.tar.")
    home = read_settings().home
    target = output_path(file, "library", ".tar")
    if target.is_relative_to(home):
        raise Usage(f"{target} would be a part of what it holds: give a file outside {home}.")
    with CommandLineWork() as work:
        try:
            size = write_backup(home, target, _told(work, "writing the backup"), sound=not without_sound)
        except OSError as error:
            raise cannot_write(target, error) from error
    return Shown({"path": str(target), "bytes": size}, [f"{target} ({size_text(size)})"])


def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `auricle backup` wrote.")],
    moved: Annotated[
        list[str] | None,
        typer.Option("--moved", metavar="OLD=NEW", help="Where the recordings' folder lies now; may be repeated."),
    ] = None,
) -> Shown:
    """A library out of a backup, here or on another machine, into a home that has none yet."""
    from library.backup import restore_backup
    from tools.worker_process import worker_alive

    settings = read_settings()
    folders = dict(_pair(each) for each in moved or [])
    if settings.home.is_dir() and worker_alive(settings.home):
        raise NotConfirmed(f"A worker is at work in {settings.home}: let it finish, or set AURICLE_HOME to another.")
    with CommandLineWork() as work:
        try:
            restore_backup(Path(file), settings.home, _told(work, "restoring"), folders)
        except OSError as error:
            raise cannot_write(settings.home, error) from error
    with working() as (toolbox, work):
        found = toolbox.list_recordings(work=work).recordings
    missing = [item.id for item in found if item.original != "there"]
    if missing:
        say(
            f"{plural(len(missing), 'original')} are not where they were: --moved OLD=NEW, or `auricle add` them again."
        )
    document = {"home": str(settings.home), "recordings": len(found), "missing": missing}
    return Shown(document, [f"{plural(len(found), 'recording')} are in {settings.home}."])


def _told(work: CommandLineWork, note: str) -> Report:
    return lambda done, total: work.report(done, total, note)


def _pair(given: str) -> tuple[str, str]:
    before, equals, after = given.partition("=")
    if not (before and equals and after):
        raise Usage(f"--moved {given} is not understood: give OLD=NEW, as in --moved /home/ann/calls=/data/calls.")
    return before, str(Path(after).expanduser().absolute())
