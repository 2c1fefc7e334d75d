"""Templates of pages that need nothing else: no scripts, no fonts, no network."""

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from . import charts

_OWN_PACKAGE = "edgewright_edge.report"


def page_environment(*packages: str) -> Environment:
    """Finds templates in `packages`, then in this one, whose charts and style they may include."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, _OWN_PACKAGE)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(chart=charts)
    return environment
