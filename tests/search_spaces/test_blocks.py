import pytest

pytestmark = pytest.mark.tf


@pytest.fixture
def blocks():
    from search_spaces import blocks

    return blocks


@pytest.mark.parametrize(("side", "stages"), [(2, 1), (6, 1), (7, 1), (8, 2), (28, 3), (32, 4), (224, 4)])
def test_no_stage_sees_a_map_too_small_for_a_kernel(blocks, side, stages):
    assert blocks.stages_that_fit((side, side + 3, 1)) == stages


@pytest.mark.parametrize(
    ("shape", "sizes", "default"),
    [
        ((8, 8, 1), [1, 2], 2),
        ((28, 28, 1), [4, 7], 4),
        ((32, 32, 3), [4, 8], 4),
        ((16, 24, 3), [2, 4], 4),
        ((31, 31, 1), list(range(3, 16)), 4),  # prime: the last patches are padded
        ((2, 2, 1), [1], 1),
    ],
)
def test_patch_sizes_divide_the_image_where_they_can(shape, sizes, default):
    from search_spaces.image.vit import default_patch, patch_sizes

    assert patch_sizes(shape) == sizes
    assert default_patch(shape, sizes) == default


def test_sine_positions_tell_every_place_apart(blocks):
    import numpy as np

    added = np.asarray(blocks.SinePositions((3, 5))(np.zeros((1, 15, 16), "float32")).numpy())[0]
    assert len(np.unique(added.round(4), axis=0)) == 15
    # Places of one row share the row's half of the features, places of one column the column's.
    assert np.allclose(added[0, :8], added[4, :8])
    assert np.allclose(added[0, 8:], added[5, 8:])


def test_a_class_token_stands_before_the_sequence(blocks):
    import numpy as np

    layer = blocks.ClassToken()
    x = np.ones((2, 3, 4), "float32")
    y = layer(x).numpy()
    assert y.shape == (2, 4, 4)
    assert (y[:, 0] == 0).all()
    assert (y[:, 1:] == x).all()


def test_norm_by_name(blocks):
    import keras

    x = keras.Input((4,))
    assert blocks.normalize(x, "none") is x
    with pytest.raises(ValueError, match="'batch', 'layer' or 'none'"):
        blocks.normalize(x, "bacth")
