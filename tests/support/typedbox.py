"""A box with something in it for random typing, and what must hold whatever is typed."""

from __future__ import annotations

from inmemory import Box

from sbcsim.cli.session import Session, Terminal
from sbcsim.device.users import Account

FURNITURE = (
    "set system admin SBC1 location x",
    "set profiles security tlsProfile A handshakeTimer 7",
    "set profiles security tlsProfile B",
    "set profiles services pathCheckProfile A sendInterval 20",
    "set system security pki certificate A fileName a.p12 type local",
    "set addressContext A ipInterfaceGroup A ipInterface A ipAddress 10.0.0.1",
    "set addressContext A zone A id 1 ipPeer A ipAddress 10.0.0.2",
)
FILES = {
    "commands": "configure\nset profiles security tlsProfile C\nshow | compare\nexit configuration-mode\n",
    "text": "profiles {\n    security {\n        tlsProfile D {\n        }\n    }\n}\n",
}


class TypedBox(Box):
    """A furnished box with one user."""

    def __init__(self) -> None:
        super().__init__()
        self.sbc.users.add("admin", "Secret-1")
        self.commit(*FURNITURE)
        home = Account("admin").home
        self.sbc.files.make_home(Account("admin"), self.now)
        for name, text in FILES.items():
            self.sbc.files.write(f"{home}/{name}", text.encode(), self.now)
        self.start = self.database.running

    def session(self, terminal: Terminal | None) -> Session:
        author = self.sbc.sessions.open("admin", self.now, context="cli", remote="192.0.2.7").author
        return Session(self.sbc, author, terminal, self.now)

    def check(self, printed: str) -> None:
        """Look at what was printed: no defect shows, and nothing has changed but by a commit that was answered."""
        for sign in ("Traceback", 'File "', "BugError", "Exception"):
            assert sign not in printed, printed
        if "Commit complete" not in printed and "Confirmed commit has been aborted" not in printed:
            assert self.database.running == self.start, printed
