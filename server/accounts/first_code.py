"""The code in the log by which the first account is made: who reads the log runs the machine."""

import hmac

from server.accounts.secrets import new_code


class FirstCode:
    """Worth something until there is an account; each start of the server has its own."""

    def __init__(self) -> None:
        self.code: str | None = None
        """None where there are accounts already."""

    def offer(self) -> None:
        """There is no account yet."""
        self.code = new_code()

    def is_right(self, typed: str) -> bool:
        """Whether this is the code, in whatever case and with whatever between its letters."""
        if self.code is None:
            return False
        letters = "".join(letter for letter in typed.upper() if letter.isalnum())
        return hmac.compare_digest(letters.encode(), self.code.replace("-", "").encode())

    def use_up(self) -> None:
        """The first account is made."""
        self.code = None
