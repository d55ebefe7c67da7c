"""Why a test of a contract cannot be made."""


class Untestable(Exception):  # noqa: N818 - it is an answer, not an error
    """Why a test cannot be made, in English and in Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.texts = (en, zh)
