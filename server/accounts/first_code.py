"""The code in the log that creates the first account: whoever reads the log runs the machine."""

import hmac

from server.accounts.secrets import new_code


class FirstCode:
    """Works until there is an account. Each start has its own code, unless servers share one."""

    def __init__(self) -> None:
        self.code: str | None = None
        """None if there are accounts already."""

    def offer(self, code: str | None = None) -> None:
        """Take `code`, or make one, because there is no account yet."""
        self.code = code or new_code()

    def is_right(self, typed: str) -> bool:
        """Return whether this is the code, in any case and with anything between its letters."""
        if self.code is None:
            return False
        letters = "".join(letter for letter in typed.upper() if letter.isalnum())
        return hmac.compare_digest(letters.encode(), self.code.replace("-", "").encode())

    def use_up(self) -> None:
        """Withdraw the code, because the first account exists."""
        self.code = None
