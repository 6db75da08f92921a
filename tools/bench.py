"""Measure the speed of what must be fast, on one thread; `make bench` runs it. Not a test: machines differ."""
import os

os.environ.update(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1')

import time

import numpy as np


def cpu_seconds(
    action,    # What to measure
    repeat=7,  # The fastest of so many runs counts: whatever else the machine does only adds to the others
):
    "CPU seconds that one call takes."
    action()  # caches fill, modules load
    times = []
    for _ in range(repeat):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def crappify():
    "Megapixels of high-resolution input that a recipe degrades in one CPU second."
    from pssr.crappify import recipe
    image = np.random.default_rng(0).integers(0, 256, (2048, 2048), dtype=np.uint8)
    for name in ('em', 'fluorescence'):
        degrade, rng = recipe(name, scale=4), np.random.default_rng(0)
        seconds = cpu_seconds(lambda degrade=degrade, rng=rng: degrade(image, rng))
        yield f'crappify {name} ×4', image.size / 1e6 / seconds, 'megapixels per CPU second'


if __name__ == '__main__':
    for bench in (crappify,):
        for what, value, unit in bench(): print(f'{what:24} {value:8.1f} {unit}', flush=True)
