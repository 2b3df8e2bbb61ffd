"""What a rule found, and how it is told. Imports the standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One mistake. The texts never hold a secret: no value of a variable, no argument of a command."""

    subject: str  # `Deployment ml/vllm`
    found: str  # the field and its value, as the rest of a sentence: `spec.minReplicas is 0`
    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.found}\n  why: {self.why}\n  fix: {self.fix}"
