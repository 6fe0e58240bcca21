"""How ``probe_door`` is written: what ``/probe`` may be asked, and the keys of its modules."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from slawatch.config.values import Identifier, Model, Text
from slawatch.probes.options import DurationText


class ProbeModule(Model):
    """What every module has, whatever its kind of probe; the options of that stand beside these keys."""

    probe: Text = Field(description="Kind of probe; its options stand beside these keys.")
    timeout: DurationText | None = Field(
        default=None, gt=0, description="How long a probe may take: `5s`; less where the scrape gives up sooner."
    )
    query_name: Text = Field(
        default="", description="Of `dns`, and there required: the name that is asked for; the target is the server."
    )


class ProbeDoorBox(Model):
    """What `/probe` probes for whoever asks."""

    open: bool = Field(
        default=False,
        description="Whether any target may be named, not only those of configured endpoints. A module that holds a "
        "secret is for these alone, whatever stands here.",
    )
    modules: dict[Identifier, Any] = Field(
        default_factory=dict, description="Modules by name, each a kind of probe with its options."
    )
