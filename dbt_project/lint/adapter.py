"""What `adapter` means to the linter: dispatch resolves to the DuckDB macro, as dbt does on the default target.

Read by sqlfluff's Jinja templater only (library_path); dbt never loads it.
"""

from collections.abc import Callable

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, name: str, package: str | None = None) -> Callable[..., str]:
    """The `default__` macro of that name, or a stand-in that renders as a call of it.

    Args:
        name: macro name without prefix, as in `adapter.dispatch('seconds_between', 'etalon')`.
    """
    found = context.resolve(f"default__{name}")
    if callable(found):
        return found
    return lambda *arguments: f"{name}({', '.join(str(a) for a in arguments)})"
