"""testimage.py expression | testimage.py CONSOLE LATER: for testimage_test.go.

The layer's target and case without openembedded-core and QEMU: what they import of oeqa
is an empty class and unittest's. The first form prints the target's expression, the
second runs the case on the text of a console, and prints what each test says; LATER is
what stands there after a key of SysRq.
"""

import importlib.util
import json
import sys
import types
import unittest


def module(name, **names):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(names)


for name in 'oeqa', 'oeqa.core', 'oeqa.core.target', 'oeqa.runtime':
    module(name)
module('oeqa.core.target.qemu', OEQemuTarget=object)
module('oeqa.runtime.case', OERuntimeTestCase=unittest.TestCase)
sys.dont_write_bytecode = True


def load(name, file):
    spec = importlib.util.spec_from_file_location(name, file)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


class Console:
    def __init__(self, text, later):
        self.text, self.later = text, later

    def console(self):
        return self.text

    def sysrq(self, key):
        self.text += self.later


if sys.argv[1] == 'expression':
    print(load('target', 'lib/oeqa/controllers/beaminittarget.py').expression())
else:
    case = load('beaminit', 'lib/oeqa/runtime/cases/beaminit.py').BeaminitTest
    case.target = Console(*(open(f, newline='').read() for f in sys.argv[1:3]))
    case.timeout = 0
    result = unittest.TestResult()
    names = unittest.TestLoader().getTestCaseNames(case)
    for name in names:
        case(name).run(result)
    said = {name: '' for name in names}
    for test, text in result.failures + result.errors:
        said[test.id().rsplit('.', 1)[1]] = text.strip().splitlines()[-1]
    print(json.dumps(said))
