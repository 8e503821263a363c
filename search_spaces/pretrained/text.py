"""Pretrained encoders of texts: tokens (length,) -> features, from checkpoints that KerasHub reads.

A stack of Transformer encoder blocks (BERT, Devlin et al. 2018, arXiv:1810.04805, and its kin: RoBERTa, DistilBERT,
ELECTRA, XLM-R, MiniLM), of which is chosen: which checkpoint, how much of it is trained on, the adapter
(`search_spaces.pretrained.tuning`) and how tokens become one vector. The learning rate of the pretrained part is a
training choice.

27 members a checkpoint: 13 ways to tune, mean or first token, and (for full tuning) no adapter. With all-MiniLM-L6-v2
(6 blocks, width 384) 22.6 million weights, of which 0 to all are trained; MACs grow with the length of texts.
"""

from pathlib import Path

import keras
import keras_tuner
from keras import ops

from search_spaces.pretrained.tuning import adapt, choose_tuning, mark_pretrained, trained_last

LORA = ("query", "value")
"""The projections of attention that low-rank updates are added to, as in Hu et al. 2021, section 4.2."""


class PretrainedText(keras_tuner.HyperModel):
    """A checkpoint for texts of `input_shape`, (length,), in tokens of the checkpoint's own vocabulary.

    `checkpoints` are, by what they are called, folders with a model that KerasHub reads (``config.json`` with
    ``model.safetensors``, or KerasHub's own format), or names of KerasHub's presets that lie in the user's cache.
    """

    def __init__(self, input_shape, vocabulary, checkpoints, features="vector", name=None):
        super().__init__(name=name)
        self.length, self.vocabulary = input_shape[0], vocabulary
        self.checkpoints, self.features = dict(checkpoints), features

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, length) -> (batch, width), or (batch, length, width)."""
        names = list(self.checkpoints)
        checkpoint = hp.Choice("checkpoint", names) if len(names) > 1 else names[0]
        tuning = choose_tuning(hp)
        pooling = hp.Choice("pooling", ["mean", "token"], default="mean") if self.features == "vector" else None

        backbone = load_backbone(self.checkpoints[checkpoint])
        self._refuse_other_vocabulary(backbone, checkpoint)
        blocks = encoder_blocks(backbone, checkpoint)
        embeddings = keras.Model(backbone.inputs, first_tensor(blocks[0].input), name="embeddings")
        embeddings.trainable = tuning.share == 1.0
        frozen = trained_last(blocks, tuning.share)
        mark_pretrained(embeddings, *blocks)
        if tuning.adapter == "lora":
            for block in frozen:
                add_lora(block, tuning.size)

        tokens = keras.Input((self.length,), dtype="int32", name="tokens")
        mask = ops.cast(ops.not_equal(tokens, 0), "int32")
        given = {"token_ids": tokens, "padding_mask": mask, "segment_ids": ops.zeros_like(tokens)}
        x = embeddings.call([given[tensor.name] for tensor in backbone.inputs])  # in place: all lengths are known
        for number, block in enumerate(blocks, 1):
            x = block(x, padding_mask=mask)
            if tuning.adapter == "bottleneck" and block in frozen:
                x = adapt(x, tuning.size, name=f"adapter{number}")
        if pooling == "mean":
            there = ops.cast(ops.expand_dims(mask, -1), x.dtype)
            x = ops.sum(x * there, axis=1) / ops.maximum(ops.sum(there, axis=1), 1.0)
        elif pooling == "token":
            x = x[:, 0]
        encoder = keras.Model(tokens, x, name=self.name or "pretrained_text")
        encoder.starts_from = checkpoint
        return encoder

    def _refuse_other_vocabulary(self, backbone, checkpoint):
        if self.vocabulary != backbone.vocabulary_size:
            raise ValueError(
                f"The texts are in {self.vocabulary:,} tokens, and {checkpoint} knows {backbone.vocabulary_size:,}: a "
                "checkpoint reads its own tokens only. Set data.text.tokenizer to its tokenizer.json, e.g. "
                f"{Path(checkpoint) / 'tokenizer.json'}."
            )
        longest = getattr(backbone, "max_sequence_length", self.length)
        if self.length > longest:
            raise ValueError(
                f"Texts are {self.length:,} tokens long, and {checkpoint} takes {longest:,} at most: lower "
                "data.text.length."
            )


def load_backbone(checkpoint):
    """Return KerasHub's backbone of `checkpoint`, with its weights.

    Raises:
        ImportError: KerasHub is not installed.
        FileNotFoundError: There is no such folder, and no such preset in the cache or to be had from the network.
    """
    try:
        import keras_hub
    except ImportError as error:
        raise ImportError(f'Pretrained texts need KerasHub: pip install "encoder-nas[pretrained]" ({error}).') from None
    try:
        return keras_hub.models.Backbone.from_preset(checkpoint)
    except Exception as error:
        raise FileNotFoundError(
            f"The checkpoint {checkpoint!r} cannot be loaded: it is no folder with a model that KerasHub reads, and no "
            f"preset that is in its cache or could be downloaded ({type(error).__name__}: {str(error)[:300]}). "
            "Name a folder with config.json and model.safetensors in space.checkpoints."
        ) from error


def encoder_blocks(backbone, checkpoint):
    """Return the Transformer blocks of `backbone` in their order.

    Raises:
        ValueError: It is not made of those, or takes something else than tokens.
    """
    blocks = [layer for layer in backbone.layers if type(layer).__name__ == "TransformerEncoder"]
    takes = {tensor.name for tensor in backbone.inputs}
    if not blocks or not takes <= {"token_ids", "padding_mask", "segment_ids"}:
        raise ValueError(
            f"{checkpoint} holds a {type(backbone).__name__}, which is no stack of Transformer encoder blocks over "
            "tokens. BERT, RoBERTa, DistilBERT, ELECTRA and XLM-R are."
        )
    return blocks


def first_tensor(given):
    """Return the first of the tensors that a layer was called with."""
    return keras.tree.flatten(given)[0]


def add_lora(block, rank):
    """Add low-rank updates to the attention of a frozen `block`; nothing else in it is trained."""
    block.trainable = True
    for part in block._flatten_layers(include_self=False, recursive=True):
        if part.name in LORA:
            part.enable_lora(rank)
            part.pretrained = False  # what is new in it gets the full learning rate; its kernel is frozen anyway
    for weight in block.weights:
        weight.trainable = "lora_kernel" in weight.path
