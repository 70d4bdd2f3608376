"""Starter: counts the distances between all pairs of points, one pair after the other."""

import time

import numpy as np


def count_distances(points, edges):
    counts = np.zeros(len(edges) - 1, dtype=int)
    for i in range(len(points)):
        for j in range(i + 1, len(points)):
            distance = np.sqrt(np.sum((points[i] - points[j]) ** 2))
            for k in range(len(counts)):
                if edges[k] <= distance < edges[k + 1]:
                    counts[k] += 1
    return counts


if __name__ == "__main__":
    points, edges = np.random.default_rng(0).random((300, 3)), np.linspace(0, 2, 21)
    start = time.perf_counter()
    print("counts", count_distances(points, edges))
    print("seconds", round(time.perf_counter() - start, 4))
