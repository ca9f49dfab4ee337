"""Solvers race for one SMT file, since halmos asks one: `solvers.py FILE`, in the environment of halmos.

yices is fast on bits and fails on divisions; cvc5, asked to see bit vectors as integers, is the reverse, and which of
its forms succeeds differs from question to question. The answer of the first that knows is printed. cvc5 is run by its
Python module, so that nothing comes from outside the lock file.
"""

import re
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

YICES = [str(Path(sys.executable).with_name("yices-smt2")), "--smt2-model-format", "--bvconst-in-decimal"]
CPU_SECONDS = 600  # should whoever asked be killed, no solver goes on for ever
KNOWN = ("sat\n", "unsat\n")
WORD = 256
_ARGUMENT = re.compile(r"\(declare-fun (p_\w+?_uint(\d+)_\w+) \(\) \(_ BitVec 256\)\)")


def narrowed(text: str) -> str:
    """Arguments declared as wide as they are: halmos has words of 256 bits that equal their own lower bits."""
    for declaration in _ARGUMENT.finditer(text):
        name, width = declaration[1], int(declaration[2])
        if width < WORD:
            wide = f"(define-fun {name} () (_ BitVec {WORD}) (concat (_ bv0 {WORD - width}) narrow_{name}))"
            text = text.replace(declaration[0], f"(declare-fun narrow_{name} () (_ BitVec {width}))\n{wide}")
            text = text.replace(f"((_ extract {width - 1} 0) {name})", f"narrow_{name}")
    return text


def cvc5(file: str, *options: str) -> None:
    import cvc5

    solver = cvc5.Solver()
    solver.setOption("solve-bv-as-int", "sum")
    solver.setOption("produce-models", "true")
    if "nl-cov" in options:
        solver.setOption("nl-cov", "true")
    text = Path(file).read_text()
    parser = cvc5.InputParser(solver)
    query = narrowed(text) if "narrowed" in options else text
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, query, file)
    while not (command := parser.nextCommand()).isNull():
        print(command.invoke(solver, parser.getSymbolManager()), end="")


def race(file: str) -> str:
    """What the first solver says that knows, else what the last one says. halmos ends all of this when time is over."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))  # of each process that it starts
    itself = [sys.executable, __file__, "--cvc5", file]
    commands = [[*YICES, file], itself, [*itself, "nl-cov"], [*itself, "narrowed"]]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for command in commands
    ]
    said = ""
    with ThreadPoolExecutor() as pool:
        for answer in as_completed([pool.submit(solver.communicate) for solver in running]):
            said = answer.result()[0]
            if said.startswith(KNOWN):
                break
        for solver in running:
            solver.kill()
    return said


if __name__ == "__main__":
    if sys.argv[1] == "--cvc5":
        cvc5(*sys.argv[2:])
    else:
        print(race(sys.argv[1]), end="")
