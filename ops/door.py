"""The one address before all models, and what it lists. Imports the standard library and ops' own."""

from __future__ import annotations

from urllib.error import HTTPError

from ops.ask import PATIENCE_SECONDS, listed
from ops.console import say


def show(url: str) -> None:
    """Print the front door's URL once it answers, with the models that it lists; Failure when it does not answer.

    Its pods read a changed list once a minute or so: a model that this update brought may come a little later.
    """
    try:
        names = listed(url, PATIENCE_SECONDS)
    except HTTPError:
        say(f"\nall models at {url}, for clients with a key")
    else:
        say(f"\nall models at {url}: {', '.join(names)}")
