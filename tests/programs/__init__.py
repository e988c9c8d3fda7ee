"""Whole programs, written as different people write them; test_programs.py differentiates each."""

from importlib import import_module

from programs.program import Program

NAMES = """
ode filters splines linalg dynprog engines finance bayes images sparse nets control pde numerics
stats science signals geometry trees idioms objects guards
""".split()
PROGRAMS: list[Program] = [
    program for name in NAMES for program in import_module(f"programs.{name}").PROGRAMS
]
