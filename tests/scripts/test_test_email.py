"""`scripts/test-email` sends a mail, or says exactly what went wrong and what to do."""

import asyncio
import os
from pathlib import Path

import pytest

from server.settings.settings import Smtp
from tests.fakes.smtp import Authority, FakeSmtp
from tests.processes import ROOT


async def run(folder: Path, smtp: Smtp | None, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `scripts/test-email` with these settings."""
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    if smtp is not None:
        env |= {
            "SMTP_HOST": smtp.host,
            "SMTP_PORT": str(smtp.port),
            "SMTP_FROM": smtp.sender,
            "SMTP_SECURITY": smtp.security,
            "SMTP_USER": smtp.user or "",
            "SMTP_PASS": smtp.password or "",
            "SMTP_CA_FILE": str(smtp.ca_file or ""),
        }
    process = await asyncio.create_subprocess_exec(
        ROOT / "scripts/test-email",
        *arguments,
        cwd=folder,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), " ".join(err.decode().split())


async def test_a_mail_is_sent_and_said_to_be_sent(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with FakeSmtp(
        security="starttls", authority=authority, login=("ada", "s3cret")
    ) as server:
        code, out, err = await run(tmp_path, server.smtp(), "ada@acme.example")
        assert (code, err) == (0, "")
        assert "STARTTLS, as ada" in out
        assert "Sent: localhost accepted a mail to ada@acme.example." in out
        assert server.mails[0]["Subject"] == "[PushLog] Test: mail arrives"
        assert "s3cret" not in out

        wrong = server.smtp(password="wrong")
        code, _, err = await run(tmp_path, wrong, "ada@acme.example")
        assert code == 1
        assert "Not sent: the login of ada was refused: 535" in err
        assert "app password" in err

        code, _, err = await run(tmp_path, server.smtp(ca_file=None), "ada@acme.example")
        assert code == 1
        assert "is not trusted" in err
        assert "SMTP_CA_FILE" in err


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"to_recipient": ["550 5.1.1 no such user"]}, "the receiver ada@acme.example was refused"),
        ({"to_sender": ["550 not yours"]}, "the sender pushlog@acme.example was refused"),
        ({"to_data": ["554 spam"]}, "the mail itself was refused: 554 spam"),
        ({"hangs": True}, "did not answer within 1 s"),
    ],
    ids=["recipient", "sender", "data", "hangs"],
)
async def test_each_refusal_is_said_with_what_to_do(
    tmp_path: Path, answers: dict[str, list[str]], said: str
) -> None:
    async with FakeSmtp(**answers) as server:  # type: ignore[arg-type]
        code, _, err = await run(tmp_path, server.smtp(), "--timeout", "1", "ada@acme.example")
    assert code == 1
    assert said in err


async def test_dns_and_a_refused_connection_are_told_apart(tmp_path: Path) -> None:
    async with FakeSmtp() as server:
        smtp = server.smtp()
    code, _, err = await run(tmp_path, smtp, "ada@acme.example")
    assert code == 1
    assert "refused the connection: nothing is listening there" in err
    unknown = server.smtp(host="mail.invalid")
    code, _, err = await run(tmp_path, unknown, "ada@acme.example")
    assert code == 1
    assert "the name mail.invalid cannot be looked up" in err


async def test_what_is_not_set_up_or_no_address_is_said(tmp_path: Path) -> None:
    code, _, err = await run(tmp_path, None, "ada@acme.example")
    assert code == 2
    assert "SMTP_HOST is not set" in err
    async with FakeSmtp() as server:
        code, _, err = await run(tmp_path, server.smtp(), "ada")
        assert code == 1
        assert "is not a mail address" in err
        missing = server.smtp(ca_file=Path("nowhere.pem"))
        code, _, err = await run(tmp_path, missing, "ada@acme.example")
    assert code == 2
    assert "SMTP_CA_FILE: must be a certificate file" in err
