"""Families for tests: quick ones, and ones that break in every way a candidate can break."""

import os
import resource
import signal
import time
from pathlib import Path

import keras
import keras_tuner


class Tiny(keras_tuner.HyperModel):
    """A vector in, one hidden layer out."""

    def __init__(self, input_shape):
        super().__init__()
        self.input_shape = input_shape

    def build(self, hp):
        inputs = keras.Input(self.input_shape)
        x = keras.layers.Flatten()(inputs)
        for layer in range(hp.Int("layers", 1, 3)):
            x = keras.layers.Dense(hp.Choice("units", [8, 16, 32, 64]), activation="relu", name=f"hidden{layer}")(x)
        return keras.Model(inputs, x)


class Few(Tiny):
    """Two architectures in all."""

    def build(self, hp):
        inputs = keras.Input(self.input_shape)
        width = hp.Choice("width", [4, 8])
        hp.Choice("ignored", ["a", "b", "c"])  # other params, same graph
        return keras.Model(inputs, keras.layers.Dense(width)(keras.layers.Flatten()(inputs)))


class Compiled(Tiny):
    """Comes compiled, with its own loss, optimizer and metrics; wants one-hot labels."""

    def build(self, hp):
        encoder = super().build(hp)
        model = keras.Model(encoder.inputs, keras.layers.Dense(3, activation="softmax")(encoder.output))
        model.compile(
            keras.optimizers.SGD(hp.Choice("learning_rate", [0.1, 0.01])),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model


class FitsItself(Compiled):
    """Has its own `fit`, which asks for more and stops early."""

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [8, 16]), **kwargs)


class LittleRoom(Tiny):
    """While there is a file `full` in the folder, its worker's files may not grow: as on a full disk."""

    def build(self, hp):
        if Path("full").exists():
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        return super().build(hp)


class Raises(Tiny):
    def build(self, hp):
        raise ValueError("there is no such layer")


class Rejects(Tiny):
    def build(self, hp):
        raise keras_tuner.errors.FailedTrialError("too deep for so small an input")


class LeavesPython(Tiny):
    def build(self, hp):
        raise SystemExit(3)


class ExitsCleanly(Tiny):
    def build(self, hp):
        os._exit(0)


class Segfaults(Tiny):
    def build(self, hp):
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(60)


class Sleeps(Tiny):
    def build(self, hp):
        time.sleep(600)


class Freezes(Tiny):
    """Not even its heartbeat goes on."""

    def build(self, hp):
        os.kill(os.getpid(), signal.SIGSTOP)


class RunsOutOfMemory(Tiny):
    def build(self, hp):
        import numpy as np

        np.ones(10**15)


class Diverges(Tiny):
    def build(self, hp):
        encoder = super().build(hp)
        return keras.Model(encoder.inputs, keras.layers.Rescaling(1e38)(keras.layers.Rescaling(1e38)(encoder.output)))


class StartsAChild(Tiny):
    """Leaves a process behind that must not outlive the worker."""

    def build(self, hp):
        import subprocess

        child = subprocess.Popen(["sleep", "600"])
        Path(os.environ["NAS_TEST_CHILD"]).write_text(str(child.pid))
        time.sleep(600)
