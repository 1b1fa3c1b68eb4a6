"""All dialogs of one node, and the forks of each INVITE (RFC 3261 12, 13.2.2, 19.3)."""

from __future__ import annotations

from collections.abc import Iterator

from sbcsim.errors import BugError

from .dialog import Dialog, DialogId, DialogState, received_id
from .message import Message, Request, Response

_UNDER_WAY = frozenset({DialogState.CONFIRMED, DialogState.ENDING})


class Dialogs:
    """Dialogs by what their messages show; finding one, or the forks of an INVITE, does not depend on how many."""

    def __init__(self) -> None:
        self._dialogs: dict[DialogId, Dialog] = {}
        self._forks: dict[tuple[str, str], dict[str, Dialog]] = {}
        self._calling: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        return len(self._dialogs)

    def __iter__(self) -> Iterator[Dialog]:
        return iter(tuple(self._dialogs.values()))

    def __contains__(self, dialog: Dialog) -> bool:
        return self._dialogs.get(dialog.id) is dialog

    def find(self, message: Message) -> Dialog | None:
        """Return the dialog that a message from the far end belongs to, None where there is none; raises SipError."""
        return self._dialogs.get(received_id(message))

    def called(self, invite: Request, response: Response) -> Dialog | None:
        """Note a response to an INVITE of ours that begins a dialog, and return its own: each To tag has one.

        None for a response that makes none: 100, one without a tag, a refusal of a fork that never rang. Raises
        SipError where a dialog cannot be made of it.
        """
        dialog = self.find(response)
        if dialog is not None:
            dialog.answered_there(response)
        elif 100 < response.status < 300 and response.recipient.tag:
            dialog = Dialog.of_caller(invite, response)
            self._add(dialog)
            self._calling.add((dialog.id.call_id, dialog.id.local_tag))
        return dialog

    def answered(self, invite: Request, response: Response) -> Dialog | None:
        """Note our response to an INVITE outside of dialogs, and return its dialog; None where it makes none."""
        dialog = self._dialogs.get(DialogId(invite.call_id, response.recipient.tag, invite.sender.tag))
        if dialog is not None:
            dialog.answered_here(response)
        elif 100 < response.status < 300:
            dialog = Dialog.of_callee(invite, response)
            self._add(dialog)
        return dialog

    def forks(self, invite: Request) -> list[Dialog]:
        """Return the dialogs that an INVITE of ours has made, in the order in which they came up; raises SipError."""
        return list(self._forks.get((invite.call_id, invite.sender.tag), {}).values())

    def over(self, invite: Request) -> list[Dialog]:
        """Forget the forks of an INVITE of ours that nobody has picked up, and return them.

        That is due once it is refused, or its transaction is over: no 2xx can come any more (RFC 3261 13.2.2.4).
        """
        self._calling.discard((invite.call_id, invite.sender.tag))
        left = [fork for fork in self.forks(invite) if fork.state in {DialogState.EARLY, DialogState.TERMINATED}]
        for fork in left:
            self.forget(fork)
        return left

    def forget(self, dialog: Dialog) -> None:
        """Forget a dialog that is over; raises BugError for one that is not, or not known.

        One that an INVITE of ours has made stays until that is `over`: another copy of its 2xx would make it anew.
        """
        if self._dialogs.get(dialog.id) is not dialog or dialog.state in _UNDER_WAY:
            raise BugError(f"dialog {dialog.id.call_id} is not known, or not over")
        branch = (dialog.id.call_id, dialog.id.local_tag)
        if branch in self._calling:
            return
        del self._dialogs[dialog.id]
        forks = self._forks[branch]
        del forks[dialog.id.remote_tag]
        if not forks:
            del self._forks[branch]

    def _add(self, dialog: Dialog) -> None:
        self._dialogs[dialog.id] = dialog
        self._forks.setdefault((dialog.id.call_id, dialog.id.local_tag), {})[dialog.id.remote_tag] = dialog
