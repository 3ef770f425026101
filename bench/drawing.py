"""Plots as SVG files that are the same bytes each time."""

from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from .report import Plot

_SETTINGS: Any = {"svg.hashsalt": "cardmesh", "svg.fonttype": "none", "font.size": 9}


def draw(plot: Plot, folder: Path) -> None:
    """Draw one plot into {folder}/{name}.svg; the y axis begins at zero, so that flat looks flat."""
    with rc_context(_SETTINGS):
        figure = Figure(figsize=(6, 3), layout="constrained")
        axes = figure.add_subplot()
        for name, points in plot.lines.items():
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
        axes.set(title=plot.title, xlabel=plot.x, ylabel=plot.y, xscale="log" if plot.log_x else "linear")
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
        folder.mkdir(exist_ok=True)
        figure.savefig(folder / f"{plot.name}.svg", metadata={"Date": None})
