"""Sets, light and camera: a studio for catalogue pictures and homes for customers' photos."""

import math

import bmesh
import bpy
from mathutils import Matrix, Vector

import kit
from families import plant
from kit import (PALETTE, UP, blob, disc, fabric, frame, gloss, lathe, material, plastic, prism,
                 rbox, rgb, soft, tube)


# --- the product's extent --------------------------------------------------------------------

def corners(objects):
    """World-space corners of every part's box, for fitting the camera."""
    deps = bpy.context.evaluated_depsgraph_get()
    pts = []
    for ob in objects:
        e = ob.evaluated_get(deps)
        pts += [e.matrix_world @ Vector(c) for c in e.bound_box]
    return pts


def extent(pts):
    lo = Vector([min(p[i] for p in pts) for i in range(3)])
    hi = Vector([max(p[i] for p in pts) for i in range(3)])
    return lo, hi


# --- camera --------------------------------------------------------------------------------

def aim(pts, az, el, fill=0.8, lens=60, roll=0.0, shift=(0.0, 0.0)):
    """Point the camera from azimuth `az` (0 is the product's front) and elevation `el`, as near
    as lets the whole product take `fill` of the frame."""
    sc = bpy.context.scene
    cam = sc.camera
    if cam is None:
        cam = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        sc.collection.objects.link(cam)
        sc.camera = cam
    cam.data.lens = lens
    cam.data.clip_end = 1e5
    half = 18.0 / lens
    lo, hi = extent(pts)
    target = (lo + hi) / 2
    out = Vector((math.sin(az) * math.cos(el), -math.cos(az) * math.cos(el), math.sin(el)))
    dist = (hi - lo).length * lens / 36
    quat = (-out).to_track_quat("-Z", "Y")
    right, up = quat @ Vector((1, 0, 0)), quat @ Vector((0, 1, 0))
    for _ in range(8):
        pos = target + out * dist
        xs, ys, worst = [], [], 0
        for p in pts:
            v = p - pos
            z = -v.dot(out)
            xs.append(v.dot(right) / z)
            ys.append(v.dot(up) / z)
        cx, cy = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
        target = target + right * cx * dist + up * cy * dist
        worst = max(max(xs) - min(xs), max(ys) - min(ys)) / 2
        dist *= max(0.5, min(2.0, worst / (half * fill)))
    target = target - right * shift[0] * half * dist * 2 - up * shift[1] * half * dist * 2
    pos = target + out * dist
    cam.matrix_world = Matrix.Translation(pos) @ (quat.to_matrix().to_4x4()) @ Matrix.Rotation(roll, 4, "Z")
    return pos, dist


# --- light ---------------------------------------------------------------------------------

def _light(kind, at, target, power, size, colour=(1, 1, 1), size_y=None):
    li = bpy.data.lights.new("light", kind)
    li.energy, li.color = power, colour
    if kind == "AREA":
        li.size = size
        if size_y:
            li.shape, li.size_y = "RECTANGLE", size_y
    elif kind == "SUN":
        li.angle = size
    ob = bpy.data.objects.new("light", li)
    bpy.context.scene.collection.objects.link(ob)
    at, target = Vector(at), Vector(target)
    ob.matrix_world = Matrix.Translation(at) @ (target - at).to_track_quat("-Z", "Y").to_matrix().to_4x4()
    return ob


def kelvin(t):
    """A lamp's tint from 'warm' (-1) to 'cool' (1)."""
    warm, cool = (1.0, 0.62, 0.30), (0.72, 0.86, 1.0)
    a = max(0, -t), max(0, t)
    return tuple(1 + (w - 1) * a[0] + (c - 1) * a[1] for w, c in zip(warm, cool))


def world(strength, low, high):
    w = bpy.data.worlds.get("kb") or bpy.data.worlds.new("kb")
    bpy.context.scene.world = w
    w.use_nodes = True
    # The map by which rays find bright sky costs seconds at its default size; this sky is smooth.
    w.cycles.sampling_method, w.cycles.sample_map_resolution = "MANUAL", 64
    nt = w.node_tree
    nt.nodes.clear()
    out, bg = nt.nodes.new("ShaderNodeOutputWorld"), nt.nodes.new("ShaderNodeBackground")
    ramp, sep, co = (nt.nodes.new("ShaderNodeValToRGB"), nt.nodes.new("ShaderNodeSeparateXYZ"),
                     nt.nodes.new("ShaderNodeTexCoord"))
    # Metal is only as good as what it mirrors: a horizon and a brighter sky, not one flat grey.
    e = ramp.color_ramp.elements
    e[0].position, e[0].color = 0.35, (*low, 1)
    e[1].position, e[1].color = 0.9, (*high, 1)
    mp = nt.nodes.new("ShaderNodeMapRange")
    mp.inputs["From Min"].default_value, mp.inputs["From Max"].default_value = -1, 1
    nt.links.new(co.outputs["Generated"], sep.inputs[0])
    nt.links.new(sep.outputs["Z"], mp.inputs["Value"])
    nt.links.new(mp.outputs[0], ramp.inputs["Fac"])
    nt.links.new(ramp.outputs["Color"], bg.inputs["Color"])
    bg.inputs["Strength"].default_value = strength
    nt.links.new(bg.outputs[0], out.inputs[0])


# --- surfaces of rooms -----------------------------------------------------------------------

def _tiles(a, b, gap, width, height, mortar, offset, rough, grain=0.0):
    m = bpy.data.materials.new("floor")
    m.use_nodes = True
    nt, bs = m.node_tree, m.node_tree.nodes["Principled BSDF"]
    bs.inputs["Roughness"].default_value = rough
    co, br = nt.nodes.new("ShaderNodeTexCoord"), nt.nodes.new("ShaderNodeTexBrick")
    br.inputs["Scale"].default_value = 1
    br.inputs["Color1"].default_value, br.inputs["Color2"].default_value = (*a, 1), (*b, 1)
    br.inputs["Mortar"].default_value = (*gap, 1)
    br.inputs["Mortar Size"].default_value = mortar
    br.inputs["Mortar Smooth"].default_value = 0.2
    br.inputs["Brick Width"].default_value, br.inputs["Row Height"].default_value = width, height
    br.offset = offset
    nt.links.new(co.outputs["Object"], br.inputs["Vector"])
    col = br.outputs["Color"]
    if grain:
        mp, nz = nt.nodes.new("ShaderNodeMapping"), nt.nodes.new("ShaderNodeTexNoise")
        mp.inputs["Scale"].default_value = (0.08, 1.1, 1)
        nz.inputs["Scale"].default_value, nz.inputs["Detail"].default_value = 1, 4
        mix = nt.nodes.new("ShaderNodeMixRGB")
        mix.blend_type = "MULTIPLY"
        rp = nt.nodes.new("ShaderNodeValToRGB")
        rp.color_ramp.elements[0].color = (1 - grain, 1 - grain, 1 - grain, 1)
        rp.color_ramp.elements[0].position, rp.color_ramp.elements[1].position = 0.3, 0.65
        mix.inputs[0].default_value = 1
        nt.links.new(co.outputs["Object"], mp.inputs["Vector"])
        nt.links.new(mp.outputs[0], nz.inputs["Vector"])
        nt.links.new(nz.outputs["Fac"], rp.inputs["Fac"])
        nt.links.new(col, mix.inputs[1])
        nt.links.new(rp.outputs["Color"], mix.inputs[2])
        col = mix.outputs[0]
    nt.links.new(col, bs.inputs["Base Color"])
    return m


def surface(kind, rng):
    v = rng.uniform(0.75, 1.2)

    def sh(name, k=1.0):
        return tuple(min(1, c * v * k) for c in rgb(name))
    if kind in ("table", "floor_wood"):
        w = rng.choice(["oak", "walnut", "beech", "cherry", "b8a48c", "8a6a48"])
        return _tiles(sh(w), sh(w, 0.82), sh(w, 0.3), rng.uniform(60, 140), rng.uniform(7, 15),
                      0.12, 0.37, rng.uniform(0.3, 0.6), 0.45)
    if kind == "tiles":
        a = rng.choice(["e4e2dc", "9fb6b8", "c9b79a", "5d6468", "b9c4cc", "a65a3c"])
        s = rng.uniform(10, 25)
        return _tiles(sh(a), sh(a, 0.92), sh("8d8a84"), s, s, 0.35, 0, 0.2)
    if kind == "brick":
        a = rng.choice(["9c4a33", "c8bfb2", "7a3b2c"])
        return _tiles(sh(a), sh(a, 0.75), sh("b0a99c"), 21, 7.5, 0.7, 0.5, 0.85, 0.3)
    if kind == "carpet":
        a = rng.choice(["8a8378", "4a5a6a", "7a3038", "c2b59f", "39463c", "54486a"])
        return material(sh(a), 0.95, bump=1.0, scale=2.2, mottle=0.5, sheen=0.5, spec=0.1)
    if kind == "grass":
        return material(sh(rng.choice(["6a9440", "7fa046", "5a8a3c"])), 0.9, bump=0.6, scale=0.7, mottle=0.6, spec=0.1)
    if kind in ("concrete", "stone"):
        return material(sh(rng.choice(["96938d", "7a7874", "b4ada2"])), 0.85, bump=0.4, scale=0.25, mottle=0.35)
    if kind == "marble":
        return material(sh(rng.choice(["e6e3de", "3a3c40", "d9cdbd"])), 0.15, scale=0.06, mottle=0.3)
    if kind == "cloth":
        a, b = rng.sample(["e9e2d2", "3b6ea5", "b8433a", "2f5d46", "c8a24a", "40405a", "d98a9a"], 2)
        s = rng.uniform(2.5, 6)
        return _tiles(sh(a), sh(b), sh(a, 0.8), s, s, 0.0, rng.choice([0, 0.5]), 0.9)
    return material(sh(rng.choice(["e8e4da", "b8c4c0", "c9a58b", "7d8fa0", "d9cfa8", "9a6f6a", "6d7a66", "efefef", "46505c"])),
                    0.85, bump=0.05, scale=1.5, mottle=0.05)


def _plane(size, mat, at, rot=UP):
    s = size / 2
    return prism([(-s, -s), (s, -s), (s, s), (-s, s)], 0.01, mat, at, rot, bevel=0)


def sweep(size, mat):
    """A photographer's paper sweep: floor, a curve, and up."""
    r = size * 0.25
    prof = [(-size, 0.0), (size * 0.4, 0.0)]
    prof += [(size * 0.4 + r * math.sin(t), r - r * math.cos(t)) for t in [math.pi / 2 * k / 16 for k in range(1, 17)]]
    prof += [(size * 0.4 + r, size * 1.6)]
    bm = bmesh.new()
    rows = [[bm.verts.new((x, y, z - 0.011)) for x in (-size * 1.5, size * 1.5)] for y, z in prof]
    for a, b in zip(rows, rows[1:]):
        bm.faces.new((a[0], a[1], b[1], b[0]))
    kit._mesh(bm, mat, (0, 0, 0), UP, 60)


# --- what else stands in a home ------------------------------------------------------------------

def mug(rng):
    m = gloss(rng.choice(list(PALETTE.values())))
    lathe(soft([(0, 0), (3.6, 0), (4.0, 9.2), (3.7, 9.2), (3.4, 0.6), (0, 0.6)], 0.3), m)
    tube([(3.7, 0, 7.6), (5.6, 0, 7.2), (6.2, 0, 4.8), (5.2, 0, 2.6), (3.6, 0, 2.2)], 0.55, m)
    disc(3.5, 0.1, material("2a160c", 0.1), (0, 0, 7.8), bevel=0)


def books(rng):
    z = 0
    for _ in range(rng.randint(2, 4)):
        w, d, h = rng.uniform(13, 16), rng.uniform(19, 23), rng.uniform(1.6, 3.6)
        with frame((0, 0, z), (0, 0, rng.uniform(-0.25, 0.25))):
            m = plastic(rng.choice(list(PALETTE.values())), 0.6)
            rbox(w, d, 0.25, m, r=0.1, bevel=0.03)
            rbox(w - 0.6, d - 0.5, h - 0.5, material("e6dfcc", 0.9), (0.2, 0, 0.25), r=0.1, bevel=0)
            rbox(w, d, 0.25, m, (0, 0, h - 0.25), r=0.1, bevel=0.03)
            rbox(0.3, d, h, m, (-w / 2, 0, 0), r=0.1, bevel=0.05)
        z += h


def pot_plant(rng):
    r, h = rng.uniform(4, 6), rng.uniform(7, 10)
    lathe(soft([(0, 0), (r * 0.75, 0), (r, h), (r * 0.9, h), (r * 0.85, h - 1), (0, h - 1)], 0.3),
          material(rng.choice(["b0583a", "e6e2da", "4f5a60", "c9a24a"]), 0.7))
    plant((0, 0, h - 1), rng.uniform(9, 16), rng, rng.choice(["long", "round"]))


def apple(rng):
    m = gloss(rng.choice(["b8251c", "7fae2a", "d8b13a"]))
    lathe([(3.7 * (math.sin(t) * (1 - 0.12 * math.cos(t))) if 0 < t < math.pi else 0.0,
            3.4 - 3.4 * math.cos(t) - 0.9 * math.exp(-((t - math.pi) ** 2) * 4)) for t in [math.pi * k / 24 for k in range(25)]], m)
    tube([(0, 0, 5.6), (0.3, 0, 7.4)], 0.15, plastic("brown"))


def beaker(rng):
    lathe(soft([(0, 0), (3, 0), (3.4, 11), (3.2, 11), (2.8, 0.8), (0, 0.8)], 0.2), gloss("cfdcdc"))


def box(rng):
    s = rng.uniform(10, 18)
    rbox(s, s * 0.8, s * 0.6, material("a97c4f", 0.85), r=0.1, bevel=0.05)
    rbox(s * 0.16, s * 0.81, s * 0.605, plastic("c9b48a", 0.3), r=0.05, bevel=0)


def pencil(rng):
    with frame((0, 0, 0.4), (0, math.pi / 2, 0)):
        lathe([(0, -9), (0.15, -8.8), (0.38, -7.6), (0.38, 8), (0.38, 9), (0, 9)], plastic(rng.choice(["e0b020", "c0392b", "2456a0", "2a8a4a"])), n=6, auto=10)


def pouch(rng):
    blob(rng.uniform(14, 22), rng.uniform(10, 14), rng.uniform(5, 9), fabric(rng.choice(list(PALETTE.values())), 3), (0, 0, 3), e1=0.8, e2=0.6, cut=-0.8)


def stone(rng):
    blob(rng.uniform(8, 18), rng.uniform(8, 14), rng.uniform(6, 12), material("8a8680", 0.9, bump=0.6, scale=0.5, mottle=0.3), (0, 0, 1), e1=0.8, e2=0.9)


# What may stand around, with the room it needs.
INDOOR = [(mug, 6), (books, 14), (pot_plant, 9), (apple, 4), (beaker, 4), (box, 13), (pencil, 8), (pouch, 12)]
OUTDOOR = [(stone, 8), (pot_plant, 9), (box, 13), (stone, 8)]


# --- the two kinds of set ----------------------------------------------------------------------

def _flat(lo, hi):
    """Whether a product lies flat, so that one must look down on it to see anything."""
    return hi.z - lo.z < 0.36 * max(hi.x - lo.x, hi.y - lo.y)


def studio(rng, objects, mount, az=None, el=None, tint=None, fill=0.8):
    pts = corners(objects)
    lo, hi = extent(pts)
    R = max(1.0, (hi - lo).length / 2)
    mid = (lo + hi) / 2
    az = rng.uniform(-0.7, 0.7) if az is None else az
    if el is None:
        el = rng.uniform(0.5, 0.9) if mount != "wall" and _flat(lo, hi) else rng.uniform(0.12, 0.55)
    tint = tint or rng.choice(["f2f1ee", "e9edf1", "efe8df", "dfe6e3", "d8dde6", "f4e9e2", "c9cdd2"])
    paper = material(tint, 0.8, spec=0.1)
    if mount == "wall":
        _plane(R * 40, paper, (0, 0.0, 0), (math.pi / 2, 0, 0))
    else:
        with frame((0, 0, 0), (0, 0, az)):
            sweep(R * 9, paper)
    pos, dist = aim(pts, az, el, fill, 70)
    c, s = math.cos(az), math.sin(az)

    def at(x, y, z):
        return mid + Vector((x * c - y * s, x * s + y * c, z)) * R
    side = rng.choice([-1, 1])
    k = 3.2 * R
    _light("AREA", at(side * 2.2, -1.6, 2.6), mid, 6.0 * k * k, 2.6 * R, kelvin(-0.06))
    _light("AREA", at(-side * 2.8, -1.2, 1.2), mid, 1.8 * k * k, 2.4 * R, kelvin(0.08))
    if mount != "wall":
        _light("AREA", at(-side * 1.2, 2.2, 2.4), mid, 3.2 * k * k, 1.6 * R)
    world(0.42, (0.55, 0.55, 0.56), (1.0, 1.0, 1.0))
    bpy.context.scene.view_settings.exposure = 0.1
    return "studio"


def home(rng, objects, mount, az=None, el=None, clutter=None, light=None, ground=None, fill=None):
    pts = corners(objects)
    lo, hi = extent(pts)
    R = max(1.0, (hi - lo).length / 2)
    mid = (lo + hi) / 2
    az = rng.uniform(-0.95, 0.95) if az is None else az
    if mount == "wall":
        az = max(-0.75, min(0.75, az))
    if el is None:
        el = (rng.uniform(-0.2, 0.4) if mount == "wall" else
              rng.uniform(0.45, 1.1) if _flat(lo, hi) else rng.uniform(0.18, 0.85))
    ground = ground or rng.choice({
        "ground": ["grass", "grass", "concrete", "stone", "floor_wood"],
        "floor": ["floor_wood", "carpet", "tiles", "concrete"],
        "wall": ["paint", "paint", "brick", "tiles", "concrete"],
        "table": ["table", "table", "marble", "cloth", "tiles", "carpet", "concrete"]}[mount])
    light = light or rng.choice(["window", "window", "sun", "warm", "dim", "overcast", "blinds"])
    lens = rng.uniform(32, 60)
    pos, dist = aim(pts, az, el, fill or rng.uniform(0.6, 0.92), lens, rng.uniform(-0.16, 0.16),
                    (rng.uniform(-0.07, 0.07), rng.uniform(-0.07, 0.07)))
    outdoors = ground in ("grass", "stone") or (mount == "ground" and ground == "concrete")
    far = R * 40
    turn = rng.uniform(-0.5, 0.5)
    if mount == "wall":
        _plane(far, surface(ground, rng), (0, 0, 0), (math.pi / 2, 0, 0))
        if rng.random() < 0.4:   # a door frame or shelf edge, so that the wall is somebody's
            x = rng.choice([-1, 1]) * (R * rng.uniform(1.1, 1.8))
            rbox(R * 0.35, 3, far, plastic(rng.choice(["white", "oak", "graphite"]), 0.5), (mid.x + x, -1, -far / 2), r=0.3)
    else:
        with frame((0, 0, 0), (0, 0, az + turn)):
            _plane(far, surface(ground, rng), (rng.uniform(-9, 9), rng.uniform(-9, 9), -0.011))
            if not outdoors and rng.random() < 0.85:
                wall_y = R * rng.uniform(1.3, 4.0)
                _plane(far, surface(rng.choice(["paint", "paint", "paint", "brick", "tiles"]), rng),
                       (0, wall_y + 2, 0), (math.pi / 2, 0, 0))
                if mount in ("table", "floor") and rng.random() < 0.3 and R < 30:   # a row of books at the back
                    x = -R * 3
                    while x < R * 3:
                        w = rng.uniform(1.5, 4.5)
                        rbox(w - 0.15, 14, rng.uniform(17, 25), plastic(rng.choice(list(PALETTE.values())), 0.6),
                             (x + w / 2, wall_y + 1, 0), r=0.2, bevel=0.1, segs=2)
                        x += w
            elif outdoors:
                _plane(far, material(rng.choice(["6f8a5a", "8aa0b8", "b8b2a4", "4f6a48"]), 0.9, scale=0.02, mottle=0.6),
                       (0, R * rng.uniform(5, 9), 0), (math.pi / 2, 0, 0))
    if mount != "wall":
        r0 = max((Vector((p.x - mid.x, p.y - mid.y, 0))).length for p in pts)
        n = rng.choice([0, 1, 2, 3]) if clutter is None else clutter
        for k in range(n):
            side = rng.choice([-1, 1])
            ang = az + side * rng.uniform(1.2, 2.9)   # 0 would stand between camera and product
            # Beside a watch or an earbud, furniture-sized things would fill the picture.
            around = [m for m in (OUTDOOR if outdoors else INDOOR) if m[1] < max(7, 1.6 * R)]
            make, room = rng.choice(around)
            d = r0 * rng.uniform(1.0, 1.3) + room
            with frame((mid.x + d * math.sin(ang), mid.y - d * math.cos(ang), 0), (0, 0, rng.uniform(0, 6.28))):
                make(rng)
    c, s = math.cos(az), math.sin(az)

    def at(x, y, z):
        return mid + Vector((x * c - y * s, x * s + y * c, z)) * R
    side = rng.choice([-1, 1])
    back = -1.4 if mount == "wall" else rng.uniform(-1.5, 1.2)
    k = 3.0 * R
    ex = 0.0
    if light == "window":
        _light("AREA", at(side * 2.6, back, 1.8), mid, 7 * k * k, 1.8 * R, kelvin(rng.uniform(0, 0.7)), 2.6 * R)
        world(0.25, (0.5, 0.46, 0.42), (0.8, 0.85, 0.95))
    elif light == "warm":
        _light("AREA", at(side * rng.uniform(0.4, 1.6), back * 0.6, 2.6), mid, 9.0 * k * k, 0.5 * R, kelvin(rng.uniform(-0.9, -0.4)))
        world(0.22, (0.5, 0.38, 0.28), (0.6, 0.5, 0.4))
    elif light == "dim":
        _light("AREA", at(side * 2.0, back, 1.4), mid, 4.5 * k * k, 0.9 * R, kelvin(rng.uniform(-0.8, 0.9)))
        world(0.2, (0.4, 0.42, 0.5), (0.5, 0.55, 0.7))
        ex = 0.0
    elif light == "overcast":
        world(0.95, (0.5, 0.5, 0.5), (0.95, 1.0, 1.08))
        _light("AREA", at(0.3 * side, -0.8, 3), mid, 2.0 * k * k, 3.0 * R, kelvin(0.3))
    else:
        _light("SUN", at(side * 2.2, back if mount == "wall" else rng.uniform(-1.6, 0.8), 2.0), mid, rng.uniform(3.2, 4.6), 0.02, kelvin(rng.uniform(-0.5, 0.0)))
        world(0.42, (0.42, 0.42, 0.40), (0.62, 0.78, 1.0))
        if light == "blinds":
            # Slats between sun and product throw the striped shade of a window blind.
            sun = Vector(at(side * 2.2, -1.2, 2.0)) - mid
            q = sun.to_track_quat("Z", "Y").to_euler()
            with frame(mid + sun * 1.2, q):
                for j in range(-9, 10):
                    rbox(R * 6, R * 0.2, 0.05, plastic("white"), (0, j * R * 0.42, 0), r=0.01, bevel=0)
    bpy.context.scene.view_settings.exposure = ex + rng.uniform(-0.15, 0.4)
    return f"{light}/{ground}"
