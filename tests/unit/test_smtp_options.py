"""The mail server's URL: what it means, and what is said of one that means nothing."""

import pytest

from calguard_server.domain.secret import Secret
from calguard_server.notifiers.smtp_options import SmtpOptions, Tls


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", SmtpOptions("mail.example", 587, Tls.STARTTLS)),
        ("smtp://mail.example/", SmtpOptions("mail.example", 587, Tls.STARTTLS)),
        ("smtp://mail.example?starttls=on", SmtpOptions("mail.example", 587, Tls.STARTTLS)),
        ("smtp://mail.example?starttls=off", SmtpOptions("mail.example", 25, Tls.OFF)),
        ("smtp://127.0.0.1:1025?starttls=off", SmtpOptions("127.0.0.1", 1025, Tls.OFF)),
        ("smtp://[::1]:1025", SmtpOptions("::1", 1025, Tls.STARTTLS)),
        ("smtps://mail.example", SmtpOptions("mail.example", 465, Tls.IMPLICIT)),
        (
            "smtps://ann%40example.com:p%2Fw%3A%40@mail.example:2465",
            SmtpOptions("mail.example", 2465, Tls.IMPLICIT, "ann@example.com", Secret("p/w:@")),
        ),
    ],
)
def test_a_url_is_read(url: str, expected: SmtpOptions) -> None:
    """STARTTLS is required unless the URL says otherwise; each way has its usual port."""
    assert SmtpOptions.parse(url) == expected


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "neither smtp:// nor smtps://"),
        ("mail.example:25", "neither smtp:// nor smtps://"),
        ("http://ann:hunter2@mail.example", "neither smtp:// nor smtps://"),
        ("smtp://", "host is missing"),
        ("smtp://ann:hunter2@:25", "host is missing"),
        ("smtp://ann:hunter2@mail.example:nine", "port is not a number"),
        ("smtp://ann:hunter2@mail.example:99999", "port is not a number"),
        ("smtp://ann:hunter2@mail.example:0", "port is not a number"),
        ("smtp://ann:/hunter2@mail.example", "percent-encode"),
        ("smtp://ann:#hunter2@mail.example", "percent-encode"),
        ("smtp://ann:?hunter2@mail.example", "starttls=off or starttls=on only"),
        ("smtp://[hunter2", "not a URL"),
        ("smtp://ann@mail.example", "go together"),
        ("smtp://:hunter2@mail.example", "go together"),
        ("smtp://mail.example?starttls=maybe", "starttls=off or starttls=on only"),
        ("smtp://mail.example?tls=off", "starttls=off or starttls=on only"),
        ("smtps://mail.example?starttls=off", "takes no starttls"),
    ],
)
def test_a_bad_url_is_refused_without_showing_it(url: str, problem: str) -> None:
    """What was expected is said; the URL, which may hold a password, is not."""
    with pytest.raises(ValueError, match="expected smtp://") as refusal:
        SmtpOptions.parse(url)
    assert problem in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_the_password_is_never_shown() -> None:
    """Neither in a representation nor in a text made of one."""
    assert "hunter2" not in repr(SmtpOptions.parse("smtp://ann:hunter2@mail.example"))
