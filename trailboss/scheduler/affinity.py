"""Affinity rules, read from a container's labels and, Swarm style, from the names of its environment
variables.

In: labels and variable names as the user wrote them. Out: `Rule`s in a fixed order (labels by key, then
variables by name), so equal input gives equal rules. Everything is compared without case: the original
compared `container_ne` and Swarm style rules with case although labels were stored in lower case, so that
rules with capitals never held. Which hosts a rule bars is asked in `filters.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Subject = Literal["host_label", "container_label", "container"]

_PREFIX = "io.rancher.scheduler.affinity:"
_SUBJECTS: tuple[Subject, ...] = ("host_label", "container_label", "container")
_SUFFIXES = {"": (True, True), "_ne": (False, True), "_soft": (True, False), "_soft_ne": (False, False)}
_LABEL_KEYS = {
    f"{_PREFIX}{subject}{suffix}": (subject, *meaning) for subject in _SUBJECTS for suffix, meaning in _SUFFIXES.items()
}
_OPERATORS = {"==": (True, True), "!=": (False, True), "==~": (True, False), "!=~": (False, False)}
_VARIABLE = re.compile(r"(?P<key>.*?)(?P<operator>==~|!=~|==|!=)(?P<value>.*)", re.DOTALL)
_CONTAINER_VARIABLE = re.compile(r"affinity:container(?==|!=)")
_MACRO = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One wish about the host; texts in lower case.

    key is "" for a container, whose name or uuid is `value`. wanted: must have, else must not have.
    hard: without it no placement; soft ones are given up when nothing else fits.
    """

    subject: Subject
    key: str
    value: str
    wanted: bool
    hard: bool

    @property
    def wish(self) -> str:
        """The rule in words, after "wants"."""
        if self.subject == "host_label":
            return f"a host {'with' if self.wanted else 'without'} label {self.key}={self.value}"
        return f"a host {'with' if self.wanted else 'without'} {self._thing}"

    @property
    def refusal(self) -> str:
        """What is said of a host that does not meet the rule, after its name."""
        if self.subject == "host_label":
            return f"{'has no' if self.wanted else 'has'} label {self.key}={self.value}"
        return f"{'has no' if self.wanted else 'has'} {self._thing}"

    @property
    def _thing(self) -> str:
        if self.subject == "container":
            return f"container {self.value}"
        return f"{'container' if self.wanted else 'a container'} labelled {self.key}={self.value}"


def rules_of(labels: Mapping[str, str], environment: Iterable[str] = ()) -> list[Rule]:
    """Return the rules of a container, each once."""
    rules = list(_from_labels(labels))
    for name in sorted(environment):
        rule = _from_variable(name)
        if rule:
            rules.append(rule)
    return list(dict.fromkeys(rules))


def _from_labels(labels: Mapping[str, str]) -> Iterator[Rule]:
    # Few labels are rules, and this runs for each placement: look at the prefix before anything else.
    keys = sorted(key for key in labels if key[: len(_PREFIX)].lower() == _PREFIX)
    for label in keys:
        meaning = _LABEL_KEYS.get(label.lower())
        if meaning is None:
            continue
        subject, wanted, hard = meaning
        for part in labels[label].split(","):
            text = _expand(part.strip(), labels).lower()
            if not text:
                continue
            key, _, value = text.partition("=") if subject != "container" else ("", "", text)
            yield Rule(subject, key.strip(), value.strip(), wanted, hard)


def _from_variable(name: str) -> Rule | None:
    subject: Subject
    if name.startswith("constraint:"):
        subject, text = "host_label", name.removeprefix("constraint:")
    elif _CONTAINER_VARIABLE.match(name):
        subject, text = "container", name.removeprefix("affinity:container")
    elif name.startswith("affinity:"):
        subject, text = "container_label", name.removeprefix("affinity:")
    else:
        return None
    match = _VARIABLE.fullmatch(text.lower())
    if match is None:
        return None
    key, operator, value = match["key"].strip(), match["operator"], match["value"].strip()
    wanted, hard = _OPERATORS[operator]
    # A container needs a name, a label needs a key: without it the variable is no rule but just a variable.
    return Rule(subject, key, value, wanted, hard) if (value if subject == "container" else key) else None


def _expand(text: str, labels: Mapping[str, str]) -> str:
    """Fill ${stack_name} and the like from the container's own labels; unknown ones stay as text."""
    if "${" not in text:
        return text
    stack = labels.get("io.rancher.stack.name", "")
    service = labels.get("io.rancher.stack_service.name", "").partition("/")[2]
    known = {"stack_name": stack, "project_name": stack, "service_name": service}
    return _MACRO.sub(lambda macro: known.get(macro[1].lower()) or macro[0], text)
