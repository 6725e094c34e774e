"""Figures, what they must reach, and how they are shown."""

import statistics


class Row:
    """One figure of one scenario.

    `samples` maps apache, zooid and echo to lists of numbers. A target says against what our figure is held
    ("apache", "echo" or None for the figure itself), which way ("min" or "max"), and the number.
    """

    def __init__(self, scenario, figure, unit, samples, target=None, note=""):
        self.scenario, self.figure, self.unit, self.note = scenario, figure, unit, note
        self.samples = {name: values for name, values in samples.items() if values}
        self.target = target or None
        self.group = ""  # what is measured: one server, an ensemble

    def median(self, name):
        return statistics.median(self.samples[name]) if name in self.samples else None

    def ratio(self):
        """Median over the rounds of ours divided by theirs; the two of a round were taken one after the other."""
        if self.target is None or self.target[0] is None:
            return None
        ours, theirs = self.samples.get("zooid"), self.samples.get(self.target[0])
        if not ours or not theirs:
            return None
        pairs = [a / b for a, b in zip(ours, theirs) if b > 0]
        return statistics.median(pairs) if pairs else None

    def verdict(self):
        if self.target is None:
            return ""
        against, way, limit = self.target
        value = self.median("zooid") if against is None else self.ratio()
        if value is None:
            return "-"
        return "PASS" if (value >= limit if way == "min" else value <= limit) else "MISS"

    def target_text(self):
        if self.target is None:
            return ""
        against, way, limit = self.target
        sign = ">=" if way == "min" else "<="
        if against is None:
            return f"{sign} {number(limit)} {self.unit}"
        share = f"1/{number(1 / limit)}" if limit < 0.5 and against == "apache" else number(limit)
        return f"{sign} {share} x {against}"

    def cells(self):
        ratio = self.ratio()
        return [
            self.scenario,
            f"{self.figure}, {self.unit}",
            *(number(self.median(name)) for name in ("apache", "echo", "zooid")),
            "" if ratio is None else f"{ratio:.3g}",
            self.target_text(),
            self.verdict(),
        ]

    def as_json(self):
        return {
            "group": self.group,
            "scenario": self.scenario,
            "figure": self.figure,
            "unit": self.unit,
            "medians": {name: self.median(name) for name in self.samples},
            "samples": self.samples,
            "ratio": self.ratio(),
            "target": self.target_text(),
            "verdict": self.verdict(),
            "note": self.note,
        }


def number(value):
    """Three digits are enough to compare, and no more were measured."""
    if value is None:
        return ""
    if value != 0 and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"


HEADER = ["scenario", "figure", "apache", "echo", "zooid", "ratio", "to reach", "verdict"]
LEFT = (0, 1, 6, 7)


def render(rows):
    lines = [HEADER, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADER))]

    def text(line):
        cells = (c.ljust(w) if i in LEFT else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths)))
        return "  ".join(cells).rstrip()

    out, group = [text(lines[0]), "  ".join("-" * width for width in widths)], ""
    for row, line in zip(rows, lines[1:]):
        if row.group != group:
            group = row.group
            out += ["", f"{group}:"]
        out.append(text(line))
    notes = [f"{row.scenario}, {row.figure}: {row.note}" for row in rows if row.note]
    return "\n".join(out + ([""] + notes if notes else []))
