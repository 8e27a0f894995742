"""Renders the sample catalogue's products in scenes of their own, for training: never a scene of the
customers' photos in `kb/photos`, whose seeds differ. Run by Blender:

    blender -b -P new_angles.py -- --kit ../../../kb/render --out DIR
"""

import argparse
import csv
import random
import sys
from pathlib import Path

p = argparse.ArgumentParser()
p.add_argument("--kit", type=Path, required=True)
p.add_argument("--first", type=int, default=0, help="number of the first view")
p.add_argument("--views", type=int, default=56)
p.add_argument("--size", type=int, default=160)
p.add_argument("--samples", type=int, default=5)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--out", type=Path, required=True)
a = p.parse_args(sys.argv[sys.argv.index("--") + 1 :])

# The renderer is a script that runs when imported: take its functions without its last line.
file = a.kit.resolve() / "render.py"
sys.path.insert(0, str(file.parent))
kit = {"__name__": "render", "__file__": str(file)}
exec(compile(file.read_text().rstrip().removesuffix("main()"), str(file), "exec"), kit)
import products  # noqa: E402

a.out.mkdir(parents=True, exist_ok=True)
with open(a.out / "labels.csv", "w", newline="") as f:
    rows = csv.writer(f)
    rows.writerow(["photo", "product_id"])
    # Two views of everything first: a run that is cut short still leaves a usable set.
    for start in range(a.first, a.first + a.views, 2):
        for product in products.PRODUCTS:
            kit["setup"](a.size, a.samples, a.threads)
            kit["wipe_all"]()
            parts, _ = kit["build"](product["family"], product["params"], product["seed"])
            for view in range(start, min(start + 2, a.first + a.views)):
                rng = random.Random(f"new angles/{product['id']}/{view}")
                kit["wipe"](parts)
                kit["kit"]._frames[:] = [kit["kit"].Matrix()]
                kit["stage"].home(rng, parts, kit["FAMILIES"][product["family"]][2])
                name = f"{product['slug']}-{view}.jpg"
                if not (a.out / name).exists():  # a second start goes on
                    kit["shoot"](a.out / name, rng.randrange(1 << 30))
                rows.writerow([name, product["id"]])
            f.flush()
