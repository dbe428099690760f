"""How the programs of each language are run and how their projects are made.

A language is a module with two functions:
outcomes(program, helpers, calls): what each call gives, as text: the language's literal where there is one, `! KIND` where it
    raises, dies or never ends;
write(directory, name, index, program, helpers, calls, expected): makes a project whose tests expect these outcomes; gives the
    program's file and the style of its tests.
"""
from . import c, go, java, javascript, python, rust, swift

ALL = {module.__name__.rpartition('.')[2]: module for module in (python, javascript, c, go, java, rust, swift)}
