"""The coach on the full screen: lesson at the left, live connections by certificate at the right, the CLI below."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Footer, Input, Static

from sbcsim.clock import to_datetime
from sbcsim.errors import UserError

from .coach import Coach, Reached
from .pane import TerminalPane
from .progress import Progress
from .standing import Group, groups
from .telling import flowing, hanging
from .words import obey

_PLACEHOLDER = "a word to the coach: skip 30d, dial PEER2, put FILE, help; Esc: none"


class LessonApp(App[None]):
    """One lesson on the full screen; the coach has to be entered already."""

    TITLE = "sbcsim learn"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #head { height: 1; background: $primary; color: $text; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #above { height: 1fr; min-height: 8; }
    #answer { display: none; margin-top: 1; color: $warning; }
    #lesson { width: 3fr; padding: 0 1; scrollbar-size-vertical: 1; }
    #standing { width: 2fr; max-width: 48; padding: 0 1; border-left: solid $primary; scrollbar-size-vertical: 1; }
    #terminal { height: 1fr; min-height: 8; border-top: solid $primary; }
    #say { display: none; height: 1; border: none; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll(-1)", "Up", priority=True, show=False),
        Binding("pagedown", "scroll(1)", "Scroll", priority=True, key_display="pgup/pgdn"),
        Binding("f1", "say('hint')", "Hint", priority=True),
        Binding("f2", "speak", "Say", priority=True),
        Binding("f3", "say('task')", "Task", priority=True),
        Binding("f5", "say('reset')", "Reset", priority=True),
        Binding("f6", "say('again')", "Restart", priority=True),
        Binding("f10", "quit", "Leave", priority=True),
    ]

    def __init__(self, coach: Coach, progress: Progress) -> None:
        super().__init__()
        self.coach = coach
        self._progress = progress
        self._said: list[Text] = []
        self._answer = ""
        """What was last said to the trainee's words; what was said before is in `_said`."""

    def compose(self) -> ComposeResult:
        """Lay the parts out."""
        yield Static(id="head")
        with Horizontal(id="above"):
            with VerticalScroll(id="lesson", can_focus=False):
                yield Static(id="told")
                yield Static(id="answer", markup=False)
            with VerticalScroll(id="standing", can_focus=False):
                yield Static(id="connections")
        yield TerminalPane(self._access)
        yield Input(id="say", placeholder=_PLACEHOLDER, compact=True)
        yield Footer()

    def on_mount(self) -> None:
        """Tell the task, log in, and begin to watch."""
        self._begin([_flowing(self.coach.lesson.lesson.about)])
        terminal = self.query_one(TerminalPane)
        terminal.focus()
        self.call_after_refresh(terminal.log_in)
        self._watch()

    def on_app_focus(self, event: events.AppFocus) -> None:
        """Have the keys go to the box, unless a word to the coach is being written."""
        del event
        if not self.query_one("#say", Input).display:
            self.query_one(TerminalPane).focus()

    def on_key(self, event: events.Key) -> None:
        """Escape leaves the word to the coach unsaid."""
        if event.key == "escape" and self.query_one("#say", Input).display:
            self._listen(on=False)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Say what was written to the coach."""
        line = event.value
        self._listen(on=False)
        self._obey(line)

    # what the keys do

    def action_say(self, word: str) -> None:
        """Say a word to the coach."""
        self._obey(word)

    def action_speak(self) -> None:
        """Open the line in which a word to the coach is written."""
        self._listen(on=not self.query_one("#say", Input).display)

    def action_scroll(self, pages: int) -> None:
        """Turn the pages of the lesson."""
        lesson = self._scroller
        lesson.scroll_relative(y=pages * max(1, lesson.size.height - 1), animate=False)

    # within

    def _access(self) -> tuple[tuple[str, int], str, str]:
        cli = self.coach.sbc.ports.cli
        return (cli.host, cli.port), *self.coach.login

    def _listen(self, *, on: bool) -> None:
        line = self.query_one("#say", Input)
        line.value = ""
        line.display = on
        # At once, unlike `focus`: the next key is meant for it already.
        self.screen.set_focus(line if on else self.query_one(TerminalPane))

    @work(group="watch")
    async def _watch(self) -> None:
        coach = self.coach
        while True:
            await coach.changed.wait()
            coach.changed.clear()
            reached = await coach.look()
            if reached is not None:
                coach.changed.set()  # the next goal may be reached already
                self._keep()
                self._begin([self._success(reached)])
            else:
                self._show()

    @work(group="words")
    async def _obey(self, line: str) -> None:
        answer = await obey(self.coach, line)
        if answer.leaves:
            self.exit()
        if answer.begins:
            self._begin([])
        if answer.text:
            self._reply(answer.text)

    def _begin(self, said: list[Text]) -> None:
        """Tell of a step that begins, behind what is `said` before, and show that from its first line on."""
        self._said, self._answer = [*said, *self._to_do()], ""
        if self._show():
            self._scroller.scroll_home(animate=False)

    def _reply(self, text: str) -> None:
        """Tell an answer below all that was told, and show it from its first line on."""
        if self._answer and self.query("#lesson"):
            self._said.append(Text(self._hanging(), style="yellow"))
        self._answer = text
        if self._show():
            self.call_after_refresh(self.query_one("#answer").scroll_visible, top=True, animate=False)

    def _to_do(self) -> list[Text]:
        coach = self.coach
        if coach.over:
            return [Text("The lesson is done. F10 leaves.", style="bold green")]
        title = Text(f"Step {coach.number + 1} of {len(coach.lesson.steps)}", style="bold")
        return [Text.assemble(title, "\n", _flowing(coach.step.do))]

    def _success(self, reached: Reached) -> Text:
        return Text.assemble((f"✓ Step {reached.number + 1} is done.", "bold green"), "\n", _flowing(reached.step.why))

    @property
    def _scroller(self) -> VerticalScroll:
        return self.query_one("#lesson", VerticalScroll)

    def _hanging(self) -> str:
        return hanging(self._answer, self._scroller.size.width - 2)  # with room for the bar

    def _show(self) -> bool:
        """Draw everything but the terminal anew, unless it is too late; what the trainee reads stays where it is."""
        coach = self.coach
        if not self.query("#head"):
            return False  # everything is being taken down, and the end of the session at the box has been noticed
        now = to_datetime(coach.sbc.clock.reading().calendar)
        place = "done" if coach.over else f"step {coach.number + 1} of {len(coach.lesson.steps)}"
        self.query_one("#head", Static).update(f"{now:%Y-%m-%d %H:%M} · {place} · {coach.lesson.lesson.title}")
        self.query_one("#told", Static).update(Text("\n\n").join(self._said))
        self.query_one("#connections", Static).update(Text("\n").join(map(_drawn, groups(coach))))
        answer = self.query_one("#answer", Static)
        answer.update(self._hanging())
        answer.display = bool(self._answer)
        return True

    def _keep(self) -> None:
        coach = self.coach
        try:
            self._progress.record(coach.lesson.name, 0 if coach.over else coach.number, done=coach.over)
        except UserError as error:
            self.notify(error.text, severity="error")


def _flowing(text: str) -> Text:
    """Return a text whose paragraphs flow, with the commands in it set apart."""
    lines = [Text(line, style="cyan" if line.startswith("  ") else "") for line in flowing(text)]
    return Text("\n").join(lines)


def _drawn(group: Group) -> Text:
    """Draw a certificate and the connections on it."""
    style = "bold red" if group.expired else "bold"
    lines = Text.assemble((group.name, style), f" {group.left}".rstrip())
    for each in group.connections:
        lines.append(f"\n  {each.who}")
        lines.append(f"  {each.since:%m-%d %H:%M}", style="dim")
    if not group.connections:
        lines.append("\n  nobody", style="dim")
    return lines
