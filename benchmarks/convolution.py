"""How is a convolution of one picture at a time computed fastest, as MinAtarNetwork has it?

A scan of learning steps of the whole network: outputs, gradient, traces of all weights, a bounded
step. The library's patches in columns, against XLA's convolution with channels last and first, and
against patches in rows; one life, and eight side by side.
Run: python benchmarks/convolution.py
"""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from measure import interleaved_medians, machine, table

import alberta_framework as af
from alberta_framework.networks.mlp import activated, hidden_layer, output_layer

STEPS, LANES, N_OUT, DECAY = 100, 8, 6, 0.8


def channels_last(filters, x):
    kernel = jnp.moveaxis(filters, 0, -1)
    numbers = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x[None], kernel, (1, 1), "VALID", dimension_numbers=numbers)


def channels_first(filters, x):
    x, kernel = jnp.moveaxis(x, -1, 0)[None], jnp.moveaxis(filters, -1, 1)
    found = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID")
    return found.reshape(filters.shape[0], -1)


def patches_in_rows(filters, x):
    height, width, channels = x.shape
    seen = [x[i : height - 2 + i, j : width - 2 + j] for i in range(3) for j in range(3)]
    patches = jnp.concatenate(seen, -1).reshape(-1, 9 * channels)
    return patches @ filters.reshape(filters.shape[0], -1).T


def other(network, convolve):
    """The network's outputs with another convolution; where maps lie last, so do biases."""

    def outputs(params, x):
        (filters, dense, _), (b, c, _) = params.weights, params.biases
        filters = filters.reshape(-1, 3, 3, network.shape[-1])
        sums = convolve(filters, x.reshape(network.shape))
        last = sums.shape[-1] == filters.shape[0]
        sums = sums + (b.reshape((1,) * (sums.ndim - 1) + (-1,)) if last else b[:, None])
        maps = activated(sums.ravel(), network.leaky_relu_slope, True)
        return output_layer(params, hidden_layer(dense, c, maps, network.leaky_relu_slope, True))

    return outputs


def learning(outputs, params, pictures, lanes):
    def step(carry, x):
        params, traces = carry
        value, gradient = jax.value_and_grad(lambda p: jnp.max(outputs(p, x)))(params)
        traces = jax.tree.map(lambda z, g: DECAY * z + g, traces, gradient)
        size = sum(jnp.sum(jnp.abs(z)) for z in jax.tree.leaves(traces))
        rate = 1e-3 / jnp.maximum(size, 1.0)
        return (jax.tree.map(lambda w, z: w + rate * z, params, traces), traces), value

    def run(params, pictures):
        return jax.lax.scan(step, (params, jax.tree.map(jnp.zeros_like, params)), pictures)

    if lanes > 1:
        params, pictures = jax.tree.map(lambda a: jnp.stack([a] * lanes), (params, pictures))
    program = jax.jit(jax.vmap(run) if lanes > 1 else run)
    return lambda: program(params, pictures)


def main() -> None:
    rows = []
    for channels in (4, 10):
        network = af.MinAtarNetwork((10, 10, channels), N_OUT)
        params = network.init(network.feature_dim, jr.key(0))
        size = (STEPS, network.feature_dim)
        pictures = jnp.float32(np.random.default_rng(0).random(size) < 0.1)
        forms = {
            "the library's": network.apply,
            "channels last": other(network, channels_last),
            "channels first": other(network, channels_first),
            "patches in rows": other(network, patches_in_rows),
        }
        for lanes in (1, LANES):
            programs = {n: learning(f, params, pictures, lanes) for n, f in forms.items()}
            s = interleaved_medians(programs, 15)
            us = {name: seconds / STEPS / lanes * 1e6 for name, seconds in s.items()}
            for name in forms:
                share = us[name] / us["the library's"]
                rows.append((channels, lanes, name, f"{us[name]:.1f}", f"{share:.2f}"))
    print(f"a learning step of MinAtarNetwork, {N_OUT} outputs; {machine()}\n")
    table(("channels", "lives", "convolution", "us a step and life", "of the library's"), rows)


if __name__ == "__main__":
    main()
