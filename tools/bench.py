"""Measure what must be fast and small; `make bench` runs it. Not a test: machines differ.

    python tools/bench.py                    all: crappify, restore, movie, memory, seams, volumes, budgets, measure, footprint
    python tools/bench.py restore --json     one of them, for programs
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

THREADS = {'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1'}
os.environ.update(THREADS)
warnings.filterwarnings('ignore', category=FutureWarning)  # of torch, about what fastai does

import numpy as np


def fastest(action, clock=time.process_time, repeat=5):
    "Seconds of one call: the fastest of several, since whatever else the machine does only adds to the others."
    action()  # caches fill, modules load
    times = []
    for _ in range(repeat):
        start = clock()
        action()
        times.append(clock() - start)
    return min(times)


def picture(side):
    "An 8-bit image of noise: no step depends on what is in it."
    return np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)


def cpu_model(n_in=1, widths=None):
    "The network of the `cpu` preset (or a smaller one) with random weights, none of them zero."
    import torch
    from pssr.experiment import EM_PLANS
    from pssr.models.unet import PSSRUnet, receptive_halo_px
    from pssr.patches import Normalise
    from pssr.restore import Trained
    torch.manual_seed(0)
    network = PSSRUnet(EM_PLANS['cpu'].encoder, n_in=n_in, widths=widths or EM_PLANS['cpu'].widths).eval()
    for p in network.enlarge.parameters(): torch.nn.init.normal_(p, std=0.02)
    grey = Normalise(128, 50)
    return Trained(network, 4, grey, grey, 8., 'uint8', n_in, receptive_halo_px(network), network.multiple)


def crappify():
    "High-resolution pixels that a recipe degrades, on one thread."
    from pssr.crappify import recipe
    image = picture(2048)
    for name in ('em', 'fluorescence'):
        degrade, rng = recipe(name, scale=4), np.random.default_rng(0)
        seconds = fastest(lambda degrade=degrade, rng=rng: degrade(image, rng), repeat=9)
        yield f'crappify {name} ×4', image.size / 1e6 / seconds, 'megapixels per CPU second (wanted for em: 150)'


def restore():
    "256² → 1024², and tiles against the bare network on the same 2048² pixels, in alternation."
    import torch
    from pssr.restore import restore as tiled
    model, image = cpu_model(), picture(2048)
    torch.set_num_threads(1)
    small = picture(256)
    yield 'restore 256² → 1024²', fastest(lambda: tiled(model, small, bar=False)), 'CPU seconds, 1 thread (wanted: at most 1)'
    torch.set_num_threads(2)
    network = model.network.to(memory_format=torch.channels_last)
    part, out = 512, np.empty((8192, 8192), np.uint8)  # all of it at once would need gigabytes
    blocks = [torch.from_numpy(image[y:y + part, x:x + part].astype(np.float32))[None, None]
              for y in range(0, 2048, part) for x in range(0, 2048, part)]
    def bare():
        with torch.inference_mode():
            for block in blocks: network(block)
    seconds = {'bare': [], 'tiled': []}
    for _ in range(3):
        for name, action in (('bare', bare), ('tiled', lambda: tiled(model, image, out=out, bar=False))):
            start = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - start)
    yield 'restore 2048² → 8192²', min(seconds['tiled']), 's, 2 threads'
    yield 'bare network, same pixels', min(seconds['bare']), 's, 2 threads'
    yield 'tiled / bare', min(seconds['tiled']) / min(seconds['bare']), '(wanted: at most 1.15)'


def movie():
    "A five-frame model on a movie against the bare network on the same windows, in alternation."
    import torch
    from pssr.patches import mirrored
    from pssr.restore import restore as tiled
    model, frames = cpu_model(5), np.stack([picture(512)]*12)
    torch.set_num_threads(2)
    network = model.network.to(memory_format=torch.channels_last)
    windows = [torch.from_numpy(np.stack([frames[j] for j in mirrored(t, 5, 12)]).astype(np.float32))[None] for t in range(12)]
    def bare():
        with torch.inference_mode():
            for window in windows: network(window)
    out, seconds = np.empty((12, 2048, 2048), np.uint8), {}
    for _ in range(3):
        for name, action in (('bare', bare), ('movie', lambda: tiled(model, frames, out=out, bar=False))):
            for clock, now in (('wall', time.perf_counter), ('CPU', time.process_time)):
                seconds.setdefault((name, clock), []).append(-now())
            action()
            for clock, now in (('wall', time.perf_counter), ('CPU', time.process_time)): seconds[name, clock][-1] += now()
    least = {k: min(v) for k, v in seconds.items()}
    yield 'movie 12 × 512² → 2048²', least['movie', 'wall'], 's, 2 threads, five frames at once'
    for clock in ('wall', 'CPU'):
        yield f'movie / bare network, {clock} time', least['movie', clock]/least['bare', clock], '(wanted: at most 1.15)'


MEASURED = {  # what: (set-up, call, CPU seconds wanted); the images are noise on a smooth field
    'frc 2048²': ('from pssr.measure import frc; a, b = images(2048)', 'frc(a, b)', 1.5),
    'decorrelation 2048²': ('from pssr.measure import decorrelation; a, b = images(2048)', 'decorrelation(a)', 1.5),
    'squirrel 1024²': ('from pssr.measure import squirrel; a, b = images(1024)', 'squirrel(a, b)', 1.5),
    '1000 beads': ('from pssr.measure import fwhm_bead; a, at = beads(1000)', 'fwhm_bead(a, positions=at)', 5),
}
IMAGES = """
import numpy as np
from scipy.ndimage import gaussian_filter
def images(side):
    rng = np.random.default_rng(0)
    smooth = 1000 + 300*gaussian_filter(rng.standard_normal((side, side)), 3)/0.1
    return [(smooth + 30*rng.standard_normal((side, side))).astype(np.float32) for _ in range(2)]
def beads(n):
    side = int(n**0.5) + 1
    at = np.stack(np.mgrid[:side, :side], -1).reshape(-1, 2)[:n]*25. + 20
    at += np.random.default_rng(0).uniform(-.5, .5, at.shape)
    image = np.full((25*side + 40,)*2, 100., np.float32)
    y, x = np.mgrid[-9:10, -9:10]
    for cy, cx in at:
        r, c = int(round(cy)), int(round(cx))
        image[r - 9:r + 10, c - 9:c + 10] += 800*np.exp(-((y + r - cy)**2 + (x + c - cx)**2)/(2*2.5**2))
    return np.random.default_rng(1).poisson(image).astype(np.float32), at
"""


def measure():
    "Measurements, CPU seconds of one call on one thread."
    for what, (prepare, call, wanted) in MEASURED.items():
        names = {}
        exec(IMAGES + prepare, names)
        yield what, fastest(lambda call=call, names=names: exec(call, names), repeat=3), f'CPU seconds, 1 thread (wanted: at most {wanted})'


def footprint():
    "Peak memory of a measurement in a fresh process above what its images take, in images. Linux only."
    if not Path('/proc/self/clear_refs').exists(): return
    for what, (prepare, call, _) in MEASURED.items():
        code = IMAGES + f"""
def now(key): return next(int(line.split()[1])*1024 for line in open('/proc/self/status') if line.startswith(key))
{prepare}
small = a[:256, :256]
{call.replace('at)', 'at[:50])').replace('(a, b)', '(small, b[:256, :256])').replace('(a)', '(small)')}
open('/proc/self/clear_refs', 'w').write('5')
before = now('VmRSS')
{call}
print((now('VmHWM') - before)/a.nbytes)
"""
        done = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True)
        if done.returncode: raise SystemExit(done.stderr)
        yield f'{what}: peak', float(done.stdout.split()[-1]), '× one float32 image, beside the images (wanted: at most 12)'


PEAK = """
import sys, warnings
warnings.simplefilter('ignore')
from pssr.cli import main
from pssr import load_model
import torch, tqdm, tifffile
torch.set_num_threads(2)
def now(key): return next(int(line.split()[1]) / 1e3 for line in open('/proc/self/status') if line.startswith(key))
model = load_model(sys.argv[1])
open('/proc/self/clear_refs', 'w').write('5')   # the peak so far is forgotten
before = now('VmRSS')
code = main(['restore', *sys.argv[1:]])
print(code, before, now('VmHWM'))
"""


def memory():
    "Peak of a fresh process above its size with the model loaded, for outputs of growing size. Linux only."
    from pssr import Stack, save_model, write
    if not Path('/proc/self/clear_refs').exists(): return
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        save_model(cpu_model(), here / 'model')
        for side in (1024, 2048):
            write(Stack(picture(side), pixel_nm=8.), here / f'{side}.tif')
            command = [sys.executable, '-c', PEAK, here / 'model', here / f'{side}.tif', '-o', here / f'{side}_out.tif']
            done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env={**os.environ, 'CUDA_VISIBLE_DEVICES': ''})
            code, before, peak = (done.stdout.split() or ['1', '0', '0'])[-3:]
            if code != '0': raise SystemExit(f'restore failed: {done.stderr}')
            yield f'peak for {4 * side}² above model', float(peak) - float(before), 'MB (wanted: at most 700 for 8192²)'


def seams():
    "Largest difference between tiled and whole results, share of full scale."
    from pssr.restore import seam
    model, image = cpu_model(), picture(256)
    for tile in (32, 96): yield f'tiles of {tile} px: seam', seam(model, image, tile), 'of full scale (wanted: below 1e-4)'


VOLUME_NETWORKS = {'5 × 3 × 32': {}, '2 × 2 × 16': dict(groups=2, blocks=2, channels=16)}    # Groups, blocks, channels of a 3D RCAN


def volume_network(**sizes):
    "A 3D RCAN with random weights, laid out as it is restored."
    import torch
    from pssr.models.rcan import RCAN
    torch.manual_seed(0)
    network = RCAN(**sizes).eval()
    return network.to(memory_format=network.memory_format)


def volumes():
    "A volume several slabs long against the bare network on blocks of as many voxels, in alternation; seams of every kind of attention."
    import torch
    from pssr.restore_volume import VolumeTiler, restore_volume, seam_energy
    torch.set_num_threads(1)
    shape, rng = (32, 128, 192), np.random.default_rng(0)
    volume = rng.random(shape, dtype=np.float32)
    blocks = [torch.from_numpy(np.ascontiguousarray(volume[None, None, :, y:y + 64, x:x + 96])) for y in (0, 64) for x in (0, 96)]
    out = np.empty(shape, np.float32)
    for name, sizes in VOLUME_NETWORKS.items():
        network = volume_network(**sizes)
        def bare(network=network):
            with torch.inference_mode():
                for block in blocks: network(block)
        def restored(network=network): restore_volume(network, volume, memory_gb=.25, out=out, bar=False)
        seconds = {}
        for _ in range(2):
            for what, action in (('bare', bare), ('restored', restored)):
                for clock, now in (('wall', time.perf_counter), ('CPU', time.process_time)):
                    seconds.setdefault((what, clock), []).append(-now())
                action()
                for clock, now in (('wall', time.perf_counter), ('CPU', time.process_time)): seconds[what, clock][-1] += now()
        for clock in ('CPU', 'wall'):
            bare_s, all_s = min(seconds['bare', clock]), seconds['restored', clock]
            yield f'{name}: volume / bare, {clock}', min(all_s)/bare_s, '(wanted: at most 1.3), with sampling'
            yield f'{name}: first time, {clock}', all_s[0]/bare_s, 'with the probes of the memory'
    network, cut = volume_network(groups=2, blocks=2, channels=16), dict(tile=(16, 48, 48), patch=(16, 48, 48))
    part = volume[:, :96, :96]*np.linspace(.2, 1, 96, dtype=np.float32)
    whole = VolumeTiler(network, part.shape, 8.).forward(part[None])[0]
    for attention in ('frozen', 'exact', 'blend'):
        seam = seam_energy(restore_volume(network, part, attention=attention, bar=False, **cut), whole, cut['tile'])
        for what, value in zip(('largest', 'on the cuts', 'elsewhere'), seam):
            yield f'{attention}: {what}', value, 'of the range' if what == 'largest' else 'of its square'


BUDGET = """
import sys, warnings
warnings.simplefilter('ignore')
import numpy as np, torch
sys.path.insert(0, sys.argv[1])
from bench import VOLUME_NETWORKS, volume_network
from pssr import pieces as module, restore_volume as whole
torch.set_num_threads(1)
network = volume_network(**VOLUME_NETWORKS[sys.argv[2]])
volume = np.random.default_rng(0).random((16, 160, 192), dtype=np.float32)
out = np.ones_like(volume)
with torch.inference_mode(): network(torch.zeros(1, 1, 8, 16, 16))
def now(key): return next(int(line.split()[1])/1e6 for line in open('/proc/self/status') if line.startswith(key))
peak, highest = module._peak, []
def watched(*args):                              # a probe resets the mark
    highest.append(now('VmHWM'))
    return peak(*args)
module._peak = watched
open('/proc/self/clear_refs', 'w').write('5')
before = now('VmRSS')
whole.restore_volume(network, volume, memory_gb=float(sys.argv[3]), out=out, bar=False)
print(max(highest + [now('VmHWM')]) - before)
"""


def budgets():
    "Peak of a volume's restoration in fresh processes above its size with network, volume and result, for budgets. Linux only."
    if not Path('/proc/self/clear_refs').exists(): return
    for name in VOLUME_NETWORKS:
        for budget in (.25, .5, 1, 2):
            done = subprocess.run([sys.executable, '-c', BUDGET, str(Path(__file__).parent), name, str(budget)], capture_output=True,
                                  text=True, env={**os.environ, 'CUDA_VISIBLE_DEVICES': ''})
            if done.returncode: raise SystemExit(done.stderr)
            yield f'{name}, {budget:g} GB: peak', float(done.stdout.split()[-1])/budget, 'of the budget (wanted: at most 1.1)'


BENCHES = dict(crappify=crappify, restore=restore, movie=movie, memory=memory, seams=seams, volumes=volumes, budgets=budgets,
               measure=measure, footprint=footprint)

if __name__ == '__main__':
    p = argparse.ArgumentParser(description='Measure what must be fast and small.')
    p.add_argument('names', nargs='*', metavar='NAME', help=f'of {", ".join(BENCHES)} (default: all)')
    p.add_argument('--json', action='store_true', help='print JSON')
    args = p.parse_args()
    if unknown := set(args.names) - set(BENCHES): p.error(f'no benchmark {unknown.pop()!r}: choose from {", ".join(BENCHES)}')
    found = []
    for name in args.names or BENCHES:
        for what, value, unit in BENCHES[name]():
            found.append(dict(bench=name, what=what, value=value, unit=unit))
            if not args.json: print(f'{what:30} {value:10.3g} {unit}', flush=True)
    if args.json: print(json.dumps(found, indent=2))
