"""Convolutional networks over log-mel spectrograms: (samples,) -> (features,), or (steps, features).

Stages of 3×3 or 5×5 convolutions after VGG, as for sound in Hershey et al. 2017, arXiv:1609.09430, and Kong et al.
2020, arXiv:1912.10211. Between stages bands are halved, and frames as long as there are enough. What is left of
frequency is kept, or averaged as in the latter paper: that forgets how high a sound is, which vowels are told by.

For one second at 8 kHz, as a vector: 93 million architectures, 1,800 spectrograms among them, from 104 weights and 247
thousand MACs to 1.8 million weights and 813 million MACs; by default 24 thousand weights and 6.7 million MACs.
"""

import keras
from keras import layers

from search_spaces.audio.blocks import SoundEncoder, as_map, as_steps, convolve_map
from search_spaces.audio.front_end import log_mel
from search_spaces.blocks import pool_steps


class AudioCNN(SoundEncoder):
    """A plain convolutional network over the spectrogram of a sound."""

    def build(self, hp):
        """Return the encoder `hp` describes: (batch, samples) -> (batch, features) or (batch, steps, features)."""
        inputs = keras.Input(self.input_shape)
        x, hop = log_mel(hp, inputs, self.sample_rate, self.features)
        stages = hp.Int("stages", 1, 4, default=3)
        width = hp.Choice("width", [8, 12, 16, 20, 24], default=16)
        depth = hp.Int("depth", 1, 2, default=1)
        activation = hp.Choice("activation", ["relu", "gelu"], default="relu")
        frequency = hp.Choice("frequency", ["keep", "mean"], default="keep")
        growth = hp.Choice("growth", [1.0, 1.5, 2.0], default=2.0) if stages > 1 else 1.0
        dropout = hp.Float("dropout", 0.0, 0.4, step=0.1, default=0.0)
        pooling = self.ask_pooling(hp)

        halvings = self.halvings(x.shape[1], hop)
        x = as_map(x)
        for stage in range(1, stages + 1):
            filters = round(width * growth ** (stage - 1))
            kernel = hp.Choice(f"stage{stage}_kernel", [3, 5], default=3)
            for block in range(1, depth + 1):
                x = convolve_map(x, filters, kernel, activation, name=f"stage{stage}_block{block}")
            halve = (2 if stage <= halvings else 1, 2)
            x = layers.MaxPooling2D(halve, padding="same", name=f"stage{stage}_downsample")(x)
        if frequency == "mean":
            x = layers.AveragePooling2D((1, x.shape[2]), name="frequency")(x)
        x = pool_steps(as_steps(x), pooling)
        if dropout > 0:
            x = layers.Dropout(dropout, name="dropout")(x)
        return keras.Model(inputs, x, name=self.name or "audio_cnn")
