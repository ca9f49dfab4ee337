"""The store: the only place that knows SQL. Chain-derived rows hang from their block; a rollback is one DELETE."""

from sqlalchemy import Connection as Connection
