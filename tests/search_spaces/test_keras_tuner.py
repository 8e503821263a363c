"""The families are ordinary KerasTuner search spaces: KerasTuner's own search runs on them."""

import numpy as np
import pytest

pytestmark = [
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # KerasTuner's own
    pytest.mark.filterwarnings("ignore:Skipping variable loading:UserWarning"),
]


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_random_search_runs_on_a_family(name, tmp_path):
    import keras
    import keras_tuner

    from nas import catalogue

    class Classifier(keras_tuner.HyperModel):
        def build(self, hp):
            encoder = catalogue.families[name]((8, 8, 1)).build(hp)
            model = keras.Sequential([encoder, keras.layers.Dense(10, activation="softmax")])
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            return model

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 8, 8, 1)).astype("float32"), rng.integers(0, 10, 32)
    tuner = keras_tuner.RandomSearch(
        Classifier(), "val_accuracy", max_trials=2, seed=0, directory=tmp_path, project_name="search"
    )
    tuner.search(x, y, validation_data=(x, y), epochs=1, verbose=0)
    finished = [trial for trial in tuner.oracle.trials.values() if trial.status == "COMPLETED"]
    assert len(finished) == 2
    assert len({str(trial.hyperparameters.values) for trial in finished}) == 2
