"""Inputs that are made anew for each measurement, and the test that a result is the starter's."""

import numpy as np

HIGHER = False


def make_inputs(seed):
    """Return one large call and a few small ones with the borders: a list of argument tuples."""
    random = np.random.default_rng(seed)
    edges = np.sort(random.random(21) * 2)
    clusters = random.random((9, 3))
    points = np.concatenate([c + random.normal(0, 0.2, (55, 3)) for c in clusters])
    twice = np.concatenate([points[:20], points[:20]])
    grid = random.integers(0, 3, (30, 3)).astype(float)  # many distances that are an edge to the last bit
    return [
        (points, edges),
        (twice, np.array([0.0, 0.5, 1.0])),
        (grid, np.array([0.0, 1.0, 2.0, 3.0])),
        (points[:1], edges),
    ]


def check(inputs, results):
    """Raise ValueError where a result is not what the starter returns."""
    for i, ((points, edges), result) in enumerate(zip(inputs, results, strict=True)):
        true, said = expected(points, edges), np.asarray(result)
        if said.shape != true.shape:
            raise ValueError(f"call {i}: the result has shape {said.shape}, not {true.shape}")
        wrong = np.flatnonzero(said != true)
        if len(wrong):
            k = wrong[0]
            raise ValueError(
                f"call {i} ({len(points)} points): count {k} is {said[k]}, not {true[k]}; {len(wrong)} of {len(true)} are wrong"
            )


def expected(points, edges):
    first, second = np.triu_indices(len(points), 1)
    distances = np.sqrt(((points[first] - points[second]) ** 2).sum(axis=1))
    place = np.searchsorted(edges, distances, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    return np.bincount(place[inside], minlength=len(edges) - 1)
