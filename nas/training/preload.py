"""What every worker needs, imported once in the fork server: no TensorFlow operation may run here.

A fork of a process that has imported TensorFlow but run nothing starts in well under a second; importing it anew
takes ten times as long.
"""

import keras
import keras_tuner
import numpy
import tensorflow

import nas.training.worker

__all__ = ["keras", "keras_tuner", "nas", "numpy", "tensorflow"]
