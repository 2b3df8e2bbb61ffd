"""The same answer in three stages, each a service that scales by itself: Prepare, Score, Pipeline (the entry)."""

from __future__ import annotations

import bentoml
import numpy as np
from model import Answer, Model
from numpy.typing import NDArray


@bentoml.service(workers=1, traffic={"timeout": 30})
class Prepare:
    """Before the model: texts become rows of counts."""

    @bentoml.api
    def rows(self, texts: list[str]) -> NDArray[np.float32]:
        """One row a text."""
        return Model.rows(texts)


@bentoml.service(workers=1, traffic={"timeout": 30})
class Score:
    """The model: the stage that would hold the accelerator, so it is the one that batches."""

    def __init__(self) -> None:
        self._model = Model.load()

    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=32, max_latency_ms=2000)
    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """One row of scores a row of counts."""
        return self._model.scores(rows)


@bentoml.service(workers=1, traffic={"timeout": 30})
class Pipeline:
    """The entry: asks the stages in turn, and after the model makes answers of its scores."""

    prepare = bentoml.depends(Prepare)
    score = bentoml.depends(Score)

    def __init__(self) -> None:
        self._model = Model.load()

    @bentoml.api
    async def identify(self, texts: list[str]) -> list[Answer]:
        """The language of each text."""
        rows = await self.prepare.to_async.rows(texts)
        scores = await self.score.to_async.scores(rows)
        return self._model.answers(scores)
