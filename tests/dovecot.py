"""A Dovecot server for one test, on a free port, with a mailbox in a folder."""

import getpass
import grp
import imaplib
import os
import pwd
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Self
from urllib.parse import quote

from tests.certificates import certificate
from tests.mariadb import free_port

USER, PASSWORD = "soporte@example.org", "clave:del@buzon/1"

# Whoever is root gives the mail to another; everybody else keeps it. No part needs a jail.
CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {owner}
default_login_user = {owner}
default_internal_group = {group}
first_valid_uid = 1
ssl = required
ssl_cert = <{cert}
ssl_key = <{key}
mail_location = maildir:{folder}/mail
mail_max_userip_connections = 100
auth_failure_delay = 0
mail_uid = {owner}
mail_gid = {group}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    """``dovecot`` with one user, whose mailbox anybody in the test may look into."""

    def __init__(self) -> None:
        # Not below pytest's own folder, which is closed to others each time that pytest starts.
        self.kept = tempfile.TemporaryDirectory(prefix="dovecot-")
        self.folder = Path(self.kept.name)
        self.port = free_port()
        self.url = f"imaps://{quote(USER)}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/INBOX"

    def __enter__(self) -> Self:
        owner = getpass.getuser() if os.getuid() else "nobody"
        group = grp.getgrgid(pwd.getpwnam(owner).pw_gid).gr_name
        made = certificate(self.folder / "tls")
        self.authority = made.pem
        config = self.folder / "dovecot.conf"
        text = CONFIG.format(
            folder=self.folder,
            owner=owner,
            group=group,
            cert=made.pem,
            key=made.key,
            password=PASSWORD,
            port=self.port,
        )
        config.write_text(text, encoding="utf-8")
        mail = self.folder / "mail"
        mail.mkdir()
        if not os.getuid():
            shutil.chown(mail, owner, group)
            self.folder.chmod(0o711)
        program = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "dovecot is not installed"
        self.process = subprocess.Popen([program, "-F", "-c", str(config)])
        for _ in range(200):
            with suppress(ConnectionError), self.box():
                return self
            sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.kept.cleanup()

    @contextmanager
    def box(self) -> Iterator[imaplib.IMAP4_SSL]:
        """The mailbox, as somebody who reads it sees it."""
        trusting = ssl.create_default_context(cafile=str(self.authority))
        with imaplib.IMAP4_SSL("127.0.0.1", self.port, ssl_context=trusting, timeout=10) as box:
            box.login(USER, PASSWORD)
            assert box.select("INBOX")[0] == "OK", (self.folder / "log").read_text()
            yield box

    def put(self, *mails: bytes) -> None:
        with self.box() as box:
            for mail in mails:
                assert box.append("INBOX", "", None, mail.replace(b"\n", b"\r\n"))[0] == "OK"  # type: ignore[arg-type]

    def flags(self) -> list[set[str]]:
        """The flags of each mail, oldest first."""
        with self.box() as box:
            _, found = box.fetch("1:*", "(FLAGS)")
        lines = [line for line in found if isinstance(line, bytes)]
        return [{flag.decode() for flag in imaplib.ParseFlags(line)} - {r"\Recent"} for line in lines]

    def empty(self) -> None:
        with self.box() as box:
            box.uid("STORE", "1:*", "+FLAGS", r"(\Deleted)")
            box.expunge()
