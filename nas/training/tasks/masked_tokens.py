"""Masked tokens: pretraining on texts alone. Some words are hidden, and are to be told from the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nas.data.source import Array, RawData, chunks
from nas.data_card import Baseline, DataCard, Target
from nas.training.tasks.task import Features, Splits, Task
from nas.training.tasks.unlabelled import without_labels

if TYPE_CHECKING:
    import keras
    import keras_tuner

SHARE = 0.15
"""Of the words of a text, how many are asked. No choice: fewer would be easier, and trials could not be compared."""
FIRST_WORD = 2
"""Tokens below are padding and the unknown word: never asked."""


class MaskedTokens(Task):
    """Logits over the vocabulary for each place that is asked; the score is the share that is told right.

    Source: Devlin et al. 2019, arXiv:1810.04805, section 3.1, task 1.
    """

    objective: ClassVar = ("val_masked_accuracy", "maximize")
    metrics: ClassVar = ("val_masked_accuracy", "val_loss")
    output: ClassVar = ""  # a head that is thrown away
    features: ClassVar[Features] = "sequence"

    def check(self, data: RawData) -> RawData:
        """Return `data`, which must be texts, with labels that say nothing.

        Raises:
            DataError: They are not.
        """
        return without_labels(data, "text", "masked_tokens")

    def baseline(self, target: Target, splits: Splits) -> Baseline:
        """Say of every word that it is the one that is most frequent in train."""
        train, validation = (_frequencies(splits[name].only) for name in ("train", "validation"))
        words = max(1.0, validation.sum())
        shares = np.ones(max(len(train), len(validation)))  # one more of each, for words that train has not got
        shares[FIRST_WORD : len(train)] += train[FIRST_WORD:]
        shares /= shares[FIRST_WORD:].sum()
        loss = -(validation * np.log(shares[: len(validation)])).sum() / words
        right = validation[train.argmax()] if train.argmax() < len(validation) else 0.0
        metrics = {"val_masked_accuracy": float(right / words), "val_loss": float(loss)}
        return Baseline("most frequent word", metrics)

    def attach_head(self, encoder: keras.Model, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return ``[text, places asked] ▶ logits (batch, asked, vocabulary)``.

        Only the places that are asked reach the last layer, which is the most expensive one.

        Raises:
            FamilyError: The encoder does not give a vector for each token.
        """
        import keras

        from nas.training.tasks.heads import ends, sequence
        from nas.training.tasks.masking import StepsAt, tokens_asked

        (given,) = card.inputs.values()
        inputs, (features,) = ends(encoder, card)
        features = sequence(features, encoder.name, steps=given.shape[0])
        places = keras.Input((tokens_asked(given.shape[0], SHARE),), dtype="int32", name="asked")
        x = StepsAt(name="head_steps")(features, places)
        x = keras.layers.Dense(features.shape[-1], activation="gelu", name="head_hidden")(x)
        x = keras.layers.LayerNormalization(epsilon=1e-6, name="head_norm")(x)
        logits = keras.layers.Dense(given.vocabulary, name="head")(x)
        return keras.Model([inputs, places], logits, name=encoder.name)

    def loss(self, card: DataCard, hp: keras_tuner.HyperParameters) -> keras.losses.Loss:
        """Return the cross-entropy over the tokens that are asked."""
        from nas.training.tasks.masking import TokenLoss

        return TokenLoss(name="masked_tokens")

    def keras_metrics(self, card: DataCard) -> list[keras.metrics.Metric]:
        """Return the share of them that is told right."""
        from nas.training.tasks.masking import TokenAccuracy

        return [TokenAccuracy(name="masked_accuracy")]

    def view(self, card: DataCard, hp: keras_tuner.HyperParameters) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
        """Return what hides tokens: ``texts ▶ [texts, places asked], tokens that were there``."""
        from nas.training.tasks.masking import hide_tokens

        (given,) = card.inputs.values()

        def view(x: Any, y: Any, seed: Any) -> tuple[Any, Any]:
            hidden, places, tokens = hide_tokens(x, seed, given, SHARE)
            return [hidden, places], tokens

        return view


MASKED_TOKENS = MaskedTokens()


def _frequencies(tokens: Array) -> NDArray[np.float64]:
    """Return how often each token occurs, from token 0; what is never asked does not."""
    size = int(tokens.max()) + 1
    counts = sum(np.bincount(chunk.ravel(), minlength=size).astype(np.float64) for _, chunk in chunks(tokens))
    counts[:FIRST_WORD] = 0.0  # type: ignore[index]  # a sum of no arrays would be a number, but there are texts
    return counts  # type: ignore[return-value]
