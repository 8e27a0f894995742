"""Render the sample catalogue, or random products to train on. Runs inside Blender:

    blender -b -P kb/render/render.py -- catalogue [--only ID,...] [--set images|photos|all]
    blender -b -P kb/render/render.py -- random --count 100 --views 4 --size 160 --samples 12 \
        --seed 1 --out DIR

Everything is drawn from seeded generators: the same command gives the same pictures.
"""

import argparse
import csv
import random
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy  # noqa: E402

import kit  # noqa: E402
import stage  # noqa: E402
from families import FAMILIES, Params  # noqa: E402

KB = Path(__file__).resolve().parent.parent
QUALITY = 90   # of JPEGs; Blender's own default for images it saves, so that both ways agree


def setup(size, samples, threads, grain=0.0):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    sc = bpy.context.scene
    sc.render.engine = "CYCLES"
    cy = sc.cycles
    cy.device, cy.samples, cy.use_denoising = "CPU", samples, False
    cy.use_adaptive_sampling = False
    cy.max_bounces, cy.diffuse_bounces, cy.glossy_bounces = 5, 2, 3
    cy.transmission_bounces, cy.transparent_max_bounces = 4, 4
    cy.caustics_reflective = cy.caustics_refractive = False
    cy.sample_clamp_indirect, cy.sample_clamp_direct = 3.0, 12.0
    cy.blur_glossy = 1.0
    sc.render.threads_mode, sc.render.threads = "FIXED", threads
    sc.render.resolution_x = sc.render.resolution_y = size
    sc.render.image_settings.file_format = "JPEG"
    sc.render.image_settings.quality = QUALITY
    # No dates or times in the files: the same command gives the same bytes.
    for stamp in ("date", "time", "render_time", "frame", "camera", "scene", "filename", "memory", "hostname"):
        setattr(sc.render, f"use_stamp_{stamp}", False)
    sc.view_settings.view_transform = "Filmic"
    sc.view_settings.look = "Medium High Contrast"
    _denoise(sc, 2 if size < 256 else 3 if size < 600 else 4, grain)
    return sc


def _denoise(sc, radius, grain):
    """Blender may be built without a denoiser, so the compositor does it: divide the surface
    colour out, average the remaining light over neighbours of like normal and colour, and
    multiply the colour back in. `grain` keeps that share of the noise, as a phone would."""
    vl = bpy.context.view_layer
    vl.cycles.denoising_store_passes = True
    sc.use_nodes = True
    nt = sc.node_tree
    nt.nodes.clear()
    rl = nt.nodes.new("CompositorNodeRLayers")
    out = nt.nodes.new("CompositorNodeComposite")

    def mix(kind, a, b, fac=1.0):
        n = nt.nodes.new("CompositorNodeMixRGB")
        n.blend_type = kind
        n.inputs[0].default_value = fac
        for i, v in ((1, a), (2, b)):
            if isinstance(v, tuple):
                n.inputs[i].default_value = v
            else:
                nt.links.new(v, n.inputs[i])
        return n.outputs[0]

    albedo = mix("ADD", rl.outputs["Denoising Albedo"], (0.04, 0.04, 0.04, 0))
    light = mix("DIVIDE", rl.outputs["Image"], albedo)
    guide = mix("ADD", rl.outputs["Denoising Normal"], mix("MULTIPLY", albedo, (2, 2, 2, 1)))
    bl = nt.nodes.new("CompositorNodeBilateralblur")
    bl.iterations, bl.sigma_color, bl.sigma_space = 1, 0.25, radius
    nt.links.new(light, bl.inputs[0])
    nt.links.new(guide, bl.inputs[1])
    img = mix("MULTIPLY", bl.outputs[0], albedo)
    if grain:
        img = mix("MIX", img, rl.outputs["Image"], grain)
    nt.links.new(img, out.inputs[0])


def wipe(keep=()):
    """Remove everything but `keep` and the camera, with the data behind it."""
    keep = set(keep)
    gone = [o for o in bpy.data.objects if o not in keep and o.type != "CAMERA"]
    data = [o.data for o in gone]
    bpy.data.batch_remove(gone)
    bpy.data.batch_remove([d for d in data if d and d.users == 0])


def wipe_all():
    wipe()
    bpy.data.batch_remove(list(bpy.data.materials))
    kit.forget_materials()


def build(family, fixed, seed):
    """Make one product in an empty scene; returns its parts and parameters."""
    parts = kit.begin()
    p = Params(fixed, seed)
    FAMILIES[family][0](p)
    parts = list(parts)
    bpy.context.view_layer.update()
    # Drop it onto the floor: what a tilt sank below zero must not cut into the table.
    if FAMILIES[family][2] != "wall":
        low = min(c.z for c in stage.corners(parts))
        for ob in parts:
            ob.location.z -= low
        bpy.context.view_layer.update()
    return parts, p


def shoot(path, seed, shrink=1):
    """Render to `path`. With `shrink` the picture was rendered that many times larger at fewer
    samples a pixel: the denoiser leaves noise along edges, and averaging down removes it."""
    sc = bpy.context.scene
    sc.cycles.seed = seed % 2147483647
    if shrink == 1:
        sc.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        return
    with tempfile.TemporaryDirectory() as tmp:
        sc.render.image_settings.file_format = "PNG"
        sc.render.filepath = f"{tmp}/large.png"
        bpy.ops.render.render(write_still=True)
        img = bpy.data.images.load(f"{tmp}/large.png")
        img.pixels[0]   # loads it; scaling an image that isn't loaded does nothing
        img.scale(sc.render.resolution_x // shrink, sc.render.resolution_y // shrink)
        img.file_format = "JPEG"
        img.filepath_raw = str(path)
        img.save()
        bpy.data.images.remove(img)
        Path(path).write_bytes(bare(Path(path).read_bytes()))
        sc.render.image_settings.file_format = "JPEG"
        sc.render.image_settings.quality = QUALITY


def bare(jpeg):
    """A JPEG without its comments, in which Cycles notes how long it took."""
    out, i = bytearray(jpeg[:2]), 2
    while jpeg[i + 1] != 0xDA:   # start of scan: from here on it is all picture
        n = 2 + int.from_bytes(jpeg[i + 2:i + 4], "big")
        if jpeg[i + 1] != 0xFE:
            out += jpeg[i:i + n]
        i += n
    return bytes(out + jpeg[i:])


def caption(family, p, rng):
    c = p.used.get("colour", "")
    noun = rng.choice(FAMILIES[family][1])
    c = c if c in kit.PALETTE or c in kit.METALS or c in kit.WOODS else ""
    words = [w for w in p.words if w]
    lead = f"{c} {noun}".strip()
    art = "" if noun in ("headphones", "earbuds") else ("an " if lead[0] in "aeiou" else "a ")
    return ", ".join([f"{art}{lead}" + (f" {words[0]}" if words and words[0].startswith(("with ", "on ", "in ")) else "")]
                     + [w for i, w in enumerate(words) if i or not w.startswith(("with ", "on ", "in "))])


def random_mode(a):
    """Products nobody sells. About a third are siblings: the last product with one or two
    parameters drawn again, so that a model must learn details and not only kinds."""
    setup(a.size, a.samples, a.threads)
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    names = a.family.split(",") if a.family else sorted(FAMILIES)
    last = None
    t0 = time.time()
    with open(out / "labels.csv", "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["image", "object", "family", "colour", "caption"])
        for i in range(a.count):
            rng = random.Random(f"{a.seed}/{i}")
            family, fixed = names[(i + a.seed) % len(names)] if a.even else rng.choice(names), {}
            if last and rng.random() < a.siblings:
                family, fixed = last[0], dict(last[1])
                for k in rng.sample(sorted(fixed), min(len(fixed), rng.randint(1, 3))):
                    del fixed[k]
            wipe_all()
            parts, p = build(family, fixed, f"{a.seed}/{i}")
            last = (family, dict(p.used))
            text = caption(family, p, rng)
            for v in range(a.views):
                wipe(parts)
                vr = random.Random(f"{a.seed}/{i}/{v}")
                kit._frames[:] = [kit.Matrix()]
                mount = FAMILIES[family][2]
                # The first view is a catalogue's; most others are customers'.
                if v == 0 or vr.random() < 0.2:
                    stage.studio(vr, parts, mount)
                else:
                    stage.home(vr, parts, mount)
                name = f"{a.seed:03d}_{i:05d}_{v}.jpg"
                shoot(out / name, vr.randrange(1 << 30))
                w.writerow([name, f"{a.seed:03d}_{i:05d}", family, p.used.get("colour", ""), text])
            f.flush()
            if i % 10 == 9:
                print(f"random: {i + 1}/{a.count} objects, {(time.time() - t0) / ((i + 1) * a.views):.2f} s a view", flush=True)


def catalogue_mode(a):
    import products
    only = set(a.only.split(",")) if a.only else None
    jobs = []
    for pr in products.PRODUCTS:
        if only and pr["id"] not in only:
            continue
        for k, shot in enumerate(pr["shots"]):
            if a.set in ("images", "all"):
                jobs.append((k, pr, "images", f"{pr['slug']}-{k + 1}.jpg", shot))
        for k, shot in enumerate(pr["photos"]):
            if a.set in ("photos", "all"):
                jobs.append((k, pr, "photos", f"{pr['slug']}-at-home-{k + 1}.jpg", shot))
    # One picture of everything first: a run that is cut short still leaves a usable set.
    if a.order == "breadth":
        jobs.sort(key=lambda j: j[0])
    out = Path(a.out) if a.out else KB
    for d in ("images", "photos"):
        (out / d).mkdir(parents=True, exist_ok=True)
    made = None
    for n, (k, pr, kind, name, shot) in enumerate(jobs):
        t0 = time.time()
        if a.skip and (out / kind / name).exists():
            continue
        state = (pr["id"], kind)
        if made is None or made[0] != state:
            photo = kind == "photos"
            setup(a.size * a.shrink, a.samples, a.threads, grain=0.2 if photo else 0.0)
            kit.forget_materials()
            parts, _ = build(pr["family"], pr["params"], pr["seed"])
            made = (state, parts)
        wipe(made[1])
        kit._frames[:] = [kit.Matrix()]
        rng = random.Random(f"{pr['id']}/{kind}/{k}/{shot.get('seed', 0)}")
        kw = {q: v for q, v in shot.items() if q != "seed"}
        mount = FAMILIES[pr["family"]][2]
        (stage.studio if kind == "images" else stage.home)(rng, made[1], mount, **kw)
        shoot(out / kind / name, rng.randrange(1 << 30), a.shrink)
        print(f"catalogue: {n + 1}/{len(jobs)} {kind}/{name} {time.time() - t0:.1f} s", flush=True)


def main():
    ap = argparse.ArgumentParser(prog="render.py")
    sub = ap.add_subparsers(dest="mode", required=True)
    r = sub.add_parser("random", help="random products to train on")
    r.add_argument("--count", type=int, default=10)
    r.add_argument("--views", type=int, default=4)
    r.add_argument("--size", type=int, default=160)
    r.add_argument("--samples", type=int, default=12)
    r.add_argument("--seed", type=int, default=0)
    r.add_argument("--siblings", type=float, default=0.3)
    r.add_argument("--family", default="")
    r.add_argument("--even", action="store_true", help="take the families in turn")
    r.add_argument("--threads", type=int, default=2)
    r.add_argument("--out", required=True)
    c = sub.add_parser("catalogue", help="the catalogue's pictures and its customers' photos")
    c.add_argument("--set", choices=["images", "photos", "all"], default="all")
    c.add_argument("--only", default="")
    c.add_argument("--size", type=int, default=400)
    c.add_argument("--samples", type=int, default=3, help="for each pixel before shrinking")
    c.add_argument("--shrink", type=int, default=2, help="render this many times larger, average down")
    c.add_argument("--threads", type=int, default=2)
    c.add_argument("--order", choices=["product", "breadth"], default="product")
    c.add_argument("--skip", action="store_true", help="keep pictures that exist")
    c.add_argument("--out", default="", help="another folder than kb/")
    a = ap.parse_args(sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else [])
    (random_mode if a.mode == "random" else catalogue_mode)(a)


main()
