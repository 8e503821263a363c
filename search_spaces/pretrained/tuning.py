"""How much of a checkpoint is trained on, and what is added to it.

Frozen, the last blocks, or all of it; and where not all of it: low-rank updates (LoRA, Hu et al. 2021,
arXiv:2106.09685) or bottleneck adapters (Houlsby et al. 2019, arXiv:1902.00751; one a block as in Pfeiffer et al. 2020,
arXiv:2005.00247). Both begin as the identity, so that training starts from what the checkpoint knows.
"""

from dataclasses import dataclass

from keras import layers


@dataclass(frozen=True)
class Tuning:
    """`share` of the blocks is trained, the last ones. `adapter` is "none", "lora" or "bottleneck", `size` its rank
    or width."""

    share: float
    adapter: str
    size: int | None


def choose_tuning(hp):
    """Ask how to tune. By default all is frozen and nothing is added: what does the checkpoint know as it is?"""
    tuning = hp.Choice("tuning", ["frozen", "partial", "full"], default="frozen")
    if tuning == "full":
        return Tuning(1.0, "none", None)
    share = hp.Choice("trained_share", [0.25, 0.5], default=0.25) if tuning == "partial" else 0.0
    adapter = hp.Choice("adapter", ["none", "lora", "bottleneck"], default="none")
    size = None
    if adapter == "lora":
        size = hp.Choice("lora_rank", [4, 8, 16], default=8)
    elif adapter == "bottleneck":
        size = hp.Choice("bottleneck_width", [16, 32, 64], default=32)
    return Tuning(share, adapter, size)


def trained_last(blocks, share):
    """Let the last `share` of `blocks`, rounded up, be trained, and no others; return those that are not."""
    first = len(blocks) - int(-(-len(blocks) * share // 1))
    for place, block in enumerate(blocks):
        block.trainable = place >= first
    return blocks[:first]


def mark_pretrained(*parts):
    """Say of layers, and of all in them, that they were trained before: they get a learning rate of their own."""
    for part in parts:
        for layer in part._flatten_layers():
            layer.pretrained = True


def adapt(x, width, name):
    """Bottleneck adapter: `x` plus what two dense layers make of it; the second begins at zero."""
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(x)
    y = layers.Dense(width, activation="gelu", name=f"{name}_down")(y)
    y = layers.Dense(x.shape[-1], kernel_initializer="zeros", name=f"{name}_up")(y)
    return layers.Add(name=f"{name}_add")([x, y])
