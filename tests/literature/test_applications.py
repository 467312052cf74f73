"""The nets of the literature in Keras: the published number of weights, and what keras.applications computes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import specc
from tests.literature.files import COUNTS, spec

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("name", "model"), COUNTS)
def test_keras_counts_the_published_weights(name: str, model: str) -> None:
    built = specc.build(spec(name), model)
    trainable = sum(int(np.prod(weight.shape)) for weight in built.trainable_weights)
    assert (trainable, built.count_params()) == COUNTS[name, model]


def trained(model: keras.Model, images: Any) -> None:
    """Give every weight a value of its own, and the normalizations the statistics of these images."""
    draw = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name in {"gamma", "beta", "bias"}:
            weight.assign(draw.normal(float(weight.name == "gamma"), 0.1, weight.shape))
    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in normalizations:
        layer.momentum = 0.0
    model(images, training=True)


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Weights in their order; a Dense takes the kernel of a 1 x 1 convolution."""
    for weight, value in zip(target.weights, source.get_weights(), strict=True):
        assert weight.shape[-2:] == value.shape[-2:] or weight.shape == value.shape
        weight.assign(value.reshape(weight.shape))


@pytest.mark.parametrize(
    ("name", "model", "application"),
    [
        ("resnet_imagenet", "resnet_50", keras.applications.ResNet50),
        ("resnet_50_v2", "resnet_50_v2", keras.applications.ResNet50V2),
        ("densenet_121", "densenet_121", keras.applications.DenseNet121),
        ("efficientnet_b0", "efficientnet_b0", keras.applications.EfficientNetB0),
        ("mobilenet_v3_small", "mobilenet_v3_small", keras.applications.MobileNetV3Small),
        ("xception", "xception", keras.applications.Xception),
    ],
)
def test_a_net_computes_what_keras_applications_computes(name: str, model: str, application: Any) -> None:
    built, oracle = specc.build(spec(name), model), application(weights=None)
    images = np.random.default_rng(1).uniform(0, 255, (2, *built.inputs[0].shape[1:])).astype("float32")
    trained(oracle, images)
    copy_weights(oracle, built)
    # The features before the classifier, too: its softmax could hide a difference.
    both = (keras.Model(each.inputs, [each.layers[-1].input, *each.outputs])([images]) for each in (built, oracle))
    (features, labels), (oracle_features, oracle_labels) = both
    scale = float(np.std(oracle_features, axis=0).max())
    assert scale > 1e-3
    np.testing.assert_allclose(features, oracle_features, rtol=1e-4, atol=1e-4 * scale)
    np.testing.assert_allclose(labels, oracle_labels, rtol=1e-4, atol=1e-6)
