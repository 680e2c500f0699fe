"""What a failed command prints and returns: one line on standard error, and a code that a script can rely on.

0    done                                    3    waited for too long
1    refused, unreachable, not understood    4    failed or blocked: it will not come to be as it is
2    the command line itself is wrong        130  interrupted
"""

from __future__ import annotations

from trailboss.errors import ApiError, Permanent, TimedOut, TrailbossError

REFUSED = 1
USAGE = 2
TIMED_OUT = 3
FAILED = 4


def exit_code(error: TrailbossError) -> int:
    """Return the exit code that stands for an error."""
    if isinstance(error, TimedOut):
        return TIMED_OUT
    return FAILED if isinstance(error, Permanent) else REFUSED


def error_line(error: TrailbossError) -> str:
    """Return the line that is printed: `error: CODE [field]: message`."""
    code = error.code if isinstance(error, ApiError) else type(error).__name__
    field = f" {error.field}" if isinstance(error, ApiError) and error.field else ""
    message = " ".join(error.message.split())
    if isinstance(error, ApiError):
        if error.message == error.code:
            message = HINTS.get(error.code, "the server refused this without saying more")
        if error.detail:
            message += f" ({' '.join(error.detail.split())})"
    return f"error: {code}{field}: {message}"


HINTS = {
    "Unauthorized": "the keys are missing or not valid; set RANCHER_ACCESS_KEY and RANCHER_SECRET_KEY",
    "Forbidden": "this key may not use that environment; see RANCHER_URL",
    "Not Found": "it does not exist, or this key may not see it",
}
