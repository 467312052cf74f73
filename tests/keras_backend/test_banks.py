"""A weight that is read row by row starts and trains as so many weights."""

import keras
import numpy as np

import specc

BANKED = """
model banked {
  input x: float32[12, 12, 3]
  input label: int32 in 0..6
  weight kernels: float32[6, 3, 3, 3, 16] = GlorotUniform()
  output y = x -> Conv2D(16, 3, use_bias=false, kernel=kernels[label]) -> GlobalAveragePooling2D()
}
"""


def test_every_row_starts_as_a_kernel_of_its_own() -> None:
    (kernels,) = (weight.numpy() for weight in specc.build(BANKED).trainable_weights)
    limit = np.sqrt(6 / (3 * 3 * 3 + 3 * 3 * 16))
    for row in kernels:
        assert np.abs(row).max() <= limit
        np.testing.assert_allclose(row.std(), limit / np.sqrt(3), rtol=0.1)
    assert len({row.tobytes() for row in kernels}) == 6


def test_a_row_that_two_samples_take_trains_with_the_sum_of_their_gradients() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(4, 12, 12, 3)).astype("float32")
    labels = np.array([1, 1, 1, 4], dtype="int32")
    wanted = random.normal(size=(4, 16)).astype("float32")
    model = specc.build(BANKED)
    start = model.trainable_weights[0].numpy()

    image, label = keras.Input((12, 12, 3)), keras.Input((6,))
    convolutions = [keras.layers.Conv2D(16, 3, use_bias=False) for _ in range(6)]
    chosen = [
        convolution(image) * label[:, None, None, number : number + 1]
        for number, convolution in enumerate(convolutions)
    ]
    by_hand = keras.Model([image, label], keras.layers.GlobalAveragePooling2D()(keras.layers.add(chosen)))
    for row, convolution in zip(start, convolutions, strict=True):
        convolution.kernel.assign(row)

    model.compile("adam", loss={"y": "mse"})
    by_hand.compile("adam", loss="mse")
    model.fit({"x": rows, "label": labels}, {"y": wanted}, epochs=3, batch_size=4, verbose=0)
    by_hand.fit([rows, np.eye(6, dtype="float32")[labels]], wanted, epochs=3, batch_size=4, verbose=0)
    found = model.trainable_weights[0].numpy()
    np.testing.assert_allclose(found, [layer.kernel.numpy() for layer in convolutions], atol=2e-6)
    assert np.array_equal(found[[0, 2, 3, 5]], start[[0, 2, 3, 5]])
    assert not np.array_equal(found[[1, 4]], start[[1, 4]])
