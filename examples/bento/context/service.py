"""One service that names the language of a text: numpy, no large model, and batches made of concurrent requests."""

from __future__ import annotations

import bentoml
from model import Answer, Model


@bentoml.service(workers=1, traffic={"timeout": 30})
class Language:
    """Naive Bayes over character n-grams."""

    def __init__(self) -> None:
        self._model = Model.load()

    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=32, max_latency_ms=2000)
    def identify(self, texts: list[str]) -> list[Answer]:
        """The language of each text."""
        return self._model.answers(self._model.scores(self._model.rows(texts)))
