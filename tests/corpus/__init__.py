"""Programs as people write them; test_corpus.py checks every mode and order on each."""

from corpus import (
    arrays,
    branches,
    containers,
    exits,
    functions,
    gallery,
    inplace,
    kinks,
    known,
    loops,
    mappings,
    ml,
    objects,
    physics,
    places,
    stands_for,
    straight,
    whiles,
)

MODULES = (
    straight,
    branches,
    loops,
    whiles,
    exits,
    functions,
    arrays,
    inplace,
    containers,
    objects,
    places,
    mappings,
    ml,
    physics,
    stands_for,
    gallery,
    kinks,
    known,
)
PROGRAMS = [program for module in MODULES for program in module.PROGRAMS]
