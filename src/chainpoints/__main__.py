"""`python -m chainpoints`."""

from chainpoints.cli import app

app()
