"""What can go wrong, by who has to act.

    EdgewrightError
    ├── InputError    the user gave something that cannot be used        -> exit code 2
    └── CheckError    the input was fine and a check on it did not hold  -> exit code 1

Anything else that escapes is a defect of ours and shows its traceback.
"""


class EdgewrightError(RuntimeError):
    """Base of every error a command reports in one line."""

    exit_code = 1


class InputError(EdgewrightError):
    """Wrong input.  The message names the file, the field or line, the value, and what is allowed."""

    exit_code = 2


class CheckError(EdgewrightError):
    """A promise was tested and did not hold: parity, a digest, a budget, a finite loss."""

    exit_code = 1
