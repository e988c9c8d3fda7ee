"""What carries numbers: variables of loops that are read later, attributes of classes, views of dicts, the
``__dict__`` of objects, objects of which the class depends on data."""

from collections import defaultdict

import numpy as np

from corpus.program import Program

# ---- variables that a loop binds first, read after it


def last_group(values, labels):
    groups = defaultdict(list)
    for label, value in zip(labels, values):
        groups[label].append(value)
    total = 0.0
    for label, vs in groups.items():
        total += sum(vs) / len(vs)
    return total * sum(vs) + len(label)


def last_row_then_longer(rows, n):
    made = {}
    for k in range(n):
        made.setdefault(k % 2, []).append(rows[k] ** 2)
    total = 0.0
    for k in made:
        row = made[k]
        total += row[0] * len(row)
    row.append(total)
    return sum(v * (i + 1) for i, v in enumerate(row)) + sum(made[0])


def sometimes_bound(x, n):
    kept = {}
    for k in range(2):
        kept[k] = [x * (k + 1)]
    total = 0.0
    for k in range(n):
        if k % 2 == 0:
            picked = kept[k % 4 // 2]
        total += sum(picked) * (k + 1)
    return total + len(picked)


def same_name_twice(values, labels):
    groups = {}
    for label, value in zip(labels, values):
        groups.setdefault(label, []).append(value)
    means = {g: sum(vs) / len(vs) for g, vs in groups.items()}
    spread = {g: sum((v - means[g]) ** 2 for v in vs) for g, vs in groups.items()}
    return sum(spread[g] * v for g, vs in groups.items() for v in vs)


# ---- attributes of classes


class Spring:
    """Stiffness of the class, and of a class below it."""

    stiffness = 1.5
    made = 0

    def __init__(self, x):
        self.x = x
        Spring.made += 1

    def energy(self):
        return 0.5 * self.stiffness * self.x**2


class Stiff(Spring):
    """A class below."""

    stiffness = 4.0


def class_numbers(x, y):
    springs = [Spring(x), Stiff(y), Spring(x * y)]
    return sum(s.energy() for s in springs) * Spring.stiffness


# ---- views of dicts with known keys: what is in the dict when they are looked at


def items_see_changes(x, y):
    d, total = {"a": x, "b": y}, 0.0
    for k, v in d.items():
        total += v * v * len(k)
        d["b"] = x * 7
    return total


def values_seen_later(x, y):
    d = {"a": x, "b": y}
    values, keys, items = d.values(), d.keys(), d.items()
    d["b"] = x * y
    d["c"] = x**2
    return sum(values) * len(keys) + sum(v * (i + 1) for i, (_, v) in enumerate(items))


def view_after_dynamic_key(x, n):
    d = {0: x, 1: x * 2, 2: 0.5}
    values = d.values()
    for k in range(n):
        d[k % 3] = d[(k + 1) % 3] * x
    return sum(v**2 for v in values)


def view_handed_on(x, y):
    def total(values):
        return sum(v * v for v in values)

    d = {"a": x, "b": y}
    values = d.values()
    first = total(values)
    d["a"] *= y
    return first * total(values) + max(values) * min(d.values())


# ---- the __dict__ of an object is the object


class Bag:
    """Attributes from keywords, as many write it."""

    def __init__(self, **given):
        self.__dict__.update(given)


def dict_of_object(x, y):
    bag = Bag(a=x, b=y)
    bag.__dict__["a"] *= y
    seen = vars(bag)
    bag.b = bag.b * 3 + x
    for k in list(seen):
        seen[k] = seen[k] * 2
    return seen["a"] * bag.b + len(seen) * bag.a


def dict_of_object_copied(x, y):
    bag = Bag(a=x, b=y)
    other, apart = Bag(**vars(bag)), dict(vars(bag))
    other.a, apart["b"] = x * y, 3.0 * x
    other.__dict__ |= {"c": y**2}
    more = {**vars(other), "d": 2.0}
    return bag.a * other.a + apart["b"] * more["c"] + sum(bag.__dict__.values()) * more["d"]


def dict_of_object_shrinks(x, y):
    bag = Bag(a=x, b=y)
    vars(bag).setdefault("c", x * y)
    taken = vars(bag).pop("b")
    del bag.__dict__["a"]
    return taken * bag.c * (5.0 if hasattr(bag, "a") else 2.0) + vars(bag).get("q", y)


def named_attributes(x, y):
    bag = Bag(left=x, right=y)
    for name in ("left", "right"):
        setattr(bag, name + "_squared", getattr(bag, name) ** 2)
    return sum(getattr(bag, f"{side}_squared") * (i + 1) for i, side in enumerate(["left", "right"]))


# ---- objects of one class or another, and text in tuples that says which


class Linear:
    """A spring that counts how often it is asked."""

    def __init__(self, k):
        self.k = k
        self.asked = 0

    def energy(self, x):
        self.asked += 1
        return 0.5 * self.k * x**2

    def __mul__(self, factor):
        return self.k * factor


class Duffing(Linear):
    """One with another field, and another operator."""

    def __init__(self, k, cubic=2.0):
        super().__init__(k)
        self.cubic = cubic

    def energy(self, x):
        return super().energy(x) + 0.25 * self.cubic * x**4

    def __mul__(self, factor):
        return self.k + factor


KINDS = {"linear": Linear, "duffing": Duffing}


def made(kind, k):
    if kind > 1.0:
        return Linear(k)
    if kind > 0.5:
        return Duffing(k, 3.0)
    return Duffing(k)


def one_class_or_another(k, x):
    first, second = made(x, k), made(k * k, x)
    return first.energy(x) * second.k + second.energy(k) + first * x


def changed_through_both_names(k, x):
    a, b = Linear(k), Duffing(k)
    chosen = a if x > 1.0 else b
    chosen.k = chosen.k * x
    a.k += 0.5
    return chosen.energy(x) + a.k * b.k + a.asked * x + b.asked * k


def class_by_text_of_list(k, x, kinds):
    return sum(KINDS[kind](k * (i + 1)).energy(x) for i, kind in enumerate(kinds))


def class_by_text_of_tuple(k, x, kinds=("linear", "duffing", "linear")):
    springs = [KINDS[kind](k * (i + 1)) for i, kind in enumerate(kinds)]
    for s in springs:
        s.k = s.k + x
    return sum(s.energy(x) for s in springs)


def class_in_each_trip(k, x, n):
    total = 0.0
    for i in range(n):
        spring = Linear(k) if i % 2 == 0 else Duffing(k, x)
        spring.k *= i + 1
        total += spring.energy(x) / spring.asked
    return total


def array_in_either(k, x):
    w = np.array([k, x])
    holder = Linear(w) if x > 1.0 else Duffing(w)
    w[0] = 7.0 * x
    holder.k[1] *= k
    return np.sum(holder.energy(x)) + np.sum(w)


def layers_by_name(params, x, layers=(("scale", "tanh"), ("shift", "sin"))):
    for name, activation in layers:
        x = getattr(np, activation)(params[name] * x + getattr(params, "bias", 0.1))
    return x**2


# ---- keys that are tuples of any length


def cells_of_a_grid(x):
    grid = {}
    for i in range(len(x)):
        cell = tuple(np.floor(x * (i + 1)).astype(int) % 3)
        grid[cell] = grid.get(cell, 0.0) + x[i] ** 2
    total = 0.0
    for cell, v in grid.items():
        total += v**2 * (cell[0] + 1) * (sum(cell) + 2)
    return total


def cells_with_members(x):
    cells, seen = {}, set()
    for i in range(2 * len(x)):
        key = (tuple((x * (i + 1)).astype(int) % 2), i % 2)
        if key in seen:
            continue
        seen.add(key)
        if key not in cells:
            cells[key] = []
        cells[key].append(x[1] * (i + 1))
    return sum(sum(vs) * (1 + parity) * (2 + where[0]) for (where, parity), vs in cells.items())


LABELS = ["a", "b", "a", "c", "b", "a"]
VALUES = [1.0, 2.5, 1.4, 3.1, 2.2, 0.7]

PROGRAMS = [
    Program("carry_last_group", last_group, (VALUES, LABELS)),
    Program("carry_last_row_longer", last_row_then_longer, (VALUES, 6)),
    Program("carry_sometimes_bound", sometimes_bound, (0.7, 5)),
    Program("carry_same_name_twice", same_name_twice, (VALUES, LABELS)),
    Program("carry_class_numbers", class_numbers, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_items_see_changes", items_see_changes, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_values_seen_later", values_seen_later, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_view_after_dynamic_key", view_after_dynamic_key, (0.7, 5)),
    Program("carry_view_handed_on", view_handed_on, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_dict_of_object", dict_of_object, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_dict_of_object_copied", dict_of_object_copied, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_dict_of_object_shrinks", dict_of_object_shrinks, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_named_attributes", named_attributes, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_one_class_or_another", one_class_or_another, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_one_class_or_another_below", one_class_or_another, (1.2, 0.8), wrt=(0, 1)),
    Program("carry_changed_through_both_names", changed_through_both_names, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_changed_through_both_names_below", changed_through_both_names, (0.7, 0.8), wrt=(0, 1)),
    Program("carry_class_by_text_of_list", class_by_text_of_list, (0.7, 1.3, [*KINDS]), wrt=(0, 1)),
    Program("carry_class_by_text_of_tuple", class_by_text_of_tuple, (0.7, 1.3), wrt=(0, 1)),
    Program("carry_class_in_each_trip", class_in_each_trip, (0.7, 1.3, 5), wrt=(0, 1)),
    Program("carry_array_in_either", array_in_either, (0.7, 0.8), wrt=(0, 1)),
    Program("carry_cells_of_a_grid", cells_of_a_grid, (np.array([0.7, 1.3, 0.4]),)),
    Program("carry_cells_with_members", cells_with_members, (np.array([0.7, 1.3]),)),
    Program("carry_layers_by_name", layers_by_name, ({"scale": 0.7, "shift": 1.3}, 0.4), wrt=(0, 1)),
]
