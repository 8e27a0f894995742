"""A small modelling kit on top of Blender: the shapes and materials products are made of.

Everything is in centimetres. A product stands on z = 0 (or hangs on the wall plane y = 0) and
faces -Y, so that `FRONT` turns a flat drawing in x/y into one that stands up and faces the
viewer, extruding outwards. Shapes are placed relative to a stack of frames (`frame(...)`), which
keeps jointed things such as lamp arms readable.
"""

import math
from contextlib import contextmanager

import bmesh
import bpy
from mathutils import Euler, Matrix, Vector

FRONT = (math.pi / 2, 0, 0)
UP = (0, 0, 0)

# Named colours (sRGB). The names end up in captions, so they are words people use.
PALETTE = {
    "white": "f1f1ee", "cream": "eadfc6", "light grey": "b9bcc0", "grey": "7d8186",
    "graphite": "3a3d42", "black": "17181b", "red": "c3271f", "coral": "ee6c4f",
    "orange": "ee7a16", "yellow": "f0bd1d", "mustard": "bd8a1d", "lime": "9ac62c",
    "green": "2f8f4a", "forest green": "1d4a33", "mint": "9fdcc0", "olive": "6c7040",
    "teal": "0f7f83", "turquoise": "36bcc0", "sky blue": "79b7e6", "blue": "2457c4",
    "navy": "1a2850", "purple": "6a3ea5", "lilac": "b8a2de", "pink": "ec9ab4",
    "magenta": "b92a78", "burgundy": "65182c", "brown": "6b4327", "tan": "b98d5f",
}
METALS = {"silver": "cfd1d3", "brass": "c9a04e", "copper": "c47650", "gunmetal": "55585d",
          "champagne": "d5c3a4"}
WOODS = {"oak": "b5875a", "walnut": "5a3823", "beech": "d2a878", "cherry": "8d4a2b"}


def rgb(name):
    """Linear RGB of a named colour or a hex string."""
    h = PALETTE.get(name) or METALS.get(name) or WOODS.get(name) or name

    def lin(c):
        c /= 255
        return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4

    return tuple(lin(int(h[i:i + 2], 16)) for i in (0, 2, 4))


# --- frames -------------------------------------------------------------------------------

_frames = [Matrix()]
_made = []


def begin():
    """Start collecting objects; returns the list that `_obj` appends to."""
    global _made
    _made = []
    _frames[:] = [Matrix()]
    return _made


@contextmanager
def frame(at=(0, 0, 0), rot=UP):
    _frames.append(_frames[-1] @ Matrix.Translation(at) @ Euler(rot).to_matrix().to_4x4())
    try:
        yield
    finally:
        _frames.pop()


def _obj(data, mat, at, rot):
    ob = bpy.data.objects.new("part", data)
    bpy.context.scene.collection.objects.link(ob)
    ob.matrix_world = _frames[-1] @ Matrix.Translation(at) @ Euler(rot).to_matrix().to_4x4()
    if mat is not None:
        data.materials.append(mat)
    _made.append(ob)
    return ob


def _mesh(bm, mat, at, rot, auto=40, bevel=0.0, segs=3):
    bmesh.ops.recalc_face_normals(bm, faces=bm.faces)
    me = bpy.data.meshes.new("part")
    bm.to_mesh(me)
    bm.free()
    for p in me.polygons:
        p.use_smooth = True
    me.use_auto_smooth = True
    me.auto_smooth_angle = math.radians(auto)
    ob = _obj(me, mat, at, rot)
    if bevel > 0:
        m = ob.modifiers.new("bevel", "BEVEL")
        m.width, m.segments = bevel, segs
        m.limit_method, m.angle_limit = "ANGLE", math.radians(50)
        m.harden_normals = True
    return ob


# --- outlines -----------------------------------------------------------------------------

def soft(pts, r, closed=False, n=5):
    """The same polyline with its corners rounded by radius `r` (a number or one per corner)."""
    out, count = [], len(pts)
    for i, p in enumerate(pts):
        ri = r[i] if isinstance(r, (list, tuple)) else r
        if (not closed and i in (0, count - 1)) or ri <= 0:
            out.append(tuple(p))
            continue
        p = Vector(p)
        a, b = Vector(pts[i - 1]), Vector(pts[(i + 1) % count])
        ra = min(ri, (a - p).length * 0.49)
        rb = min(ri, (b - p).length * 0.49)
        s, e = p + (a - p).normalized() * ra, p + (b - p).normalized() * rb
        for k in range(n + 1):
            t = k / n
            out.append(tuple(s * (1 - t) ** 2 + p * 2 * t * (1 - t) + e * t * t))
    return out


def rrect(w, h, r, cx=0.0, cy=0.0, n=8):
    r = max(1e-4, min(r, w / 2 - 1e-4, h / 2 - 1e-4))
    pts = []
    for sx, sy, a0 in ((1, 1, 0), (-1, 1, 90), (-1, -1, 180), (1, -1, 270)):
        for k in range(n + 1):
            a = math.radians(a0 + 90 * k / n)
            pts.append((cx + sx * (w / 2 - r) + r * math.cos(a),
                        cy + sy * (h / 2 - r) + r * math.sin(a)))
    return pts


def circle(r, n=64, cx=0.0, cy=0.0):
    return [(cx + r * math.cos(2 * math.pi * k / n), cy + r * math.sin(2 * math.pi * k / n))
            for k in range(n)]


def squircle(w, h, e=4.0, n=96):
    pts = []
    for k in range(n):
        a = 2 * math.pi * k / n
        c, s = math.cos(a), math.sin(a)
        pts.append((w / 2 * math.copysign(abs(c) ** (2 / e), c),
                    h / 2 * math.copysign(abs(s) ** (2 / e), s)))
    return pts


# --- shapes -------------------------------------------------------------------------------

def prism(outline, h, mat, at=(0, 0, 0), rot=UP, bevel=0.1, segs=3, taper=1.0):
    """An outline in x/y pulled up by `h`, with its top and bottom edges bevelled."""
    bm = bmesh.new()
    lo = [bm.verts.new((x, y, 0)) for x, y in outline]
    hi = [bm.verts.new((x * taper, y * taper, h)) for x, y in outline]
    bm.faces.new(lo)
    bm.faces.new(hi)
    for i in range(len(lo)):
        j = (i + 1) % len(lo)
        bm.faces.new((lo[i], lo[j], hi[j], hi[i]))
    return _mesh(bm, mat, at, rot, 40, min(bevel, h * 0.49), segs)


def rbox(w, d, h, mat, at=(0, 0, 0), rot=UP, r=0.5, bevel=0.2, segs=4, taper=1.0):
    return prism(rrect(w, d, r), h, mat, at, rot, bevel, segs, taper)


def disc(r, h, mat, at=(0, 0, 0), rot=UP, bevel=0.1, n=72, taper=1.0):
    return prism(circle(r, n), h, mat, at, rot, bevel, 3, taper)


def lathe(profile, mat, at=(0, 0, 0), rot=UP, n=72, auto=35, scale=(1, 1)):
    """Turn a profile of (radius, height) about z."""
    bm = bmesh.new()
    rings = []
    for r, z in profile:
        if r < 1e-5:
            rings.append([bm.verts.new((0, 0, z))])
        else:
            rings.append([bm.verts.new((scale[0] * r * math.cos(2 * math.pi * k / n),
                                        scale[1] * r * math.sin(2 * math.pi * k / n), z))
                          for k in range(n)])
    for a, b in zip(rings, rings[1:]):
        for k in range(n):
            m = (k + 1) % n
            if len(a) == 1 and len(b) == 1:
                continue
            if len(a) == 1:
                bm.faces.new((a[0], b[k], b[m]))
            elif len(b) == 1:
                bm.faces.new((a[k], a[m], b[0]))
            else:
                bm.faces.new((a[k], a[m], b[m], b[k]))
    return _mesh(bm, mat, at, rot, auto)


def ring(r, wire, mat, at=(0, 0, 0), rot=UP, flat=1.0):
    """A torus; `flat` squashes its section along z."""
    prof = [(r + wire * math.cos(2 * math.pi * k / 16), flat * wire * math.sin(2 * math.pi * k / 16))
            for k in range(17)]
    return lathe(prof, mat, at, rot, auto=180)


def blob(w, d, h, mat, at=(0, 0, 0), rot=UP, e1=0.5, e2=0.5, cut=None, n=48):
    """A superellipsoid: 1.0 is an ellipsoid, towards 0.2 it becomes a rounded box.
    `cut` keeps only what lies above that fraction (-1..1) of the half height."""
    def p(v, e):
        return math.copysign(abs(v) ** e, v)
    lo = -1.0 if cut is None else cut
    bm = bmesh.new()
    rows = []
    start = math.asin(max(-1, min(1, math.copysign(abs(lo) ** (1 / e1), lo))))
    m = n // 2
    for i in range(m + 1):
        v = start + (math.pi / 2 - start) * i / m
        cv, sv = p(math.cos(v), e1) if abs(math.cos(v)) > 1e-9 else 0, p(math.sin(v), e1)
        if cv < 1e-4:
            rows.append([bm.verts.new((0, 0, h / 2 * sv))])
        else:
            rows.append([bm.verts.new((w / 2 * cv * p(math.cos(2 * math.pi * k / n), e2),
                                       d / 2 * cv * p(math.sin(2 * math.pi * k / n), e2),
                                       h / 2 * sv)) for k in range(n)])
    for a, b in zip(rows, rows[1:]):
        for k in range(n):
            j = (k + 1) % n
            if len(a) == 1:
                bm.faces.new((a[0], b[j], b[k]))
            elif len(b) == 1:
                bm.faces.new((a[k], a[j], b[0]))
            else:
                bm.faces.new((a[k], a[j], b[j], b[k]))
    if len(rows[0]) > 1:
        bm.faces.new(list(reversed(rows[0])))
    return _mesh(bm, mat, at, rot, 60)


def tube(pts, r, mat, at=(0, 0, 0), rot=UP, smooth=True, cyclic=False):
    """A round bar or cable through the points (Catmull-Rom when `smooth`)."""
    if smooth and len(pts) > 2:
        p = [Vector(q) for q in pts]
        q, count = [], len(p)
        for i in range(count if cyclic else count - 1):
            a = p[i - 1] if (i or cyclic) else p[0]
            b, c = p[i], p[(i + 1) % count]
            d = p[(i + 2) % count] if (cyclic or i + 2 < count) else c
            for k in range(8):
                t = k / 8
                q.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t
                                + (3 * b - a - 3 * c + d) * t ** 3))
        if not cyclic:
            q.append(p[-1])
        pts = q
    cu = bpy.data.curves.new("tube", "CURVE")
    cu.dimensions = "3D"
    cu.bevel_depth, cu.bevel_resolution, cu.use_fill_caps = r, 5, True
    sp = cu.splines.new("POLY")
    sp.points.add(len(pts) - 1)
    for v, c in zip(sp.points, pts):
        v.co = (*c, 1)
    sp.use_cyclic_u = cyclic
    sp.use_smooth = True
    return _obj(cu, mat, at, rot)


def text(body, size, mat, at=(0, 0, 0), rot=UP, depth=0.01, align="CENTER", bold=0.0):
    cu = bpy.data.curves.new("text", "FONT")
    cu.body, cu.size, cu.extrude = body, size, depth
    cu.align_x, cu.align_y = align, "CENTER"
    cu.offset = bold * size
    cu.resolution_u = 4
    return _obj(cu, mat, at, rot)


def logo(size, mat, at=(0, 0, 0), rot=UP, word=True):
    """The maker's mark: a lark's wing (two swept feathers) and, if there is room, the name."""
    with frame(at, rot):
        x = -size * 1.75 if word else 0.0
        for k, s in ((0, 1.0), (1, 0.66)):
            pts = [(-0.55 * s, 0.0), (0.0, 0.30 * s), (0.75 * s, 0.42 * s), (0.25 * s, -0.02 * s),
                   (-0.15 * s, -0.16 * s)]
            prism([(x + size * a, size * (b - 0.34 * k)) for a, b in soft(pts, 0.12, True)],
                  0.02, mat, bevel=0)
        if word:
            text("Larkmere", size * 0.85, mat, (size * 0.7, -size * 0.05, 0.0), depth=0.01)


# --- materials ----------------------------------------------------------------------------

_mats = {}


def forget_materials():
    _mats.clear()


def material(col, rough=0.4, metal=0.0, coat=0.0, glow=0.0, bump=0.0, grain="noise", scale=6.0,
             mottle=0.0, stretch=(1, 1, 1), sheen=0.0, spec=0.5, through=0.0):
    """A Principled material. `grain` drives both bump and colour mottling, in object space (cm)."""
    base = rgb(col) if isinstance(col, str) else tuple(col)
    key = (base, rough, metal, coat, glow, bump, grain, scale, mottle, stretch, sheen, spec, through)
    if key in _mats:
        return _mats[key]
    m = bpy.data.materials.new("m")
    m.use_nodes = True
    nt = m.node_tree
    b = nt.nodes["Principled BSDF"]
    b.inputs["Base Color"].default_value = (*base, 1)
    b.inputs["Roughness"].default_value = rough
    b.inputs["Metallic"].default_value = metal
    b.inputs["Clearcoat"].default_value = coat
    b.inputs["Clearcoat Roughness"].default_value = 0.08
    b.inputs["Specular"].default_value = spec
    b.inputs["Sheen"].default_value = sheen
    b.inputs["Transmission"].default_value = through
    if glow:
        b.inputs["Emission"].default_value = (*base, 1)
        b.inputs["Emission Strength"].default_value = glow
    if bump or mottle:
        co = nt.nodes.new("ShaderNodeTexCoord")
        mp = nt.nodes.new("ShaderNodeMapping")
        mp.inputs["Scale"].default_value = [scale * s for s in stretch]
        nt.links.new(co.outputs["Object"], mp.inputs["Vector"])
        if grain == "cell":
            tx = nt.nodes.new("ShaderNodeTexVoronoi")
            tx.inputs["Scale"].default_value = 1
            out = tx.outputs["Distance"]
        else:
            tx = nt.nodes.new("ShaderNodeTexNoise")
            tx.inputs["Scale"].default_value = 1
            tx.inputs["Detail"].default_value = 3
            out = tx.outputs["Fac"]
        nt.links.new(mp.outputs["Vector"], tx.inputs["Vector"])
        if bump:
            bp = nt.nodes.new("ShaderNodeBump")
            bp.inputs["Strength"].default_value = bump
            bp.inputs["Distance"].default_value = 0.15
            nt.links.new(out, bp.inputs["Height"])
            nt.links.new(bp.outputs["Normal"], b.inputs["Normal"])
        if mottle:
            rp = nt.nodes.new("ShaderNodeValToRGB")
            rp.color_ramp.elements[0].color = (*[c * (1 - mottle) for c in base], 1)
            rp.color_ramp.elements[1].color = (*[min(1, c * (1 + mottle)) for c in base], 1)
            rp.color_ramp.elements[0].position, rp.color_ramp.elements[1].position = 0.3, 0.7
            nt.links.new(out, rp.inputs["Fac"])
            nt.links.new(rp.outputs["Color"], b.inputs["Base Color"])
    _mats[key] = m
    return m


def plastic(col, rough=0.38):
    return material(col, rough)


def gloss(col):
    return material(col, 0.12, coat=0.6)


def metal(col="silver", rough=0.28, brushed=False):
    if brushed:
        return material(col, rough, 1.0, bump=0.08, scale=3, stretch=(1, 1, 30))
    return material(col, rough, 1.0)


def rubber(col="black"):
    return material(col, 0.75, spec=0.3)


def fabric(col, scale=5.0):
    return material(col, 0.9, bump=0.6, grain="cell", scale=scale, mottle=0.35, sheen=0.4, spec=0.2)


def leather(col):
    return material(col, 0.5, bump=0.35, grain="cell", scale=5, mottle=0.12)


def wood(col="oak", along="x", scale=0.35):
    s = {"x": (1, 9, 9), "y": (9, 1, 9), "z": (9, 9, 1)}[along]
    return material(col, 0.45, bump=0.08, scale=scale, stretch=s, mottle=0.35)


def screen():
    return material("08090b", 0.08, coat=0.5)


def lens():
    return material("0b0d18", 0.03, coat=1.0, spec=0.9)


def glow(col, power=3.0):
    return material(col, 0.5, glow=power)


def perforated(col, pitch=0.6, hole=0.32, dark=0.05, metallic=0.0, plane="xz"):
    """A surface with a regular grid of holes, painted rather than modelled: thousands of real
    holes would cost more than the rest of the product."""
    base = rgb(col)
    key = ("perf", base, pitch, hole, dark, metallic, plane)
    if key in _mats:
        return _mats[key]
    m = bpy.data.materials.new("perf")
    m.use_nodes = True
    nt, b = m.node_tree, m.node_tree.nodes["Principled BSDF"]
    b.inputs["Roughness"].default_value = 0.4
    b.inputs["Metallic"].default_value = metallic
    co = nt.nodes.new("ShaderNodeTexCoord")
    sep = nt.nodes.new("ShaderNodeSeparateXYZ")
    nt.links.new(co.outputs["Object"], sep.inputs[0])

    def op(kind, a, c=None):
        n = nt.nodes.new("ShaderNodeMath")
        n.operation = kind
        for i, v in enumerate((a, c)):
            if v is None:
                continue
            if isinstance(v, (int, float)):
                n.inputs[i].default_value = v
            else:
                nt.links.new(v, n.inputs[i])
        return n.outputs[0]

    total = None
    for axis in plane:
        f = op("FRACT", op("DIVIDE", sep.outputs[axis.upper()], pitch))
        d = op("SUBTRACT", f, 0.5)
        sq = op("MULTIPLY", d, d)
        total = sq if total is None else op("ADD", total, sq)
    inside = op("LESS_THAN", total, hole * hole)
    mix = nt.nodes.new("ShaderNodeMixRGB")
    mix.inputs[1].default_value = (*base, 1)
    mix.inputs[2].default_value = (*[c * dark for c in base], 1)
    nt.links.new(inside, mix.inputs[0])
    nt.links.new(mix.outputs[0], b.inputs["Base Color"])
    _mats[key] = m
    return m


# --- small things many products share -------------------------------------------------------

def usb_c(at, rot=FRONT, size=0.9, rim="silver"):
    with frame(at, rot):
        prism(rrect(size, size * 0.40, size * 0.2), 0.03, metal(rim, 0.3), bevel=0.01)
        prism(rrect(size * 0.86, size * 0.26, size * 0.13), 0.04, plastic("08080a", 0.6), bevel=0)
        prism(rrect(size * 0.6, size * 0.07, size * 0.03), 0.05, plastic("30323a", 0.5), bevel=0)


def usb_a(at, rot=FRONT, size=1.3, tongue="white"):
    with frame(at, rot):
        prism(rrect(size, size * 0.46, 0.06), 0.03, metal("silver", 0.3), bevel=0.01)
        prism(rrect(size * 0.9, size * 0.36, 0.04), 0.04, plastic("08080a", 0.6), bevel=0)
        prism(rrect(size * 0.8, size * 0.13, 0.02, 0, size * 0.08), 0.05, plastic(tongue, 0.5), bevel=0)


def dot(r, mat, at, rot=FRONT, h=0.06):
    disc(r, h, mat, at, rot, bevel=h * 0.4, n=32)


def wheel(r, w, tyre, hub, at, lugs=0):
    """A wheel whose axle lies along x."""
    with frame(at, (0, math.pi / 2, 0)):
        lathe(soft([(0, -w / 2), (r * 0.9, -w / 2), (r, -w * 0.3), (r, w * 0.3), (r * 0.9, w / 2),
                    (0, w / 2)], w * 0.12), tyre)
        for s in (-1, 1):
            disc(r * 0.58, w * 0.56, hub, (0, 0, 0 if s > 0 else -w * 0.56), bevel=w * 0.06)
            disc(r * 0.18, w * 0.62, metal("silver", 0.35), (0, 0, 0 if s > 0 else -w * 0.62), bevel=0.05)
        for k in range(lugs):
            a = 2 * math.pi * k / lugs
            rbox(r * 0.16, r * 0.2, w * 0.96, tyre, (r * 0.98 * math.cos(a), r * 0.98 * math.sin(a), -w * 0.48),
                 (0, 0, a), r=0.05, bevel=0.05, segs=2)
