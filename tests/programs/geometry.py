"""Geometry: polygons, hulls, curves, distance fields with operators, rays, transformations."""

import math
from functools import reduce
from itertools import combinations, pairwise

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(72)


def polygon_area_centroid(points):
    area = cx = cy = 0.0
    for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1]):
        cross = x1 * y2 - x2 * y1
        area += cross
        cx += (x1 + x2) * cross
        cy += (y1 + y2) * cross
    area /= 2
    return area + (cx / (6 * area)) ** 2 + (cy / (6 * area)) ** 2


add(
    polygon_area_centroid,
    "the shoelace formula on a list of pairs zipped with itself rotated",
    ([(0.0, 0.0), (2.0, 0.3), (2.2, 1.5), (0.4, 1.8)],),
    peer=True,
)


def path_length_pairwise(points):
    return sum(math.dist(a, b) for a, b in pairwise(points)) + math.hypot(*points[-1])


add(
    path_length_pairwise,
    "itertools.pairwise and math.dist",
    ([(0.0, 0.1), (1.0, 0.5), (1.2, 1.7), (0.3, 2.0)],),
)


def closest_pair_energy(points):
    energy = 0.0
    for p, q in combinations(range(len(points)), 2):
        d = points[p] - points[q]
        energy += 1.0 / np.sqrt(d @ d)
    return energy


add(closest_pair_energy, "itertools.combinations over indices", (rng.normal(size=(4, 2)),), peer=True)


def convex_hull_perimeter(points):
    """Andrew's monotone chain, perimeter of the hull."""
    order = sorted(range(len(points)), key=lambda i: (points[i][0], points[i][1]))

    def cross(o, a, b):
        return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])

    def half(indices):
        chain = []
        for i in indices:
            while len(chain) >= 2 and cross(points[chain[-2]], points[chain[-1]], points[i]) <= 0:
                chain.pop()
            chain.append(i)
        return chain[:-1]

    hull = half(order) + half(order[::-1])
    total = 0.0
    for k in range(len(hull)):
        a, b = points[hull[k]], points[hull[(k + 1) % len(hull)]]
        total += math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)
    return total


add(
    convex_hull_perimeter,
    "indices sorted by a key of pairs, a stack of indices, a hull of run-time length",
    (np.array([[0.0, 0.0], [2.0, 0.2], [1.0, 0.7], [1.8, 1.9], [0.1, 1.5], [0.9, 1.1]]),),
)


def de_casteljau_curve(control, ts):
    def point(t):
        pts = control
        while len(pts) > 1:
            pts = [(1 - t) * a + t * b for a, b in zip(pts, pts[1:])]
        return pts[0]

    return sum(np.sum(point(t) ** 2) for t in ts)


add(
    de_casteljau_curve,
    "a list shortened by one until a single point is left",
    (
        [np.array([0.0, 0.0]), np.array([1.0, 2.0]), np.array([2.0, -1.0]), np.array([3.0, 0.5])],
        [0.2, 0.55, 0.9],
    ),
    wrt=(0, 1),
    peer=True,
)


class SDF:
    def __or__(self, other):
        return Union(self, other)

    def __and__(self, other):
        return Intersection(self, other)

    def __sub__(self, other):
        return Difference(self, other)

    def moved(self, offset):
        return Moved(self, offset)


class Circle(SDF):
    def __init__(self, r):
        self.r = r

    def distance(self, p):
        return math.hypot(p[0], p[1]) - self.r


class Box(SDF):
    def __init__(self, w, h):
        self.w, self.h = w, h

    def distance(self, p):
        dx, dy = abs(p[0]) - self.w, abs(p[1]) - self.h
        return math.hypot(max(dx, 0.0), max(dy, 0.0)) + min(max(dx, dy), 0.0)


class Moved(SDF):
    def __init__(self, shape, offset):
        self.shape, self.offset = shape, offset

    def distance(self, p):
        return self.shape.distance((p[0] - self.offset[0], p[1] - self.offset[1]))


class Binary(SDF):
    def __init__(self, a, b):
        self.a = a
        self.b = b


class Union(Binary):
    def distance(self, p):
        return min(self.a.distance(p), self.b.distance(p))


class Intersection(Binary):
    def distance(self, p):
        return max(self.a.distance(p), self.b.distance(p))


class Difference(Binary):
    def distance(self, p):
        return max(self.a.distance(p), -self.b.distance(p))


def sdf_operators_scene(r, w, shift):
    """A signed distance field made with |, & and - from classes."""
    scene = (Circle(r) | Box(w, 0.3).moved((shift, 0.0))) - Circle(0.4 * r).moved((0.0, 0.2))
    total = 0.0
    for i in range(4):
        for j in range(3):
            d = scene.distance((0.7 * i - 0.85, 0.6 * j - 0.55))
            total += 1.0 / (1.0 + math.exp(4.0 * d))
    return total


add(
    sdf_operators_scene,
    "shapes as classes with |, & and -, inheritance, a method that returns a new shape",
    (1.0, 0.8, 1.2),
    wrt=(0, 1, 2),
)


def sdf_functional_combinators(radius, blend):
    sphere = lambda r: lambda p: np.sqrt(np.sum(p**2)) - r
    translate = lambda v, f: lambda p: f(p - np.array(v))

    def smooth_union(f, g):
        def field(p):
            a, b = f(p), g(p)
            return -np.logaddexp(-a / blend, -b / blend) * blend

        return field

    scene = reduce(smooth_union, [translate((x, 0.0, 0.0), sphere(radius)) for x in (-1.0, 0.2, 1.3)])
    pts = [(0.0, 1.5, 0.3), (1.0, -0.8, 0.9), (-2.0, 0.1, 0.4)]
    return sum(scene(np.array(p)) ** 2 for p in pts)


add(
    sdf_functional_combinators,
    "functions that make functions, folded by reduce",
    (0.7, 0.25),
    wrt=(0, 1),
    peer=True,
)


def ray_triangle_moller(origin, direction, tri):
    v0, v1, v2 = tri
    e1, e2 = v1 - v0, v2 - v0
    h = np.cross(direction, e2)
    a = np.dot(e1, h)
    if abs(a) < 1e-9:
        return 0.0
    f = 1.0 / a
    s = origin - v0
    u = f * np.dot(s, h)
    if u < 0.0 or u > 1.0:
        return 0.0
    q = np.cross(s, e1)
    v = f * np.dot(direction, q)
    if v < 0.0 or u + v > 1.0:
        return 0.0
    return f * np.dot(e2, q) + u * v


add(
    ray_triangle_moller,
    "early returns along the way, cross products",
    (
        np.array([0.2, 0.1, -2.0]),
        np.array([0.05, 0.1, 1.0]),
        np.array([[-1.0, -1.0, 0.3], [2.0, -0.5, 0.0], [0.0, 2.0, 0.5]]),
    ),
    wrt=(0, 1, 2),
    peer=True,
)


class Vec3:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def __add__(self, o):
        return Vec3(self.x + o.x, self.y + o.y, self.z + o.z)

    def __sub__(self, o):
        return Vec3(self.x - o.x, self.y - o.y, self.z - o.z)

    def __mul__(self, k):
        return Vec3(self.x * k, self.y * k, self.z * k)

    __rmul__ = __mul__

    def __neg__(self):
        return self * -1.0

    def __matmul__(self, o):
        return self.x * o.x + self.y * o.y + self.z * o.z

    def cross(self, o):
        return Vec3(self.y * o.z - self.z * o.y, self.z * o.x - self.x * o.z, self.x * o.y - self.y * o.x)

    def __abs__(self):
        return math.sqrt(self @ self)

    def unit(self):
        return self * (1.0 / abs(self))

    def __iter__(self):
        yield self.x
        yield self.y
        yield self.z


def ray_tracer_vec3(light, radius, albedo):
    """A small ray tracer on a class with operators: a sphere on a plane, shadows smoothed."""
    centre = Vec3(0.0, 0.0, 4.0)
    sun = Vec3(*light).unit()
    image = 0.0
    for j in range(3):
        for i in range(3):
            d = Vec3((i - 1) * 0.3 + 0.05, (1 - j) * 0.3 + 0.02, 1.0).unit()
            oc = -centre
            b = oc @ d
            disc = b * b - (oc @ oc - radius * radius)
            if disc > 0:
                t = -b - math.sqrt(disc)
                n = (d * t - centre).unit()
                image += albedo * max(0.0, n @ sun) + 0.05
            elif d.y < 0:
                t = -1.0 / d.y
                x, _, z = d * t
                image += 0.5 * albedo * math.exp(-0.05 * (x * x + z * z))
            else:
                image += 0.2
    return image


add(
    ray_tracer_vec3,
    "a vector class with slots, all its operators, __rmul__, __iter__ as a generator",
    ([0.4, 1.0, -0.9], 1.1, 0.8),
    wrt=(0, 1, 2),
)


def clip_polygon_sutherland(subject, offset):
    """A polygon clipped by a half-plane, area of what remains."""
    out = []
    n = len(subject)
    for i in range(n):
        p, q = subject[i], subject[(i + 1) % n]
        dp = p[0] + 0.5 * p[1] - offset
        dq = q[0] + 0.5 * q[1] - offset
        if dp <= 0:
            out.append(p)
        if dp * dq < 0:
            t = dp / (dp - dq)
            out.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    area = 0.0
    for i in range(len(out)):
        x1, y1 = out[i - 1]
        x2, y2 = out[i]
        area += 0.5 * (x1 * y2 - x2 * y1)
    return area


add(
    clip_polygon_sutherland,
    "a polygon of run-time length appended to in branches",
    ([(0.0, 0.0), (2.0, 0.1), (2.1, 1.9), (0.2, 2.0)], 1.4),
    wrt=(0, 1),
    peer=True,
)


def homogeneous_transform_chain(angles, scale, p):
    """Named transformations composed by reduce over a list of lambdas."""
    c, s = np.cos(angles), np.sin(angles)
    steps = [
        lambda v: np.array([c[0] * v[0] - s[0] * v[1], s[0] * v[0] + c[0] * v[1], v[2]]),
        lambda v: v * scale,
        lambda v: np.array([v[0], c[1] * v[1] - s[1] * v[2], s[1] * v[1] + c[1] * v[2]]),
        lambda v: v + np.array([0.1, -0.2, 0.3]),
    ]
    out = reduce(lambda v, f: f(v), steps, p)
    return out @ out + out[0]


add(
    homogeneous_transform_chain,
    "a list of lambdas folded over a vector",
    (np.array([0.4, -0.7]), 1.3, np.array([0.5, 1.0, -0.4])),
    wrt=(0, 1, 2),
    peer=True,
)


def delaunay_free_mesh_smoothing(xy, steps=3):
    """Laplacian smoothing of inner vertices, neighbours in a dict of lists; then edge lengths."""
    neighbours = {4: [0, 1, 2, 3, 5], 5: [1, 2, 4]}
    xy = xy.copy()
    for _ in range(steps):
        for v, ns in neighbours.items():
            xy[v] = 0.5 * xy[v] + 0.5 * np.mean(xy[ns], axis=0)
    total = 0.0
    for v, ns in neighbours.items():
        for n in ns:
            total += np.linalg.norm(xy[v] - xy[n])
    return total


add(
    delaunay_free_mesh_smoothing,
    "rows of an array smoothed in place through lists of neighbours",
    (np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.7, 1.2], [1.6, 0.9]]),),
)


def geodesic_on_sphere(lat1, lon1, lat2, lon2):
    """Vincenty on the sphere and the haversine, in degrees, mixed."""
    p1, l1, p2, l2 = map(math.radians, (lat1, lon1, lat2, lon2))
    dl = l2 - l1
    num = math.sqrt(
        (math.cos(p2) * math.sin(dl)) ** 2
        + (math.cos(p1) * math.sin(p2) - math.sin(p1) * math.cos(p2) * math.cos(dl)) ** 2
    )
    den = math.sin(p1) * math.sin(p2) + math.cos(p1) * math.cos(p2) * math.cos(dl)
    hav = math.sin((p2 - p1) / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(dl / 2) ** 2
    return math.atan2(num, den) + 2 * math.asin(math.sqrt(hav))


add(
    geodesic_on_sphere,
    "map(math.radians, ...) unpacked",
    (48.2, 16.4, 40.7, -74.0),
    wrt=(0, 1, 2, 3),
)
