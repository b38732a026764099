"""An editor is the line that a person types, with a status line under it, at the foot of an ordinary scrollback.

It takes no screen of its own, starts no thread, and what is written above it leaves as one write with the line redrawn.
It does not know the conversation: it tells its master what was entered, and shows what the chat has.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import (
    AnyContainer,
    BufferControl,
    ConditionalContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.processors import BeforeInput, HighlightIncrementalSearchProcessor
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Attrs, Style
from prompt_toolkit.widgets import SearchToolbar
from prompt_toolkit.widgets.toolbars import CompletionsToolbar
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ...wire.verbs import Verb
from .chat import Chat
from .commands import complete
from .rows import Look, draft_row, joined, pane, paste_question, pasted
from .seams import Master

STYLE = Style.from_dict(
    {
        "status": "dim" if "dim" in Attrs._fields else "ansibrightblack",
        "draft": "italic",
        "question": "bold",
        "completion-toolbar.completion.current": "reverse",
    }
)
DRAFT_ROWS = 3
"""Rows that other people's drafts take at most."""
PANES_FROM = 12
"""Rows of a screen on which mode `talk` has panes: 7 for two people, and some for what was said."""
UNSURE = re.compile("[\u200d\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
"""What joins characters into one picture (a family, a flag): terminals differ in how many columns that takes."""
KEYS: Sequence[Verb] = (
    Verb("Tab", "complete a command or a name"),
    Verb("Up, Down", "lines that you entered before"),
    Verb("^R", "search them"),
    Verb("^W, ^U", "delete a word, the line"),
    Verb("^C", "clear the line; leave, if it is empty"),
    Verb("^D", "leave, if the line is empty"),
    Verb("^L", "clear the screen"),
    Verb("^Z", "suspend; `fg` comes back"),
)


class Output(Vt100_Output):
    """A terminal that can be asked to wait, so that erasing, rows and redrawing leave as one write.

    It is never asked where its cursor is: the answer would come as typed keys, late on a slow line.
    """

    held = False
    responds_to_cpr = False

    def flush(self) -> None:
        """Let what was written leave, unless there is more to come."""
        if not self.held:
            super().flush()


def make_output(stdout: TextIO) -> Output:
    """Return the terminal that `stdout` is."""
    output = Output.from_pty(stdout)
    assert isinstance(output, Output)
    return output


class Editor:
    """The line at the foot of the terminal (a `Display`)."""

    echoes = False
    keys: Sequence[Verb] = KEYS

    def __init__(self, chat: Chat, master: Master, output: Output, look: Look, history: History | None) -> None:
        self.look = look
        self._chat = chat
        self._master = master
        self._output = output
        self._paste: list[str] = []
        """Lines of a paste that wait for the person's answer."""
        self._prompt = ""
        """The text before the line; it changes together with the rows above."""
        self._done: Deferred[None] | None = None
        self._is_unsure = False
        """Whether a row that is drawn may be wider or narrower than is known."""
        self._buffer = Buffer(
            history=history or InMemoryHistory(),
            completer=_Completer(self._chat),
            multiline=False,
            on_text_changed=self._touched,
        )
        self._app = self._make_app()

    # -- what it looks like ----------------------------------------------------------------------------------

    def _make_app(self) -> Application[None]:
        search = SearchToolbar(ignore_case=True)
        control = BufferControl(
            self._buffer,
            input_processors=[BeforeInput(lambda: self._prompt), HighlightIncrementalSearchProcessor()],
            search_buffer_control=search.control,
            preview_search=True,
        )
        drafting = Condition(lambda: bool(self._chat.drafts) or self._in_panes)
        asked = Condition(lambda: bool(self._paste))
        rows: list[AnyContainer] = [
            ConditionalContainer(Window(FormattedTextControl(self._draft_rows), dont_extend_height=True), drafting),
            Window(control, wrap_lines=True, dont_extend_height=True),
            ConditionalContainer(Window(FormattedTextControl(self._question), height=1), asked),
            search,
            CompletionsToolbar(),
            Window(FormattedTextControl(self._status), height=1),
        ]
        return Application(
            layout=Layout(HSplit(rows), focused_element=control),
            key_bindings=self._bindings(asked),
            style=STYLE,
            erase_when_done=True,
            input=create_input(),
            output=self._output,
            color_depth=None if self.look.colour else ColorDepth.DEPTH_1_BIT,
            terminal_size_polling_interval=None,
            before_render=self._before_render,
        )

    def _before_render(self, _: object) -> None:
        """Draw everything anew where columns can't be counted: what is left of a row would stay elsewhere."""
        drawn = [self._buffer.text, *(draft.text for draft in self._chat.drafts.values())]
        was_unsure, self._is_unsure = self._is_unsure, any(map(UNSURE.search, drawn))
        if (was_unsure or self._is_unsure) and self._live:
            self._erase()

    def _erase(self) -> None:
        """Take the line and what is around it away; what is drawn next leaves in the same write."""
        self._output.held = True
        self._app.renderer.erase(leave_alternate_screen=False)
        self._output.held = False

    def columns(self) -> int:
        """Columns that a row may fill: a full one would wrap when a terminal is made narrower."""
        return max(1, self._output.get_size().columns - 1)

    @property
    def _in_panes(self) -> bool:
        """Whether there is a pane for each: in mode `talk`, on a screen that is high enough."""
        return self._chat.manner.keyed and bool(self._prompt) and self._output.get_size().rows >= PANES_FROM

    def _draft_rows(self) -> StyleAndTextTuples:
        drafts = [(name, draft.text) for name, draft in self._chat.drafts.items()][:DRAFT_ROWS]
        if not self._in_panes:
            rows = [draft_row(name, text, self.columns()) for name, text in drafts]
            return [("class:draft", "\n".join(rows))]
        drafts = drafts or [(", ".join(self._chat.others[:DRAFT_ROWS]) or "nobody else yet", "")]
        height = DRAFT_ROWS // len(drafts)
        panes = [row for name, text in drafts for row in pane(name, text, self.columns(), height)]
        return [("class:draft", "\n".join(panes + pane(self._chat.name, "", self.columns(), 0)))]

    def _question(self) -> StyleAndTextTuples:
        return [("class:question", paste_question(self._paste, self.columns()))]

    def _status(self) -> StyleAndTextTuples:
        return [("class:status", self._chat.status(self.columns()))]

    # -- what keys do -----------------------------------------------------------------------------------------

    def _bindings(self, asked: Condition) -> KeyBindings:
        keys = KeyBindings()
        keys.add("enter", filter=~asked & ~is_searching)(self._enter)
        keys.add("c-c", filter=~asked & ~is_searching)(self._interrupt)
        keys.add("c-u", filter=~asked & ~is_searching)(self._kill)
        keys.add("c-d", filter=~asked & Condition(lambda: not self._buffer.text))(self._leave)
        for key in ("pageup", "pagedown"):  # the terminal scrolls; here they would change the line
            keys.add(key, eager=True)(lambda event: None)
        keys.add("c-z")(lambda event: event.app.suspend_to_background())
        keys.add(Keys.BracketedPaste, filter=~asked)(self._pasted)
        keys.add(Keys.Any, filter=asked, eager=True)(lambda event: None)
        keys.add("s", filter=asked, eager=True)(self._send_paste)
        keys.add("j", filter=asked, eager=True)(self._join_paste)
        for key in ("escape", "c-c"):
            keys.add(key, filter=asked, eager=True)(self._drop_paste)
        return keys

    def _touched(self, buffer: Buffer) -> None:
        self._master.touched()

    def _enter(self, event: KeyPressEvent) -> None:
        answer = self._chat.asking
        if not self._master.entered(self._buffer.text):
            return
        if not answer and not self._chat.ending:
            self._buffer.append_to_history()
        self._buffer.reset()

    def _interrupt(self, event: KeyPressEvent) -> None:
        """Clear the line; leave, if it is empty."""
        if not self._buffer.text:
            self._master.quit()
        self._buffer.reset()

    def _kill(self, event: KeyPressEvent) -> None:
        """Delete the whole line, wherever the cursor is, as a terminal itself does."""
        self._buffer.document = Document()

    def _leave(self, event: KeyPressEvent) -> None:
        self._master.quit()

    def _pasted(self, event: KeyPressEvent) -> None:
        """Insert one line; ask about several, and send none by itself."""
        lines = pasted(event.data)
        if len(lines) == 1:
            self._buffer.insert_text(lines[0])
        else:
            self._paste = lines

    def _send_paste(self, event: KeyPressEvent) -> None:
        """Say the paste, with what was typed already in front of it and behind it; one that is refused waits on.

        Behind a slash word a paste is one line, and waits for Enter: what `/msg bob` begins is for nobody else.
        """
        document = self._buffer.document
        if document.text_before_cursor.startswith("/"):
            self._join_paste(event)
            return
        lines = [*self._paste]
        lines[0] = document.text_before_cursor + lines[0]
        lines[-1] += document.text_after_cursor
        if self._master.entered_all(lines):
            self._paste = []
            self._buffer.reset()

    def _join_paste(self, event: KeyPressEvent) -> None:
        lines, self._paste = self._paste, []
        self._buffer.insert_text(joined(lines))

    def _drop_paste(self, event: KeyPressEvent) -> None:
        self._paste = []
        self._master.touched()

    # -- what the run asks (seams.Display) ----------------------------------------------------------------------

    def open(self) -> None:
        """Show the line; from here until `close` the terminal is raw."""
        self._prompt = self._chat.prompt
        running = asyncio.ensure_future(self._app.run_async(handle_sigint=False, set_exception_handler=False))
        self._done = Deferred.fromFuture(running)
        self._done.addErrback(self._ended)

    def _ended(self, failure: Failure) -> None:
        """Leave because the terminal is gone, or tell that something raised."""
        if failure.check(EOFError, OSError):
            self._master.vanished()
        else:
            self._master.crashed(failure)

    @property
    def _live(self) -> bool:
        return self._app.is_running and not self._app.is_done

    def write(self, text: str) -> None:
        """Put rows above the line. The redraw that `refresh` asks for sends them, together with itself."""
        if self._live:
            self._erase()
        self._output.write_raw(text.replace("\n", "\r\n"))
        if not self._live:
            self._output.flush()

    def refresh(self) -> None:
        """Draw the line and what is around it as they are now."""
        self._prompt = self._chat.prompt
        self._app.invalidate()

    def clear(self) -> None:
        """Empty the screen."""
        if self._live:
            self._app.renderer.clear()

    def draft(self) -> str:
        """Return what is being typed."""
        return self._buffer.text

    def close(self) -> Deferred[None] | None:
        """Take the line away and make the terminal what it was."""
        if self._live:
            self._app.exit()
        return self._done


class _Completer(Completer):
    """Completes commands, and the names that are here."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        length, words = complete(document.text_before_cursor, self._chat.others)
        return [Completion(word, -length) for word in words]
