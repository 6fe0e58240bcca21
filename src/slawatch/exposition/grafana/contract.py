"""One contract: will this period hold?"""

from __future__ import annotations

from slawatch.exposition import metrics as m
from slawatch.exposition.grafana.common import (
    BURN_STEPS,
    CONTRACT_KEYS,
    OF_CONTRACT,
    REVIEW_STEPS,
    TO_BUSINESS,
    TO_CONTRACTS,
    TO_ENDPOINTS,
    client_variable,
    date_of,
    level,
    of_contract,
    to_endpoints,
)
from slawatch.exposition.grafana.dashboard import Annotation, Dashboard, Variable
from slawatch.exposition.grafana.look import (
    CLASSES,
    DATE,
    DOWN,
    EXCLUDED,
    FAINT,
    QUIET,
    SECONDS,
    SHARE,
    UNKNOWN,
    UP,
    VERDICTS,
    level_words,
    spoken,
    steps,
    verdict_words,
    words,
)
from slawatch.exposition.grafana.panels import DASHES, Panel, Prom, coloured, curves, dashed, figure, thresholds_shown
from slawatch.exposition.grafana.selectors import coded, cut, largest
from slawatch.exposition.grafana.tables import Column, figures
from slawatch.exposition.promql import series

_ONE = {"client": "$client", "contract": "$contract"}


def contract() -> Dashboard:
    """Variables client and contract."""
    return Dashboard(
        "contract",
        "slawatch / Contract",
        "Will this period hold? One contract: its budget, how sure the figure is, and what can still become of it.",
        [
            ("", _now()),
            ("This period", [_budget(), _cone(), _figures(), _burn()]),
            ("What the time was", [_classes(), _coverage()]),
            ("Money and the period before", [*_before(), _stake()]),
            ("The agreement", [_terms(), _review()]),
        ],
        links=[TO_CONTRACTS, TO_ENDPOINTS, TO_BUSINESS],
        variables=[
            client_variable(m.SLA_TARGET, every=False),
            Variable("contract", "Contract", f"label_values({series(m.SLA_TARGET, {'client': '$client'})}, contract)"),
        ],
        annotations=_annotations(),
        since="now-14d",
    )


def _annotations() -> list[Annotation]:
    def grows(name: str) -> str:
        spent = f"delta({series(m.SLA_CLASS, {**_ONE, 'class': name})}[$__rate_interval])"
        return f"{largest(('client', 'contract'), spent)} > 0"

    versions = ("client", "contract", "version")
    info = largest(versions, series(m.SLA_CONTRACT_INFO, _ONE))
    earlier = largest(versions, f"{series(m.SLA_CONTRACT_INFO, _ONE)} offset $__rate_interval")
    begins = f"changes({series(m.SLA_PERIOD_START, _ONE)}[$__rate_interval])"
    return [
        Annotation("Outages", grows("down"), DOWN, "Down", "{{client}} {{contract}}: downtime that counts"),
        Annotation("Unknown", grows("unknown"), UNKNOWN, "Unknown", "{{client}} {{contract}}: nothing was measured"),
        Annotation(
            "Periods",
            f"{largest(('client', 'contract'), begins)} > 0",
            EXCLUDED,
            "A new period",
            "Budget and figures start anew",
        ),
        Annotation(
            "Terms",
            f"{info} unless {earlier}",
            EXCLUDED,
            "Terms",
            "{{client}} {{contract}}: judged by version {{version}} from here on",
        ),
    ]


def _now() -> list[Panel]:
    point = cut(largest(OF_CONTRACT, series(m.SLA_AVAILABILITY, {**_ONE, "bound": "point"})))
    return [
        figure("State", "How the current period stands.", "none", level(_ONE), defaults={"mappings": level_words()}),
        figure(
            "Availability",
            "The point figure of the period to date, cut after four digits; nothing is rounded up.",
            SHARE,
            point,
            defaults={"decimals": 4, "noValue": "no data"},
        ),
        figure(
            "Target",
            "The agreed standard of this contract.",
            SHARE,
            of_contract(m.SLA_TARGET, _ONE),
            defaults={"decimals": 4},
        ),
        figure(
            "Budget left",
            "Downtime that this period can still bear; below 0 the standard is missed.",
            SECONDS,
            of_contract(m.SLA_BUDGET_REMAINING, _ONE),
            defaults={"thresholds": steps(DOWN, (0, QUIET))},
        ),
        figure(
            "Breaches at",
            "When the standard is breached if the running outage goes on.",
            DATE,
            date_of(m.SLA_BREACH, OF_CONTRACT, _ONE),
            defaults={"noValue": "no breach ahead"},
        ),
        figure(
            "Period ends",
            "When budget and figures start anew.",
            DATE,
            date_of(m.SLA_PERIOD_END, OF_CONTRACT, _ONE),
        ),
    ]


def _budget() -> Panel:
    end, start = series(m.SLA_PERIOD_END, _ONE), series(m.SLA_PERIOD_START, _ONE)
    even = largest(OF_CONTRACT, f"{series(m.SLA_BUDGET, _ONE)} * ({end} - time()) / ({end} - {start})")
    return curves(
        "Budget burn-down",
        "Downtime that is left, from the period's start to its end, in the cone of what can still be left at the end: "
        "if all stays up, and if all goes down. Above the even pace it lasts; the line at 0 is the breach.",
        SECONDS,
        [
            Prom(of_contract(m.SLA_BUDGET_REMAINING, _ONE), "left"),
            Prom(of_contract(m.SLA_BUDGET, _ONE), "the whole budget"),
            Prom(even, "even pace"),
            Prom(_left_at_the_end(m.SLA_BEST), "left at the end, if all stays up"),
            Prom(_left_at_the_end(m.SLA_WORST), "left at the end, if all goes down"),
        ],
        height=9,
        custom=thresholds_shown(),
        defaults={"thresholds": steps(DOWN, (0, QUIET))},
        overrides=[
            coloured("left", UP, custom__lineWidth=2),
            coloured("the whole budget", FAINT),
            coloured(
                "left at the end, if all stays up", FAINT, custom__fillBelowTo="left at the end, if all goes down"
            ),
            coloured("left at the end, if all goes down", UNKNOWN),
            coloured(
                "even pace",
                FAINT,
                custom__lineStyle=DASHES,
                custom__lineInterpolation="linear",
            ),
        ],
    )


def _left_at_the_end(final: m.Metric) -> str:
    """A final ratio as downtime that is then left: (ratio - target) x service time, which is budget / (1 - target)."""
    target, budget = series(m.SLA_TARGET, _ONE), series(m.SLA_BUDGET, _ONE)
    return largest(OF_CONTRACT, f"({series(final, _ONE)} - {target}) * {budget} / (1 - {target} > 0)")


def _cone() -> Panel:
    return curves(
        "Where the period can still end",
        "The final figure if all that remains is up, and if all that remains is down: a cone that closes towards the "
        "period's end. Once its upper edge is below the target the standard is missed; once its lower edge is above, "
        "it is met.",
        SHARE,
        [
            Prom(of_contract(m.SLA_BEST, _ONE), "if all stays up"),
            Prom(of_contract(m.SLA_WORST, _ONE), "if all goes down"),
            Prom(of_contract(m.SLA_TARGET, _ONE), "target"),
        ],
        height=9,
        defaults={"decimals": 3, "max": 1},
        overrides=[
            coloured("if all stays up", UP, custom__fillBelowTo="if all goes down", custom__fillOpacity=15),
            coloured("if all goes down", UNKNOWN),
            _target(),
        ],
    )


def _target() -> dict[str, object]:
    return coloured("target", DOWN, custom__lineStyle=DASHES)


def _figures() -> Panel:
    figures = largest((*OF_CONTRACT, "bound"), series(m.SLA_AVAILABILITY, _ONE))
    return curves(
        "Availability to date: low, point, high",
        "How sure the figure is: the truth lies between low and high. A gap: nothing is known of the period yet.",
        SHARE,
        [Prom(figures, "{{bound}}"), Prom(of_contract(m.SLA_TARGET, _ONE), "target")],
        defaults={"decimals": 4, "max": 1},
        overrides=[
            coloured("high", FAINT, custom__fillBelowTo="low", custom__fillOpacity=20),
            coloured("low", FAINT),
            coloured("point", UP, custom__lineWidth=2),
            _target(),
        ],
        calcs=["lastNotNull"],
    )


def _burn() -> Panel:
    rate = largest((*OF_CONTRACT, "window"), series(m.SLA_BURN_RATE, _ONE))
    limit = largest((*OF_CONTRACT, "window"), series(m.SLA_BURN_THRESHOLD, _ONE))
    return curves(
        "Burn rate by window",
        "How many times as fast as the whole period allows the budget was used within the window; 1 uses it up "
        "exactly. Dashed: from where on it is alarming in that window, by the period's length.",
        "none",
        [Prom(rate, "in {{window}}"), Prom(limit, "alarming in {{window}}")],
        defaults={"thresholds": BURN_STEPS, "min": 0},
        overrides=[dashed("^alarming")],
        calcs=["lastNotNull", "max"],
    )


def _classes() -> Panel:
    spent = largest((*OF_CONTRACT, "class"), series(m.SLA_CLASS, _ONE))
    return curves(
        "Time of the period by class",
        "The seven classes add up to what has passed of the period. Excluded time and time outside hours or contract "
        "do not count.",
        SECONDS,
        [Prom(spent, "{{class}}")],
        stacked=True,
        overrides=[coloured(name, colour, displayName=spoken(name)) for name, colour in CLASSES.items()],
        calcs=["lastNotNull"],
    )


def _coverage() -> Panel:
    return curves(
        "Coverage",
        "Share of the period's service time to date that was measured. Below the contract's floor, dashed, nothing is "
        "settled by itself.",
        SHARE,
        [Prom(of_contract(m.SLA_COVERAGE, _ONE), "measured"), Prom(of_contract(m.SLA_COVERAGE_FLOOR, _ONE), "floor")],
        defaults={"max": 1, "decimals": 1},
        overrides=[coloured("measured", UP), dashed("^floor$")],
    )


def _before() -> list[Panel]:
    codes = {verdict.value: code for verdict, code in VERDICTS.items()}
    verdict = largest(OF_CONTRACT, coded(codes, m.SLA_LAST_VERDICT, "verdict", _ONE))
    return [
        figure(
            "Last period",
            "The verdict on the period before this one.",
            "none",
            verdict,
            height=8,
            defaults={"mappings": verdict_words(), "noValue": "there was none"},
        ),
        figure(
            "Last availability",
            "The point figure of the period before, cut after four digits.",
            SHARE,
            cut(of_contract(m.SLA_LAST_AVAILABILITY, _ONE)),
            height=8,
            defaults={"decimals": 4, "noValue": "no data"},
        ),
        figure(
            "Credit due",
            "Credit for the period before, in the contract's currency; nothing while a person has to settle it.",
            "none",
            of_contract(m.SLA_CREDIT_DUE, _ONE),
            height=8,
            defaults={"decimals": 2, "noValue": "none"},
        ),
    ]


def _stake() -> Panel:
    stake = largest((*OF_CONTRACT, "currency"), series(m.SLA_CREDIT_AT_STAKE, _ONE))
    return curves(
        "Money at stake",
        "Credit of the running period by its worst possible final figure, in units of the currency; no curve without "
        "a penalty.",
        "none",
        [Prom(stake, "{{currency}}")],
        defaults={"decimals": 2, "min": 0, "links": to_endpoints("$client")},
    )


def _terms() -> Panel:
    keys = {**CONTRACT_KEYS, "version": "Version"}
    info = largest(tuple(keys), series(m.SLA_CONTRACT_INFO, _ONE))
    return figures(
        "Terms in force",
        "The version of the terms that judge the current period: the beginning of their SHA-256, as in the ledger.",
        keys,
        [Column("In force", info, "none", {"mappings": words({"1": ("yes", QUIET)})})],
        sort="In force",
        width=16,
        height=4,
    )


def _review() -> Panel:
    return figure(
        "Review overdue",
        "How long ago the first review came due that nobody has signed.",
        SECONDS,
        of_contract(m.REVIEW_OVERDUE, _ONE),
        width=8,
        defaults={
            "thresholds": REVIEW_STEPS,
            "mappings": words({"0": ("none due", QUIET)}),
            "noValue": "no reviews agreed",
        },
    )
