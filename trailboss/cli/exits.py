"""What a failed command prints and returns: one line on standard error, and a code that a script can rely on.

0    done                                    3    waited for too long
1    refused, unreachable, not understood    4    failed or blocked: it will not come to be as it is
2    the command line itself is wrong        5    a container ends again and again, soon after its start
                                             130  interrupted
"""

from __future__ import annotations

from trailboss.errors import ApiError, KeepsEnding, Permanent, TimedOut, TrailbossError

REFUSED = 1
TIMED_OUT = 3
FAILED = 4
KEEPS_ENDING = 5


def exit_code(error: TrailbossError) -> int:
    """Return the exit code that stands for an error."""
    if isinstance(error, TimedOut):
        return TIMED_OUT
    if isinstance(error, KeepsEnding):
        return KEEPS_ENDING
    return FAILED if isinstance(error, Permanent) else REFUSED


def error_line(error: TrailbossError) -> str:
    """Return the line that is printed: `error: message`, for a refusal of the API `error: CODE [field]: message`."""
    if not isinstance(error, ApiError):
        return f"error: {_one_line(error.message)}"
    field = f" {error.field}" if error.field else ""
    says_nothing = error.message == error.code
    message = HINTS.get(error.code, "the server refused this without saying more") if says_nothing else error.message
    detail = f" ({error.detail})" if error.detail else ""
    return f"error: {error.code}{field}: {_one_line(message + detail)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


HINTS = {
    "Unauthorized": "the keys are missing, wrong or switched off; set RANCHER_ACCESS_KEY and RANCHER_SECRET_KEY",
    "Forbidden": "this key may not use that environment; see RANCHER_URL",
    "Not Found": "it does not exist, or this key may not see it",
}
